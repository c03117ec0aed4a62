"""Tables and figures of a tournament.

cells.csv      one line per game, row and column (the columns are `COLUMNS`)
summary.json   {schema, trials, steps, seeds, games: {game: {learners, payoff_range, cells: [one dict per line of
               cells.csv]}}}, where learners are the labels of the entrants, and payoff_range is the range of the
               game's payoffs (highest minus lowest, the widest of both players)
figures/       one heat-map per game, as PNG and SVG
report.html    one page of all this
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from rich.console import Group, RenderableType
from rich.text import Text

from meva_core.ops import mean_and_sem
from meva_core.report.tables import Drawn, Grid, Unit, unit_of
from meva_core.studies.meetings import Met, Tournament

SCHEMA = 2
COLUMNS = (
    "game",
    "row",
    "column",
    "payoff",  # the row's payoff against the column, over both seats
    "sem",  # its standard error over what `over` names: fits, if one of the two is learnt; else trials; or nothing, if
    # neither player changes its policy: then the payoff is exact and has no error
    "over",
    "sem_over_trials",
    "seat_1",  # the row's payoff in seat 1
    "seat_2",
    "fits",
    "per_fit",
    "diverged",  # share of trials that are left out because their payoffs are not finite
)


def cells(asked: Tournament, met: Sequence[Met]) -> list[dict[str, Any]]:
    """One cell, a dict of `COLUMNS`, for every pair of entrants that has played."""
    by_name = {(m.meeting.game, m.meeting.row, m.meeting.column): m for m in met}
    found = []
    for game in asked.games:
        for row in asked.labels:
            for column in asked.labels:
                here, there = by_name.get((game, row, column)), by_name.get((game, column, row))
                if here is not None or there is not None:
                    still = all(met.meeting.still for met in (here, there) if met is not None)
                    found.append(_cell(game, row, column, *_seats(here, there), still))
    return found


def _seats(here: Met | None, there: Met | None) -> tuple[Any, Any]:
    """The row's payoffs f32[S, N] in seat 1 and in seat 2; in a symmetric game one match gives both."""
    first = here.payoffs[..., 0] if here is not None else there.payoffs[..., 1] if there is not None else None
    second = there.payoffs[..., 1] if there is not None else here.payoffs[..., 0] if here is not None else None
    return first, second


def _cell(game: str, row: str, column: str, first: np.ndarray, second: np.ndarray, still: bool) -> dict[str, Any]:
    # If a fit diverged for one seating only, the seatings have different numbers of fits: then only trials count.
    same = first.shape == second.shape
    trials = (first + second) / 2 if same else np.concatenate([first.ravel(), second.ravel()])[None]
    finite = np.isfinite(trials)
    trials = np.where(finite, trials, np.nan)
    with np.errstate(invalid="ignore"):
        per_fit = np.array([np.mean(t[np.isfinite(t)]) if np.isfinite(t).any() else np.nan for t in trials])
    mean, sem_trials = mean_and_sem(trials[finite])
    over = "nothing" if still else "fits" if len(per_fit) > 1 else "trials"
    sem = mean_and_sem(per_fit)[1] if over == "fits" else sem_trials
    return {
        "game": game,
        "row": row,
        "column": column,
        "payoff": _number(mean),
        "sem": _number(sem),
        "over": over,
        "sem_over_trials": _number(sem_trials),
        "seat_1": _number(mean_of(first)),
        "seat_2": _number(mean_of(second)),
        "fits": len(per_fit),
        "per_fit": [_number(p) for p in per_fit],
        "diverged": float(1 - np.mean(finite)),
    }


def as_csv(found: Sequence[dict[str, Any]]) -> str:
    """Build the text of cells.csv from the cells."""
    text = io.StringIO()
    writer: Any = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for cell in found:
        per_fit = " ".join("nan" if p is None else f"{p:.6g}" for p in cell["per_fit"])
        writer.writerow({**cell, "per_fit": per_fit})
    return text.getvalue()


def summary(asked: Tournament, met: Sequence[Met]) -> dict[str, Any]:
    """Build the content of summary.json."""
    found = cells(asked, met)
    ranges = {m.meeting.game: float(np.max(m.meeting.composition.game.payoff_range)) for m in met}
    games = {
        game: {
            "learners": asked.labels,
            "payoff_range": ranges[game],
            "cells": [cell for cell in found if cell["game"] == game],
        }
        for game in asked.games
    }
    seeds = list(range(asked.seed, asked.seed + asked.seeds))
    return {"schema": SCHEMA, "trials": asked.trials, "steps": asked.steps, "seeds": seeds, "games": games}


