"""Distances between what policies do. Shapes: A actions."""

import jax
import jax.numpy as jnp
from jax import Array


def kl_divergence(old: Array, new: Array) -> Array:
    """The Kullback-Leibler divergence KL(p || q), f32[...], of the distributions p and q whose logits are `old` and
    `new`, f32[..., A].

    It is computed from logits alone, so that it is finite, as are its gradients, where probabilities are rounded to 0.

    Source: Kullback & Leibler (1951), On Information and Sufficiency.

    >>> round(float(kl_divergence(jnp.log(jnp.array([0.5, 0.5])), jnp.log(jnp.array([0.25, 0.75])))), 4)
    0.1438
    >>> kl_divergence(jnp.array([0.0, 1e4]), jnp.array([1e4, 0.0])).item()
    10000.0
    """
    log_p, log_q = jax.nn.log_softmax(old), jax.nn.log_softmax(new)
    return jnp.sum(jnp.exp(log_p) * (log_p - log_q), axis=-1)
