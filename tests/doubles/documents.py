"""Programs and commands in the pages that people read, and the command line in this process."""

import re
import sys
from pathlib import Path

import pytest

from meva_core import cli

# Pages that go on where the README ends. tests/test_readme.py runs their commands with those of the README.
GUIDES = ("how-to/players.md", "how-to/run-folder.md", "how-to/studies.md")
DOCS = Path(__file__).parents[2] / "docs"


def blocks(text, language):
    """The blocks of code in a language."""
    return [block for kind, block in re.findall(r"```(\w+)\n(.*?)```", text, flags=re.DOTALL) if kind == language]


def page(name):
    """The text of a page, by its path in docs."""
    return (DOCS / name).read_text(encoding="utf-8")


def commands(text):
    """(command, the output that follows it), of all console blocks."""
    for block in blocks(text, "console"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            yield command, output


def invoke(monkeypatch, capsys, *words):
    """Run a command here, and return what it prints."""
    monkeypatch.setattr(sys, "argv", list(words))
    with pytest.raises(SystemExit) as stopped:
        (cli.run if words[0] == "meva-run" else cli.main)()
    captured = capsys.readouterr()
    assert stopped.value.code == 0, captured.err
    return captured.out


class Begun(Exception):
    """An exception that replaces the fit. Its argument is the experiment."""


def begin(monkeypatch, *words):
    """The experiment of `meva-run`, composed, and its contracts kept in the abstract, at the sizes asked for."""

    def begun(experiment, composition, *_):
        composition.rehearse()
        raise Begun(experiment)

    monkeypatch.setattr("meva_core.runner._run", begun)
    monkeypatch.setattr(sys, "argv", list(words))
    with pytest.raises(Begun) as stopped:
        cli.run()
    return stopped.value.args[0]
