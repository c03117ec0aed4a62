"""Gradients of players with respect to their own policies. Shapes: P players, D numbers per policy."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array


def own_gradient(payoff: Callable[[Array, Array], Array], x: Array) -> Array:
    """Row i: d payoff_i / d x_i with everybody else's policy held fixed, f32[P, D], in one backward pass.

    `payoff(own, others)` -> f32[P], whose entry i reads player i from `own` and the rest from `others`: so
    entry i of the sum depends on own[i] alone. Differentiable: nothing is stopped.
    """
    return jax.grad(lambda own: jnp.sum(payoff(own, x)))(x)


def player_gradients(objective: Callable[[Array, Array], Array], x: Array) -> Array:
    """Row i: d objective(i, x) / d x_i, f32[P, D], of a scalar objective per player. Differentiable."""

    def own(i: Array) -> Array:
        return jax.grad(lambda row: objective(i, x.at[i].set(row)))(x[i])

    return jax.vmap(own)(jnp.arange(x.shape[0]))


def simultaneous_gradient(payoff: Callable[[Array], Array], x: Array) -> Array:
    """[d1 f1(x), ..., dP fP(x)], f32[P, D], of a payoff f32[P, D] -> f32[P] (Letcher et al., 2019, section 2).

    Differentiable.
    """
    players = x.shape[0]
    if players > 2:  # then it pays that all players' backward passes share one pass forward
        return jax.jacrev(payoff)(x)[jnp.arange(players), jnp.arange(players)]
    return player_gradients(lambda i, x: payoff(x)[i], x)


def shaping_gradient(payoff: Callable[[Array], Array], x: Array) -> Array:
    """How player i changes what the others' naive steps do to it, f32[P, D]: d_i [ sum_j stop(d_j f_i) . d_j f_j ].

    Differentiable: the effects are held by taking them outside, not stopped.

    Foerster et al. (2018), equation 4; chi of Letcher et al. (2019), section 3.
    """
    effects = jax.jacrev(payoff)(x)  # f32[P, P, D]: of everybody's policy on everybody's payoff

    def effect_of_their_steps(i: Array, x: Array) -> Array:
        return jnp.sum((effects[i] * simultaneous_gradient(payoff, x)).at[i].set(0.0))

    return player_gradients(effect_of_their_steps, x)


# Products with H = d [d1 f1, ..., dP fP] / dx, never H itself. v: f32[P, D], like x.


def jacobian_product(payoff: Callable[[Array], Array], x: Array, v: Array) -> Array:
    """H v, f32[P, D]."""
    return jax.jvp(lambda x: simultaneous_gradient(payoff, x), (x,), (v,))[1]


def transposed_product(payoff: Callable[[Array], Array], x: Array, v: Array) -> Array:
    """H' v, f32[P, D]."""
    return jax.vjp(lambda x: simultaneous_gradient(payoff, x), x)[1](v)[0]


def off_diagonal_product(payoff: Callable[[Array], Array], x: Array, v: Array) -> Array:
    """H_o v, f32[P, D]: H without its blocks (i, i), so how the others' moves v_j turn player i's gradient."""

    def row(i: Array) -> Array:
        def gradient(x: Array) -> Array:
            return jax.grad(lambda own: payoff(x.at[i].set(own))[i])(x[i])

        return jax.jvp(gradient, (x,), (v.at[i].set(0.0),))[1]

    return jax.vmap(row)(jnp.arange(x.shape[0]))
