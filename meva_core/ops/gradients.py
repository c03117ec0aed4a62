"""Gradients of players with respect to their own policies. Shapes: P players, D numbers per policy."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array


def own_gradient(payoff: Callable[[Array, Array], Array], x: Array) -> Array:
    """Row i: d payoff_i / d x_i with everybody else's policy held fixed, f32[P, D], in one backward pass.

    `payoff(own, others)` -> f32[P], whose entry i reads player i from `own` and the rest from `others`: so
    entry i of the sum depends on own[i] alone.
    """
    others = jax.lax.stop_gradient(x)
    return jax.grad(lambda own: jnp.sum(payoff(own, others)))(x)


def player_gradients(objective: Callable[[Array, Array], Array], x: Array) -> Array:
    """Row i: d objective(i, x) / d x_i, f32[P, D], of a scalar objective per player. Differentiable."""

    def own(i: Array) -> Array:
        return jax.grad(lambda row: objective(i, x.at[i].set(row)))(x[i])

    return jax.vmap(own)(jnp.arange(x.shape[0]))


def simultaneous_gradient(payoff: Callable[[Array], Array], x: Array) -> Array:
    """[d1 f1(x), ..., dP fP(x)], f32[P, D], of a payoff f32[P, D] -> f32[P] (Letcher et al., 2019, section 2).

    Differentiable.
    """
    return player_gradients(lambda i, x: payoff(x)[i], x)
