"""One file per question. The questions themselves are pure functions of one match; `survey` asks all of them
over seeds and settings."""

from meva_core.evaluate.basins import basins, grid
from meva_core.evaluate.best_response import Response, best_response
from meva_core.evaluate.matches import Ended, matches
from meva_core.evaluate.plan import Plan, plan
from meva_core.evaluate.shaping import against
from meva_core.evaluate.survey import Survey, survey

__all__ = [
    "Ended",
    "Plan",
    "Response",
    "Survey",
    "against",
    "basins",
    "best_response",
    "grid",
    "matches",
    "plan",
    "survey",
]
