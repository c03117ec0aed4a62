"""The plain lines of a run's screen, as a pipe or a file shows them."""

import io

import numpy as np
import pytest
from rich.console import Console
from rich.text import Text

from meva_core.cli import screen
from meva_core.fitting import Chunk


def test_seconds_that_are_left_are_told_once_they_are_known(tmp_path, capsys, monkeypatch):
    """The first chunk's time was mostly compilation: it says nothing about the rest."""
    now = 0.0
    monkeypatch.setattr(screen.time, "monotonic", lambda: now)
    shown = screen.Screen(tmp_path / "run")
    shown.fitting("meva", 30, 0)
    for now, loops in ((20.0, 10), (26.0, 12), (28.0, 13), (40.0, 30)):  # noqa: B007 (the clock reads it)
        shown.chunk(Chunk(loops, None, {"loss": np.ones((1, 1))}))
    first, *lines = capsys.readouterr().out.splitlines()
    assert first == "fitting meva: 30 loops, compiling"
    # Two loops took 6 seconds, and 18 are left; the line at 28 seconds would come too soon after the one at 26.
    assert lines == ["  loop 10/30", "  loop 12/30  54 s left", "  loop 30/30  0 s left"]


@pytest.mark.parametrize("name", ["meva", "good_shepherd (rate=25) and good_shepherd (rate=2) together"])
def test_a_bar_keeps_its_count_and_its_time_however_long_the_rest_is(tmp_path, name):
    told = {"a": "payoff of the population", "b": "share of naive learners"}
    metrics = {name: np.ones((1, 1)) for name in told}
    shown, file = screen.Screen(tmp_path / "run"), io.StringIO()
    shown.console = Console(file=file, force_terminal=True, width=80, highlight=False, color_system=None)
    shown.fitting(name, 1000, 0)
    for loops in (999, 1000):
        shown.chunk(Chunk(loops, None, metrics, told))
    written = Text.from_ansi(file.getvalue()).plain
    last = written.splitlines()[-1]
    assert written.startswith(f"fitting {name}"[:40])
    assert "1000/1000 payoff of the population 1.0000" in last
    assert last.rstrip().endswith("… 00:00")
    assert len(last) <= 80


def test_long_lines_at_the_top_of_a_run_are_indented_further(tmp_path, capsys):
    screen.Screen(tmp_path / "run")._detail("recipe mine: " + "word " * 20)
    assert [line[:6] for line in capsys.readouterr().out.splitlines()] == ["  reci", "    wo"]
