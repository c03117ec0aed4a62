"""Figures of the plane of two policies that are one number each, from the folders of finished runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from meva_core.errors import BadCombination
from meva_core.report.figures.style import COLOURS, paths, shares
from meva_core.report.tables import symbol
from meva_core.storage.run_folder import read_policies, read_summary


def contours(folder: Path, heading: str) -> Figure:
    """Payoffs over the plane, a panel per player, and where the first setting's trajectories come to rest: A where
    the payoffs are lowest in sum."""
    found = read_policies(folder)
    if "landscape" not in found:
        raise BadCombination("expected a run of a game with a plane for its contours, got one without")
    low, high = found["plane"]
    landscape, ends = found["landscape"], found["trajectories"][0, 0, :, -1, :, 0]
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
    figure.suptitle(heading, fontsize=9)
    return figure


def _rest_points(ends: np.ndarray, axis_values: np.ndarray, landscape: np.ndarray) -> list[np.ndarray]:
    """Where at least two trajectories end, by rising sum of payoffs."""
    points, counts = np.unique(np.round(ends[np.isfinite(ends).all(axis=1)], 1), axis=0, return_counts=True)

    def worth(point: np.ndarray) -> float:
        first, second = (int(np.abs(axis_values - policy).argmin()) for policy in point)
        return float(landscape[second, first].sum())

    return sorted(points[counts > 1], key=worth)


def planes(picture: str, folders: Mapping[str, Path], heading: str) -> Figure:
    """`basins` (share of the seeds) or `trajectories` (of the first seed) of several runs, one row each, a panel per
    setting; the runs' folders by label."""
    runs = {label: _plane_of(folder, picture) for label, folder in folders.items()}
    columns = max(len(run["settings"]) for run in runs.values())
    figure = Figure(figsize=(1.3 * columns + 1.0, 1.45 * len(runs) + 0.4), layout="constrained")
    axes = figure.subplots(len(runs), columns, squeeze=False)
    for row, (label, run) in zip(axes, runs.items(), strict=True):
        for v, axis in enumerate(row):
            if v >= len(run["settings"]):
                axis.set_axis_off()
                continue
            if picture == "basins":
                shares(axis, run["basin"][v], run["plane"])
            else:
                paths(axis, run["trajectories"][0, v, ..., 0], run["plane"])
            axis.set_xticks([])
            axis.set_yticks([])
            axis.spines[:].set_visible(True)
            if run["symbol"]:
                axis.set_title(f"{run['symbol']} = {run['settings'][v]:g}")
        row[0].set_ylabel(label)
    figure.suptitle(heading, fontsize=9)
    return figure


def _plane_of(folder: Path, picture: str) -> dict[str, Any]:
    told, found = read_summary(folder), read_policies(folder)
    basins = [array for name, array in found.items() if name.startswith("basin ")]
    if "plane" not in found or (picture == "basins" and not basins):
        raise BadCombination(f"expected runs of a game that has {picture} to draw, got {told['game']}")
    return {
        "symbol": symbol(told["setting"]["label"]) if told["setting"] else "",
        "settings": found["settings"],
        "plane": tuple(found["plane"]),
        "basin": basins[0].mean(axis=0) if basins else None,
        "trajectories": found["trajectories"],
    }
