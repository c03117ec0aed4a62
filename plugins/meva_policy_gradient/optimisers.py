"""The optimiser of policies and critics."""

from __future__ import annotations

import optax
from jax import Array


def adam(rate: Array | float, longest: Array | float) -> optax.GradientTransformation:
    """Adam, after gradients longer than `longest` are cut to that norm.

    Source: Kingma & Ba (2015), Adam: A Method for Stochastic Optimization, ICLR; eps 1e-5, as is usual for PPO.
    """
    return optax.chain(optax.clip_by_global_norm(longest), optax.adam(rate, eps=1e-5))  # pyright: ignore
