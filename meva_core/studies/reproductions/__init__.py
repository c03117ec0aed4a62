"""Reproductions: published results as data, and a check that new runs confirm them."""

from meva_core.studies.reproductions.charts import numbers
from meva_core.studies.reproductions.claims import Rows, Verdict, check, check_asked, rows_of, verdicts
from meva_core.studies.reproductions.data import (
    PICTURES,
    Chart,
    Claim,
    PlannedRun,
    Ranking,
    Reproduction,
    find,
    names,
    parse,
)
from meva_core.studies.reproductions.labels import settings
from meva_core.studies.reproductions.ranking import Place, differences, ranked

__all__ = [
    "PICTURES",
    "Chart",
    "Claim",
    "Place",
    "PlannedRun",
    "Ranking",
    "Reproduction",
    "Rows",
    "Verdict",
    "check",
    "check_asked",
    "differences",
    "find",
    "names",
    "numbers",
    "parse",
    "ranked",
    "rows_of",
    "settings",
    "verdicts",
]
