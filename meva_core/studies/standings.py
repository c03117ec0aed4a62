"""Tables and figures of a tournament.

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
import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from rich.console import Group, RenderableType
from rich.text import Text

from meva_core.ops import mean_and_sem
from meva_core.report import tidy
from meva_core.report.statistics import estimates, known
from meva_core.report.tables import Drawn, Grid, Unit, statistic, unit_of
from meva_core.storage.summaries import OF_COUNTS, as_share, named
from meva_core.studies.meetings import Met
from meva_core.studies.reproductions.claims import estimate
from meva_core.studies.tournament_settings import Tournament

SCHEMA = 2
MOST = 7  # columns of evaluations in one table
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


def grids(summary: dict[str, Any], game: str) -> list[Grid]:
    """All tables of a game. summary: the content of summary.json."""
    measures = _grid_of_measures(summary, game)
    return [grid(summary, game), *_grids_of_evaluations(summary, game), *([measures] if measures else [])]


def _grids_of_evaluations(summary: dict[str, Any], game: str) -> list[Grid]:
    """Evaluations of every learner, a column for each number, split between evaluations into tables that fit a page."""
    told = {row["learner"]: named(row) for row in summary["games"][game].get("evaluated", ())}
    heads = list(dict.fromkeys(name for numbers in told.values() for name in numbers if not name.startswith("seats.")))
    unit = _unit(summary, game)
    rows = {
        label: {name: unit.statistic(estimate(numbers[name])._asdict()) if name in numbers else "-" for name in heads}
        for label, numbers in told.items()
    }
    caption = f"{game}: what the learner has become in matches with itself"
    return [
        Grid(
            caption if n == 0 else f"{caption}, continued",
            ["", *(head.replace(".", "\n").replace("_", " ") for head in some)],
            [[label, *(cells[name] for name in some)] for label, cells in rows.items()],
            ("",),
            stubs=1,
        )
        for n, some in enumerate(_together(heads))
    ]


def _together(names: Sequence[str]) -> list[list[str]]:
    """Dotted names in groups of at most `MOST`, if possible. Names that begin alike are in the same group."""
    groups: list[list[str]] = []
    for _, alike in itertools.groupby(names, key=lambda name: name.partition(".")[0]):
        more = list(alike)
        room = next((group for group in groups if len(group) + len(more) <= MOST), None)
        if room is None:
            groups.append(more)
        else:
            room += more
    return groups


def _grid_of_measures(summary: dict[str, Any], game: str) -> Grid | None:
    """The measures of every match, a column for each; None if the game has none."""
    matches = summary["games"][game].get("measures", ())
    if not matches:
        return None
    heads = list(matches[0]["shares"])
    rows = [[match["row"], match["column"], *(statistic(match["shares"][name]) for name in heads)] for match in matches]
    places = ("seat 1", "seat 2")
    return Grid(f"{game}: what happened after the last step", [*places, *heads], rows, places, stubs=2)


def grid(summary: dict[str, Any], game: str) -> Grid:
    """The table of rows' payoffs against columns. summary: the content of summary.json."""
    names, by_pair = _pairs(summary, game)
    unit = _unit(summary, game)
    rows = [[row, *(_shown(by_pair[row, c], unit) if (row, c) in by_pair else "-" for c in names)] for row in names]
    return Grid(f"{game}: the row's payoff against the column", ["", *names], rows, ("",), stubs=1)


def table(summary: dict[str, Any], game: str) -> RenderableType:
    """The tables for a screen, split into blocks that fit the width; long labels take several lines."""
    parts: list[RenderableType] = []
    for whole in grids(summary, game):
        heads = [wrapped(head) for head in whole.heads]
        rows = [[*map(wrapped, row[: whole.stubs]), *row[whole.stubs :]] for row in whole.rows]
        parts += [Text(whole.caption, style="bold"), Drawn(attrs.evolve(whole, heads=heads, rows=rows)), ""]
    return Group(*parts)


def wrapped(label: str, longest: int = 20) -> str:
    """Break a label into lines of at most `longest` characters, after a colon if possible, else after one of `=_, `."""
    lines, left = [], label
    while len(left) > longest:
        ends = (max(left.rfind(mark, 0, longest) for mark in marks) + 1 for marks in (":", "=_, "))
        at = next(filter(None, ends), longest)
        lines.append(left[:at])
        left = left[at:]
    return "\n".join([*lines, left])


