"""Figures of polytopes: payoffs that others can earn against a policy, at several steps of a match."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from scipy.spatial import ConvexHull

from meva_core.errors import BadCombination
from meva_core.report.figures.style import COLOURS, head
from meva_core.report.tables import symbol

THIN = 1e-4  # a hull is a line if its width is a smaller share of its length


def of_runs(runs: Mapping[str, Any], heading: str) -> dict[str, Figure]:
    """A figure for each of several runs, by their labels. Raises BadCombination if one has no polytope."""
    for label, run in runs.items():
        if "cloud" not in run.arrays:
            raise BadCombination(f"expected runs with evaluation polytope to draw it, got {label} without")
    return {label: figure(run.summary, run.arrays, label) for label, run in runs.items()}


def figure(summary: Mapping[str, Any], arrays: Mapping[str, Any], heading: str) -> Figure:
    """Payoffs of the learner's policy against random opponents at several steps of a match, a line of panels per row.

    The outline encloses all payoffs of the game; the ring marks the payoffs of the match.
    """
    clouds, met, feasible, settings = (arrays[name] for name in ("cloud", "met", "feasible", "settings"))
    steps = [at["step"] for at in summary["rows"][0]["extortion"]["over_training"]]
    outline = _outline(feasible)
    drawn = Figure(figsize=(1.45 * len(steps) + 0.6, 1.6 * len(settings) + 0.9), layout="constrained")
    axes = drawn.subplots(len(settings), len(steps), sharex=True, sharey=True, squeeze=False)
    for v, row in enumerate(axes):
        for t, axis in enumerate(row):
            axis.fill(*outline.T, facecolor="0.93", edgecolor="0.6", linewidth=0.7)
            axis.plot(*clouds[v, t].T, ".", color=COLOURS[0], markersize=1.2, alpha=0.5)
            axis.plot(*met[v, t], "o", markerfacecolor="none", color=COLOURS[1], markersize=6, markeredgewidth=1.4)
            axis.set_aspect("equal")
            if v == 0:
                axis.set_title(f"{steps[t]} steps")
        setting = f"{symbol(summary['setting'])} = {settings[v]:g}\n" if summary["setting"] else ""
        row[0].set_ylabel(f"{setting}the opponent's payoff")
    drawn.supxlabel("the learner's payoff", fontsize=9)
    head(drawn, f"{heading}: payoffs of the learner's policy against random opponents, over training")
    return drawn


def _outline(points: np.ndarray) -> np.ndarray:
    """Corners of the hull of f32[F, 2]. If the points lie on a line, as in a zero-sum game, they are its two ends."""
    apart = points - points[:1]
    if not len(points) or np.linalg.matrix_rank(apart, tol=THIN * np.abs(apart).max()) < 2:
        return points[[points[:, 0].argmin(), points[:, 0].argmax()]] if len(points) else points
    return points[ConvexHull(points).vertices]
