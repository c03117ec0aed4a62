"""Abstract evaluation of third-party evaluations before anything is fitted, so that one that fails costs no fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jax import Array

from meva_core.contracts.evaluation import Answer, Asking, Evaluation
from meva_core.contracts.protocols import Learner
from meva_core.evaluate.matches import matches
from meva_core.evaluate.plan import Question
from meva_core.experiment.compose import Composition
from meva_core.match import Fitted, Match
from meva_core.registry.entries import Offer
from meva_core.registry.shape_checks import Asked

FEW = 2  # pairs and steps


def check(questions: Sequence[Question], composition: Composition) -> None:
    """Evaluate all questions abstractly (no computation), if a plugin that is not bundled provides one of them.

    Raises BadPlugin if an evaluation raises, or returns anything but a tree of arrays.
    """
    offers = {question.name: composition.offers[question.name] for question in questions}
    if not all(offer.bundled for offer in offers.values()):
        learners = composition.rehearse()
        jax.eval_shape(lambda key: _asked(questions, offers, composition, learners, key), jax.random.key(0))


def _asked(
    questions: Sequence[Question],
    offers: dict[str, Offer],
    composition: Composition,
    learners: Sequence[Learner],
    key: Array,
) -> Array:
    players = []
    for learner in learners:
        training = learner.training
        players.append(Fitted(learner=learner, params=training and training.params(training.init(key))))
    match = Match(game=composition.game, players=tuple(players), seats=composition.seats)
    ended, answers = _as_one_row(matches(match, key, FEW, FEW)), dict[str, Answer]()
    for question in questions:
        asked = Asked(offers[question.name], question.evaluation)
        if type(question.evaluation).ask is Evaluation.ask:
            continue
        inputs = asked.answer("inputs(ended, answers)", lambda q=question: q.evaluation.inputs(ended, answers))
        asking, own = Asking(planned=question.planned, pairs=FEW, steps=FEW), [each[0, 0] for each in inputs]
        answer = asked.answer(
            "ask(match, key, asking, *inputs)",
            lambda q=question, asking=asking, own=own: q.evaluation.ask(match, key, asking, *own),
        )
        for leaf in jax.tree.leaves(answer):
            if not isinstance(leaf, (jax.Array, np.ndarray, np.generic, float, int)):
                asked.refuse("ask(match, key, asking, *inputs)", "a tree of arrays", leaf)
        answers[question.name] = Answer(each=_as_one_row(answer))
    return key


def _as_one_row(tree: Any) -> Any:
    """The same tree with every array as [1, 1, ...]: one seed and one row."""
    return jax.tree.map(lambda array: jax.numpy.asarray(array)[None, None], tree)
