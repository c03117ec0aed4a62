"""Names of the numbers in a run's summary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meva_core.evaluate import Plan, outcome_names
from meva_core.experiment.composition import Composition
from meva_core.report.checked import checked


def quantities(composition: Composition, plan: Plan) -> tuple[str, ...]:
    """Dotted names of the statistics in each row of summary.json, before the run (`report.summary` explains each)."""
    found = ["self_play"] if len(composition.players) == 1 else []
    own = composition.players[0].seats
    if not composition.game.symmetric and len(own) > 1:
        found += [f"seats.{seat + 1}.payoff" for seat in own]
    found += [f"outcomes.{name}" for name in outcome_names(composition.game)]
    for question in plan.questions:
        found += checked(question.name, question.evaluation, question.offer).quantities(composition)
    return tuple(found)


def named(table: Mapping[str, Any], above: str = "") -> dict[str, Mapping[str, Any]]:
    """Statistics and counts of cells in a row's nested tables, by dotted name."""
    statistics: dict[str, Mapping[str, Any]] = {}
    for name, value in table.items():
        if not isinstance(value, Mapping):
            continue
        if "mean" in value or "cells" in value:
            statistics[above + name] = value
        else:
            statistics |= named(value, f"{above}{name}.")
    return statistics
