"""Capabilities of learners: what some can do, and others need not know of.

Each is a base class to add to `Learner`, `class Naive(Myopic, Learner)`, and equally a protocol: a class that has the
attribute or the method has the capability. Whoever asks for one says `isinstance(learner, Myopic)`.

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
    """The capability to look no further than the next step: the learner follows the gradient of its own payoff and
    nothing else, as one whose meta-discount is 0.

    myopic: True; a class that is so at some of its settings alone may have a property.
    """

    myopic: bool = True


@runtime_checkable
class Facing(Protocol):
    """The capability to play otherwise against others than against itself."""

    def facing(self, rivals: tuple[Learner | None, ...]) -> Learner:
        """This learner as it plays against `rivals[j]` in seat j (None: against itself there). Raises BadCombination
        where it cannot meet them."""
        ...


@runtime_checkable
class HasMetaValue(Protocol):
    """The capability to tell what all further learning is worth."""

    def meta_value(self, params: PyTree, x: Array) -> tuple[Array, Array] | None:
        """Learnt meta-value at x f32[P, D]: V(x) f32[P] with discounts g f32[P], V(x) = (1 - g) f(x) + g V(x + step).

        None where its settings have it learn none.
        """
        ...


@runtime_checkable
class PlaysStrategies(Protocol):
    """The capability to play the strategies that a game names.

    plays_strategies: the hyper-parameter that takes a strategy's name, an attribute of the class; None: it plays none.
    """

    plays_strategies: str | None


@runtime_checkable
class StepsLike(Protocol):
    """The capability to take the steps of another learner, from a start of its own or at a rate of its own.

    steps_like: that learner's name, as users write it. A tournament fits whoever is fitted against its rivals against
        that learner in this one's place, so that one fit serves both; where no such entry is installed, or it is
        switched off, this learner is met as itself. None: the same.
    """

    steps_like: str | None


@runtime_checkable
class _MetAs(Protocol):
    """A learner that says `steps_like` by its former name."""

    met_as: str | None


def whose_steps(learner: Any) -> str | None:
    """The name of the learner whose steps another one takes; None where they are its own.

    `met_as`, the name of `steps_like` in contract 1, is read with a DeprecationWarning.
    """
    if isinstance(learner, StepsLike):
        return learner.steps_like
    if not isinstance(learner, _MetAs):
        return None
    if learner.met_as is not None:
        cls = type(learner)
        warnings.warn(
            f"{cls.__module__}.{cls.__qualname__}.met_as: rename it steps_like", DeprecationWarning, stacklevel=2
        )
    return learner.met_as
