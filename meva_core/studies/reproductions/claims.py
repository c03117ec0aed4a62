"""Compares published claims with the results of new runs. Imports no jax."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import attrs

from meva_core.errors import BadValue, did_you_mean
from meva_core.storage.summaries import as_share, named
from meva_core.studies.reproductions.data import CHARTS, Claim, Reproduction

SEMS = 2.0  # standard errors by which a number may differ from the published one, unless the claim sets `within`


class Estimate(NamedTuple):
    """Mean and standard error over seeds, or over the pairs of a single seed; None if there is no number.

    seeds: the number of each seed; empty if only the mean is stored.
    """

    mean: float | None
    sem: float | None
    seeds: tuple[float | None, ...] = ()


@attrs.frozen(kw_only=True)
class Verdict:
    """The result of one claim.

    ours, sem: our number and its standard error, None if missing. expected: the expected value in words. difference:
    ours minus the published number, None if either is missing. holds: True if the claim holds, None if that cannot be
    decided because a number is missing.
    """

    claim: Claim
    ours: float | None
    sem: float | None
    expected: str
    difference: float | None
    holds: bool | None


def verdicts(study: Reproduction, summaries: Mapping[str, dict[str, Any]]) -> list[Verdict]:
    """Verdicts on all claims of a reproduction, in their order.

    summaries: the content of summary.json by run label, without the runs that diverged. Raises BadValue if a run has
    no such row or quantity.
    """
    return [_verdict(claim, summaries) for claim in study.claims]


@attrs.frozen
class Rows:
    """Rows and quantities of a run, which are known before it starts.

    settings: the setting of each row; (None,) for a run with one row and no setting. quantities: the dotted names of
    the numbers in each row.
    """

    settings: tuple[float | None, ...]
    quantities: tuple[str, ...]


def rows_of(summary: Mapping[str, Any]) -> Rows:
    """Rows of a finished run, or the single row of a tournament. summary: the content of its summary.json."""
    if "games" in summary:
        return Rows((None,), tuple(_of_tournament(summary)))
    rows = summary["rows"]
    return Rows(tuple(row["value"] for row in rows), tuple(named(rows[0])))


def check_asked(quantity: str, at: float | None, rows: Rows, run: str, *, rising: bool = False) -> None:
    """Raise BadValue unless the run has this quantity at the setting `at`; with `rising`, `at` is ignored."""
    if quantity not in rows.quantities:
        raise BadValue(f"unknown quantity {quantity!r} of run {run}{did_you_mean(quantity, rows.quantities, most=40)}")
    if not rising:
        _index(at, rows.settings, run)


def check(study: Reproduction, runs: Mapping[str, Rows]) -> None:
    """Raise BadValue if a claim, the ranking or the chart needs a row or quantity that its run lacks. runs: rows by run
    label."""
    if ranking := study.ranking:
        for label, rows in runs.items():
            for quantity in (ranking.quantity, *ranking.beside):
                check_asked(quantity, ranking.at, rows, label)
    if (chart := study.chart) and study.picture in CHARTS:
        maps = study.picture == "maps"
        for label, rows in runs.items():
            if maps and None in rows.settings:
                raise BadValue(f"expected runs with a setting for maps, got {label}, which has one row without any")
            for quantity in chart.quantities:
                check_asked(quantity, chart.at, rows, label, rising=maps)
    for claim in study.claims:
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
    """Check that the quantity never falls from one setting to the next by more than two standard errors of the step."""
    estimates = [_of_row(claim.quantity, row) for row in rows]
    numbers = [(mean, sem or 0.0) for mean, sem, _ in estimates if mean is not None]
    holds = None
    if estimates and len(numbers) == len(estimates):
        steps = itertools.pairwise(numbers)
        holds = all(after - before >= -SEMS * math.hypot(sem, earlier) for (before, earlier), (after, sem) in steps)
    ours, sem, _ = estimates[-1] if estimates else Estimate(None, None)
    return Verdict(claim=claim, ours=ours, sem=sem, expected="rising", difference=None, holds=holds)


def quantity(path: str, summary: Mapping[str, Any] | None, at: float | None) -> Estimate:
    """The number with the dotted name `path` in a row of a run or a cell of a tournament; counts become shares.

    at: the setting of the row. Without a summary the mean is None. Raises BadValue if there is no such row or quantity.
    """
    if summary is None:
        return Estimate(None, None)
    tournament = "games" in summary
    check_asked(path, at, rows_of(summary), "the tournament" if tournament else summary["learner"])
    if tournament:
        return _of_tournament(summary)[path]
    rows = summary["rows"]
    return _of_row(path, rows[_index(at, [row["value"] for row in rows], summary["learner"])])


def _of_tournament(summary: Mapping[str, Any]) -> dict[str, Estimate]:
    """The numbers of a tournament: ROW.COLUMN, ROW.COLUMN.MEASURE in games that are played, and what evaluations say
    of a learner, LEARNER.EVALUATION.NAME. Several games have the numbers of the first one that has them."""
    found: dict[str, Estimate] = {}
    for game in summary["games"].values():
        cells = {f"{cell['row']}.{cell['column']}": Estimate(cell["payoff"], cell["sem"]) for cell in game["cells"]}
        tables = {f"{match['row']}.{match['column']}": match["shares"] for match in game.get("measures", ())}
        tables |= {learner["learner"]: learner for learner in game.get("evaluated", ())}
        others = {
            name: estimate(told) for label, table in tables.items() for name, told in named(table, f"{label}.").items()
        }
        found = {**cells, **others, **found}
    return found


def _index(at: float | None, values: Sequence[float | None], run: str) -> int:
    """Index of the row at the setting `at`; a single row needs no `at`, and ignores it if the row has no setting.

    Raises BadValue if there is no such row.
    """
    if len(values) == 1 and (at is None or values[0] is None):
        return 0
    for n, value in enumerate(values):
        if at is not None and value is not None and math.isclose(value, at):
            return n
    settings = ", ".join(f"{value:g}" for value in values if value is not None)
    raise BadValue(f"expected one of the settings {settings} of run {run}, got at = {at}")


def _of_row(path: str, row: Mapping[str, Any]) -> Estimate:
    statistic = named(row).get(path)
    if statistic is None:
        raise BadValue(f"unknown quantity {path!r}{did_you_mean(path, named(row), most=40)}")
    return estimate(statistic)


def estimate(statistic: Mapping[str, Any]) -> Estimate:
    """The number of a statistic in summary.json; a count of cells is a share of all cells."""
    share = as_share(statistic)
    return Estimate(share["mean"], share.get("sem"), tuple(share.get("per_seed", ())))
