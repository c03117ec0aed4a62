"""The result of a tournament, for Python and notebooks."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
from rich.text import Text

from meva_core.report import tables
from meva_core.studies import standings


@attrs.frozen(repr=False)
class Scores:
    """Payoffs of all N entrants against all entrants in one game. summary: the content of summary.json."""

    summary: dict[str, Any]

    @property
    def game(self) -> str:
        """The game's name."""
        return next(iter(self.summary["games"]))

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels of the participants, in the order of rows and columns."""
        return tuple(self.summary["games"][self.game]["learners"])

    @property
    def payoffs(self) -> np.ndarray:
        """The row's payoff against the column, averaged over both seats, f64[N, N]; NaN if all matches diverged."""
        return self._numbers("payoff")

    @property
    def sems(self) -> np.ndarray:
        """Standard errors of the means, f64[N, N]; NaN if a cell has no standard error."""
        return self._numbers("sem")

    def _numbers(self, name: str) -> np.ndarray:
        cells = self.summary["games"][self.game]["cells"]
        flat = [np.nan if cell[name] is None else cell[name] for cell in cells]
        return np.array(flat).reshape(len(self.labels), -1)

    def __repr__(self) -> str:
        return tables.plain(standings.table(self.summary, self.game), Text(standings.note(self.summary)))
