"""The common style of figures, readable in grey and by colour-blind people, and shared functions."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, NullLocator, StrMethodFormatter

from meva_core.storage import files

# Okabe & Ito (2008), in an order that also differs in lightness.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
LEAST_WIDTH = 5.6  # inches; a page enlarges a narrower figure, and its letters too
DASHES = ("-", "--", "-.", ":")
STYLE: dict[Any, Any] = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9,
    "legend.frameon": False,
    "figure.dpi": 150,
    "svg.hashsalt": "meva",
    "svg.fonttype": "none",
}


def draw(figures: Mapping[str, Figure], folder: Path) -> list[Path]:
    """Save figures by name in `folder`, in place of those that are there. Returns the files."""
    folder.mkdir(exist_ok=True)
    for old in (*folder.glob("*.png"), *folder.glob("*.svg")):
        old.unlink()
    with matplotlib.rc_context(STYLE):
        return [path for name, figure in figures.items() for path in save(figure, folder, name)]


def save(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Save a figure as PNG and SVG, byte-identical for equal figures."""
    paths = [folder / f"{files.file_name(name)}.{kind}" for kind in ("png", "svg")]
    for path in paths:
        drawn = io.BytesIO()
        metadata: Any = {"Date": None} if path.suffix == ".svg" else {"Software": None}
        figure.savefig(drawn, format=path.suffix[1:], metadata=metadata)
        files.write(path, drawn.getvalue())
        figure.set_layout_engine("none")  # the layout is computed once for both files
    return paths


def head(figure: Figure, text: str) -> None:
    """Write a heading above a figure, in as many lines as its width needs."""
    size, letter = 9, 0.56  # points, and the width of a letter in units of that
    figure.suptitle(textwrap.fill(text, int(figure.get_figwidth() * 72 / (size * letter))), fontsize=size)


def logarithmic(axes: Any, which: Literal["x", "y"]) -> None:
    """Set a logarithmic scale, with labels at powers of ten, or at round numbers if fewer than two powers are in view.

    The labels never overlap.
    """
    getattr(axes, f"set_{which}scale")("log")
    low, high = getattr(axes, f"get_{which}lim")()
    powers, few, round_numbers = LogLocator(), LogLocator(subs=(1.0, 2.0, 5.0)), MaxNLocator(4)
    least = {powers: 2, few: 3, round_numbers: 0}  # labels needed to read the scale
    chosen = next(
        each for each in least if sum(low <= tick <= high for tick in each.tick_values(low, high)) >= least[each]
    )
    axis = getattr(axes, f"{which}axis")
    axis.set_major_locator(chosen)
    axis.set_minor_formatter(NullFormatter())
    if chosen is not powers:
        axis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axis.set_minor_locator(NullLocator())
