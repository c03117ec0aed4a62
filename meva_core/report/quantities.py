"""Names of the numbers in a run's summary, available before the run."""

from __future__ import annotations

from meva_core.evaluate import Plan, outcome_names
from meva_core.experiment.composition import Composition
from meva_core.report.checked import checked


def quantities(composition: Composition, plan: Plan) -> tuple[str, ...]:
    """Dotted names of the statistics in each row of summary.json (`report.summary` explains each)."""
    found = ["self_play"] if len(composition.players) == 1 else []
    own = composition.players[0].seats
    if not composition.game.symmetric and len(own) > 1:
        found += [f"seats.{seat + 1}.payoff" for seat in own]
    found += [f"outcomes.{name}" for name in outcome_names(composition.game)]
    for names in of_evaluations(composition, plan).values():
        found += names
    return tuple(found)


def of_evaluations(composition: Composition, plan: Plan) -> dict[str, tuple[str, ...]]:
    """Dotted names of the statistics that each evaluation adds to a row, by the evaluation's name."""
    return {
        question.name: tuple(checked(question.name, question.evaluation, question.offer).quantities(composition))
        for question in plan.questions
    }
