"""Matches of a run, its evaluations (`loop`, `plan`), and the mathematics that several evaluations share.

The shared mathematics: how matches end, best responses, exploitability, and the digits that single precision keeps.
The pure functions take a match, or any array of policies of the right shape.
"""

from meva_core.contracts import streams
from meva_core.evaluate.best_response import Response, best_response, best_responses, of_each_match
from meva_core.evaluate.exploitability import Exploitability, exploitability
from meva_core.evaluate.long_matches import LongMatches, long_matches
from meva_core.evaluate.loop import Seen, ask, outcome_names, over_seeds_and_rows, played
from meva_core.evaluate.matches import Ended, looked_at, matches
from meva_core.evaluate.plan import Plan, Question, plan
from meva_core.evaluate.precision import complaint as imprecise
from meva_core.evaluate.precision import single_precision

__all__ = [
    "Ended",
    "Exploitability",
    "LongMatches",
    "Plan",
    "Question",
    "Response",
    "Seen",
    "ask",
    "best_response",
    "best_responses",
    "exploitability",
    "imprecise",
    "long_matches",
    "looked_at",
    "matches",
    "of_each_match",
    "outcome_names",
    "over_seeds_and_rows",
    "plan",
    "played",
    "single_precision",
    "streams",
]
