"""Learning rates over time."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import Array


def cosine(rate: Any, final: Any, updates: int) -> Callable[[Any], Array]:
    """A schedule that falls from `rate` to `final` times `rate` over `updates` updates, along half a cosine.

    The function that it returns maps a count of updates to a rate, f32[]. Here the rate may be traced; optax's own
    schedule checks it in Python.

    >>> schedule = cosine(0.1, 0.0, updates=100)
    >>> [round(float(schedule(count)), 3) for count in (0, 50, 100)]
    [0.1, 0.05, 0.0]
    """

    def schedule(count: Any) -> Array:
        share = jnp.minimum(count / updates, 1.0)
        return rate * (final + (1 - final) * 0.5 * (1 + jnp.cos(jnp.pi * share)))

    return schedule
