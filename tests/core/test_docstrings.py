"""A docstring's first line stands alone: it says what the caller gets, and does not go on from the name above it."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FRAGMENTS = {"As", "By", "Of", "Those", "What", "Whether"}  # words that begin a fragment, or a riddle
QUESTIONS = {"How", "In", "That", "To", "Who"}
PLAIN = ("cli", "compute", "contracts", "ops", "storage", "testing", "errors.py", "fitting.py", "match.py")


def beginnings(path):
    """(line number, first word) of every docstring of a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            words = re.findall(r"\w+", ast.get_docstring(node) or "")
            if words:
                yield getattr(node, "lineno", 1), words[0]


def offenders(folder, words):
    paths = sorted(folder.rglob("*.py")) if folder.is_dir() else [folder]
    return [f"{path}:{line}: {word} ..." for path in paths for line, word in beginnings(path) if word in words]


@pytest.mark.parametrize("folder", ["examples", "meva_core", "plugins"])
def test_no_docstring_begins_as_a_fragment(folder):
    assert offenders(ROOT / folder, FRAGMENTS) == []


def test_docstrings_of_the_plain_rooms_and_of_plugins_begin_with_what_the_caller_gets():
    for folder in (*(ROOT / "meva_core" / room for room in PLAIN), ROOT / "plugins"):
        assert offenders(folder, FRAGMENTS | QUESTIONS) == []


def test_the_rule_sees_docstrings(tmp_path):
    (tmp_path / "module.py").write_text('def hash():\n    """Of all that decides the numbers."""\n')
    assert offenders(tmp_path, FRAGMENTS) == [f"{tmp_path / 'module.py'}:1: Of ..."]
