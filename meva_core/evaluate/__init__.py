"""One file per question. The questions themselves are pure functions of one match, or of policies of your own (any
array of their shape); `survey` asks those of a run over seeds and settings."""

from meva_core.evaluate.basins import basins, grid
from meva_core.evaluate.best_response import Response, best_response, best_responses
from meva_core.evaluate.cross_play import cross_play
from meva_core.evaluate.exploitability import Exploitability, exploitability
from meva_core.evaluate.matches import Ended, matches
from meva_core.evaluate.plan import Plan, plan
from meva_core.evaluate.polytope import Polytope, polytope
from meva_core.evaluate.shaping import against
from meva_core.evaluate.stability import Rest, eigenvalues, jacobian, rest
from meva_core.evaluate.survey import Survey, survey

__all__ = [
    "Ended",
    "Exploitability",
    "Plan",
    "Polytope",
    "Response",
    "Rest",
    "Survey",
    "against",
    "basins",
    "best_response",
    "best_responses",
    "cross_play",
    "eigenvalues",
    "exploitability",
    "grid",
    "jacobian",
    "matches",
    "plan",
    "polytope",
    "rest",
    "survey",
]
