"""Does what is published hold in the runs that were made? Imports no jax."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import attrs

from meva_core.errors import BadValue, did_you_mean
from meva_core.studies.reproductions.data import Claim, Reproduction

SEMS = 2.0  # standard errors by which a number may differ from a published one, where the claim says nothing


class Quantity(NamedTuple):
    """Over seeds, or over one seed's pairs; None where there is no number. seeds: each one's, where that is known."""

    mean: float | None
    sem: float | None
    seeds: tuple[float | None, ...] = ()


@attrs.frozen(kw_only=True)
class Verdict:
    """A claim and what was found: ours and its standard error (None where there is none), what was expected in
    words, ours less the published number, and whether the claim holds (None where ours is no number)."""

    claim: Claim
    ours: float | None
    sem: float | None
    expected: str
    difference: float | None
    holds: bool | None


def verdicts(asked: Reproduction, summaries: Mapping[str, dict[str, Any]]) -> list[Verdict]:
    """Every claim, given the content of each run's summary.json by the run's label; nothing of a run that diverged."""
    return [_verdict(claim, summaries) for claim in asked.claims]


@attrs.frozen
class Rows:
    """Rows and quantities that a run will have, known before it is made. settings: of the rows, (None,) where there is
    one without a setting; quantities: the dotted names of the numbers in each."""

    settings: tuple[float | None, ...]
    quantities: tuple[str, ...]


def rows_of(summary: Mapping[str, Any]) -> Rows:
    """The rows of a finished run, or the one of a tournament, given the content of its summary.json."""
    if "games" in summary:
        cells = (cell for game in summary["games"].values() for cell in game["cells"])
        return Rows((None,), tuple(dict.fromkeys(f"{cell['row']}.{cell['column']}" for cell in cells)))
    rows = summary["rows"]
    return Rows(tuple(row["value"] for row in rows), tuple(_named(rows[0])))


def check_asked(quantity: str, at: float | None, rows: Rows, run: str, *, rising: bool = False) -> None:
    """Raise BadValue unless the rows of the run have this quantity at the setting `at`; `rising`: at them all."""
    if quantity not in rows.quantities:
        raise BadValue(f"unknown quantity {quantity!r} of run {run}{did_you_mean(quantity, rows.quantities, most=40)}")
    if not rising:
        _index(at, rows.settings, run)


def check(asked: Reproduction, runs: Mapping[str, Rows]) -> None:
    """Raise BadValue where a claim or the ranking asks for what the rows of its run, by label, will not have."""
    if ranking := asked.ranking:
        for label, rows in runs.items():
            for quantity in (ranking.quantity, *ranking.beside):
                check_asked(quantity, ranking.at, rows, label)
    for claim in asked.claims:
        for label in (claim.run, *([claim.above] if claim.above else [])):
            check_asked(claim.quantity, claim.at, runs[label], label, rising=bool(claim.rising))


def _verdict(claim: Claim, summaries: Mapping[str, dict[str, Any]]) -> Verdict:
    if claim.rising:
        return _rising(claim, summaries.get(claim.run, {}).get("rows", []))
    ours, sem, _ = quantity(claim.quantity, summaries.get(claim.run), claim.at)
    difference, expected, holds = None, "", None
    if claim.published is not None:
        theirs = claim.published_sem or 0.0
        within = claim.within if claim.within is not None else SEMS * math.hypot(sem or 0.0, theirs)
        expected = f"{claim.published:g}"
        if claim.within is not None:
            expected += f", {claim.within:g} off at most"
        elif claim.published_sem is not None:
            expected += f" (s.e.m. {claim.published_sem:g})"
        difference = None if ours is None else ours - claim.published
        holds = None if difference is None else abs(difference) <= within
    elif claim.above is not None:
        other = quantity(claim.quantity, summaries.get(claim.above), claim.at).mean
        expected = f"above {claim.above}" + ("" if other is None else f", {other:.3g}")
        holds = None if ours is None or other is None else ours > other
    elif claim.at_least is not None:
        expected, holds = f"at least {claim.at_least:g}", None if ours is None else ours >= claim.at_least
    elif claim.at_most is not None:
        expected, holds = f"at most {claim.at_most:g}", None if ours is None else ours <= claim.at_most
    return Verdict(claim=claim, ours=ours, sem=sem, expected=expected, difference=difference, holds=holds)


def _rising(claim: Claim, rows: list[dict[str, Any]]) -> Verdict:
    """From setting to setting, but for two standard errors of the step."""
    found = [_of_row(claim.quantity, row) for row in rows]
    numbers = [(mean, sem or 0.0) for mean, sem, _ in found if mean is not None]
    holds = None
    if found and len(numbers) == len(found):
        steps = itertools.pairwise(numbers)
        holds = all(after - before >= -SEMS * math.hypot(sem, earlier) for (before, earlier), (after, sem) in steps)
    ours, sem, _ = found[-1] if found else Quantity(None, None)
    return Verdict(claim=claim, ours=ours, sem=sem, expected="rising", difference=None, holds=holds)


def quantity(path: str, summary: Mapping[str, Any] | None, at: float | None) -> Quantity:
    """A number of a run's row or a tournament's cell; the share of what is counted. No number of no run; BadValue where
    there is no such row or quantity."""
    if summary is None:
        return Quantity(None, None)
    tournament = "games" in summary
    check_asked(path, at, rows_of(summary), "the tournament" if tournament else summary["learner"])
    if tournament:
        cells = (cell for game in summary["games"].values() for cell in game["cells"])
        cell = next(cell for cell in cells if f"{cell['row']}.{cell['column']}" == path)
        return Quantity(cell["payoff"], cell["sem"])
    rows = summary["rows"]
    return _of_row(path, rows[_index(at, [row["value"] for row in rows], summary["learner"])])


def _index(at: float | None, values: Sequence[float | None], run: str) -> int:
    """Index of the setting; of the only one if `at` does not say, or the run has no settings."""
    if len(values) == 1 and (at is None or values[0] is None):
        return 0
    for n, value in enumerate(values):
        if at is not None and value is not None and math.isclose(value, at):
            return n
    there = ", ".join(f"{value:g}" for value in values if value is not None)
    raise BadValue(f"expected what is asked of run {run} to be at one of its settings {there}, got at = {at}")


def _of_row(path: str, row: Mapping[str, Any]) -> Quantity:
    found = _named(row).get(path)
    if found is None:
        raise BadValue(f"unknown quantity {path!r}{did_you_mean(path, _named(row), most=40)}")
    if "cells" in found:
        cells, of = found["cells"], found["of"]
        seeds = tuple(number / of for number in cells.get("per_seed", ()))
        return Quantity(_over(cells["mean"], of), _over(cells["sem"], of), seeds)
    return Quantity(found["mean"], found.get("sem"), tuple(found.get("per_seed", ())))


def _named(table: Mapping[str, Any], above: str = "") -> dict[str, Mapping[str, Any]]:
    """Every statistic in the tables of a row, and every number of cells, by its dotted name."""
    found: dict[str, Mapping[str, Any]] = {}
    for name, value in table.items():
        if not isinstance(value, Mapping):
            continue
        if "mean" in value or "cells" in value:
            found[above + name] = value
        else:
            found |= _named(value, f"{above}{name}.")
    return found


def _over(number: float | None, of: int) -> float | None:
    return None if number is None else number / of
