"""What publications report, as data, and whether it holds in runs made anew."""

from meva_core.reproductions.claims import Verdict, check, verdicts
from meva_core.reproductions.data import PICTURES, PLANE, Claim, Ranking, Reproduction, Run, find, names, parse
from meva_core.reproductions.ranking import Place, differences, ranked

__all__ = [
    "PICTURES",
    "PLANE",
    "Claim",
    "Place",
    "Ranking",
    "Reproduction",
    "Run",
    "Verdict",
    "check",
    "differences",
    "find",
    "names",
    "parse",
    "ranked",
    "verdicts",
]
