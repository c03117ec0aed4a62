"""Figures of a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from meva_core.fitting import History
from meva_core.report.figures.style import COLOURS, DASHES, LEAST_WIDTH, STYLE, head, logarithmic
from meva_core.report.merging import merged
from meva_core.report.result import Result
from meva_core.report.tables import Evaluations, title
from meva_core.storage import kept_fit


def of_run(result: Result, summary: dict[str, Any], arrays: Mapping[str, Any]) -> dict[str, Figure]:
    """All figures of a result by name.

    summary, arrays: the content of summary.json and of policies.npz.
    """
    drawn: dict[str, Figure] = {}
    with matplotlib.rc_context(STYLE):
        if len(summary["rows"]) > 1:
            drawn["payoffs"] = payoffs(summary, result.checked)
        names = [history.name.partition(" (")[0] for history in result.histories]
        for name, history in zip(names, result.histories, strict=True):
            if history.metrics:
                whose = name if names.count(name) == 1 else f"{name}_{history.player}"
                drawn["matches" if history.player == kept_fit.MATCHES else f"learning_{whose}"] = learning(history)
        what = "figures(summary, arrays)"
        return drawn | merged(result.checked, what, lambda name, each: each.figures(summary, arrays), taken=drawn)


def payoffs(summary: dict[str, Any], evaluations: Evaluations, heading: str = "") -> Figure:
    """Draw payoffs over the rows, with bands of one standard error and dots for the seeds.

    heading: by default the game and its players.
    """
    panels = _panels(summary, evaluations)
    figure = Figure(figsize=(_width(len(panels)), 2.6), layout="constrained")
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    positions = np.arange(len(summary["rows"]))
    for axis, (name, lines) in zip(axes, panels.items(), strict=True):
        for k, (label, pick) in enumerate(lines):
            _line(axis, positions, [pick(row) for row in summary["rows"]], label, k)
        axis.set_title(name)
        # Equal steps between rows, because discounts lie close to 1 and rates double.
        axis.set_xticks(positions, [f"{row['value']:g}" if summary["setting"] else "" for row in summary["rows"]])
        axis.set_xlabel(summary["setting"]["label"] if summary["setting"] else "")
        if len(lines) > 1:
            axis.legend()
    axes[0].set_ylabel("payoff")
    head(figure, heading or title(summary))
    return figure


Line = tuple[str, Callable[[Mapping[str, Any]], Any]]  # a label, and a function that picks the statistic from a row


def _panels(summary: dict[str, Any], evaluations: Evaluations) -> dict[str, list[Line]]:
    """Lines of each panel: the match, then those of evaluations; one line per seat if seats are separate."""
    first = summary["rows"][0]
    if first["self_play"] and first["seats"]:
        lines = [(f"seat {seat}", lambda row, seat=seat: row["seats"][seat]["payoff"]) for seat in first["seats"]]
    elif first["self_play"]:
        lines = [("each player", lambda row: row["self_play"])]
    else:
        players = enumerate(summary["players"])
        lines = [(f"seat {n + 1}: {label}", lambda row, n=n: row["payoffs"][n]) for n, label in players]
    panels: dict[str, list[Line]] = {"self-play" if first["self_play"] else "match": lines}
    columns = [column for evaluation in evaluations.values() for column in evaluation.columns(summary)]
    if not first["seats"]:
        for column in columns:
            panels.setdefault(column.panel, []).append((column.line, column.cell))
        return panels
    for column in columns:
        for seat in first["seats"]:
            if column.of_seat(first, seat) is not None:
                line = (column.line, lambda row, seat=seat, column=column: column.of_seat(row, seat))
                panels.setdefault(f"seat {seat} {column.panel}", []).append(line)
    return panels


def _width(panels: int) -> float:
    """The width in inches of a figure of so many panels."""
    return max(2.6 * panels + 0.4, LEAST_WIDTH)


def learning(history: History) -> Figure:
    """Draw the metrics that the training shows over outer loops: a line per seed, and the mean. A learner's lines end
    with its own loops."""
    labels = history.labels
    figure = Figure(figsize=(_width(len(labels)), 2.4), layout="constrained")
    played = history.player == kept_fit.MATCHES  # all metrics are payoffs, on one scale
    every = figure.subplots(1, len(labels), squeeze=False, sharex=True, sharey=played)[0]
    for axis, (name, label) in zip(every, labels.items(), strict=True):
        values = history.metrics[name][:, : history.ends.get(name)]
        loops = np.arange(1, values.shape[1] + 1)
        if len(values) > 1:
            axis.plot(loops, values.T, color=COLOURS[0], alpha=0.4, linewidth=0.8)
        axis.plot(loops, values.mean(axis=0), color=COLOURS[0], linewidth=1.8)
        axis.set_title(label)
        axis.set_xlabel("step" if played else "outer loop")
        if name not in history.linear and np.all(values > 0):
            logarithmic(axis, "y")
    what = history.name if played else f"fit of {history.name}"
    head(figure, f"{what}, {len(history.seeds)} seed{'s' * (len(history.seeds) > 1)}")
    return figure


def _line(axis: Any, positions: np.ndarray, cells: list[dict[str, Any] | None], label: str, k: int) -> None:
    if not (there := [n for n, cell in enumerate(cells) if cell is not None]):
        return
    positions, statistics = positions[there], [cell for cell in cells if cell is not None]
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
