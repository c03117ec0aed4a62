"""What a run tells while it goes on. The base class says nothing: Python and notebooks, unless they ask for lines."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from meva_core.errors import BadValue

if TYPE_CHECKING:
    from meva_core.experiment.experiment import Experiment
    from meva_core.fitting import Chunk


class Progress:
    """Told of everything in order; a screen overrides what it shows."""

    def composed(self, experiment: Experiment, seats: list[str], notes: Sequence[str] = ()) -> None:
        """What plays what: a learner's label per seat; those of one rule that differ have different labels. notes: what
        the game says of itself."""

    def fitting(self, name: str, loops: int, done: int) -> None:
        """A fit begins (done = 0) or goes on."""

    def chunk(self, chunk: Chunk) -> None:
        """Loops were done."""

    def stopping(self) -> None:
        """Asked to stop, it will when the chunk is over. Called in a signal's handler."""

    def seen(self, seen: Any) -> None:
        """The matches are played, and nothing else is asked yet: `evaluate.Seen`."""

    def warn(self, text: str) -> None:
        """Something went wrong, but the run goes on."""

    def said(self, text: str) -> None:
        """What goes on now."""


class Lines(Progress):
    """Plain lines on standard output, every few seconds of a fit: what shows well in a notebook and in a log."""

    seconds = 5.0

    def __init__(self) -> None:
        self.loops, self.printed = 0, 0.0

    def fitting(self, name: str, loops: int, done: int) -> None:
        """A fit begins."""
        self.loops, self.printed = loops, time.monotonic()
        self.said(f"fitting {name}: {loops} loops, compiling")

    def chunk(self, chunk: Chunk) -> None:
        """A line, if the last was a while ago or this is the end."""
        if time.monotonic() - self.printed > self.seconds or chunk.loops == self.loops:
            self.printed = time.monotonic()
            self.said(f"  loop {chunk.loops}/{self.loops}  {numbers(chunk)}".rstrip())

    def warn(self, text: str) -> None:
        """What went wrong."""
        self.said(f"warning: {text}")

    def said(self, text: str) -> None:
        """A line."""
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


class Overview:
    """Told of many runs that are made at a time. The base class shows nothing; the command line draws a row for each
    run."""

    titles: Sequence[str] = ()  # of the runs

    def __enter__(self) -> Overview:
        return self

    def __exit__(self, *exception: Any) -> None:
        """All runs are over, or what makes them was stopped."""

    def row(self, n: int) -> Progress:
        """Run n begins; it tells what is returned."""
        return Progress()

    def ended(self, n: int, why: str | None) -> None:
        """Run n is over. why: the reason if it came to nothing."""

    def print(self, line: str, style: str | None = None) -> None:
        """A line that stays."""


def as_progress(given: Any) -> Progress:
    """What callers may give: a Progress; True for lines; None or False for silence. BadValue for anything else."""
    if isinstance(given, Progress):
        return given
    if given is None or isinstance(given, bool):
        return Lines() if given else Progress()
    raise BadValue(f"expected True, False or a Progress for progress, got {given!r}")


def numbers(chunk: Chunk) -> str:
    """The loss of the chunk's last loop, averaged over seeds; empty where there is none."""
    named = {"loss": "loss", "td_error": "TD error"}
    parts = [
        f"{label} {np.nanmean(chunk.metrics[name][:, -1]):.4f}"
        for name, label in named.items()
        if name in chunk.metrics
    ]
    return "  ".join(parts)
