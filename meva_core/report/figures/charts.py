"""Quantities of many runs over a setting: as lines, or as colours over two settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from meva_core.report.figures.style import COLOURS, DASHES, LEAST_WIDTH, head


class Point(NamedTuple):
    """A number over one setting, and in a map over a second one, with its standard error; mean and sem are NaN if there
    is none."""

    setting: float
    mean: float
    sem: float = np.nan
    row: float = np.nan


Groups = Mapping[str, Sequence[Point]]  # line -> points


def lines(panels: Mapping[str, Mapping[str, Groups]], heading: str) -> Figure:
    """Draw a line over a setting for each group of runs, with standard errors.

    panels: what is shown -> setting -> groups. There is a line of panels for each quantity, and a panel for each
    setting; with one setting, all panels stand side by side.
    """
    flat = [(says, setting, groups) for says, over in panels.items() for setting, groups in over.items()]
    one_setting = len(flat) == len(panels)
    rows, columns = (1, len(flat)) if one_setting else (len(panels), len(flat) // len(panels))
    width = max((2.2 if columns > 2 else 3.1) * columns + 0.4, LEAST_WIDTH)
    figure = Figure(figsize=(width, 2.3 * rows + 1.0), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, sharey=False if one_setting else "row")
    names = list(dict.fromkeys(line for _, _, groups in flat for line in groups))  # a line looks alike in all panels
    handles: dict[str, Any] = {}
    for n, (axis, (says, setting, groups)) in enumerate(zip(axes.flat, flat, strict=True)):
        handles = {**_draw_lines(axis, groups, names), **handles}
        axis.set_xlabel(setting)
        if one_setting or n % columns == 0:
            axis.set_ylabel(says)
    shown = [name for name in names if name in handles]
    figure.legend([handles[name] for name in shown], shown, loc="outside lower center", ncols=min(len(shown), 3))
    head(figure, heading)
    return figure


def _draw_lines(axis: Any, groups: Groups, names: Sequence[str]) -> dict[str, Any]:
    """Draw the lines of a panel, at equal distances between the settings that were tried. Returns them by name.

    names: of all lines of the figure, which give them their looks.
    """
    settings, drawn = sorted({point.setting for points in groups.values() for point in points}), {}
    for line, points in groups.items():
        n, over = names.index(line), sorted(points)
        under = min(len(names) - 1 - n, 2)  # lines that are drawn later, on top of this one: so that all show
        drawn[line] = axis.errorbar(
            [settings.index(point.setting) for point in over],
            [point.mean for point in over],
            [point.sem for point in over],
            color=COLOURS[n % len(COLOURS)],
            linestyle=DASHES[(n + n // len(COLOURS)) % len(DASHES)],
            marker="o",
            markersize=4 + 2 * under,
            linewidth=1.2 + under,
            elinewidth=1,
            capsize=2,
        )
    axis.set_xticks(range(len(settings)), [f"{setting:g}" for setting in settings])
    return drawn


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
