"""Capabilities: optional abilities that only some learners have.

Each is a base class to add to `Learner`, `class Naive(Myopic, Learner)`, and also a protocol: a class that has the
attribute or the method has the capability. Test for one with `isinstance(learner, Myopic)`.

Shapes: P players, D numbers per policy.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from jax import Array

    from meva_core.contracts.protocols import Learner, PyTree


@runtime_checkable
class Myopic(Protocol):
    """The capability to look no further than the next step: the learner follows only the gradient of its own payoff,
    like a learner with meta-discount 0.

    myopic: True, or a property if this depends on the hyper-parameters.
    """

    myopic: bool = True


@runtime_checkable
class Facing(Protocol):
    """The capability to play differently against others than against itself."""

    def facing(self, rivals: tuple[Learner | None, ...]) -> Learner:
        """The learner that plays against `rivals[j]` in seat j (None: against itself there). Raises BadCombination if
        it cannot play against them."""
        ...


@runtime_checkable
class HasMetaValue(Protocol):
    """The capability to estimate the value of all further learning."""

    def meta_value(self, params: PyTree, x: Array) -> tuple[Array, Array] | None:
        """Learnt meta-value at x f32[P, D]: V(x) f32[P] with discounts g f32[P], V(x) = (1 - g) f(x) + g V(x + step).

        None if its hyper-parameters make it learn no meta-value.
        """
        ...


@runtime_checkable
class PlaysStrategies(Protocol):
    """The capability to play a game's named strategies.

    plays_strategies: the hyper-parameter that takes a strategy's name, as an attribute of the class; None if it plays
        none.
    """

    plays_strategies: str | None


@runtime_checkable
class StepsLike(Protocol):
    """The capability to take the steps of another learner, but from its own start or at its own rate.

    steps_like: the name of that learner's entry. In a tournament, a learner that is fitted against this rival is fitted
        against that learner instead, so that one fit serves for both. If it is None, or no such entry is installed and
        enabled, the fit is against this learner itself.
    """

    steps_like: str | None


@runtime_checkable
class _MetAs(Protocol):
    """A learner that defines `steps_like` under its former name."""

    met_as: str | None


def whose_steps(learner: Any) -> str | None:
    """The name of the learner whose steps `learner` takes; None if the steps are its own.

    `met_as`, the name of `steps_like` in contract 1, is read with a DeprecationWarning.
    """
    if isinstance(learner, StepsLike):
        return learner.steps_like
    if not isinstance(learner, _MetAs):
        return None
    if learner.met_as is not None:
        cls = type(learner)
        warnings.warn(
            f"{cls.__module__}.{cls.__qualname__}.met_as is deprecated: rename it steps_like",
            DeprecationWarning,
            stacklevel=2,
        )
    return learner.met_as
