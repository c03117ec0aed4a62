"""What others can earn against a policy, step by step of a match."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from scipy.spatial import ConvexHull

from meva_core.errors import BadCombination
from meva_core.report.figures.style import COLOURS
from meva_core.report.tables import symbol
from meva_core.storage.run_folder import read_policies, read_summary

THIN = 1e-4  # a hull whose width is a smaller share of its length is a line


def polytope(folder: Path, heading: str) -> Figure:
    """Payoffs of the learner's policy against random others, step by step of a match: a row per setting. The outline
    holds all payoffs of the game; the ring is the match's own."""
    told = read_summary(folder)
    found = read_policies(folder)
    if "cloud" not in found:
        raise BadCombination(f"expected a run with evaluate.polytope above 0 for a polytope, got {folder} without")
    clouds, met, feasible, settings = (found[name] for name in ("cloud", "met", "feasible", "settings"))
    steps = [at["step"] for at in told["rows"][0]["extortion"]["over_training"]]
    outline = _outline(feasible)
    figure = Figure(figsize=(1.45 * len(steps) + 0.6, 1.6 * len(settings) + 0.9), layout="constrained")
    axes = figure.subplots(len(settings), len(steps), sharex=True, sharey=True, squeeze=False)
    for v, row in enumerate(axes):
        for t, axis in enumerate(row):
            axis.fill(*outline.T, facecolor="0.93", edgecolor="0.6", linewidth=0.7)
            axis.plot(*clouds[v, t].T, ".", color=COLOURS[0], markersize=1.2, alpha=0.5)
            axis.plot(*met[v, t], "o", markerfacecolor="none", color=COLOURS[1], markersize=6, markeredgewidth=1.4)
            axis.set_aspect("equal")
            if v == 0:
                axis.set_title(f"{steps[t]} steps")
        setting = f"{symbol(told['setting']['label'])} = {settings[v]:g}\n" if told["setting"] else ""
        row[0].set_ylabel(f"{setting}the opponent's payoff")
    figure.supxlabel("the learner's payoff", fontsize=9)
    figure.suptitle(f"{heading}: payoffs of the learner's policy against random opponents, over training", fontsize=9)
    return figure


def _outline(points: np.ndarray) -> np.ndarray:
    """Corners of the hull of f32[F, 2]; of a line, as of all payoffs of a game of zero sum, its ends."""
    apart = points - points[:1]
    if not len(points) or np.linalg.matrix_rank(apart, tol=THIN * np.abs(apart).max()) < 2:
        return points[[points[:, 0].argmin(), points[:, 0].argmax()]] if len(points) else points
    return points[ConvexHull(points).vertices]
