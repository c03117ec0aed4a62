"""What a run tells while it goes on. The base class says nothing: Python and notebooks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meva_core.experiment import Experiment
    from meva_core.fit import Chunk


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

    def warn(self, text: str) -> None:
        """Something went wrong, but the run goes on."""

    def said(self, text: str) -> None:
        """What goes on now."""