def note(summary: dict[str, Any]) -> str:
    """A sentence that says over what the means and errors are taken, and which matches diverged in part."""
    cells = [cell for game in summary["games"].values() for cell in game["cells"]]
    text = f"payoffs after {summary['steps']} steps, {trials(summary)}, both seats"
    kinds = {cell["over"] for cell in cells}
    over = {"fits": f"{len(summary['seeds'])} fits", "seeds": f"{len(summary['seeds'])} seeds", "trials": "trials"}
    if kinds >= {"fits", "trials"}:
        text += "; ± standard error of the mean over fits where one of the two is learnt, else over trials"
    elif kinds != {"nothing"}:
        text += f"; ± standard error of the mean over {over[min(kinds - {'nothing'})]}"
    if "nothing" in kinds:
        text += "; exact, without an error, where neither player moves"
    evaluated = (row for game in summary["games"].values() for row in game.get("evaluated", ()))
    if any(name.endswith(".ours") for row in evaluated for name in named(row)):
        text += "\nours is the payoff of the learner, theirs that of its opponent in the evaluation"
    for game in summary["games"].values():
        if "exact" in game:
            paid = "computed from policies" if game["exact"] else "means over fresh episodes"
            text += "".join(f"\n{line}" for line in (f"payoffs are {paid}", *game["notes"]))
    lost = [f"{c['row']} against {c['column']}" for c in cells if c["diverged"]]
    return text + (f"\npartly diverged, averaged over the rest: {', '.join(lost)}" if lost else "")


def trials(summary: dict[str, Any]) -> str:
    """The number of trials in words: 1 trial, 4 trials."""
    return f"{summary['trials']} trial{'s' * (summary['trials'] > 1)}"


def _pairs(summary: dict[str, Any], game: str) -> tuple[list[str], dict[tuple[str, str], dict[str, Any]]]:
    of_game = summary["games"][game]
    return of_game["learners"], {(cell["row"], cell["column"]): cell for cell in of_game["cells"]}


def draw(summary: dict[str, Any], folder: Path) -> list[Path]:
    """Draw one heat-map per game into `folder`, and return the files."""
    import matplotlib

    from meva_core.report import figures

    folder.mkdir(exist_ok=True)
    with matplotlib.rc_context(figures.STYLE):
        return [path for game in summary["games"] for path in figures.save(heat_map(summary, game), folder, game)]


def heat_map(summary: dict[str, Any], game: str, heading: str = "") -> Any:
    """Draw rows' payoffs against columns as colours and numbers. heading: by default the game."""
    from matplotlib.figure import Figure

    from meva_core.report import figures

    names, by_pair = _pairs(summary, game)
    unit = _unit(summary, game)
    values = np.array([[_float(by_pair.get((row, column))) for column in names] for row in names])
    labels = [wrapped(name, 30) for name in names]
    letters = max(len(line) for label in labels for line in label.splitlines())
    side, beside = 0.72 * len(names), 0.065 * letters
    slanted = len(names) > 4 or letters > 10
    size = (
        max(side + beside + 1.5, figures.LEAST_WIDTH),
        max(0.62 * side + 1.2 + (0.5 * beside if slanted else 0), 2.2),
    )
    figure = Figure(figsize=size, layout="constrained")
    axis = figure.subplots()
    image = axis.imshow(values, cmap="cividis", aspect="auto")
    finite = values[np.isfinite(values)]
    middle = (finite.min() + finite.max()) / 2 if finite.size else 0.0
    for r, row in enumerate(names):
        for c, column in enumerate(names):
            cell = by_pair.get((row, column))
            if cell is not None:
                dark = values[r, c] < middle
                axis.text(
                    c, r, _shown(cell, unit).replace(" ", "\n"), ha="center", va="center", fontsize=7,
                    color="white" if dark else "black",
                )  # fmt: skip
    turned: Any = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"} if slanted else {}
    axis.set_xticks(range(len(names)), labels, **turned)
    axis.set_yticks(range(len(names)), labels)
    axis.set_xlabel("against")
    axis.spines[:].set_visible(False)
    figure.colorbar(image, label="payoff")
    figures.head(figure, f"{heading or game}, after {summary['steps']} steps: the row's payoff against the column")
    return figure


def _unit(summary: dict[str, Any], game: str) -> Unit:
    of_game = summary["games"][game]
    return unit_of(of_game["payoff_range"], (cell["payoff"] for cell in of_game["cells"]))


def _shown(cell: dict[str, Any], unit: Unit) -> str:
    return unit.statistic({"mean": cell["payoff"], "sem": cell["sem"]})


def _float(cell: dict[str, Any] | None) -> float:
    return float("nan") if cell is None or cell["payoff"] is None else cell["payoff"]


def mean_of(values: np.ndarray) -> float:
    """Mean of the finite numbers."""
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if finite.size else float("nan")


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
