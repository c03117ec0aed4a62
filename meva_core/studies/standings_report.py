"""Tables and heat-maps of a tournament, from the content of its summary.json."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from rich.console import Group, RenderableType
from rich.text import Text

from meva_core.report.tables import Drawn, Grid, Unit, statistic, unit_of
from meva_core.storage.summaries import named
from meva_core.studies.reproductions.claims import estimate

MOST = 7  # columns of evaluations in one table


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
