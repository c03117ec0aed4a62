"""What will be asked, settled before anything is fitted, so that bad input costs no fit."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from meva_core.contracts import conversion
from meva_core.contracts.components import parts
from meva_core.contracts.protocols import Learner, Sweep
from meva_core.errors import BadCombination, BadValue
from meva_core.experiment.compose import Composition
from meva_core.experiment.experiment import EvaluateSettings, Experiment
from meva_core.registry import checks, loading


@attrs.frozen
class Plan:
    """sweep: what the rows differ in, None for one row as the learner is; values: of the rows, (nan,) then.
    rival: who is to be shaped, None to leave that out. settings: how much of everything."""

    sweep: Sweep | None
    values: tuple[float, ...]
    rival: Learner | None
    settings: EvaluateSettings


def plan(experiment: Experiment, composition: Composition) -> Plan:
    """BadValue where a learner refuses its numbers, or a row's."""
    learner = composition.rehearse()[0]
    sweep = learner.sweep
    # One row, where each player has a setting of its own, or where a rival was fitted against the one there is.
    own_settings = sweep is not None and isinstance(getattr(learner, sweep.name), tuple)
    if own_settings or any(rival.wants_rivals for rival in composition.players[1:]):
        sweep = None
    found = Plan(
        sweep, _rows(sweep, experiment, learner), _rival(experiment, composition, learner), experiment.evaluate
    )
    _check_nudge(experiment, composition)
    _check_polytope(experiment, composition, found.rival)
    if sweep is not None:
        for value in found.values:
            with conversion.explained("evaluate.values"):
                attrs.evolve(learner, **{sweep.name: value})  # type: ignore[type-var]
    return found


def _check_nudge(experiment: Experiment, composition: Composition) -> None:
    nudge, plane = experiment.evaluate.nudge, composition.game.plane
    if not nudge:
        return
    if plane is None:
        raise BadCombination(f"expected a game with basins for evaluate.nudge, got {experiment.game.name}")
    least = 10 * float(np.finfo(np.float32).eps) * max(map(abs, plane))
    if nudge < least and not experiment.evaluate.float64:
        raise BadCombination(
            f"expected evaluate.nudge of {least:.1g} or more in single precision, got {nudge:g}: "
            "set evaluate.float64=true for less"
        )


def _check_polytope(experiment: Experiment, composition: Composition, rival: Learner | None) -> None:
    players = composition.game.num_players
    if experiment.evaluate.polytope and (rival is None or players != 2):
        raise BadCombination(
            f"expected a learner to be shaped (evaluate.against) in a game of two players for evaluate.polytope, "
            f"got {'none' if rival is None else f'{players} players'}"
        )


def _rows(sweep: Sweep | None, experiment: Experiment, learner: Learner) -> tuple[float, ...]:
    """The values asked for, or else the learner's; its own is among them."""
    if sweep is None:
        return (float("nan"),)
    return experiment.evaluate.values or tuple(sorted({*sweep.values, float(getattr(learner, sweep.name))}))


def _rival(experiment: Experiment, composition: Composition, learner: Learner) -> Learner | None:
    """The learner to be shaped, `evaluate.against`: at `evaluate.against_rate`, else at the learner's rate, else at its
    own default. None unless in self-play, where it is the learner itself, and where they cannot meet."""
    against, learnt = experiment.against, experiment.learner
    if against is None or experiment.opponents or (against.name, against.origin) == (learnt.name, learnt.origin):
        return None
    name, offer = against.name, against.offer
    factory = loading.load(offer)
    if set(parts(factory)) - {"game", *offer.parts}:
        raise BadValue(f"expected a learner that needs no fit to be shaped, got {name!r} @ evaluate.against")
    given: dict[str, Any] = {**offer.parts, **({"game": composition.game} if "game" in parts(factory) else {})}
    rate = experiment.evaluate.against_rate or learner.rate
    if np.any(rate):
        given["rate"] = rate
    rival = conversion.construct(factory, given, "evaluate.against")
    if rival.training is not None:
        raise BadValue(f"expected a learner that needs no fit to be shaped, got {name!r} @ evaluate.against")
    if not offer.bundled:
        checks.learner(offer, rival, composition.game)
    try:
        learner.facing((None, *(rival,) * (composition.game.num_players - 1)))
    except BadCombination:
        return None
    return rival
