"""The figure of a search: the number of each trial over each searched hyper-parameter."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from meva_core.report.figures.style import COLOURS, LEAST_WIDTH, head, logarithmic

ACROSS = 3  # panels in a line


def search(told: Mapping[str, Any], heading: str) -> Figure:
    """Draw a panel for each searched hyper-parameter: the number of all trials over its value, the best one marked, and
    those without a number below. The recipe is a line. told: the summary.json of a search."""
    paths = list(told["ranges"])
    across = min(ACROSS, len(paths))
    down = math.ceil(len(paths) / across)
    size = max(LEAST_WIDTH, 2.6 * across), 2.5 * down + 0.7
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(down, across, sharey=True, squeeze=False)
    trials = [place for place in told["places"] if place["run"] != told["recipe"]]
    for axis, path in zip(axes.flat, paths, strict=False):
        _panel(axis, told["ranges"][path], path, trials)
    for axis in axes.flat[len(paths) :]:
        axis.set_visible(False)
    unchanged = [
        place["ours"] for place in told["places"] if place["run"] == told["recipe"] and place["ours"] is not None
    ]
    for axis in axes.flat[: len(paths)]:
        for number in unchanged:
            axis.axhline(number, color="0.5", linestyle="--", linewidth=1, zorder=0, label="the recipe")
    for axis in axes[:, 0]:
        axis.set_ylabel(told["quantity"] + ("" if told["at"] is None else f" at {told['at']:g}"))
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    head(figure, heading)
    return figure


def _panel(axis: Any, values: Any, path: str, trials: Sequence[Mapping[str, Any]]) -> None:
    """Draw the trials over one hyper-parameter. values: its range in summary.json."""
    choices = values if isinstance(values, list) else None
    ends = {} if isinstance(values, list) else values

    def where(place: Mapping[str, Any]) -> float:
        value = place["values"][path]
        return value if choices is None else choices.index(value)

    measured = [place for place in trials if place["ours"] is not None]
    missing = [place for place in trials if place["ours"] is None]
    numbers = [place["ours"] for place in measured]
    errors = [place["sem"] or 0.0 for place in measured]
    axis.errorbar(
        list(map(where, measured)), numbers, yerr=errors, fmt="o", color=COLOURS[0], markersize=4, elinewidth=1,
        label="trials, ± s.e.m.",
    )  # fmt: skip
    if measured:
        best = measured[0]
        axis.plot([where(best)], [best["ours"]], "D", color=COLOURS[1], markersize=7, zorder=3, label="the best")
    if missing:
        bottom = axis.get_xaxis_transform()
        axis.plot(
            list(map(where, missing)), np.full(len(missing), 0.02), "x", color=COLOURS[3], markersize=5, clip_on=False,
            transform=bottom, label="without a number",
        )  # fmt: skip
    if choices is not None:
        axis.set_xticks(range(len(choices)), list(map(str, choices)))
        axis.set_xlim(-0.5, len(choices) - 0.5)
    elif ends["scale"] == "log":
        axis.set_xlim(ends["from"], ends["to"])
        logarithmic(axis, "x")
    axis.set_xlabel(path)
