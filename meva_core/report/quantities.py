"""Names of the numbers in a run's summary, known before it is made."""

from __future__ import annotations

from typing import Any

import jax
from jax import Array

from meva_core.evaluate import Plan, outcome_names
from meva_core.evaluate.value_errors import ELSEWHERE
from meva_core.experiment.compose import Composition


def quantities(composition: Composition, plan: Plan) -> tuple[str, ...]:
    """Dotted names of the statistics in each row of summary.json (`report.summary` says what each is)."""
    game, asked = composition.game, plan.settings
    outcomes = outcome_names(game)
    found = ["best_response.ours", "best_response.theirs", "exploitability.gain", "exploitability.loss"]
    if len(composition.players) == 1:
        found.append("self_play")
    if not game.symmetric and len(own := composition.players[0].seats) > 1:
        each = ("payoff", *found[:4])
        found += [f"seats.{seat + 1}.{name}" for seat in own for name in each]
    if plan.rival is not None:
        found += ["against.ours", "against.theirs"]
        if asked.polytope:
            found += ["extortion.slope", "extortion.straightness"]
    found += [f"outcomes.{name}" for name in outcomes]
    if game.plane is not None:
        found += [f"basins.{name}" for name in outcomes]
        if asked.nudge:
            found.append("unstable")
    if _learns_a_value(composition):
        found += [f"errors.{name}" for name in ("value", "early", "late", "td", "angle")]
        found += [f"regions.{name}.error" for name in (*outcomes, ELSEWHERE)]
    return tuple(found)


def _learns_a_value(composition: Composition) -> bool:
    """True if the first player gives a meta-value; asked in the abstract, so that nothing is computed."""

    def ask(key: Array) -> Any:
        learner, game = composition.rehearse()[0], composition.game
        training = learner.training
        params = None if training is None else training.params(training.init(key))
        return learner.meta_value(params, game.init(key))

    return jax.eval_shape(ask, jax.random.key(0)) is not None
