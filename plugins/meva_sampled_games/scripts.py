"""Logits that the rule-based players of this plugin share."""

import jax.numpy as jnp
from jax import Array

NEVER = -30.0  # logit of an action that a rule-based player does not take


def equally_likely(chosen: Array) -> Array:
    """Logits f32[A] of a player that takes the actions of `chosen` bool[A] equally often, and no others.

    >>> equally_likely(jnp.array([True, False])).tolist()
    [0.0, -30.0]
    """
    return jnp.where(chosen, 0.0, NEVER)
