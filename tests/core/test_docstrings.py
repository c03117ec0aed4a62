"""The first line of a docstring stands alone: it describes what the caller gets, and does not continue the name."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Words that begin a fragment or a question.
FRAGMENTS = {"As", "By", "How", "In", "Of", "That", "Those", "To", "What", "When", "Where", "Whether", "Which", "Who"}


def beginnings(path):
    """(line number, first word) of every docstring of a module, or of a template of one."""
    text = re.sub(r"{{ \w+ }}", "placeholder", path.read_text(encoding="utf-8"))
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            words = re.findall(r"\w+", ast.get_docstring(node) or "")
            if words:
                yield getattr(node, "lineno", 1), words[0]


def offenders(folder):
    paths = sorted([*folder.rglob("*.py"), *folder.rglob("*.py.jinja")]) if folder.is_dir() else [folder]
    return [f"{path}:{line}: {word} ..." for path in paths for line, word in beginnings(path) if word in FRAGMENTS]


@pytest.mark.parametrize("folder", ["docs", "examples", "meva_core", "plugins", "tests"])
def test_no_docstring_begins_as_a_fragment(folder):
    assert offenders(ROOT / folder) == []


def test_the_rule_sees_docstrings(tmp_path):
    (tmp_path / "module.py").write_text('def hash():\n    """Of all that decides the numbers."""\n')
    (tmp_path / "template.py.jinja").write_text('class {{ cls }}:\n    """What {{ name }} is."""\n')
    assert offenders(tmp_path) == [
        f"{tmp_path / 'module.py'}:1: Of ...",
        f"{tmp_path / 'template.py.jinja'}:1: What ...",
    ]
