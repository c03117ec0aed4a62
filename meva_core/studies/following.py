"""The progress of many runs as lines, for calls from Python."""

from __future__ import annotations

from typing import Any

from meva_core.compute.progress import Lines, Overview, Progress
from meva_core.errors import BadValue


class Following(Overview):
    """Reports all runs to one Progress, as lines that begin with the title of the run."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress

    def row(self, n: int) -> Progress:
        """Run n begins."""
        return Titled(self.titles[n], self.progress)

    def ended(self, n: int, why: str | None, outcome: str = "") -> None:
        """Run n is over."""
        if why is None:
            self.progress.status(f"{self.titles[n]}: {outcome or 'done'}")
        else:
            self.progress.warn(f"{self.titles[n]} is left out: {why}")

    def print(self, line: str, style: str | None = None) -> None:
        """Report a line about all runs."""
        self.progress.status(line)


class Titled(Lines):
    """Reports one of many runs to a Progress, every half minute of a fit."""

    seconds = 30.0

    def __init__(self, title: str, progress: Progress) -> None:
        super().__init__()
        self.title, self.progress = title, progress

    def warn(self, text: str) -> None:
        """Report a warning."""
        self.progress.warn(f"{self.title}: {text}")

    def status(self, text: str) -> None:
        """Report a line, unless the title says it already."""
        if not self.title.endswith(text):
            self.progress.status(f"{self.title}: {text.strip()}")


def as_overview(overview: Any, progress: Progress) -> Overview:
    """The overview of a caller, or one that reports to `progress` if it is None. Raises BadValue otherwise."""
    if overview is None:
        return Following(progress)
    if not isinstance(overview, Overview):
        raise BadValue(f"expected an Overview for overview, got {overview!r}")
    return overview
