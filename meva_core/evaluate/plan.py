"""The plan of what a run evaluates, built before anything is fitted, so that bad input costs no fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from meva_core.contracts import conversion
from meva_core.contracts.abstract import describe
from meva_core.contracts.evaluation import Evaluation
from meva_core.contracts.playing import Sampled
from meva_core.contracts.protocols import Learner, Sweep
from meva_core.errors import BadCombination
from meva_core.experiment.composition import Composition
from meva_core.experiment.experiment import EvaluateSettings, Experiment
from meva_core.registry.entries import Offer


@attrs.frozen(kw_only=True)
class Question:
    """An evaluation of the run. name: its name in the experiment; planned: the result of its `plan`; offer: its offer,
    None for one that a caller made without a plugin."""

    name: str
    evaluation: Evaluation
    planned: Any = None
    offer: Offer | None = None

    @property
    def third_party(self) -> Offer | None:
        """Its offer, if it does not come with the core; else None."""
        return None if self.offer is None or self.offer.bundled else self.offer


@attrs.frozen(kw_only=True)
class Plan:
    """Rows and evaluations of a run.

    sweep: the hyper-parameter in which the rows differ; None for a single row with the learner unchanged.
    values: its value in each row; (nan,) without a sweep. own_value: the learner's own value; None if it has none.
    settings: the experiment's [evaluate]. questions: the evaluations, in the order in which they are computed.
    """

    sweep: Sweep | None
    values: tuple[float, ...]
    own_value: float | None
    settings: EvaluateSettings
    questions: tuple[Question, ...]


def plan(experiment: Experiment, composition: Composition) -> Plan:
    """Plan the rows and evaluations of a run.

    Raises BadValue if the learner refuses its hyper-parameters or the value of a row, and BadCombination if an
    evaluation that the user picks by name does not apply to the experiment.
    """
    learner = composition.rehearse()[0]
    sweep = learner.sweep
    # One row if each player has its own value, or if a rival is fitted against the learner's present value.
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


def _runs_if_played(evaluation: Evaluation) -> bool:
    return getattr(evaluation, "by_default_if_played", Evaluation.by_default_if_played)


def _values(sweep: Sweep | None, experiment: Experiment, learner: Learner) -> tuple[float, ...]:
    """The values that the user sets, or else those of the learner's sweep with its own value included."""
    if sweep is None:
        return (float("nan"),)
    return experiment.evaluate.values or tuple(sorted({*sweep.values, float(getattr(learner, sweep.name))}))


def _questions(experiment: Experiment, composition: Composition) -> list[Question]:
    """Evaluations that apply to the experiment, each after those it builds on."""
    questions: list[Question] = []
    lacks: dict[str, str] = {}
    asked = experiment.evaluate.asked
    for name in _ordered(composition.evaluations):
        evaluation, offer = composition.evaluations[name], composition.offers[name]
        lacks[name] = evaluation.lacks(composition, experiment.fit.seeds)
        if not isinstance(lacks[name], str):
            raise offer.fault(f"lacks(composition, seeds): expected text, got {describe(lacks[name])}")
        if isinstance(composition.game, Sampled) and not (_runs_if_played(evaluation) or name in asked):
            lacks[name] = lacks[name] or "a selection by name"
        below = (lacks.get(other, f"a run of evaluation {other}") for other in evaluation.builds_on)
        lacks[name] = lacks[name] or next(filter(None, below), "")
        if not lacks[name]:
            planned = evaluation.plan(composition)
            questions.append(Question(name=name, evaluation=evaluation, planned=planned, offer=offer))
        elif name in asked:
            raise BadCombination(
                f"expected {lacks[name]} for evaluation {name}, got {_players(experiment)}: leave it out"
            )
    return questions


def _ordered(evaluations: Any) -> Sequence[str]:
    """Names of evaluations, each after those it builds on."""
    ordered: list[str] = []

    def put(name: str, above: tuple[str, ...] = ()) -> None:
        if name in evaluations and name not in ordered and name not in above:
            for other in evaluations[name].builds_on:
                put(other, (*above, name))
            ordered.append(name)

    for name in evaluations:
        put(name)
    return ordered


def _players(experiment: Experiment) -> str:
    players = [experiment.learner, *experiment.opponents]
    return f"{' against '.join(player.name for player in players)} on {experiment.game.name}"
