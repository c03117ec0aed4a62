"""The screen of one run: the composition, a progress bar (or plain lines), the tables, the files."""

from __future__ import annotations

import contextlib
import os
import sys
import textwrap
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Column
from rich.text import Text

from meva_core.compute import signals
from meva_core.compute.progress import Progress, numbers
from meva_core.errors import Unwritable
from meva_core.evaluate import Seen
from meva_core.experiment import labels
from meva_core.experiment.experiment import Experiment
from meva_core.fitting import Chunk
from meva_core.registry import attribution
from meva_core.report import Result, summary, tables
from meva_core.storage import run_folder

PLAIN_SECONDS = 5.0
LEAST_BAR, TIME_LEFT, GAPS = 5, 8, 4  # characters of a bar's line


def console(*, quiet: bool = False) -> Console:
    """A console as wide as the terminal, or 80 columns if there is none."""
    return Console(quiet=quiet, width=None if sys.stdout.isatty() else 80, highlight=False)


class Screen(Progress):
    """A screen for one run: a terminal of any width, or a pipe, which gets a plain line every few seconds."""

    def __init__(self, out: Path, *, quiet: bool = False):
        self.out = out
        self.console = console(quiet=quiet)
        self.errors = Console(stderr=True, soft_wrap=True, highlight=False)
        self.bar: Bar | None = None
        self.began = self.printed = time.monotonic()
        self.loops, self.unit, self.room = 0, "loop", 0
        self.first: int | None = None
        self.experiment: Experiment | None = None

    def composed(self, experiment: Experiment, seats: list[str], notes: Sequence[str] = ()) -> None:
        self.experiment = experiment
        plays = f"{seats[0]} in all {len(seats)} seats (self-play)" if len(set(seats)) == 1 else " against ".join(seats)
        say = self.console.print
        say(f"[bold]{experiment.game.name}[/bold]: {plays}")
        for note in notes:
            self._detail(note)
        if policies := labels.of_policies(experiment):
            self._detail(f"policy {policies}")
        players = dict(zip(labels.of(experiment), (experiment.learner, *experiment.opponents), strict=True))
        for label, player in players.items():
            for name, part in player.parts.items():
                say(f"  {name.replace('_', ' ')} {part.name}" + (f" of {label}" if experiment.opponents else ""))
        self._detail(f"recipe {experiment.recipe}: {experiment.source}")
        seeds = experiment.seeds
        shown = f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {seeds[0]} to {seeds[-1]}"
        say(f"  {shown}, experiment {experiment.hash}")

    def _detail(self, text: str) -> None:
        """Print an indented line; if it is too long, the rest of it is indented further."""
        indents = {"initial_indent": "  ", "subsequent_indent": "    ", "break_on_hyphens": False}
        self.console.print(textwrap.fill(text, self.console.width, **indents), markup=False)

    def fitting(self, name: str, loops: int, done: int) -> None:
        self._count(f"fitting {name}", "loop", loops, done)

    def playing(self, steps: int) -> None:
        self._count("playing matches", "step", steps, 0)

    def _count(self, what: str, unit: str, loops: int, done: int) -> None:
        self.loops, self.unit, self.first = loops, unit, None
        self.began = self.printed = time.monotonic()
        if self.console.is_terminal and not self.console.quiet:
            if len(what) > self.console.width // 4:  # a line of its own, so that the numbers fit beside the bar
                self.console.print(what, markup=False)
                what = ""
            self.room = self.console.width - len(f"{what}{loops}/{loops}") - LEAST_BAR - TIME_LEFT - GAPS
            self.bar = Bar(
                TextColumn(what, markup=False),
                BarColumn(bar_width=18),
                MofNCompleteColumn(table_column=Column(no_wrap=True)),
                TextColumn("{task.fields[numbers]}", markup=False),
                TimeRemainingColumn(compact=True, table_column=Column(no_wrap=True)),
                console=self.console,
            )
            self.bar.start()
            self.bar.add_task(what, total=loops, completed=done, numbers="compiling")
        else:
            self.console.print(f"{what}: {loops} {unit}s, compiling")

    def chunk(self, chunk: Chunk) -> None:
        if not chunk.metrics:
            self.console.print(f"resumed at {self.unit} {chunk.loops}")
            return
        if self.first is None:  # the first chunk's time was mostly compilation
            self.first, self.began = chunk.loops, time.monotonic()
        metrics = numbers(chunk)
        if self.bar is not None:
            shown = metrics if len(metrics) <= self.room else metrics[: max(self.room - 1, 0)] + "…"
            self.bar.update(self.bar.task_ids[0], completed=chunk.loops, numbers=shown)
            if chunk.loops == self.loops:
                self.close()
        elif time.monotonic() - self.printed > PLAIN_SECONDS or chunk.loops == self.loops:
            self.printed = time.monotonic()
            done = chunk.loops - self.first
            left = f"{(self.printed - self.began) / done * (self.loops - chunk.loops):.0f} s left" if done else ""
            shown = (f"{self.unit} {chunk.loops}/{self.loops}", metrics, left)
            self.console.print("  " + "  ".join(filter(None, shown)))

    def warn(self, text: str) -> None:
        self.errors.print(f"warning: {text}", markup=False)

    def matches(self, ends: Seen) -> None:
        """Print the payoffs as soon as the matches are over, before the evaluations."""
        assert self.experiment is not None
        self.console.print()
        self.console.print(tables.tables(summary.of_matches(self.experiment, ends), {}), width=self.width)
        self.console.print()

    @property
    def width(self) -> int:
        """Characters per line of a table: at most 100."""
        return min(self.console.width, 100)

    def status(self, text: str) -> None:
        self.close()
        self.console.print(f"{text} ...", style="dim")

    def finished(self, result: Result) -> None:
        """Print the tables and the files."""
        self.console.print()
        self.console.print(tables.tables(result.summary(), result.evaluations), width=self.width)
        self.console.print(f"\nwritten to {self.out}", markup=False)
        names = [path.name + ("/" if path.is_dir() else "") for path in run_folder.files(self.out)]
        self.console.print(Padding(Text("  ".join(names)), (0, 0, 0, 2)))

    def stopping(self) -> None:
        # This runs in a signal handler, when the console may be in the middle of a line.
        with contextlib.suppress(OSError):
            if not self.console.quiet:
                os.write(sys.stderr.fileno(), b"\nstopping after the present loops (press again to stop at once)\n")

    def left(self, error: KeyboardInterrupt | OSError, command: str, file: str, options: str = "") -> int:
        """Say how to resume after Ctrl-C or a disk error, if `file` shows that a run was begun. Returns the exit code.
        options: what the user adds to the command.

        Raises Unwritable for a disk error, or the error itself if nothing was begun or a plugin is the cause.
        """
        self.close()
        begun, resume = (self.out / file).is_file(), f"{command} --resume {self.out}{options}"
        if isinstance(error, KeyboardInterrupt):
            self.errors.print("stopped" + f"; resume with: {resume}" * begun, markup=False)
            return signals.exit_code(error)
        if not begun or attribution.culprit(error) is not None:
            raise error
        where = f" {error.filename}" if error.filename else ""
        raise Unwritable(
            f"cannot read or write{where}: {error.strerror or error}; saved results are complete; resume with: {resume}"
        ) from error

    def close(self) -> None:
        """Remove the progress bar."""
        if self.bar is not None:
            self.bar.stop()
            self.bar = None
