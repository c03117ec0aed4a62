"""The figure of runs ordered by one quantity."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from meva_core.report.figures.style import COLOURS, head, logarithmic


def ranking(told: dict[str, Any], heading: str) -> Figure:
    """Draw the measured means with their errors, the best on top, with all seeds and the published numbers.

    told: the ranking of a summary.json.
    """
    places = [place for place in told["places"] if place["ours"] is not None]
    heights = np.arange(len(places))[::-1]
    figure = Figure(figsize=(5.2, 0.28 * len(places) + 1.2), layout="constrained")
    axis = figure.subplots()
    ours = [place["ours"] for place in places]
    axis.errorbar(
        ours, heights, xerr=[place["sem"] or 0 for place in places], fmt="o", color=COLOURS[0], markersize=4,
        label="ours, ± s.e.m.",
    )  # fmt: skip
    of_places = list(zip(places, heights, strict=True))
    seeds = [(number, height) for place, height in of_places for number in place["seeds"] if number is not None]
    if len(seeds) > len(places):
        axis.plot(*zip(*seeds, strict=True), "|", color=COLOURS[0], alpha=0.5, markersize=7, zorder=1, label="seeds")
    known = [(place["published"], height) for place, height in of_places if place["published"] is not None]
    if known:
        axis.plot(
            *zip(*known, strict=True), "D", markerfacecolor="none", color=COLOURS[1], markersize=5, label="published"
        )
    axis.set_ylim(-0.6, len(places) - 0.4)
    axis.set_yticks(heights, [place["run"].replace("_", " ") for place in places])
    numbers = [*ours, *(number for number, _ in (*known, *seeds))]
    if numbers and min(numbers) > 0 and max(numbers) > 20 * min(numbers):
        logarithmic(axis, "x")
    axis.set_xlabel(told["quantity"] + ("" if told["at"] is None else f" at {told['at']:g}"))
    figure.legend(loc="outside lower center", ncols=3)
    head(figure, heading)
    return figure
