"""Fits of learners that are each fitted against the others."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping
from typing import Any, NamedTuple

import attrs
import jax
import jax.numpy as jnp

from meva_core.contracts.components import component, part, static
from meva_core.contracts.protocols import Training


class LockStepState(NamedTuple):
    """State of fits in lock-step: the loops done, i32[], and per learner the state of its own fit and the metrics of
    its last loop."""

    loops: jax.Array
    states: tuple
    metrics: tuple


@component
class LockStep(Training):
    """The fits of learners that are each fitted against the others: in every outer loop, each does one loop of its own
    training against the parameters that the others had before it.

    learners: their part `rivals` has the others, per seat. seats: for each learner the index, per seat, of the rival
    there among the learners, or -1 for itself and for those that are not fitted here. names: for the metrics of each.
    A learner whose own training has fewer loops than the longest keeps its parameters after them.
    """

    learners: tuple = part()
    seats: tuple[tuple[int, ...], ...] = static(doc="per learner and seat, the index of the rival there, or -1")
    names: tuple[str, ...] = static(doc="labels of the learners")

    @property
    def num_steps(self) -> int:
        """The loops of the longest training."""
        return max(learner.training.num_steps for learner in self.learners)

    @property
    def shown(self) -> Mapping[str, str]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The first two metrics of each learner, the first of all learners first."""
        each = zip(self.names, self.learners, strict=True)
        told = [[(f"{name}.{metric}", f"{name}: {told}") for metric, told in _first_two(own)] for name, own in each]
        return {metric: label for place in itertools.zip_longest(*told) for metric, label in filter(None, place)}

    @property
    def linear(self) -> tuple[str, ...]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The metrics of all learners that are drawn on a linear axis."""
        each = zip(self.names, self.learners, strict=True)
        return tuple(f"{name}.{metric}" for name, own in each for metric in getattr(own.training, "linear", ()))

    @property
    def ends(self) -> Mapping[str, int]:
        """The loops of each learner's own training, after which its metrics stay as they are, by metrics."""
        each = zip(self.names, self.learners, strict=True)
        return {f"{name}.{metric}": own.training.num_steps for name, own in each for metric, _ in _first_two(own)}

    def init(self, key: jax.Array) -> LockStepState:
        """Fresh states of all learners."""
        keys = [jax.random.fold_in(key, n) for n in range(len(self.learners))]
        states = tuple(own.training.init(own_key) for own, own_key in zip(self.learners, keys, strict=True))
        met = self._met(states)
        told = [jax.eval_shape(own.training.step, state, key)[1] for own, state in zip(met, states, strict=True)]
        zeros = jax.tree.map(lambda shape: jnp.zeros(shape.shape, shape.dtype), tuple(told))
        return LockStepState(jnp.zeros((), jnp.int32), states, zeros)

    def step(self, state: LockStepState, key: jax.Array) -> tuple[LockStepState, dict[str, jax.Array]]:
        """One loop of every learner; the metrics have the learners' labels in front."""
        after, told = [], []
        for n, own in enumerate(self._met(state.states)):
            step = functools.partial(own.training.step, key=jax.random.fold_in(key, n))
            before = state.states[n], state.metrics[n]
            if own.training.num_steps < self.num_steps:
                going = state.loops < own.training.num_steps
                found = jax.lax.cond(going, lambda both, step=step: step(both[0]), lambda both: both, before)
            else:
                found = step(before[0])
            after.append(found[0])
            told.append(found[1])
        each = zip(self.names, told, strict=True)
        metrics = {f"{name}.{metric}": value for name, own in each for metric, value in own.items()}
        return LockStepState(state.loops + 1, tuple(after), tuple(told)), metrics

    def params(self, state: LockStepState) -> tuple:
        """The parameters of each learner."""
        return self._params(state.states)

    def _params(self, states: tuple) -> tuple:
        return tuple(own.training.params(state) for own, state in zip(self.learners, states, strict=True))

    def _met(self, states: tuple) -> list[Any]:
        """The learners, whose rivals have the parameters of these states."""
        params = self._params(states)

        def met(learner: Any, seats: tuple[int, ...]) -> Any:
            each = zip(learner.rivals, seats, strict=True)
            rivals = tuple(rival if n < 0 else attrs.evolve(rival, params=params[n]) for rival, n in each)
            return attrs.evolve(learner, rivals=rivals)

        return list(map(met, self.learners, self.seats))


def _first_two(learner: Any) -> list[tuple[str, str]]:
    """The first two metrics that a learner's training shows, with their labels."""
    return list(getattr(learner.training, "shown", {}).items())[:2]
