"""Advantages of actions, from the rewards and values along an episode. Shapes: T steps."""

import jax
import jax.numpy as jnp
from jax import Array


def step_discounts(weights: Array) -> Array:
    """The weight of each next step relative to this one, f32[T], from the weights f32[T] of an episode's rewards; 0
    after the last step, and where a weight is 0.

    >>> step_discounts(jnp.array([0.5, 0.25, 0.125, 0.0])).tolist()
    [0.5, 0.5, 0.0, 0.0]
    """
    after = jnp.concatenate([weights[1:], jnp.zeros(1, weights.dtype)])
    return jnp.where(weights > 0, after / jnp.where(weights > 0, weights, 1), 0)


def generalised_advantages(rewards: Array, values: Array, discounts: Array, trace: Array | float) -> Array:
    """Generalised advantage estimates f32[T], backwards from A_T = 0:

    A_t = r_t + d_t v_{t+1} - v_t + d_t trace A_{t+1}, where v_T = 0 and d_t is the discount between steps t and t + 1.

    With trace 1 it is the discounted return minus the value. Source: Schulman et al. (2016), High-Dimensional
    Continuous Control Using Generalized Advantage Estimation, ICLR, equation 16.

    >>> rewards, values, discounts = jnp.array([1.0, 2.0]), jnp.array([0.5, 1.0]), jnp.array([0.5, 0.0])
    >>> generalised_advantages(rewards, values, discounts, trace=1.0).tolist()  # 1 + 2 / 2 - 0.5, 2 - 1
    [1.5, 1.0]
    """
    following = jnp.concatenate([values[1:], jnp.zeros(1, values.dtype)])
    errors = rewards + discounts * following - values

    def backwards(after: Array, now: tuple[Array, Array]) -> tuple[Array, Array]:
        error, discount = now
        advantage = error + discount * trace * after
        return advantage, advantage

    return jax.lax.scan(backwards, jnp.zeros((), errors.dtype), (errors, discounts), reverse=True)[1]
