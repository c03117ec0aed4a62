"""Abstract evaluation of third-party evaluations before anything is fitted, so that one that fails costs no fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import jax
import jax.numpy as jnp
from jax import Array

from meva_core.contracts.evaluation import Answer, Asking
from meva_core.contracts.protocols import Learner
from meva_core.evaluate.loop import ASK_ONCE, asks
from meva_core.evaluate.matches import matches
from meva_core.evaluate.plan import Question
from meva_core.experiment.composition import Composition
from meva_core.match import Fitted, Match
from meva_core.registry.shape_checks import Asked

FEW = 2  # pairs and steps
ASK = "ask(match, key, asking, *inputs)"
INPUTS = "inputs(ended, answers)"
# Errors of functions that need numbers: `ask_once` may, and is then checked when it has them.
NEEDS_NUMBERS = (
    jax.errors.ConcretizationTypeError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerIntegerConversionError,
)
UNKNOWN = object()


def check(questions: Sequence[Question], composition: Composition, seeds: int) -> None:
    """Evaluate abstractly (no computation) what third parties ask, and the evaluations that it builds on.

    Raises BadPlugin if an evaluation raises, or returns anything but a tree of arrays.
    """
    wanted = _with_those_below(questions)
    if wanted:
        learners = composition.rehearse()
        jax.eval_shape(lambda key: _asked(wanted, composition, learners, seeds, key), jax.random.key(0))


def _with_those_below(questions: Sequence[Question]) -> list[Question]:
    """The questions of third parties and those that they build on, in the same order."""
    wanted: list[Question] = []
    for question in reversed(questions):  # each comes after those it builds on
        if question.third_party is not None or any(question.name in above.evaluation.builds_on for above in wanted):
            wanted.insert(0, question)
    return wanted


def _asked(
    questions: Sequence[Question], composition: Composition, learners: Sequence[Learner], seeds: int, key: Array
) -> Array:
    players = []
    for learner in learners:
        training = learner.training
        players.append(Fitted(learner=learner, params=training and training.params(training.init(key))))
    match = Match(game=composition.game, players=tuple(players), seats=composition.seats)
    ended, answers = _with_axes(matches(match, key, FEW, FEW), 1, 1), dict[str, Answer]()
    for question in questions:
        if all(below in answers for below in question.evaluation.builds_on):
            asked = Asked(composition.offers[question.name], question.evaluation)
            answer = _answer(question, asked, match, ended, answers, seeds, key)
            if answer is not None:
                answers[question.name] = answer
    return key


def _answer(
    question: Question, asked: Asked, match: Match, ended: Any, answers: dict[str, Answer], seeds: int, key: Array
) -> Answer | None:
    """The answer to a question, abstractly. None if the evaluation gives no answer, or if that needs numbers."""
    evaluation, planned = question.evaluation, asked.tree("plan(composition)", question.planned)
    asking, (every, once_for_all) = Asking(planned=planned, pairs=FEW, steps=FEW), asks(evaluation)
    each = once = None
    if every:

        def inputs() -> list[Array]:
            return [jnp.asarray(array)[0, 0] for array in evaluation.inputs(ended, answers)]

        own = asked.answer(INPUTS, inputs)
        each = _numbers(asked, ASK, asked.answer(ASK, lambda: evaluation.ask(match, key, asking, *own)))
        if not jax.tree.leaves(each):
            asked.refuse(ASK, "an array or a tree of arrays", each)
    if once_for_all:
        several, keys = _with_axes(match, seeds), jax.random.split(key, seeds)
        once_asking = attrs.evolve(asking, ended=jax.tree.map(lambda leaf: jnp.repeat(leaf, seeds, axis=0), ended))

        def ask_once() -> Any:
            try:
                return evaluation.ask_once(match.game, several, keys, once_asking)
            except NEEDS_NUMBERS:
                return UNKNOWN

        if (once := asked.answer(ASK_ONCE, ask_once)) is UNKNOWN:
            return None
        _numbers(asked, ASK_ONCE, once)
    if (every or once_for_all) and each is None and once is None:
        return None
    return Answer(each=_with_axes(each, 1, 1), once=once)


def _numbers(asked: Asked, what: str, answer: Any) -> Any:
    """The answer, if it is a tree of arrays of real numbers: a JSON file holds no others."""
    for leaf in jax.tree.leaves(asked.tree(what, answer)):
        if jnp.iscomplexobj(leaf):
            asked.refuse(what, "a tree of real numbers", leaf)
    return answer


def _with_axes(tree: Any, *sizes: int) -> Any:
    """The same tree with axes of these sizes in front of every array, for seeds and rows."""

    def widened(leaf: Any) -> Array:
        array = jnp.asarray(leaf)
        return jnp.broadcast_to(array, (*sizes, *array.shape))

    return jax.tree.map(widened, tree)