def grid(found: dict[str, Any], game: str) -> Grid:
    """The table of rows' payoffs against columns. found: the content of summary.json."""
    names, by_pair = _pairs(found, game)
    told = _unit(found, game)
    rows = [[row, *(_shown(by_pair[row, c], told) if (row, c) in by_pair else "-" for c in names)] for row in names]
    return Grid(f"{game}: the row's payoff against the column", ["", *names], rows, ("",), stubs=1)


def table(found: dict[str, Any], game: str) -> RenderableType:
    """The grid for a screen, split into blocks that fit the width; long labels take several lines."""
    whole = grid(found, game)
    heads = [wrapped(head) for head in whole.heads]
    rows = [[wrapped(row), *cells] for row, *cells in whole.rows]
    return Group(Text(whole.caption, style="bold"), Drawn(attrs.evolve(whole, heads=heads, rows=rows)), "")


def wrapped(label: str, longest: int = 20) -> str:
    """Break a label into lines of at most `longest` characters, after a colon if possible, else after one of `=_, `."""
    lines, left = [], label
    while len(left) > longest:
        ends = (max(left.rfind(mark, 0, longest) for mark in marks) + 1 for marks in (":", "=_, "))
        at = next(filter(None, ends), longest)
        lines.append(left[:at])
        left = left[at:]
    return "\n".join([*lines, left])


def note(found: dict[str, Any]) -> str:
    """A sentence that says over what the means and errors are taken, and which matches diverged in part."""
    cells = [cell for game in found["games"].values() for cell in game["cells"]]
    text = f"payoffs after {found['steps']} steps, {found['trials']} trials, both seats"
    kinds = {cell["over"] for cell in cells}
    over = {"fits": f"{len(found['seeds'])} fits", "trials": "trials"}
    if kinds >= {"fits", "trials"}:
        text += "; ± standard error of the mean over fits where one of the two is learnt, else over trials"
    elif kinds != {"nothing"}:
        text += f"; ± standard error of the mean over {over[min(kinds - {'nothing'})]}"
    if "nothing" in kinds:
        text += "; exact, without an error, where neither player moves"
    lost = [f"{c['row']} against {c['column']}" for c in cells if c["diverged"]]
    return text + (f"\npartly diverged, averaged over the rest: {', '.join(lost)}" if lost else "")


def _pairs(found: dict[str, Any], game: str) -> tuple[list[str], dict[tuple[str, str], dict[str, Any]]]:
    of_game = found["games"][game]
    return of_game["learners"], {(cell["row"], cell["column"]): cell for cell in of_game["cells"]}


def draw(found: dict[str, Any], folder: Path) -> list[Path]:
    """Draw one heat-map per game into `folder`, and return the files."""
    import matplotlib

    from meva_core.report import figures

    folder.mkdir(exist_ok=True)
    with matplotlib.rc_context(figures.STYLE):
        return [path for game in found["games"] for path in figures.save(heat_map(found, game), folder, game)]


def heat_map(found: dict[str, Any], game: str) -> Any:
    """Draw rows' payoffs against columns as colours and numbers."""
    from matplotlib.figure import Figure

    names, by_pair = _pairs(found, game)
    told = _unit(found, game)
    values = np.array([[_float(by_pair.get((row, column))) for column in names] for row in names])
    labels = [wrapped(name, 30) for name in names]
    letters = max(len(line) for label in labels for line in label.splitlines())
    side, beside = 0.72 * len(names), 0.065 * letters
    slanted = len(names) > 4 or letters > 10
    size = (max(side + beside + 1.5, 3.4), max(0.62 * side + 1.2 + (0.5 * beside if slanted else 0), 2.2))
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
                    c, r, _shown(cell, told).replace(" ", "\n"), ha="center", va="center", fontsize=7,
                    color="white" if dark else "black",
                )  # fmt: skip
    turned: Any = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"} if slanted else {}
    axis.set_xticks(range(len(names)), labels, **turned)
    axis.set_yticks(range(len(names)), labels)
    axis.set_xlabel("against")
    axis.spines[:].set_visible(False)
    figure.colorbar(image, label="payoff")
    figure.suptitle(f"{game}, after {found['steps']} steps:\nthe row's payoff against the column", fontsize=9)
    return figure


def _unit(found: dict[str, Any], game: str) -> Unit:
    of_game = found["games"][game]
    return unit_of(of_game["payoff_range"], (cell["payoff"] for cell in of_game["cells"]))


def _shown(cell: dict[str, Any], told: Unit) -> str:
    return told.statistic({"mean": cell["payoff"], "sem": cell["sem"]})


def _float(cell: dict[str, Any] | None) -> float:
    return float("nan") if cell is None or cell["payoff"] is None else cell["payoff"]


def mean_of(values: np.ndarray) -> float:
    """Mean of the finite numbers."""
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if finite.size else float("nan")


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
