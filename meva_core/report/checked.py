"""Checks of everything that an evaluation of a third party returns after the matches."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NoReturn

import attrs
import numpy as np

from meva_core.contracts.abstract import describe
from meva_core.contracts.evaluation import Answer, Column, Evaluation, Panel
from meva_core.errors import BadPlugin, in_short
from meva_core.registry.entries import Offer
from meva_core.report.tables import Grid


class BadEvaluation(BadPlugin):
    """An evaluation that breaks its contract after the matches. name: its name in the run."""

    def __init__(self, message: str, name: str = ""):
        super().__init__(message)
        self.name = name


def checked(name: str, evaluation: Evaluation, offer: Offer | None) -> Evaluation:
    """The evaluation itself if it is bundled; else a stand-in that checks its results and names its plugin."""
    return evaluation if offer is None or offer.bundled else Checked(name, evaluation, offer)


def without_faults(
    evaluations: Mapping[str, Evaluation], make: Callable[[Mapping[str, Evaluation]], Any]
) -> tuple[Any, dict[str, BadEvaluation]]:
    """The result of `make` for the evaluations that keep their contracts, and the faults of the others by name.

    An evaluation that builds on a faulty one is left out too.
    """
    builds_on = {name: evaluation.builds_on for name, evaluation in evaluations.items()}
    faults: dict[str, BadEvaluation] = {}
    while True:
        lost = {*faults, *above(builds_on, faults)}
        sound = {name: evaluation for name, evaluation in evaluations.items() if name not in lost}
        try:
            return make(sound), faults
        except BadEvaluation as fault:
            if fault.name not in sound:
                raise
            faults[fault.name] = fault


def above(builds_on: Mapping[str, Sequence[str]], names: Iterable[str]) -> list[str]:
    """The evaluations that build on one of `names`, directly or through others. builds_on: by the name of each."""
    found = list(names)
    below = len(found)
    for base in found:  # it grows in the loop
        found += [name for name, needed in builds_on.items() if base in needed and name not in found]
    return found[below:]


def third_parties_last(evaluations: Mapping[str, Evaluation]) -> list[tuple[str, Evaluation]]:
    """Names and evaluations, those of third parties last, so that a clash of names is the fault of a third party."""
    return sorted(evaluations.items(), key=lambda item: isinstance(item[1], Checked))


def merged(
    evaluations: Mapping[str, Evaluation],
    what: str,
    add: Callable[[str, Evaluation], Mapping[str, Any]],
    taken: Collection[str],
) -> dict[str, Any]:
    """Everything that evaluations add by name.

    what: the method, for messages. add: a function of an evaluation's name and the evaluation. taken: names that no
    evaluation may add.
    """
    found: dict[str, Any] = {}
    for name, evaluation in third_parties_last(evaluations):
        added = add(name, evaluation)
        for key in added:
            if key in taken or key in found:
                clash(evaluation, what, key)
        found |= added
    return found


def clash(evaluation: Evaluation, what: str, name: str) -> NoReturn:
    """Raise the error for an evaluation that adds a name that something else uses already."""
    refuse(evaluation, what, "names that nothing else uses", repr(name))


def refuse(evaluation: Evaluation, what: str, expected: str, got: Any) -> NoReturn:
    """Raise the error for an evaluation whose method `what` returns `got`."""
    if isinstance(evaluation, Checked):
        evaluation.refuse(what, expected, got)
    raise ValueError(f"{evaluation}: {what}: expected {expected}, got {got}")  # a bug of ours


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

        def right(found: Any) -> bool:
            return isinstance(found, list) and len(found) == count and all(isinstance(row, dict) for row in found)

        what = "rows(answer, seen)"
        return self._plain(what, self._result(what, right, f"a list of {count} dictionaries", answer, seen))

    def whole(self, answer: Answer, seen: Any) -> dict[str, Any]:
        what = "whole(answer, seen)"
        return self._plain(
            what, self._result(what, lambda found: isinstance(found, dict), "a dictionary", answer, seen)
        )

    def arrays(self, answer: Answer) -> dict[str, Any]:
        expected = "arrays of numbers or texts by name"
        found = self._result("arrays(answer)", lambda found: _by_name(found, _is_array), expected, answer)
        return {name: np.asarray(array) for name, array in found.items()}

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
        return self._result("compared(row)", lambda found: _by_name(found, _is_statistic), expected, row)

    def figures(self, summary: Mapping[str, Any], arrays: Mapping[str, Any]) -> Mapping[str, Any]:
        what = "figures(summary, arrays)"
        found = self._result(what, lambda found: _by_name(found, _is_figure), "figures by name", summary, arrays)
        self._draw(what, found)
        return found

    def _draw(self, what: str, figures: Mapping[str, Any]) -> None:
        """Draw figures without a file. Raises BadEvaluation if one cannot be drawn."""
        for figure in figures.values():
            self._checked(f"a figure of {what}", figure.draw_without_rendering, lambda found: True, "")

    def captions(self) -> Mapping[str, str]:
        return self._result("captions()", lambda found: _by_name(found, _is_text), "texts by name")

    def pictures(self) -> Mapping[str, Callable[[Mapping[str, Any], str], Any]]:
        found = self._result("pictures()", lambda found: _by_name(found, callable), "functions by name")
        return {name: self._picture(f"pictures()[{name!r}]", draw) for name, draw in found.items()}

    def _picture(self, what: str, draw: Callable[..., Any]) -> Callable[..., Any]:
        def right(found: Any) -> bool:
            return _is_figure(found) or _by_name(found, _is_figure)

        def drawn(*of: Any) -> Any:
            found = self._checked(what, lambda: draw(*of), right, "a figure, or figures by name")
            self._draw(what, found if isinstance(found, Mapping) else {"": found})
            return found

        return drawn

    def panels(self, summary: Mapping[str, Any], arrays: Mapping[str, Any]) -> list[Panel]:
        what, count = "panels(summary, arrays)", len(summary["rows"])

        def right(found: Any) -> bool:
            return isinstance(found, (list, tuple)) and all(
                isinstance(panel, Panel)
                and _are_texts([panel.script, panel.style])
                and isinstance(panel.rows, Sequence)
                and len(panel.rows) == count
                for panel in found
            )

        expected = f"panels with {count} rows, and texts for script and style"
        found = self._result(what, right, expected, summary, arrays)
        return [attrs.evolve(panel, rows=self._plain(what, list(panel.rows))) for panel in found]

    def refuse(self, what: str, expected: str, got: Any) -> NoReturn:
        """Raise BadEvaluation: `what` was expected to be `expected`, and is `got`."""
        raise self._fault(f"{what}: expected {expected}, got {describe(got)}")

    def _result(self, what: str, right: Callable[[Any], bool], expected: str, *of: Any) -> Any:
        """The result of the evaluation's method that `what` begins with, if `right` is true for it."""
        method = getattr(self.evaluation, what.partition("(")[0])
        return self._checked(what, lambda: method(*of), right, expected)

    def _checked(self, what: str, ask: Callable[[], Any], right: Callable[[Any], bool], expected: str) -> Any:
        try:
            found = ask()
            fine = right(found)
        except BadEvaluation:
            raise
        except (Exception, SystemExit) as error:
            raise self._fault(f"{what} raises {in_short(error)}", raised=True) from error
        return found if fine else self.refuse(what, expected, found)

    def _plain(self, what: str, found: Any) -> Any:
        """The value as it is read from a JSON file."""
        try:
            return json.loads(json.dumps(found, allow_nan=False))
        except (TypeError, ValueError, RecursionError) as error:
            raise self._fault(f"{what}: {error}") from error

    def _fault(self, text: str, *, raised: bool = False) -> BadEvaluation:
        return BadEvaluation(str(self.offer.fault(text, raised=raised)), self.name)


