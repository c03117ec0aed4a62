"""Figures as PNG and SVG, byte-identical for equal numbers.

run        of a run: payoffs, learning, and what evaluations draw
ranking    runs in the order of one number
style      the one style of all, and what several draw
"""

from meva_core.report.figures.ranking import ranking
from meva_core.report.figures.run import draw, learning, payoffs
from meva_core.report.figures.style import COLOURS, STYLE, save

__all__ = ["COLOURS", "STYLE", "draw", "learning", "payoffs", "ranking", "save"]
