"""Checks of everything that an evaluation of a third party returns after the matches."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import attrs
import numpy as np

from meva_core.contracts.abstract import describe
from meva_core.contracts.evaluation import Answer, Column, Evaluation, Panel
from meva_core.errors import BadPlugin, in_short
from meva_core.registry.entries import Offer
from meva_core.report.tables import Grid
from meva_core.storage.summaries import has_each_seed, is_statistic, named


class BadEvaluation(BadPlugin):
    """An evaluation that breaks its contract after the matches. name: its name in the run."""

    def __init__(self, message: str, name: str = ""):
        super().__init__(message)
        self.name = name


def checked(name: str, evaluation: Evaluation, offer: Offer | None) -> Evaluation:
    """The evaluation itself if it is bundled; else a stand-in that checks its results and names its plugin."""
    return evaluation if offer is None or offer.bundled else Checked(name, evaluation, offer)


@attrs.frozen
class Checked(Evaluation):
    """A stand-in for an evaluation that no test of ours covers.

    Every method has the result of the evaluation's method, after a check. Raises BadEvaluation if that method raises
    any exception, or returns what the contract does not allow.
    """

    name: str
    evaluation: Evaluation
    offer: Offer

    @property
    def builds_on(self) -> tuple[str, ...]:
        return self.evaluation.builds_on

    def quantities(self, composition: Any) -> tuple[str, ...]:
        return tuple(self._result("quantities(composition)", _are_texts, "texts", composition))

    def rows(self, answer: Answer, seen: Any) -> list[dict[str, Any]]:
        count = len(seen.values)

        def right(value: Any) -> bool:
            return isinstance(value, list) and len(value) == count and all(isinstance(row, dict) for row in value)

        what = "rows(answer, seen)"
        rows = self._plain(what, self._result(what, right, f"a list of {count} dictionaries", answer, seen))
        seeds = len(seen.seeds)
        for name, statistic in (item for row in rows for item in named(row).items()):
            if is_statistic(statistic.get("cells", statistic)) and not has_each_seed(statistic, seeds):
                self.refuse(what, f"{name} with a number for each of {seeds} seeds in per_seed", statistic)
        return rows

    def whole(self, answer: Answer, seen: Any) -> dict[str, Any]:
        what = "whole(answer, seen)"
        return self._plain(
            what, self._result(what, lambda value: isinstance(value, dict), "a dictionary", answer, seen)
        )

    def arrays(self, answer: Answer) -> dict[str, Any]:
        expected = "arrays of numbers or texts by name"
        value = self._result("arrays(answer)", lambda value: _by_name(value, _is_array), expected, answer)
        return {name: np.asarray(array) for name, array in value.items()}

    def columns(self, summary: Mapping[str, Any]) -> list[Column]:
        what = "columns(summary)"
        return [self._column(what, column) for column in self._result(what, _are_columns, "columns", summary)]

    def _column(self, what: str, column: Column) -> Column:
        """The column with functions that check every cell."""

        def checked(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
            place, expected = f"{name} of {what}", "a statistic or None"
            return lambda *of: self._checked(place, lambda: function(*of), _is_cell, expected)

        return attrs.evolve(column, cell=checked("cell", column.cell), of_seat=checked("of_seat", column.of_seat))

    def first_tables(self, summary: Mapping[str, Any]) -> list[Any]:
        return list(self._result("first_tables(summary)", _are_grids, GRIDS, summary))

    def tables(self, summary: Mapping[str, Any]) -> list[Any]:
        return list(self._result("tables(summary)", _are_grids, GRIDS, summary))

    def notes(self, summary: Mapping[str, Any]) -> list[str]:
        return list(self._result("notes(summary)", _are_texts, "texts", summary))

    def compared(self, row: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
        expected = "statistics by their labels"
        return self._result("compared(row)", lambda value: _by_name(value, is_statistic), expected, row)

    def figures(self, summary: Mapping[str, Any], arrays: Mapping[str, Any]) -> Mapping[str, Any]:
        what = "figures(summary, arrays)"
        value = self._result(what, lambda value: _by_name(value, _is_figure), "figures by name", summary, arrays)
        self._draw(what, value)
        return value

    def _draw(self, what: str, figures: Mapping[str, Any]) -> None:
        """Draw figures without a file. Raises BadEvaluation if one cannot be drawn."""
        for figure in figures.values():
            self._checked(f"a figure of {what}", figure.draw_without_rendering, lambda value: True, "")

    def captions(self) -> Mapping[str, str]:
        return self._result("captions()", lambda value: _by_name(value, _is_text), "texts by name")

    def pictures(self) -> Mapping[str, Callable[[Mapping[str, Any], str], Any]]:
        value = self._result("pictures()", lambda value: _by_name(value, callable), "functions by name")
        return {name: self._picture(f"pictures()[{name!r}]", draw) for name, draw in value.items()}

    def _picture(self, what: str, draw: Callable[..., Any]) -> Callable[..., Any]:
        def right(value: Any) -> bool:
            return _is_figure(value) or _by_name(value, _is_figure)

        def drawn(*of: Any) -> Any:
            value = self._checked(what, lambda: draw(*of), right, "a figure, or figures by name")
            self._draw(what, value if isinstance(value, Mapping) else {"": value})
            return value

        return drawn

    def panels(self, summary: Mapping[str, Any], arrays: Mapping[str, Any]) -> list[Panel]:
        what, count = "panels(summary, arrays)", len(summary["rows"])

        def right(value: Any) -> bool:
            return isinstance(value, (list, tuple)) and all(
                isinstance(panel, Panel)
                and _are_texts([panel.script, panel.style])
                and isinstance(panel.rows, Sequence)
                and len(panel.rows) == count
                for panel in value
            )

        expected = f"panels with {count} rows, and texts for script and style"
        value = self._result(what, right, expected, summary, arrays)
        return [attrs.evolve(panel, rows=self._plain(what, list(panel.rows))) for panel in value]

    def refuse(self, what: str, expected: str, got: Any) -> NoReturn:
        """Raise BadEvaluation: `what` was expected to be `expected`, and is `got`."""
        raise self._fault(f"{what}: expected {expected}, got {describe(got)}")

    def _result(self, what: str, right: Callable[[Any], bool], expected: str, *of: Any) -> Any:
        """The result of the evaluation's method that `what` begins with, if `right` is true for it."""
        method = getattr(self.evaluation, what.partition("(")[0])
        return self._checked(what, lambda: method(*of), right, expected)

    def _checked(self, what: str, ask: Callable[[], Any], right: Callable[[Any], bool], expected: str) -> Any:
        try:
            value = ask()
            fine = right(value)
        except BadEvaluation:
            raise
        except (Exception, SystemExit) as error:
            raise self._fault(f"{what} raises {in_short(error)}", raised=True) from error
        return value if fine else self.refuse(what, expected, value)

    def _plain(self, what: str, value: Any) -> Any:
        """The value as it is read from a JSON file."""
        try:
            return json.loads(json.dumps(value, allow_nan=False))
        except (TypeError, ValueError, RecursionError) as error:
            raise self._fault(f"{what}: {error}") from error

    def _fault(self, text: str, *, raised: bool = False) -> BadEvaluation:
        return BadEvaluation(str(self.offer.fault(text, raised=raised)), self.name)


