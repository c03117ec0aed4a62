"""The result of a tournament, for Python and notebooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
from rich.text import Text

from meva_core.errors import optional
from meva_core.report import notebook, tables
from meva_core.studies import long_tables, standings, standings_report

if TYPE_CHECKING:
    import pandas
    import xarray


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

    def to_pandas(self, per: str = "quantity") -> pandas.DataFrame:
        """A long table with a line for each of what `per` names.

        "quantity": row, column and quantity (payoff, or a measure of a match), with the statistics over fits or seeds;
        the lines of statistics.csv. "seed": row, column, quantity and seed; the lines of seeds.csv (`studies.standings`
        documents both). Raises BadValue for another `per`, and MissingLibrary if pandas is not installed: `pip install
        "meva[pandas]"`.
        """
        return long_tables.of_tournament(per, self.summary)

    def to_xarray(self) -> xarray.Dataset:
        """Payoffs and their statistics as arrays with named dimensions.

        payoff, the row's against the column, sem, ci_low, ci_high, iqm and diverged [row, column]; per_fit [row,
        column, fit], NaN where a pair has fewer fits. Raises MissingLibrary if xarray is not installed: `pip install
        "meva[xarray]"`.
        """
        library, cells = optional("xarray"), self.summary["games"][self.game]["cells"]
        longest = max(cell["fits"] for cell in cells)
        per_fit = [[*cell["per_fit"], *[None] * (longest - cell["fits"])] for cell in cells]
        content: dict[str, Any] = {
            name: (("row", "column"), self._numbers(name)) for name in ("payoff", *standings.OF_CELL, "diverged")
        }
        shape = (len(self.labels), len(self.labels), longest)
        content["per_fit"] = (("row", "column", "fit"), np.array(per_fit, float).reshape(shape))
        labels = {"row": list(self.labels), "column": list(self.labels)}
        return library.Dataset(content, labels, {"game": self.game, "steps": self.summary["steps"]})

    def _numbers(self, name: str) -> np.ndarray:
        cells = self.summary["games"][self.game]["cells"]
        flat = [cell.get(name) for cell in cells]  # older summaries lack some
        return np.array(flat, float).reshape(len(self.labels), -1)

    def _repr_html_(self) -> str:
        grids = standings_report.grids(self.summary, self.game)
        return notebook.as_html("", grids, standings_report.note(self.summary))

    def __repr__(self) -> str:
        return tables.plain(standings_report.table(self.summary, self.game), Text(standings_report.note(self.summary)))
