"""The optimiser of policies and critics, and weights that decay."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import optax
from jax import Array


def adam(rate: Array | float, longest: Array | float) -> optax.GradientTransformation:
    """Adam, after gradients longer than `longest` are cut to that norm.

    Source: Kingma & Ba (2015), Adam: A Method for Stochastic Optimization, ICLR; eps 1e-5, as is usual for PPO.
    """
    return optax.chain(optax.clip_by_global_norm(longest), optax.adam(rate, eps=1e-5))  # pyright: ignore


def decayed(weight: Any, decay: Any, decay_from: Any, steps: Array) -> Array:
    """A weight f32[] after `steps` steps: each after the first `decay_from` takes off the share `decay` of the rest.

    >>> [float(decayed(8.0, decay=0.5, decay_from=2, steps=jnp.array(n))) for n in (0, 2, 3, 5)]
    [8.0, 8.0, 4.0, 1.0]
    """
    return weight * (1 - decay) ** jnp.maximum(steps - decay_from, 0)
