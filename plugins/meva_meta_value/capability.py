"""The capability of learners that the evaluation `value_errors` needs.

Shapes: P players, D numbers per policy.
"""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from jax import Array


@runtime_checkable
class HasMetaValue(Protocol):
    """The capability to estimate the value of all further learning.

    A learner that has the method has the capability, whether or not this class is one of its bases.
    """

    def meta_value(self, params: Any, x: Array) -> tuple[Array, Array] | None:
        """Learnt meta-value at x f32[P, D]: V(x) f32[P] with discounts g f32[P], V(x) = (1 - g) f(x) + g V(x + step).

        None if its hyper-parameters make it learn no meta-value.
        """
        ...
