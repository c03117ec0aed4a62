"""The plan of an evaluation, made before anything is fitted, so that bad input costs no fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from meva_core.contracts import conversion
from meva_core.contracts.evaluation import Evaluation
from meva_core.contracts.protocols import Learner, Sweep
from meva_core.errors import BadCombination
from meva_core.experiment.compose import Composition
from meva_core.experiment.experiment import EvaluateSettings, Experiment


@attrs.frozen(kw_only=True)
class Question:
    """An evaluation that will be asked, by its name. planned: what its `plan` returned."""

    name: str
    evaluation: Evaluation
    planned: Any = None


@attrs.frozen(kw_only=True)
class Plan:
    """sweep: what the rows differ in, None for one row as the learner is; values: of the rows, (nan,) then; own_value:
    the learner's, None where it has none.
    settings: how much of everything. questions: in the order in which they are asked."""

    sweep: Sweep | None
    values: tuple[float, ...]
    own_value: float | None
    settings: EvaluateSettings
    questions: tuple[Question, ...]


def plan(experiment: Experiment, composition: Composition) -> Plan:
    """Rows and evaluations of a run. Raises BadValue where a learner refuses its numbers, or a row's, and
    BadCombination where an evaluation that was picked by name cannot be asked."""
    learner = composition.rehearse()[0]
    sweep = learner.sweep
    # One row, where each player has a setting of its own, or where a rival was fitted against the one there is.
    own_settings = sweep is not None and isinstance(getattr(learner, sweep.name), tuple)
    if own_settings or any(rival.wants_rivals for rival in composition.players[1:]):
        sweep = None
    values = _values(sweep, experiment, learner)
    if sweep is not None:
        for value in values:
            with conversion.explained("evaluate.values"):
                attrs.evolve(learner, **{sweep.name: value})  # type: ignore[type-var]
    questions = tuple(_questions(experiment, composition))
    own = None if sweep is None else experiment.learner.settings.get(sweep.name)
    return Plan(
        sweep=sweep,
        values=values,
        own_value=own if isinstance(own, float) else None,
        settings=experiment.evaluate,
        questions=questions,
    )


def _values(sweep: Sweep | None, experiment: Experiment, learner: Learner) -> tuple[float, ...]:
    """The values asked for, or else the learner's; its own is among them."""
    if sweep is None:
        return (float("nan"),)
    return experiment.evaluate.values or tuple(sorted({*sweep.values, float(getattr(learner, sweep.name))}))


def _questions(experiment: Experiment, composition: Composition) -> list[Question]:
    """Evaluations that can be asked, each after those it builds on."""
    by_name, seeds = experiment.evaluate.asked, experiment.fit.seeds
    asked: list[Question] = []
    for name in _ordered(composition.evaluations):
        evaluation = composition.evaluations[name]
        lacking = evaluation.lacks(composition, seeds) or _lacks_what_it_builds_on(evaluation, asked)
        if not lacking:
            asked.append(Question(name=name, evaluation=evaluation, planned=evaluation.plan(composition)))
        elif name in by_name:
            raise BadCombination(f"expected {lacking} for evaluation {name}, got {_told(experiment)}: leave it out")
    return asked


def _ordered(evaluations: Any) -> Sequence[str]:
    """Names, each after those that it builds on."""
    ordered: list[str] = []

    def put(name: str, above: tuple[str, ...] = ()) -> None:
        if name in evaluations and name not in ordered and name not in above:
            for other in evaluations[name].builds_on:
                put(other, (*above, name))
            ordered.append(name)

    for name in evaluations:
        put(name)
    return ordered


def _lacks_what_it_builds_on(evaluation: Evaluation, asked: Sequence[Question]) -> str:
    there = {question.name for question in asked}
    lacking = [name for name in evaluation.builds_on if name not in there]
    return f"evaluation {' and '.join(lacking)} beside it" if lacking else ""


def _told(experiment: Experiment) -> str:
    players = [experiment.learner, *experiment.opponents]
    return f"{' against '.join(player.name for player in players)} on {experiment.game.name}"
