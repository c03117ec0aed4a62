"""Compares the configurations of runs, and their numbers at the settings that they share."""

from __future__ import annotations

import csv
import io
import math
import string
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from meva_core.experiment.choice import FROM
from meva_core.report.comparison.run import KINDS, Quantity, Row, Run, Statistic

COLUMNS = ("run", "setting", "quantity", "mean", "sem", "over")
PARTS = ""  # stands for all sections of learners' parts
ORDER = ("recipe", "game", "policy", "sample", "learner", "opponent", PARTS, "fit", "evaluate", "run")
NOT_COMPARED = ("schema", "source", "run.hash")
CLEAR = 2  # standard errors


@attrs.frozen
class Line:
    """A quantity at a setting, in every run.

    setting: None if every run has one row. found: one statistic per run, None if the run does not have it.
    """

    quantity: Quantity
    setting: float | None
    found: tuple[Statistic | None, ...]

    @property
    def difference(self) -> Statistic | None:
        """The second run minus the first; None unless there are two. The error assumes independent runs."""
        if len(self.found) != 2:
            return None
        first, second = self.found
        if first is None or second is None or first.mean is None or second.mean is None:
            return None
        sem = None if first.sem is None or second.sem is None else math.hypot(first.sem, second.sem)
        return Statistic(second.mean - first.mean, sem, second.over)

    @property
    def clear(self) -> bool:
        """True if the difference exceeds two standard errors."""
        found = self.difference
        if found is None or found.mean is None or found.sem is None:
            return False
        return abs(found.mean) > CLEAR * found.sem


@attrs.frozen(kw_only=True)
class Comparison:
    """The comparison of two or more runs.

    differing: dotted hyper-parameter -> its value in every run, None if a run does not have it.
    setting: the setting in which the lines differ, None if every run has one row.
    left_out: per run, the values of the setting that not all runs have.
    twins: indices of runs with the same experiment, and True if their numbers are equal.
    """

    runs: tuple[Run, ...]
    differing: Mapping[str, tuple[Any, ...]]
    setting: str | None
    lines: tuple[Line, ...]
    left_out: tuple[tuple[float, ...], ...]
    twins: tuple[tuple[tuple[int, ...], bool], ...]

    @property
    def symbol(self) -> str:
        """The short name of `setting`."""
        return next((run.symbol for run in self.runs if run.setting == self.setting), "")

    @property
    def labels(self) -> list[str]:
        """Letters for the runs: a, b, c, ..."""
        return [_label(n) for n in range(len(self.runs))]


def compare(runs: Sequence[Run]) -> Comparison:
    """Compare two or more runs."""
    shared = _shared(runs)
    quantities = dict.fromkeys(quantity for rows in shared.values() for row in rows for quantity in row)
    setting = next((run.setting for run in runs if len(run.rows) > 1), None)
    return Comparison(
        runs=tuple(runs),
        differing=_differing(runs),
        setting=setting,
        lines=tuple(
            Line(quantity, value, tuple(row.get(quantity) for row in rows))
            for quantity in sorted(quantities, key=lambda quantity: KINDS.index(quantity.kind))
            for value, rows in shared.items()
        ),
        left_out=tuple(_lacking(run, shared) if run.setting == setting else () for run in runs),
        twins=tuple(_twins(runs)),
    )


def as_csv(runs: Sequence[Run]) -> str:
    """All numbers of all runs, also at settings that they do not share, one per line."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for run in runs:
        for setting, row in run.rows.items():
            writer.writerows((run.name, setting, q.name, s.mean, s.sem, s.over) for q, s in row.items())
    return text.getvalue()


def _shared(runs: Sequence[Run]) -> dict[float | None, list[Row]]:
    """Setting -> one row per run. A run with one row and another setting is compared with each row of the others."""
    if all(len(run.rows) == 1 for run in runs):
        return {None: [row for run in runs for row in run.rows.values()]}
    swept = {run.setting for run in runs if len(run.rows) > 1}
    if len(swept) > 1:
        return {}
    tables = [run.rows if run.setting in swept else None for run in runs]
    first, *others = [table for table in tables if table is not None]
    return {
        value: [
            next(iter(run.rows.values())) if table is None else table[value]
            for run, table in zip(runs, tables, strict=True)
        ]
        for value in first
        if all(value in other for other in others)
    }


def _lacking(run: Run, shared: Mapping[float | None, Any]) -> tuple[float, ...]:
    return tuple(value for value in run.rows if value is not None and value not in shared)


def _differing(runs: Sequence[Run]) -> dict[str, tuple[Any, ...]]:
    names = _in_order(dict.fromkeys(name for run in runs for name in run.configuration))
    found = {name: tuple(run.configuration.get(name) for run in runs) for name in names if name not in NOT_COMPARED}
    differing = {name: values for name, values in found.items() if any(value != values[0] for value in values)}
    return {name: values for name, values in differing.items() if not _goes_without_saying(name, values, differing)}


def _goes_without_saying(name: str, values: tuple[Any, ...], differing: Mapping[str, Any]) -> bool:
    """True for the origin of a component if the component's name differs too, or if a run did not record the origin."""
    for mark, called in ((f".{FROM}.", ".name"), (f"_{FROM}.", "")):
        whose, found, _ = name.partition(mark)
        if found:
            return whose + called in differing or None in values
    return False


def _in_order(names: Iterable[str]) -> list[str]:
    """Sort dotted names by section."""
    of = {name: name.partition(".")[0] for name in names}
    met = list(dict.fromkeys(of.values()))
    return sorted(of, key=lambda n: (ORDER.index(of[n] if of[n] in ORDER else PARTS), met.index(of[n])))


def _twins(runs: Sequence[Run]) -> Iterator[tuple[tuple[int, ...], bool]]:
    for experiment in dict.fromkeys(run.hash for run in runs):
        alike = tuple(n for n, run in enumerate(runs) if run.hash == experiment)
        if len(alike) > 1:
            yield alike, all(runs[n].rows == runs[alike[0]].rows for n in alike)


def _label(n: int) -> str:
    letters = string.ascii_lowercase
    return letters[n] if n < len(letters) else _label(n // len(letters) - 1) + letters[n % len(letters)]
