"""The result of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from meva_core.report import frames, notebook, summary, tables, tidy
from meva_core.report.numbers import Numbers

if TYPE_CHECKING:
    import pandas
    import xarray


@attrs.frozen(repr=False)
class Result(Numbers):
    """Numbers of a run. Its repr is the tables that `meva-run` prints; a notebook shows them as HTML."""

    def summary(self) -> dict[str, Any]:
        """The content of summary.json."""
        return summary.summarise(self)

    def to_pandas(self, per: str = "seed") -> pandas.DataFrame:
        """A long table of the numbers, with a line for each of what `per` names.

        "seed": quantity, row, seat and seed; the lines of seeds.csv, which are means over pairs.
        "quantity": quantity, row and seat, with mean, standard error, interval and interquartile mean over seeds; the
        lines of statistics.csv (`report.tidy` documents the columns of both).
        "match": match and seat, with seed, setting, at, pair, seat, player, payoff, settled, outcomes.NAME (shares of
        the match's outcomes) and policy.NAME, the numbers of the seat's policy at the end as people read them.

        Raises BadValue for another `per`, and MissingLibrary if pandas is not installed: `pip install "meva[pandas]"`.
        """
        tables = {
            "seed": lambda: frames.table(tidy.PER_SEED, tidy.per_seed(self.summary())),
            "quantity": lambda: frames.table(tidy.PER_QUANTITY, tidy.per_quantity(self.summary())),
            "match": lambda: frames.of_matches(self),
        }
        return frames.of(per, tables)

    def to_xarray(self) -> xarray.Dataset:
        """The numbers of every match, evaluation and fit as arrays with named dimensions.

        Dimensions: seed; setting, the rows of the run, with the setting's values as coordinate if there is a setting;
        pair; seat, from 1, with the players' labels as coordinate player; number and entry, of a policy; outcome; loop,
        of a fit; step, of matches that are played.

        Variables: payoffs [seed, setting, pair, seat]; policies [..., number], as learners see them, and entries
        [..., entry], as people read them; settled [seed, setting, pair]; outcomes [outcome, seed, setting, pair]; the
        evaluations' quantities, best_response.ours [seed, setting], means over pairs, and those of a seat alone,
        seats.best_response.ours [seed, setting, seat]; metrics of fits, fit.learner.loss [seed, loop].

        Raises MissingLibrary if xarray is not installed: `pip install "meva[xarray]"`.
        """
        return frames.dataset(self)

    def __repr__(self) -> str:
        return tables.as_text(self.summary(), self.checked)

    def _repr_html_(self) -> str:
        found, evaluations = self.summary(), self.checked
        grids = tables.grids(found, evaluations)
        return notebook.as_html(tables.title(found), grids, tables.note(found, evaluations))
