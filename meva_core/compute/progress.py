"""Receivers of the progress of a run. The base class shows nothing, which is the default from Python."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from meva_core.errors import BadValue

if TYPE_CHECKING:
    from meva_core.experiment.experiment import Experiment
    from meva_core.fitting import Chunk

MOST_SHOWN = 2  # number of metrics in a line of progress


class Progress:
    """Receiver of everything that a run reports, in order; a screen overrides what it shows."""

    def composed(self, experiment: Experiment, seats: list[str], notes: Sequence[str] = ()) -> None:
        """Players are composed.

        seats: the learner's label for each seat; two different learners with one rule have different labels. notes: the
        game's notes.
        """

    def fitting(self, name: str, loops: int, done: int) -> None:
        """A fit begins (done = 0) or is resumed."""

    def playing(self, steps: int) -> None:
        """Matches on a game that is played begin or are resumed; their steps are reported as the loops of a fit."""

    def chunk(self, chunk: Chunk) -> None:
        """A chunk of loops is done, or a part of a chunk that takes long."""

    def saved(self, player: str, seeds: Sequence[int], chunk: Chunk) -> None:
        """The loops of `chunk.metrics` are on disk, if the run has a folder; a resumed fit begins with all that it has.

        player: the path of the fitted player in the experiment, or "matches". seeds: the seeds of the metrics' rows.
        """

    def stopping(self) -> None:
        """A signal asks the run to stop; the fit stops after the present loops. Called in a signal's handler."""

    def matches(self, ends: Any) -> None:
        """The matches are played, and no evaluation is computed yet. ends: an `evaluate.Seen`."""

    def warn(self, text: str) -> None:
        """Something went wrong, but the run continues."""

    def status(self, text: str) -> None:
        """A step of the run begins; `text` describes it."""

    def pulse(self) -> None:
        """The run waits for another process; called about once a second. An exception ends the waiting."""

    def over(self) -> None:
        """The run is over. Only calls from Python report it."""


class Lines(Progress):
    """Plain lines on standard output, every few seconds of a fit, for logs."""

    seconds = 5.0

    def __init__(self) -> None:
        self.loops, self.unit, self.printed = 0, "loop", 0.0

    def fitting(self, name: str, loops: int, done: int) -> None:
        """A fit begins."""
        self._count(f"fitting {name}", "loop", loops)

    def playing(self, steps: int) -> None:
        """Matches begin."""
        self._count("playing matches", "step", steps)

    def chunk(self, chunk: Chunk) -> None:
        """Print a line, if the last one was a while ago or the fit is over."""
        if time.monotonic() - self.printed > self.seconds or chunk.loops == self.loops:
            self.printed = time.monotonic()
            self.status(f"  {self.unit} {chunk.loops}/{self.loops}  {numbers(chunk)}".rstrip())

    def _count(self, what: str, unit: str, count: int) -> None:
        self.loops, self.unit, self.printed = count, unit, time.monotonic()
        self.status(f"{what}: {count} {unit}s, compiling")

    def warn(self, text: str) -> None:
        """Print a warning."""
        self.status(f"warning: {text}")

    def status(self, text: str) -> None:
        """Print a line."""
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


def in_notebook() -> bool:
    """True in the kernel of a notebook, whose outputs can be changed later."""
    ipython = sys.modules.get("IPython")
    return hasattr(ipython.get_ipython(), "kernel") if ipython is not None else False


class Live(Lines):
    """A line for every fit, with a bar while it lasts, then the present step of the run; warnings stay below the
    fits."""

    seconds = 0.2

    def __init__(self) -> None:
        super().__init__()
        self.handle: Any = None
        self.what = ""
        self.kept: list[str] = []

    def chunk(self, chunk: Chunk) -> None:
        """Move the bar, if it moved a while ago; at the end, the fit's last line stays."""
        over = chunk.loops == self.loops
        if over or time.monotonic() - self.printed > self.seconds:
            self.printed = time.monotonic()
            line = f"{self.what}: {self.unit} {chunk.loops}/{self.loops}  {numbers(chunk)}".rstrip()
            if over:
                self._keep(line)
            else:
                self._show(line, chunk.loops)

    def warn(self, text: str) -> None:
        """Show a warning, which stays."""
        self._keep(f"warning: {text}")

    def status(self, text: str) -> None:
        """Show the present step."""
        self._show(text)

    def over(self) -> None:
        """Remove the present step."""
        self._show("")

    def _count(self, what: str, unit: str, count: int) -> None:
        self.what = what
        super()._count(what, unit, count)

    def _keep(self, line: str) -> None:
        self.kept.append(line)
        self._show("")

    def _show(self, present: str, loops: int | None = None) -> None:
        from IPython.display import display  # pyright: ignore[reportMissingImports]

        lines = [*self.kept, *([present] if present else [])]
        bar = "" if loops is None else f' <progress value="{loops}" max="{self.loops}"></progress>'
        html = f'<pre style="margin: 0">{escape(chr(10).join(lines))}{bar}</pre>'
        content = {"text/plain": "\n".join(lines), "text/html": html}
        if self.handle is None:
            self.handle = display(content, raw=True, display_id=True)
        else:
            self.handle.update(content, raw=True)


class Overview:
    """Receiver of the progress of many runs at a time. The base class shows nothing; the command line draws a row per
    run."""

    titles: Sequence[str] = ()  # one for each run

    def __enter__(self) -> Overview:
        return self

    def __exit__(self, *exception: Any) -> None:
        """All runs are over, or were stopped."""

    def row(self, n: int) -> Progress:
        """Run n begins; it reports to the Progress that is returned."""
        return Progress()

    def ended(self, n: int, why: str | None, outcome: str = "") -> None:
        """Run n is over. why: the reason if it failed. outcome: its result in words."""

    def print(self, line: str, style: str | None = None) -> None:
        """Print a line that stays on the screen."""


def as_progress(progress: Any) -> Progress:
    """A Progress from an argument: a Progress itself; True for lines, or for one place that changes in a notebook; None
    or False for silence. Raises BadValue otherwise."""
    if isinstance(progress, Progress):
        return progress
    if progress is None or isinstance(progress, bool):
        return (Live() if in_notebook() else Lines()) if progress else Progress()
    raise BadValue(f"expected True, False or a Progress for progress, got {progress!r}")


def numbers(chunk: Chunk) -> str:
    """The most telling metrics of the chunk's last loop in words, averaged over seeds; empty if it has none."""
    metrics = list(chunk.shown.items())[:MOST_SHOWN]
    return "  ".join(f"{label} {np.nanmean(chunk.metrics[name][:, -1]):.4f}" for name, label in metrics)
