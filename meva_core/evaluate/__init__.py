"""One file per question. The questions themselves are pure functions of one match, or of policies of your own (any
array of their shape); `survey` asks those of a run over seeds and settings."""

from meva_core.evaluate.basins import basins, grid, unstable
from meva_core.evaluate.best_response import Response, best_response, best_responses
from meva_core.evaluate.cross_play import cross_play
from meva_core.evaluate.exploitability import Exploitability, exploitability
from meva_core.evaluate.matches import Ended, looked_at, matches
from meva_core.evaluate.plan import Plan, plan
from meva_core.evaluate.polytope import OverTraining, Polytope, over_training, polytope, snapshots
from meva_core.evaluate.precision import complaint as imprecise
from meva_core.evaluate.precision import single_precision
from meva_core.evaluate.shaping import against
from meva_core.evaluate.stability import Rest, eigenvalues, equilibrium, jacobian, rest
from meva_core.evaluate.survey import Survey, matches_and_responses, outcome_names, survey
from meva_core.evaluate.value_errors import ValueErrors, true_gradients, value_errors

__all__ = [
    "Ended",
    "Exploitability",
    "OverTraining",
    "Plan",
    "Polytope",
    "Response",
    "Rest",
    "Survey",
    "ValueErrors",
    "against",
    "basins",
    "best_response",
    "best_responses",
    "cross_play",
    "eigenvalues",
    "equilibrium",
    "exploitability",
    "grid",
    "imprecise",
    "jacobian",
    "looked_at",
    "matches",
    "matches_and_responses",
    "outcome_names",
    "over_training",
    "plan",
    "polytope",
    "rest",
    "single_precision",
    "snapshots",
    "survey",
    "true_gradients",
    "unstable",
    "value_errors",
]