GRIDS = "tables (report.tables.Grid) with a caption, and a text in every cell below every head"


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _are_texts(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(text, str) for text in value)


def _by_name(value: Any, right: Callable[[Any], bool]) -> bool:
    return isinstance(value, Mapping) and all(isinstance(name, str) and right(each) for name, each in value.items())


def _is_array(value: Any) -> bool:
    return not isinstance(value, str) and value is not None and np.asarray(value).dtype.kind in "biufcU"


def _is_cell(value: Any) -> bool:
    return value is None or is_statistic(value)


def _are_columns(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(
        isinstance(column, Column)
        and _are_texts([column.head, column.panel, column.line])
        and callable(column.cell)
        and callable(column.of_seat)
        for column in value
    )


def _are_grids(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(grid, Grid) and _is_whole(grid) for grid in value)


def _is_whole(grid: Grid) -> bool:
    rows, width = grid.rows, len(grid.heads)
    return (
        isinstance(grid.caption, str)
        and grid.caption != ""
        and _are_texts(grid.heads)
        and width > 0
        and isinstance(rows, (list, tuple))
        and all(_are_texts(row) and len(row) == width for row in rows)
        and _are_texts(grid.left)
        and grid.stubs in range(width + 1)
        and len(grid.settings) in (0, len(rows))
    )


def _is_figure(value: Any) -> bool:
    from matplotlib.figure import Figure

    return isinstance(value, Figure)
