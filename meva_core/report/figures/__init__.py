"""Figures as PNG and SVG, byte-identical for equal numbers.

run        figures of a run: payoffs, learning curves, and pictures of evaluations
charts     quantities of many runs over a setting
ranking    runs ordered by one quantity
search     trials of a search over each hyper-parameter
style      the common style, and functions that several figures share
"""

from meva_core.report.figures.charts import Point, lines, maps
from meva_core.report.figures.ranking import ranking
from meva_core.report.figures.run import learning, of_run, payoffs
from meva_core.report.figures.search import search
from meva_core.report.figures.style import COLOURS, LEAST_WIDTH, STYLE, draw, head, save

__all__ = [
    "COLOURS",
    "LEAST_WIDTH",
    "STYLE",
    "Point",
    "draw",
    "head",
    "learning",
    "lines",
    "maps",
    "of_run",
    "payoffs",
    "ranking",
    "save",
    "search",
]
