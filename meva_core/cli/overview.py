"""The screen of several runs at a time: a row for each run in progress, a line for each finished run."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress as Bars
from rich.progress import TaskID, TextColumn, TimeElapsedColumn

from meva_core.cli.screen import console
from meva_core.compute import signals
from meva_core.compute.progress import Overview, Progress, numbers

PLAIN_SECONDS = 30.0  # interval between two lines of a run, if there is no terminal


class Screen(Overview):
    """A screen for many runs: a terminal of any width, or a pipe."""

    def __init__(self, *, quiet: bool = False):
        self.console = console(quiet=quiet)
        self.errors = Console(stderr=True, soft_wrap=True, highlight=False)
        self.rows: dict[int, Row] = {}
        columns = (TimeElapsedColumn(), TextColumn("{task.description}"), TextColumn("[dim]{task.fields[now]}"))
        self.bars = Bars(*columns, console=self.console, disable=quiet or not self.console.is_terminal, transient=True)

    def __enter__(self) -> Screen:
        self.bars.start()
        return self

    def __exit__(self, *exception: Any) -> None:
        self.bars.stop()

    def row(self, n: int) -> Progress:
        """Add a row for run n, which begins."""
        self.rows[n] = Row(self, self.titles[n])
        return self.rows[n]

    def ended(self, n: int, why: str | None, outcome: str = "") -> None:
        """Replace the row of run n, which is over, by a line. why: the reason if it failed, else None. outcome: its
        result in words."""
        if n not in self.rows:  # it told nothing
            self.row(n)
        row = self.rows.pop(n)
        self.bars.remove_task(row.task)
        took = f"{outcome}{', ' * bool(outcome)}{time.monotonic() - row.began:.0f} s"
        self.print(f"  {row.title}: {took}" if why is None else f"  {row.title} is left out: {why}")

    def print(self, line: str, style: str | None = None) -> None:
        """Print a permanent line above the rows."""
        self.console.print(line, markup=False, style=style)


class Row(Progress):
    """The row of one run, and the Progress that the run reports to."""

    def __init__(self, overview: Screen, title: str):
        self.overview, self.title = overview, title
        self.task: TaskID = overview.bars.add_task(title, total=None, now="")
        self.began = self.printed = time.monotonic()
        self.loops, self.unit = 0, "loop"

    def fitting(self, name: str, loops: int, done: int) -> None:
        self.loops, self.unit = loops, "loop"
        self._show(f"fitting {name}: compiling")

    def playing(self, steps: int) -> None:
        self.loops, self.unit = steps, "step"
        self._show("playing matches: compiling")

    def chunk(self, chunk: Any) -> None:
        self._show(f"{self.unit} {chunk.loops}/{self.loops}  {numbers(chunk)}")

    def status(self, text: str) -> None:
        self._show("" if self.title.endswith(text) else text)  # "naive against lola" is the title of its row

    def warn(self, text: str) -> None:
        self.overview.errors.print(f"warning: {self.title}: {text}", markup=False)

    def _show(self, text: str) -> None:
        self.overview.bars.update(self.task, now=text)
        if text and not self.overview.console.is_terminal and time.monotonic() - self.printed > PLAIN_SECONDS:
            self.printed = time.monotonic()
            self.overview.print(f"  {self.title}: {text}")


def show(make: Callable[[Overview], Any], *, quiet: bool) -> int:
    """Call `make` with a screen for many runs. Returns the exit code, also if Ctrl-C or SIGTERM stopped it."""
    try:
        make(Screen(quiet=quiet))
    except KeyboardInterrupt as error:
        click.echo("stopped; run the same command again to resume", err=True)
        return signals.exit_code(error)
    return 0
