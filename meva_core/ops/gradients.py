"""Gradients of players with respect to their own policies. Shapes: P players, D numbers per policy."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

UNROLLED = 3  # players for each of whom a program is written out; for more, one that loops compiles sooner


def each_player(function: Callable[[Any], Any], players: int) -> Any:
    """`function` of each player's number, one after the other, every array stacked: [P, ...]. The number is traced
    where there are many players."""
    if players > UNROLLED:
        return jax.lax.map(function, jnp.arange(players))
    return jax.tree.map(lambda *found: jnp.stack(found), *(function(i) for i in range(players)))


def own_gradient(payoff: Callable[[Array, Array], Array], x: Array) -> Array:
    """Row i: d payoff_i / d x_i with everybody else's policy held fixed, f32[P, D], in one backward pass.

    `payoff(own, others)` -> f32[P], whose entry i reads player i from `own` and the rest from `others`: so
    entry i of the sum depends on own[i] alone. Differentiable: nothing is stopped.
    """
    return jax.grad(lambda own: jnp.sum(payoff(own, x)))(x)


def own_rows(effects: Array) -> Array:
    """[i, i] of f32[P, P, D]: of what everybody's policy does to everybody, what one's own does to oneself."""
    each = np.arange(effects.shape[0])
    return effects[each, each]


def simultaneous_gradient(payoff: Callable[[Array], Array], x: Array) -> Array:
    """[d1 f1(x), ..., dP fP(x)], f32[P, D], of a payoff f32[P, D] -> f32[P] (Letcher et al., 2019, section 2).

    Differentiable.
    """
    return own_rows(_effects(payoff, x))  # all players' passes backward share one forward


def _effects(payoff: Callable[[Array], Array], x: Array) -> Array:
    """[i, j]: d payoff_i / d x_j, f32[P, P, D]."""
    # Player by player, not mapped: with a batch of players beside that of policies, small products are no longer
    # loops that vectorise, but library calls.
    paid, pull = jax.vjp(payoff, x)
    directions = jnp.eye(len(paid), dtype=paid.dtype)
    return each_player(lambda i: pull(directions[i])[0], len(paid))


def effects_after(payoff: Callable[[Array], Array], x: Array, steps: Array) -> Array:
    """[i, j]: d payoff_i / d x_j where all but i have taken their `steps`, f32[P, P, D]."""

    def of_player(i: Any) -> Array:
        return jax.grad(lambda x: payoff(x)[i])((x + steps).at[i].set(x[i]))

    return each_player(of_player, len(x))


def look_ahead_gradient(payoff: Callable[[Array], Array], steps: Callable[[Array], Array], x: Array) -> Array:
    """Row i: d_i [ f_i(x_i, x_j + steps_j(x)) ], f32[P, D], through what x_i does to the others' steps. Differentiable.

    Willi et al. (2022), definition 1.
    """
    taken, pull = jax.vjp(steps, x)
    effects = effects_after(payoff, x, taken)
    each = np.arange(x.shape[0])
    through_steps = jax.vmap(lambda e: pull(e)[0])(effects.at[each, each].set(0.0))
    return own_rows(effects + through_steps)


def shaping_gradient(payoff: Callable[[Array], Array], x: Array, effects: Array | None = None) -> Array:
    """How player i changes what the others' naive steps do to it, f32[P, D]: d_i [ sum_j stop(e_ij) . d_j f_j ].

    effects: e, f32[P, P, D], of j's policy on i's payoff; unset: d_j f_i at x. Differentiable: nothing is stopped.

    Foerster et al. (2018), equation 4; chi of Letcher et al. (2019), section 3.
    """
    held = _effects(payoff, x) if effects is None else effects
    players = range(len(x))

    def by(j: Any) -> Callable[[Any], Array]:
        # d_i d_j f_j e_ij is how d_i f_j changes as x_j moves along e_ij: forward over reverse, the cheap order.
        _, change = jax.linearize(jax.grad(lambda x: payoff(x)[j]), x)
        return lambda i: change(jnp.zeros_like(x).at[j].set(held[i, j]))[i]

    if len(x) > UNROLLED:
        others = 1 - jnp.eye(len(x), dtype=x.dtype)
        through = jax.lax.map(lambda j: others[j][:, None] * jax.vmap(by(j))(jnp.arange(len(x))), jnp.arange(len(x)))
        return jnp.sum(through, axis=0)
    changes = [by(j) for j in players]
    rows = []
    for i in players:
        row = jnp.zeros_like(x[i])
        for j in players:
            if i != j:
                row += changes[j](i)
        rows.append(row)
    return jnp.stack(rows)


# Products with H = d [d1 f1, ..., dP fP] / dx, never H itself. v: f32[P, D], like x.


def jacobian_product(payoff: Callable[[Array], Array], x: Array, v: Array) -> Array:
    """H v, f32[P, D]."""
    return jax.jvp(lambda x: simultaneous_gradient(payoff, x), (x,), (v,))[1]


def transposed_product(payoff: Callable[[Array], Array], x: Array, v: Array) -> Array:
    """H' v, f32[P, D]."""
    return jax.vjp(lambda x: simultaneous_gradient(payoff, x), x)[1](v)[0]


def off_diagonal_product(payoff: Callable[[Array], Array], x: Array, v: Array) -> Array:
    """H_o v, f32[P, D]: H without its blocks (i, i), so how the others' moves v_j turn player i's gradient."""

    def row(i: Any) -> Array:
        return jax.jvp(jax.grad(lambda x: payoff(x)[i]), (x,), (v.at[i].set(0.0),))[1][i]

    return each_player(row, len(x))
