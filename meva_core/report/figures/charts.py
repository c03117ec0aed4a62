"""Quantities of many runs over a setting: as lines, or as colours over two settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from meva_core.report.figures.style import COLOURS, DASHES, LEAST_WIDTH, head, logarithmic

SPAN = 20  # ratio of the highest value of a setting to the lowest from which the axis is logarithmic


class Point(NamedTuple):
    """A number over one setting, and in a map over a second one, with its standard error; NaN if there is none."""

    setting: float
    mean: float
    sem: float = 0.0
    row: float = np.nan


Panels = Mapping[str, Mapping[str, Sequence[Point]]]  # what is shown -> line -> points


def lines(panels: Panels, setting: str, heading: str) -> Figure:
    """Draw a panel for each quantity, with a line over the setting for each group of runs, and standard errors."""
    width = max(3.1 * len(panels) + 0.4, LEAST_WIDTH)
    figure = Figure(figsize=(width, 3.3), layout="constrained")
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for axis, (says, groups) in zip(axes, panels.items(), strict=True):
        for n, (line, points) in enumerate(groups.items()):
            settings, means, sems, _ = zip(*sorted(points), strict=True)
            axis.errorbar(
                settings,
                means,
                sems,
                label=line,
                color=COLOURS[n % len(COLOURS)],
                linestyle=DASHES[(n + n // len(COLOURS)) % len(DASHES)],
                marker="o",
                markersize=max(8 - 2 * n, 3),  # so that lines show that lie on each other
                linewidth=max(3 - n, 1),
                elinewidth=1,
                capsize=2,
            )
        shown = [point.setting for points in groups.values() for point in points]
        if min(shown) > 0 and max(shown) >= SPAN * min(shown):
            logarithmic(axis, "x")
        axis.set(xlabel=setting, ylabel=says)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(len(labels), 3))
    head(figure, heading)
    return figure


def maps(panels: Panels, setting: str, other: str, heading: str) -> Figure:
    """Draw a map for each group of runs, a line of maps for each quantity: its mean as a colour and a number, over the
    setting and the other one."""
    groups = list(dict.fromkeys(line for of in panels.values() for line in of))
    settings = {
        line: sorted({point.setting for of in panels.values() for point in of.get(line, ())}) for line in groups
    }
    rows = sorted({point.row for of in panels.values() for points in of.values() for point in points}, reverse=True)
    widths = [max(len(settings[line]), 2) for line in groups]
    size = (max(0.5 * sum(widths) + 1.8, LEAST_WIDTH), len(panels) * (0.32 * len(rows) + 0.8) + 0.5)
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(len(panels), len(groups), squeeze=False, width_ratios=widths)
    for line_of_axes, (says, of) in zip(axes, panels.items(), strict=True):
        means = np.array([point.mean for points in of.values() for point in points])
        finite = means[np.isfinite(means)]
        low, high = (finite.min(), finite.max()) if finite.size else (0.0, 1.0)
        colours = ScalarMappable(Normalize(low, high), "cividis")
        for axis, line in zip(line_of_axes, groups, strict=True):
            cells = np.full((len(rows), len(settings[line])), np.nan)
            for point in of.get(line, ()):
                cells[rows.index(point.row), settings[line].index(point.setting)] = point.mean
            axis.imshow(cells, cmap=colours.cmap, norm=colours.norm, aspect="auto")
            for r, c in np.argwhere(np.isfinite(cells)):
                dark = cells[r, c] < (low + high) / 2
                colour = "white" if dark else "black"
                axis.text(c, r, f"{cells[r, c]:.2f}", ha="center", va="center", fontsize=6, color=colour)
            axis.set_xticks(range(len(settings[line])), [f"{value:g}" for value in settings[line]])
            axis.set_yticks(range(len(rows)), [f"{row:g}" for row in rows] if axis is line_of_axes[0] else [])
            axis.set(xlabel=setting, title=line)
            axis.spines[:].set_visible(False)
        line_of_axes[0].set_ylabel(other)
        figure.colorbar(colours, ax=line_of_axes, label=says)
    head(figure, heading)
    return figure
