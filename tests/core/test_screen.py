"""The plain lines of a run's screen, as a pipe or a file shows them."""

import numpy as np

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
