"""Learning rates over time."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import Array


def cosine(rate: Any, final: Any, updates: int) -> Callable[[Any], Array]:
    """From `rate` down to `final` times it; optax's own checks its rate in Python, ours may be traced."""

    def schedule(count: Any) -> Array:
        share = jnp.minimum(count / updates, 1.0)
        return rate * (final + (1 - final) * 0.5 * (1 + jnp.cos(jnp.pi * share)))

    return schedule