GRIDS = "tables (report.tables.Grid) with a caption, and a text in every cell below every head"


def _is_text(found: Any) -> bool:
    return isinstance(found, str)


def _are_texts(found: Any) -> bool:
    return isinstance(found, (list, tuple)) and all(isinstance(text, str) for text in found)


def _by_name(found: Any, right: Callable[[Any], bool]) -> bool:
    return isinstance(found, Mapping) and all(isinstance(name, str) and right(value) for name, value in found.items())


def _is_array(found: Any) -> bool:
    return not isinstance(found, str) and found is not None and np.asarray(found).dtype.kind in "biufcU"


def _is_number(found: Any) -> bool:
    return found is None or (isinstance(found, (int, float)) and not isinstance(found, bool))


def _is_statistic(found: Any) -> bool:
    """True for what `report.statistics.statistic` returns; only statistics over seeds need `per_seed`."""
    if not isinstance(found, Mapping) or not {"mean", "sem", "over"} <= found.keys():
        return False
    seeds = found.get("per_seed", []) if found["over"] != "seeds" else found.get("per_seed")
    numbers = [found["mean"], found["sem"], found.get("digits"), *(seeds if isinstance(seeds, list) else [()])]
    return found["over"] in ("seeds", "pairs") and all(map(_is_number, numbers))


def _is_cell(found: Any) -> bool:
    return found is None or _is_statistic(found)


def _are_columns(found: Any) -> bool:
    return isinstance(found, (list, tuple)) and all(
        isinstance(column, Column)
        and _are_texts([column.head, column.panel, column.line])
        and callable(column.cell)
        and callable(column.of_seat)
        for column in found
    )


def _are_grids(found: Any) -> bool:
    return isinstance(found, (list, tuple)) and all(isinstance(grid, Grid) and _is_whole(grid) for grid in found)


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


def _is_figure(found: Any) -> bool:
    from matplotlib.figure import Figure

    return isinstance(found, Figure)
