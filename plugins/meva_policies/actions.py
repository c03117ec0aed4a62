"""The output units of a policy and the logits of actions that they stand for.

Shapes: A actions, U output units.
"""

import jax.numpy as jnp
from jax import Array


def output_units(num_actions: int) -> int:
    """The number of output units: one for two actions, since only the difference of two logits matters; else A."""
    return 1 if num_actions == 2 else num_actions


def as_logits(outputs: Array, num_actions: int) -> Array:
    """Logits f32[A] of output units f32[U]: (0, z) for two actions.

    >>> as_logits(jnp.array([1.5]), 2).tolist()
    [0.0, 1.5]
    """
    return jnp.concatenate([jnp.zeros_like(outputs), outputs]) if num_actions == 2 else outputs
