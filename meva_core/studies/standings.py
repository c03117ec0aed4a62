"""Statistics of a tournament, and the files that hold them.

cells.csv      one line per game, row and column (the columns are `COLUMNS`)
summary.json   {schema, trials, steps, seeds, games: {game: {learners, payoff_range, cells: [one dict per line of
               cells.csv]}}}, where learners are the labels of the entrants, and payoff_range is the range of the
               game's payoffs (highest minus lowest, the widest of both players). Statistics are those of
               `report.statistics`. Games that are played also have
               exact: true if payoffs are computed from policies, false if they are means over episodes
               notes: lines about the game and its episodes
               measures: [{row, column, seeds, shares}], what happened between row in seat 1 and column in seat 2 after
               the last step: name -> statistic
               If players are evaluated, games have
               evaluated: [{learner, seeds, and what the evaluations add to a row of a run's summary.json}], about what
               each learner has become in its matches with itself
seeds.csv      one line per game, row, column, quantity and seed, with its value. The quantities are payoff, measures,
               and what the evaluations say, in lines without a column. Of a pair in which different fits diverged for
               the two seatings, the seed is empty, and the value is that of all trials
statistics.csv one line per game, row, column and quantity, with the statistics of a run's statistics.csv
figures/       one heat-map per game, as PNG and SVG
report.html    one page of all this
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from meva_core.ops import mean_and_sem
from meva_core.report import tidy
from meva_core.report.statistics import estimates, known
from meva_core.storage.summaries import OF_COUNTS, as_share, named
from meva_core.studies.meetings import Met
from meva_core.studies.tournament_settings import Tournament

SCHEMA = 2
COLUMNS = (
    "game",
    "row",
    "column",
    "payoff",  # the row's payoff against the column, over both seats: the mean over what `over` names
    "sem",  # its standard error over what `over` names: fits, if one of the two is learnt; seeds, if the game is
    # played; else trials; or nothing, if neither player changes its policy: then the payoff is exact and has no error
    "ci_low",  # 95 % confidence interval of the mean over the same (`report.statistics`)
    "ci_high",
    "iqm",  # the interquartile mean over the same
    "over",
    "sem_over_trials",
    "seat_1",  # the row's payoff in seat 1
    "seat_2",
    "fits",
    "per_fit",
    "diverged",  # share of trials that are left out because their payoffs are not finite
)
OF_CELL = ("sem", "ci_low", "ci_high", "iqm")
_PLACE = ("game", "row", "column", "quantity")
PER_SEED = (*_PLACE, "seed", "value")
PER_QUANTITY = (*_PLACE, *OF_COUNTS, "over", "seeds")


def cells(tournament: Tournament, met: Sequence[Met]) -> list[dict[str, Any]]:
    """One cell, a dict of `COLUMNS` and seeds, for every pair of entrants that has played.

    seeds: those of per_fit; None if different fits diverged for the two seatings, so that their seeds differ.
    """
    by_name = {(m.meeting.game, m.meeting.row, m.meeting.column): m for m in met}
    content = []
    for game in tournament.games:
        for row in tournament.labels:
            for column in tournament.labels:
                here, swapped = by_name.get((game, row, column)), by_name.get((game, column, row))
                if here is not None or swapped is not None:
                    meetings = [met.meeting for met in (here, swapped) if met is not None]
                    several = "seeds" if any(meeting.sampled for meeting in meetings) else "fits"
                    over = "nothing" if all(meeting.certain for meeting in meetings) else several
                    seeds = {met.seeds for met in (here, swapped) if met is not None}
                    common = list(seeds.pop()) if len(seeds) == 1 else None
                    content.append(_cell(game, row, column, *_seats(here, swapped), common, over))
    return content


def _seats(here: Met | None, swapped: Met | None) -> tuple[Any, Any]:
    """The row's payoffs f32[S, N] in seat 1 and in seat 2; in a symmetric game one match gives both."""
    first = here.payoffs[..., 0] if here is not None else swapped.payoffs[..., 1] if swapped is not None else None
    second = swapped.payoffs[..., 1] if swapped is not None else here.payoffs[..., 0] if here is not None else None
    return first, second


def _cell(
    game: str, row: str, column: str, first: np.ndarray, second: np.ndarray, seeds: list[int] | None, over: str
) -> dict[str, Any]:
    """The cell of a pair. seeds: those of both seatings, or None. over: "nothing", or else the name of what several
    seeds are."""
    # Fits of different seeds have nothing to do with each other: without common seeds, only trials count.
    apart = np.concatenate([first.ravel(), second.ravel()])[None]
    trials = apart if seeds is None else (first + second) / 2
    finite = np.isfinite(trials)
    trials = np.where(finite, trials, np.nan)
    with np.errstate(invalid="ignore"):
        per_fit = np.array([np.mean(t[np.isfinite(t)]) if np.isfinite(t).any() else np.nan for t in trials])
    mean, sem_trials = mean_and_sem(trials[finite])
    if over != "nothing" and len(per_fit) == 1:
        over = "trials"
    of_over = estimates(per_fit[np.isfinite(per_fit)] if over in ("fits", "seeds") else trials[finite])
    return {
        "game": game,
        "row": row,
        "column": column,
        # Every fit counts once, however many of its trials are left. Without losses, both means are equal but for
        # rounding, and tournaments of older versions have the mean over trials.
        "payoff": _number(mean) if finite.all() else of_over["mean"],
        **{name: of_over[name] for name in OF_CELL},
        "over": over,
        "sem_over_trials": _number(sem_trials),
        "seat_1": _number(mean_of(first)),
        "seat_2": _number(mean_of(second)),
        "fits": len(per_fit),
        "per_fit": [_number(p) for p in per_fit],
        "diverged": float(1 - np.mean(finite)),
        "seeds": seeds,
    }


