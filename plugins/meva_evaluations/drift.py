"""Fixed points of rules over their settings, and the points of the game itself.

Shapes: L points along each axis of the plane, P = 2 players.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from meva_core.errors import BadCombination
from meva_core.report.figures.style import COLOURS, LEAST_WIDTH, head
from meva_core.report.tables import symbol

COLUMNS = 4
STATIONARY = "stationary point of the game"
MARGIN = 0.15  # around all points, as a share of their range
MARKS = {STATIONARY: "*", "leader and follower": "D", "joint optimum": "s"}


def drift(runs: Mapping[str, Any], heading: str) -> Mapping[str, Figure]:
    """Draw a figure for each game with a panel for each run: the fixed points of all its rows, from light to dark, and
    the game's own points. Raises BadCombination if a run lacks fixed points."""
    games: dict[str, dict[str, Any]] = {}
    for label, run in runs.items():
        if "landscape" not in run.arrays or "rests" not in run.summary["rows"][0]:
            raise BadCombination(f"expected runs with evaluation fixed_points to draw, got {label!r}")
        games.setdefault(run.summary["game"], {})[label] = run
    return {game: _of_game(of, f"{heading}: {game}") for game, of in games.items()}


def _of_game(runs: Mapping[str, Any], heading: str) -> Figure:
    first = next(iter(runs.values()))
    own = [rest["own"] for run in runs.values() for row in run.summary["rows"] for rest in row["rests"]]
    marks = landmarks(first.arrays["landscape"], first.arrays["plane"])
    marks[STATIONARY] = [point for point in _distinct(own) if _inside(point, first.arrays["plane"])]
    rests = [rest["x"] for run in runs.values() for row in run.summary["rows"] for rest in row["rests"]]
    points = np.array([*rests, *(point for of in marks.values() for point in of)])
    low, high = points.min(axis=0), points.max(axis=0)
    room = MARGIN * np.maximum(high - low, 1e-3)
    columns = min(len(runs), COLUMNS)
    lines = -(-len(runs) // columns)
    figure = Figure(figsize=(max(1.6 * columns + 0.5, LEAST_WIDTH), 1.75 * lines + 0.9), layout="constrained")
    axes = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
    for axis in axes.flat[len(runs) :]:
        axis.set_axis_off()
    for n, (axis, (label, run)) in enumerate(zip(axes.flat, runs.items(), strict=False)):
        for name, of in marks.items():
            for k, point in enumerate(of):
                shown = name if n == 0 and k == 0 else None
                axis.plot(*point, MARKS[name], color=COLOURS[1], fillstyle="none", markersize=8, label=shown)
        _rests(axis, run.summary["rows"])
        axis.set_xlim(low[0] - room[0], high[0] + room[0])
        axis.set_ylim(low[1] - room[1], high[1] + room[1])
        axis.set_title(f"{label}\n{_range(run.summary)}", fontsize=7)
        if n >= len(runs) - columns:
            axis.set_xlabel("policy of player 1", fontsize=7)
            axis.tick_params(labelbottom=True)
        if n % columns == 0:
            axis.set_ylabel("policy of player 2", fontsize=7)
    for name, face in (("fixed point", "black"), ("unstable one", "none")):
        axes.flat[0].plot([], [], "o", color="black", markerfacecolor=face, markersize=5, label=name)
    figure.legend(loc="outside lower center", ncols=3)
    head(figure, heading)
    return figure


def _rests(axis: Any, rows: list[Any]) -> None:
    """Draw the fixed points of all rows, from light to dark in the last row: filled unless they are unstable."""
    shades = matplotlib.colormaps["viridis_r"](np.linspace(1, 0.15, len(rows))[::-1])
    for n, (row, shade) in enumerate(zip(rows, shades, strict=True)):
        for rest in row["rests"]:
            stable = rest["stable"] is not False
            size = 6.5 - 4 * n / max(len(rows) - 1, 1)  # so that points show that lie on each other
            face = shade if stable else "none"
            axis.plot(*rest["x"], "o", color=shade, markerfacecolor=face, markersize=size)


def _range(summary: Mapping[str, Any]) -> str:
    values = [row["value"] for row in summary["rows"]]
    if summary["setting"] is None or values[0] is None:
        return ""
    return f"{symbol(summary['setting'])} from {values[0]:g} to {values[-1]:g} (dark)"


def landmarks(landscape: np.ndarray, plane: np.ndarray) -> dict[str, list[tuple[float, float]]]:
    """Points of a game, to the width of a cell: where a leader stands whom the other follows by a best response
    (von Stackelberg, 1934), for either leader; and where the sum of payoffs is highest, and payoffs most alike.

    landscape f32[L, L, 2]: payoffs at [policy of player 2, policy of player 1] over the plane.
    """
    low, high = plane
    values = np.linspace(low, high, len(landscape))
    first, second = landscape[..., 0], landscape[..., 1]
    each = np.arange(len(values))
    replies = second.argmax(axis=0)  # of player 2, for each policy of player 1
    lead = first[replies, each].argmax()
    replies_of_first = first.argmax(axis=1)
    other = second[each, replies_of_first].argmax()
    total, apart = first + second, np.abs(first - second)
    almost = total >= total.max() - 1e-5 * (total.max() - total.min())
    alike = almost & (apart <= apart[almost].min() + 1e-6 * apart.max())
    row, column = np.unravel_index(np.where(alike, total, -np.inf).argmax(), total.shape)
    return {
        "leader and follower": [
            (float(values[lead]), float(values[replies[lead]])),
            (float(values[replies_of_first[other]]), float(values[other])),
        ],
        "joint optimum": [(float(values[column]), float(values[row]))],
    }


def _distinct(points: list[Any]) -> list[tuple[float, float]]:
    """Different points among these, to two digits; without those that Newton's method did not find."""
    return sorted({tuple(round(number, 2) for number in point) for point in points if None not in point})  # type: ignore[misc]


def _inside(point: tuple[float, float], plane: np.ndarray) -> bool:
    return bool(plane[0] <= min(point) and max(point) <= plane[1])
