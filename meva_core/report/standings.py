"""Tables and figures of a tournament.

cells.csv      a line per game, row and column (the columns are `COLUMNS`)
summary.json   {schema, trials, steps, seeds, games: {game: {learners, cells: [a dict per line of cells.csv]}}}
figures/       a heat-map per game, as PNG and SVG
report.html    one page of all this
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Group, RenderableType
from rich.text import Text

from meva_core.ops import mean_and_sem
from meva_core.report.tables import Drawn, Grid, statistic

if TYPE_CHECKING:
    from meva_core.tournament import Met, Tournament

SCHEMA = 1
COLUMNS = (
    "game",
    "row",
    "column",
    "payoff",  # the row's, against the column, over both seats
    "sem",  # of it, over what `over` says: fits, where one of the two is learnt, else trials
    "over",
    "sem_over_trials",
    "seat_1",  # the row's payoff where it sits first
    "seat_2",
    "fits",
    "per_fit",
    "diverged",  # share of the trials whose payoffs are not finite, left out
)


def cells(asked: Tournament, met: Sequence[Met]) -> list[dict[str, Any]]:
    """A cell for every pair of which both seatings are known."""
    by_name = {(m.meeting.game, m.meeting.row, m.meeting.column): m for m in met}
    found = []
    for game in asked.games:
        for row in asked.learners:
            for column in asked.learners:
                first, second = _seats(by_name, game, row, column)
                if first is not None and second is not None:
                    found.append(_cell(game, row, column, first, second))
    return found


def _seats(by_name: dict, game: str, row: str, column: str) -> tuple[Any, Any]:
    """The row's payoffs f32[S, N] in seat 1 and in seat 2; of a symmetric game one match tells both."""
    here, there = by_name.get((game, row, column)), by_name.get((game, column, row))
    first = here.payoffs[..., 0] if here is not None else there.payoffs[..., 1] if there is not None else None
    second = there.payoffs[..., 1] if there is not None else here.payoffs[..., 0] if here is not None else None
    return first, second


def _cell(game: str, row: str, column: str, first: np.ndarray, second: np.ndarray) -> dict[str, Any]:
    # Fits can differ in number between the seats, where one diverged in one of them: then by trials alone.
    same = first.shape == second.shape
    trials = (first + second) / 2 if same else np.concatenate([first.ravel(), second.ravel()])[None]
    finite = np.isfinite(trials)
    trials = np.where(finite, trials, np.nan)
    with np.errstate(invalid="ignore"):
        per_fit = np.array([np.mean(t[np.isfinite(t)]) if np.isfinite(t).any() else np.nan for t in trials])
    mean, sem_trials = mean_and_sem(trials[finite])
    over = "fits" if len(per_fit) > 1 else "trials"
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
    """cells.csv."""
    text = io.StringIO()
    writer: Any = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for cell in found:
        per_fit = " ".join("nan" if p is None else f"{p:.6g}" for p in cell["per_fit"])
        writer.writerow({**cell, "per_fit": per_fit})
    return text.getvalue()


def summary(asked: Tournament, found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """summary.json."""
    games = {
        game: {"learners": list(asked.learners), "cells": [cell for cell in found if cell["game"] == game]}
        for game in asked.games
    }
    seeds = list(range(asked.seed, asked.seed + asked.seeds))
    return {"schema": SCHEMA, "trials": asked.trials, "steps": asked.steps, "seeds": seeds, "games": games}


def grid(found: dict[str, Any], game: str) -> Grid:
    """Rows' payoffs against columns, given the content of summary.json."""
    names, by_pair = _pairs(found, game)
    rows = [[row, *(_shown(by_pair[row, c]) if (row, c) in by_pair else "-" for c in names)] for row in names]
    return Grid(f"{game}: the row's payoff against the column", ["", *names], rows, ("",), stubs=1)


def table(found: dict[str, Any], game: str) -> RenderableType:
    """The grid, in as many tables as the width asks for."""
    whole = grid(found, game)
    return Group(Text(whole.caption, style="bold"), Drawn(whole), "")


def note(found: dict[str, Any]) -> str:
    """What the numbers are over."""
    cells = [cell for game in found["games"].values() for cell in game["cells"]]
    text = (
        f"payoffs after {found['steps']} steps, {found['trials']} trials, both seats; "
        "± standard error of the mean over "
    )
    kinds = {cell["over"] for cell in cells}
    fits = len(found["seeds"])
    text += "trials" if kinds == {"trials"} else f"{fits} fits" if kinds == {"fits"} else _BOTH
    lost = [f"{c['row']} against {c['column']}" for c in cells if c["diverged"]]
    return text + (f"\ndiverged in part, and averaged over the rest: {', '.join(lost)}" if lost else "")


_BOTH = "fits where one of the two is learnt, else over trials"


def _pairs(found: dict[str, Any], game: str) -> tuple[list[str], dict[tuple[str, str], dict[str, Any]]]:
    of_game = found["games"][game]
    return of_game["learners"], {(cell["row"], cell["column"]): cell for cell in of_game["cells"]}


def draw(found: dict[str, Any], folder: Path) -> list[Path]:
    """A heat-map per game."""
    import matplotlib

    from meva_core.report import figures

    folder.mkdir(exist_ok=True)
    with matplotlib.rc_context(figures.STYLE):
        return [path for game in found["games"] for path in figures.save(heat_map(found, game), folder, game)]


def heat_map(found: dict[str, Any], game: str) -> Any:
    """Rows' payoffs against columns as colours, and as numbers."""
    from matplotlib.figure import Figure

    names, by_pair = _pairs(found, game)
    values = np.array([[_float(by_pair.get((row, column))) for column in names] for row in names])
    side = 0.72 * len(names)
    figure = Figure(figsize=(max(side + 1.9, 3.4), max(0.62 * side + 1.2, 2.2)), layout="constrained")
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
                    c, r, _shown(cell).replace(" ", "\n"), ha="center", va="center", fontsize=7,
                    color="white" if dark else "black",
                )  # fmt: skip
    axis.set_xticks(
        range(len(names)), names, rotation=30 if len(names) > 4 else 0, ha="right" if len(names) > 4 else "center"
    )
    axis.set_yticks(range(len(names)), names)
    axis.set_xlabel("against")
    axis.spines[:].set_visible(False)
    figure.colorbar(image, label="payoff")
    figure.suptitle(f"{game}, after {found['steps']} steps:\nthe row's payoff against the column", fontsize=9)
    return figure


def _shown(cell: dict[str, Any]) -> str:
    if cell["payoff"] is None:
        return "diverged"
    return statistic({"mean": cell["payoff"], "sem": cell["sem"]})


def _float(cell: dict[str, Any] | None) -> float:
    return float("nan") if cell is None or cell["payoff"] is None else cell["payoff"]


def mean_of(values: np.ndarray) -> float:
    """Of those that are finite."""
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if finite.size else float("nan")


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
