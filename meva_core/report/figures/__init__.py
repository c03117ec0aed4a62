"""Figures as PNG and SVG, byte-identical for equal numbers.

run        of a run: payoffs, learning, basins, trajectories
planes     contours of a game's payoffs; basins or trajectories of several runs
polytope   what others can earn against a policy, along a match
ranking    runs in the order of one number
style      the one style of all, and what several draw
"""

from meva_core.report.figures.planes import contours, planes
from meva_core.report.figures.polytope import polytope
from meva_core.report.figures.ranking import ranking
from meva_core.report.figures.run import basins, draw, learning, payoffs, trajectories
from meva_core.report.figures.style import COLOURS, STYLE, save

__all__ = [
    "COLOURS",
    "STYLE",
    "basins",
    "contours",
    "draw",
    "learning",
    "payoffs",
    "planes",
    "polytope",
    "ranking",
    "save",
    "trajectories",
]
