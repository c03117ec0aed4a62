"""Quantities of many runs over a setting: as lines, or as colours over two settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

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


Groups = Mapping[str, Sequence[Point]]  # line -> points


def lines(panels: Mapping[str, Mapping[str, Groups]], heading: str) -> Figure:
    """Draw a line over a setting for each group of runs, with standard errors.

    panels: what is shown -> setting -> groups. There is a line of panels for each quantity, and a panel for each
    setting; with one setting, all panels stand side by side.
    """
    flat = [(says, setting, groups) for says, over in panels.items() for setting, groups in over.items()]
    columns = len(flat) // len(panels) if len(flat) > len(panels) else len(flat)
    rows = len(flat) // columns
    width = max((2.2 if columns > 2 else 3.1) * columns + 0.4, LEAST_WIDTH)
    figure = Figure(figsize=(width, 2.3 * rows + 1.0), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    for axis, (says, setting, groups) in zip(axes.flat, flat, strict=True):
        _draw_lines(axis, groups)
        axis.set_xlabel(setting)
        if columns == len(flat) or axis in axes[:, 0]:
            axis.set_ylabel(says)
    if columns < len(flat):  # panels of a line show one quantity
        for row in axes:
            low, high = (f([axis.get_ylim()[n] for axis in row]) for n, f in enumerate((min, max)))
            for axis in row:
                axis.set_ylim(low, high)
    handles = {
        label: handle for axis in axes.flat for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)
    }
    figure.legend(list(handles.values()), list(handles), loc="outside lower center", ncols=min(len(handles), 3))
    head(figure, heading)
    return figure


def _draw_lines(axis: Any, groups: Groups) -> None:
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
    if shown and min(shown) > 0 and max(shown) >= SPAN * min(shown):
        logarithmic(axis, "x")


def maps(panels: Mapping[str, Groups], setting: str, other: str, heading: str) -> Figure:
    """Draw a map for each group of runs, a line of maps for each quantity: its mean as a colour and a number, over the
    setting and the other one. panels: what is shown -> groups."""
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
