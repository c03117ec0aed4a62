"""Figures of the plane of two policies that are one number each: basins, trajectories and contours of payoffs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from meva_core.errors import BadCombination
from meva_core.report.figures.style import COLOURS, head
from meva_core.report.tables import symbol, title


def of_run(summary: Mapping[str, Any], arrays: Mapping[str, Any]) -> dict[str, Figure]:
    """Basins and trajectories of a run, a square panel for each row."""
    extent = tuple(arrays["plane"])

    def basins(axis: Any, v: int) -> None:
        shares(axis, arrays[f"basin {name}"][:, v].mean(axis=0), extent)

    def trajectories(axis: Any, v: int) -> None:
        paths(axis, arrays["trajectories"][0, v, ..., 0], extent)

    seed = summary["seeds"][0]
    figures = {"trajectories": _panels(summary, trajectories, f"trajectories of learning (seed {seed})")}
    if name := next(iter(summary["rows"][0]["basins"]), None):
        figures["basins"] = _panels(summary, basins, f"starts that end in {name} (white; grey: only on some seeds)")
    return figures


def _panels(summary: Mapping[str, Any], panel: Callable[[Any, int], None], heading: str) -> Figure:
    """One square panel per row of the summary, in lines of up to six."""
    values = [row["value"] for row in summary["rows"]]
    label = symbol(summary["setting"]) if summary["setting"] else ""
    columns = min(len(values), 6)
    rows = -(-len(values) // columns)
    figure = Figure(figsize=(max(1.45 * columns + 0.5, 3.2), 1.75 * rows + 0.4), layout="constrained")
    axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for v, axis in enumerate(axes.flat):
        if v >= len(values):
            axis.set_axis_off()
            continue
        panel(axis, v)
        if label:
            axis.set_title(f"{label} = {values[v]:g}")
        if v >= len(values) - columns:
            axis.set_xlabel("policy of player 1")
        if v % columns == 0:
            axis.set_ylabel("policy of player 2")
    head(figure, f"{title(summary)}: {heading}")
    return figure


def shares(axis: Any, cells: np.ndarray, extent: tuple[float, float]) -> None:
    """Draw the share of seeds that end in the outcome, f32[G, G] over the starts: white for all, black for none."""
    axis.imshow(cells, origin="lower", extent=extent * 2, cmap="gray", vmin=0, vmax=1)


def paths(axis: Any, found: np.ndarray, extent: tuple[float, float]) -> None:
    """Draw trajectories f32[M, T, 2], from an open dot to a filled one."""
    for k, path in enumerate(found):
        colour = COLOURS[k % len(COLOURS)]
        axis.plot(path[:, 0], path[:, 1], color=colour, linewidth=0.7)
        axis.plot(*path[0], "o", markersize=2.5, markerfacecolor="white", color=colour)
        axis.plot(*path[-1], "o", markersize=2.5, color=colour)
    axis.set_xlim(*extent)
    axis.set_ylim(*extent)
    axis.set_aspect("equal")


def contours(runs: Mapping[str, Any], heading: str) -> Figure:
    """Payoffs over the plane of the first run's game, a panel per player, with the common ends of its trajectories.

    The ends are those of the first seed and row, with letters by rising sum of payoffs: A is the lowest. Raises
    BadCombination if the run has no plane.
    """
    run = next(iter(runs.values()))
    if "landscape" not in run.arrays:
        raise BadCombination(f"expected a run of a game with a plane for its contours, got {run.summary['game']}")
    low, high = run.arrays["plane"]
    landscape, ends = run.arrays["landscape"], run.arrays["trajectories"][0, 0, :, -1, :, 0]
    axis_values = np.linspace(low, high, len(landscape))
    figure = Figure(figsize=(5.6, 2.9), layout="constrained")
    for player, axis in enumerate(figure.subplots(1, 2, sharey=True)):
        drawn = axis.contour(axis_values, axis_values, landscape[..., player], 14, cmap="cividis", linewidths=0.8)
        axis.clabel(drawn, fontsize=5)
        for letter, point in zip("ABCDEFGH", _rest_points(ends, axis_values, landscape), strict=False):
            axis.plot(*point, "o", color=COLOURS[1], markersize=4)
            axis.annotate(letter, point, xytext=(4, 4), textcoords="offset points", fontweight="bold")
        axis.set_aspect("equal")
        axis.set_title(f"payoff of player {player + 1}")
        axis.set_xlabel("policy of player 1")
        if player == 0:
            axis.set_ylabel("policy of player 2")
    head(figure, heading)
    return figure


def _rest_points(ends: np.ndarray, axis_values: np.ndarray, landscape: np.ndarray) -> list[np.ndarray]:
    """Points at which at least two trajectories end, by rising sum of payoffs."""
    points, counts = np.unique(np.round(ends[np.isfinite(ends).all(axis=1)], 1), axis=0, return_counts=True)

    def worth(point: np.ndarray) -> float:
        first, second = (int(np.abs(axis_values - policy).argmin()) for policy in point)
        return float(landscape[second, first].sum())

    return sorted(points[counts > 1], key=worth)


def basins_of_runs(runs: Mapping[str, Any], heading: str) -> Figure:
    """The share of the seeds that end in the game's first outcome, a line of panels for each run."""

    def draw(axis: Any, arrays: Mapping[str, Any], v: int) -> None:
        name = next(filter(_is_basin, arrays))
        shares(axis, arrays[name][:, v].mean(axis=0), tuple(arrays["plane"]))

    return _lines(runs, heading, draw, "basins")


def _is_basin(name: str) -> bool:
    """True for the name of an array with the cells of an outcome."""
    return name.startswith("basin ")


def trajectories_of_runs(runs: Mapping[str, Any], heading: str) -> Figure:
    """The first seed's trajectories, a line of panels for each run."""

    def draw(axis: Any, arrays: Mapping[str, Any], v: int) -> None:
        paths(axis, arrays["trajectories"][0, v, ..., 0], tuple(arrays["plane"]))

    return _lines(runs, heading, draw, "trajectories")


def _lines(
    runs: Mapping[str, Any], heading: str, draw: Callable[[Any, Mapping[str, Any], int], None], picture: str
) -> Figure:
    """A line of panels for each run, a panel for each of its rows. Raises BadCombination if a run lacks the arrays."""
    for run in runs.values():
        drawn = "trajectories" in run.arrays if picture == "trajectories" else any(map(_is_basin, run.arrays))
        if not drawn:
            raise BadCombination(f"expected runs of a game that has {picture} to draw, got {run.summary['game']}")
    columns = max(len(run.summary["rows"]) for run in runs.values())
    figure = Figure(figsize=(1.3 * columns + 1.0, 1.45 * len(runs) + 0.4), layout="constrained")
    axes = figure.subplots(len(runs), columns, squeeze=False)
    for line, (label, run) in zip(axes, runs.items(), strict=True):
        rows, setting = run.summary["rows"], run.summary["setting"]
        for v, axis in enumerate(line):
            if v >= len(rows):
                axis.set_axis_off()
                continue
            draw(axis, run.arrays, v)
            axis.set_xticks([])
            axis.set_yticks([])
            axis.spines[:].set_visible(True)
            if setting:
                axis.set_title(f"{symbol(setting)} = {rows[v]['value']:g}")
        line[0].set_ylabel(label)
    head(figure, heading)
    return figure


PICTURES = {"basins": basins_of_runs, "trajectories": trajectories_of_runs, "contours": contours}
