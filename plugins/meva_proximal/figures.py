"""Figures of reciprocity: shares of matches that become like tit-for-tat, over a setting of the runs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from meva_core.errors import BadCombination
from meva_core.report.figures.style import COLOURS, DASHES

LABEL = re.compile(r"(?P<line>.+), (?P<setting>.+) (?P<value>[-+.\de]+)")


def shares(runs: Mapping[str, Any], heading: str) -> Figure:
    """The share of reciprocal matches of each run, a line for each group of runs, with standard errors.

    runs: by labels that name the line, the setting and its value, as in "lola, factor 1.1"; the setting is the
    horizontal axis. Raises BadCombination if a label is not of this form, or a run lacks the evaluation.
    """
    lines: dict[str, list[tuple[float, Mapping[str, Any]]]] = {}
    setting = ""
    for label, run in runs.items():
        row, found = run.summary["rows"][0], LABEL.fullmatch(label)
        if found is None or "reciprocity" not in row:
            raise BadCombination(
                f"expected runs with evaluation reciprocity and labels as in 'lola, factor 1.1' to draw, got {label!r}"
            )
        lines.setdefault(found["line"], []).append((float(found["value"]), row["reciprocity"]["share"]))
        setting = found["setting"]
    drawn = Figure(figsize=(4.6, 3.0), layout="constrained")
    axis = drawn.subplots()
    for n, (line, points) in enumerate(lines.items()):
        values, found = zip(*sorted(points, key=lambda point: point[0]), strict=True)
        axis.errorbar(
            values,
            [share["mean"] for share in found],
            [share["sem"] or 0.0 for share in found],
            label=line,
            color=COLOURS[n % len(COLOURS)],
            linestyle=DASHES[n % len(DASHES)],
            marker="o",
            markersize=max(9 - 2 * n, 3),  # so that lines show that lie on each other
            linewidth=max(4 - n, 1),
            elinewidth=1,
            capsize=2,
        )
    axis.set(xlabel=setting, ylabel="matches that become like tit-for-tat", ylim=(-0.05, 1.05))
    axis.legend(fontsize=8)
    axis.set_title(heading)
    return drawn