def as_csv(content: Sequence[dict[str, Any]]) -> str:
    """Build the text of cells.csv from the cells."""
    text = io.StringIO()
    writer: Any = csv.DictWriter(text, COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for cell in content:
        per_fit = " ".join("nan" if p is None else f"{p:.6g}" for p in cell["per_fit"])
        writer.writerow({**cell, "per_fit": per_fit})
    return text.getvalue()


def summary(tournament: Tournament, met: Sequence[Met]) -> dict[str, Any]:
    """Build the content of summary.json."""
    content, seeds = cells(tournament, met), list(range(tournament.seed, tournament.seed + tournament.seeds))
    ranges = {m.meeting.game: float(np.max(m.meeting.composition.game.payoff_range)) for m in met}
    games = {
        game: {
            "learners": tournament.labels,
            "payoff_range": ranges[game],
            "cells": [cell for cell in content if cell["game"] == game],
            **_played([one for one in met if one.meeting.game == game]),
            **_evaluated([one for one in met if one.meeting.game == game], seeds),
        }
        for game in tournament.games
    }
    return {"schema": SCHEMA, "trials": tournament.trials, "steps": tournament.steps, "seeds": seeds, "games": games}


def _played(met: Sequence[Met]) -> dict[str, Any]:
    """The entries of a game that is played; {} for a game that is not."""
    if not met or not met[0].meeting.sampled:
        return {}
    measures = [
        {
            "row": one.meeting.row,
            "column": one.meeting.column,
            "seeds": list(one.seeds),
            "shares": {name: known(shares) for name, shares in one.measures.items()},
        }
        for one in met
        if one.measures
    ]
    first = met[0].meeting
    return {"exact": first.exact, "notes": list(first.game_played.notes), "measures": measures}


def _evaluated(met: Sequence[Met], seeds: Sequence[int]) -> dict[str, Any]:
    """Evaluations of the players of a game; {} if none is asked. seeds: all of the tournament."""
    evaluated = []
    for one in met:
        # Players of a played game that never move are evaluated with all seeds, though one tells what they earn.
        own = seeds if one.meeting.sampled and one.meeting.certain else one.seeds
        if one.evaluated:
            evaluated.append({"learner": one.meeting.row, "seeds": list(own), **one.evaluated})
    return {"evaluated": evaluated} if evaluated else {}


def per_seed(summary: Mapping[str, Any]) -> tidy.Records:
    """The lines of seeds.csv, each with the names of `PER_SEED`. summary: the content of summary.json."""
    return [line for statistic in _statistics(summary) for line in tidy.by_seed(*statistic)]


def per_quantity(summary: Mapping[str, Any]) -> tidy.Records:
    """The lines of statistics.csv, each with the names of `PER_QUANTITY`. summary: the content of summary.json."""
    return [tidy.of_all_seeds(place, found) for place, found, _ in _statistics(summary)]


def _statistics(summary: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], Mapping[str, Any], Sequence[Any]]]:
    """Every statistic of a tournament, with the entries of `_PLACE` before it and its seeds after it; None for each
    seed that is not on record."""
    for game, table in summary["games"].items():

        def place(row: str, column: str | None, quantity: str, game: str = game) -> dict[str, Any]:
            return {"game": game, "row": row, "column": column, "quantity": quantity}

        for cell in table["cells"]:
            payoff = {**cell, "mean": cell["payoff"], "per_seed": cell["per_fit"]}
            yield place(cell["row"], cell["column"], tidy.PAYOFF), payoff, _seeds(cell, payoff)
        for match in table.get("measures", ()):
            for name, share in match["shares"].items():
                yield place(match["row"], match["column"], name), share, _seeds(match, share)
        for learner in table.get("evaluated", ()):
            for name, found in named(learner).items():
                seeds = _seeds(learner, found.get("cells", found))
                if tidy.whole(found, len(seeds)):
                    yield place(learner["learner"], None, name), as_share(found), seeds


def _seeds(of: Mapping[str, Any], statistic: Mapping[str, Any]) -> Sequence[int | None]:
    """The seeds of a cell, a match or a learner, which summaries of older versions lack."""
    return of.get("seeds") or [None] * len(statistic.get("per_seed") or ())


def mean_of(values: np.ndarray) -> float:
    """Mean of the finite numbers."""
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if finite.size else float("nan")


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
