"""Notebooks: progress in one place, and tables as HTML. The kernel is a double that records what it displays."""

import sys
import types

import numpy as np
import pytest

import meva_core as meva
from meva_core.compute.progress import Live, as_progress
from meva_core.fitting import Chunk
from meva_core.report import notebook, tables


class Shown:
    """The output that a cell displays, and that it may replace: the only one, or the test fails."""

    def __init__(self):
        self.history = []

    def display(self, content, *, raw, display_id):
        assert raw
        assert display_id
        assert self.history == []
        self.update(content, raw=raw)
        return self

    def update(self, content, *, raw):
        assert raw
        self.history.append(content)

    @property
    def lines(self):
        return [content["text/plain"].splitlines() for content in self.history]


@pytest.fixture
def shown(monkeypatch):
    found = Shown()
    ipython = types.ModuleType("IPython")
    ipython.get_ipython = lambda: types.SimpleNamespace(kernel=True)  # type: ignore[attr-defined]
    ipython.display = types.ModuleType("IPython.display")  # type: ignore[attr-defined]
    ipython.display.display = found.display  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", ipython.display)  # type: ignore[attr-defined]
    return found


def chunk(loops):
    return Chunk(loops=loops, state=None, metrics={"loss": np.array([[9.0, 1.0 / loops]])}, shown={"loss": "loss"})


def test_a_fit_has_a_bar_in_one_place(shown):
    live = as_progress(True)
    assert isinstance(live, Live)
    live.seconds = 0.0
    live.fitting("<meva>", 4, 0)
    live.chunk(chunk(2))
    assert '<progress value="2" max="4">' in shown.history[-1]["text/html"]
    assert "&lt;meva&gt;" in shown.history[-1]["text/html"]
    live.chunk(chunk(4))
    assert "<progress" not in shown.history[-1]["text/html"]
    live.warn("numbers are small")
    live.status("playing matches")
    live.over()
    assert shown.lines == [
        ["fitting <meva>: 4 loops, compiling"],
        ["fitting <meva>: loop 2/4  loss 0.5000"],
        ["fitting <meva>: loop 4/4  loss 0.2500"],
        ["fitting <meva>: loop 4/4  loss 0.2500", "warning: numbers are small"],
        ["fitting <meva>: loop 4/4  loss 0.2500", "warning: numbers are small", "playing matches"],
        ["fitting <meva>: loop 4/4  loss 0.2500", "warning: numbers are small"],
    ]


def test_bars_move_a_few_times_a_second(shown):
    live = Live()
    live.fitting("meva", 1000, 0)
    for loops in range(1, 500):
        live.chunk(chunk(loops))
    assert len(shown.history) < 50


def test_a_terminal_gets_lines_also_from_ipython(shown, monkeypatch):
    monkeypatch.setattr(sys.modules["IPython"], "get_ipython", lambda: types.SimpleNamespace())
    assert not isinstance(as_progress(True), Live)


def test_a_run_is_shown_as_tables(shown, monkeypatch, capsys):
    """Its repr stays text, where rich would show it at once, and in bold."""
    few = {"evaluate.pairs": 2, "evaluate.steps": 2}
    result = meva.run("ipd", "naive", evaluate=["convergence"], set=few, progress=True)
    assert shown.lines[-1] == []
    text = repr(result)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    assert repr(result) == text
    assert capsys.readouterr().out == ""
    html = result._repr_html_()
    for cell in tables.grids(result.summary(), result.checked)[0].rows[0]:
        assert f">{cell}</td>" in html
    assert "color:" not in html.replace("color: inherit", "")


def test_texts_of_others_stay_texts():
    grid = tables.Grid("<b>", ["a<b", "n"], [["<script>", "&"]], ("a<b",), stubs=1)
    html = notebook.as_html("<i>", [grid], "x < y")
    assert not any(text in html for text in ("<b>", "<i>", "<script>", "x < y"))
    assert "&lt;script&gt;" in html
    assert 'text-align: left; white-space: pre">&lt;script&gt;' in html
    assert 'text-align: right; white-space: pre">&amp;' in html
