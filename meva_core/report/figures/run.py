"""Figures of a run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from meva_core.fitting import History
from meva_core.report.figures.polytope import polytope
from meva_core.report.figures.style import COLOURS, DASHES, STYLE, logarithmic, paths, save, shares
from meva_core.report.result import Result
from meva_core.report.tables import symbol, title


def draw(result: Result, folder: Path) -> list[Path]:
    """All figures that the result has numbers for, in a `folder` beside its numbers; byte-identical for equal results.
    Returns the files."""
    folder.mkdir(exist_ok=True)
    drawn: list[tuple[str, Figure]] = []
    with matplotlib.rc_context(STYLE):
        summary = result.summary()
        if len(summary["rows"]) > 1:
            drawn.append(("payoffs", payoffs(summary)))
        names = [history.name.partition(" (")[0] for history in result.histories]
        for name, history in zip(names, result.histories, strict=True):
            if history.metrics:
                whose = name if names.count(name) == 1 else f"{name}_{history.player}"
                drawn.append((f"learning_{whose}", learning(history)))
        if result.survey.basins:
            drawn.append(("basins", basins(result)))
            drawn.append(("trajectories", trajectories(result)))
        if result.survey.polytope is not None:
            drawn.append(("polytope", polytope(folder.parent, title(summary))))
        return [path for name, figure in drawn for path in save(figure, folder, name)]


def payoffs(summary: dict[str, Any], heading: str = "") -> Figure:
    """Payoffs over the settings, with bands of one s.e.m., and dots for the seeds; headed by who plays what, or so."""
    panels: list[tuple[str, list[tuple[str, Callable]]]] = []
    first = summary["rows"][0]
    if first["self_play"] and first["seats"]:
        seats = [(f"seat {seat}", lambda row, seat=seat: row["seats"][seat]["payoff"]) for seat in first["seats"]]
        panels.append(("self-play", seats))
    elif first["self_play"]:
        panels.append(("self-play", [("each player", lambda row: row["self_play"])]))
    else:
        seats = enumerate(summary["players"])
        panels.append(("match", [(f"seat {n + 1}: {label}", lambda row, n=n: row["payoffs"][n]) for n, label in seats]))
    for seat in first["seats"]:
        panels.append((f"seat {seat} against best responses", _responses(lambda row, seat=seat: row["seats"][seat])))
    if not first["seats"]:
        panels.append(("against its best response", _responses(lambda row: row)))
    if first["against"]:
        rival = first["against"]["learner"]
        panels.append(
            (
                f"against a {rival} learner",
                [("ours", lambda r: r["against"]["ours"]), (f"the {rival} one's", lambda r: r["against"]["theirs"])],
            )
        )
    figure = Figure(figsize=(2.6 * len(panels) + 0.4, 2.6), layout="constrained")
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    positions = np.arange(len(summary["rows"]))
    for axis, (name, lines) in zip(axes, panels, strict=True):
        for k, (label, pick) in enumerate(lines):
            _line(axis, positions, [pick(row) for row in summary["rows"]], label, k)
        axis.set_title(name)
        # One step per row: discounts crowd near 1, rates double.
        axis.set_xticks(positions, [f"{row['value']:g}" if summary["setting"] else "" for row in summary["rows"]])
        axis.set_xlabel(summary["setting"]["label"] if summary["setting"] else "")
        if len(lines) > 1:
            axis.legend()
    axes[0].set_ylabel("payoff" if summary["rows"][0]["basins"] else "payoff per round")
    figure.suptitle(heading or title(summary), fontsize=9)
    return figure


def _responses(of: Callable[[dict[str, Any]], dict[str, Any]]) -> list[tuple[str, Callable]]:
    """Two lines, given where in a row the numbers stand."""
    return [
        ("ours", lambda row: of(row)["best_response"]["ours"]),
        ("the best response's", lambda row: of(row)["best_response"]["theirs"]),
    ]


def learning(history: History) -> Figure:
    """Loss, TD error and payoff over outer loops, a line per seed and their mean."""
    shown = {"loss": "loss", "td_error": "TD error", "payoff": "payoff on policy"}
    names = [name for name in shown if name in history.metrics] or list(history.metrics)[:3]
    figure = Figure(figsize=(2.6 * len(names) + 0.4, 2.4), layout="constrained")
    for axis, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        values = history.metrics[name]
        loops = np.arange(1, values.shape[1] + 1)
        if len(values) > 1:
            axis.plot(loops, values.T, color=COLOURS[0], alpha=0.3, linewidth=0.7)
        axis.plot(loops, values.mean(axis=0), color=COLOURS[0], linewidth=1.4)
        axis.set_title(shown.get(name, name))
        axis.set_xlabel("outer loop")
        if name != "payoff" and np.all(values > 0):
            logarithmic(axis, "y")
    figure.suptitle(f"fit of {history.name}, {len(history.seeds)} seed{'s' * (len(history.seeds) > 1)}", fontsize=9)
    return figure


def basins(result: Result) -> Figure:
    """Share of the seeds for which a start of the grid ends in the outcome: white all, black none."""
    survey = result.survey
    name, found = next(iter(survey.basins.items()))
    extent = survey.plane
    assert extent is not None

    def panel(axis: Any, v: int) -> None:
        shares(axis, found[:, v].mean(axis=0), extent)

    return _panels(result, panel, f"starts that end in {name} (white; grey: only on some seeds)")


def trajectories(result: Result) -> Figure:
    """Where joint policies go, from fresh starts (open) to their ends (filled), of the first seed."""
    found, extent = result.survey.trajectories, result.survey.plane
    assert found is not None
    assert extent is not None

    def panel(axis: Any, v: int) -> None:
        paths(axis, found[0, v, ..., 0], extent)

    return _panels(result, panel, f"trajectories of learning (seed {result.seeds[0]})")


def _panels(result: Result, panel: Callable[[Any, int], None], heading: str) -> Figure:
    """One square panel per setting, in rows of up to six."""
    values, label = result.survey.values, symbol(result.survey.label)
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
    figure.suptitle(f"{title(result.summary())}: {heading}", fontsize=9)
    return figure


def _line(axis: Any, positions: np.ndarray, statistics: list[dict[str, Any]], label: str, k: int) -> None:
    mean = np.array([s["mean"] for s in statistics], float)
    sem = np.array([s["sem"] for s in statistics], float)
    colour = COLOURS[k % len(COLOURS)]
    axis.plot(
        positions, mean, DASHES[k % len(DASHES)], color=colour, label=label, linewidth=1.4, marker="o", markersize=3
    )
    axis.fill_between(positions, mean - sem, mean + sem, color=colour, alpha=0.2, linewidth=0)
    if statistics[0]["over"] == "seeds":
        for position, s in zip(positions, statistics, strict=True):
            seeds = np.array(s["per_seed"], float)
            axis.plot(np.full(len(seeds), position), seeds, ".", color=colour, markersize=2, alpha=0.5)
