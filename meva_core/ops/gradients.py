"""Gradients of players with respect to their own policies.

Shapes: P players, D numbers per policy. A `payoff` maps a joint policy f32[P, D] to payoffs f32[P]. Every function is
differentiable: no gradient is stopped. Examples use the game f1 = -a b, f2 = a b at a = 1, b = 2.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

UNROLLED = 3  # with at most this many players, the program has a copy per player; with more, a loop compiles faster


def each_player(function: Callable[[Any], Any], players: int) -> Any:
    """Call `function` with each player's number and stack the results: every array becomes [P, ...].

    With more than three players the number is traced.

    >>> each_player(lambda i: 10.0 * i, 3).tolist()
    [0.0, 10.0, 20.0]
    """
    if players > UNROLLED:
        return jax.lax.map(function, jnp.arange(players))
    return jax.tree.map(lambda *outputs: jnp.stack(outputs), *(function(i) for i in range(players)))


def own_gradient(payoff: Callable[[Array, Array], Array], x: Array) -> Array:
    """Gradient of every player's payoff in its own policy, in one backward pass, f32[P, D].

    Row i is d payoff_i / d x_i with the others' policies held. `payoff(own, others)` -> f32[P], whose entry i reads
    player i from `own` and the rest from `others`: so entry i of the sum depends on own[i] alone.

    >>> x = jnp.array([[1.0], [2.0]])
    >>> own_gradient(lambda own, others: own[:, 0] * others[::-1, 0], x).tolist()
    [[2.0], [1.0]]
    """
    return jax.grad(lambda own: jnp.sum(payoff(own, x)))(x)


def own_rows(effects: Array) -> Array:
    """Diagonal [i, i] of f32[P, P, D], f32[P, D]: the effect of each player's policy on that player.

    >>> own_rows(jnp.array([[[1.0], [2.0]], [[3.0], [4.0]]])).tolist()
    [[1.0], [4.0]]
    """
    each = np.arange(effects.shape[0])
    return effects[each, each]


def simultaneous_gradient(payoff: Callable[[Array], Array], x: Array) -> Array:
    """Gradient of every player's payoff in that player's own policy, [d1 f1(x), ..., dP fP(x)], f32[P, D].

    Source: Letcher et al. (2019), section 2.

    >>> def payoff(x):
    ...     return x[0, 0] * x[1, 0] * jnp.array([-1.0, 1.0])
    >>> simultaneous_gradient(payoff, jnp.array([[1.0], [2.0]])).tolist()
    [[-2.0], [1.0]]
    """
    return own_rows(effects_at(payoff, x))  # all players' passes backward share one forward


def effects_at(payoff: Callable[[Array], Array], x: Array) -> Array:
    """Gradients of every payoff in every policy, [i, j]: d payoff_i / d x_j, f32[P, P, D].

    >>> def payoff(x):
    ...     return x[0, 0] * x[1, 0] * jnp.array([-1.0, 1.0])
    >>> effects_at(payoff, jnp.array([[1.0], [2.0]])).tolist()
    [[[-2.0], [-1.0]], [[2.0], [1.0]]]
    """
    # One player at a time, not vmap: with a second batch axis for players, small products become library calls instead
    # of loops that vectorise.
    paid, pull = jax.vjp(payoff, x)
    directions = jnp.eye(len(paid), dtype=paid.dtype)
    return each_player(lambda i: pull(directions[i])[0], len(paid))


def effects_after(payoff: Callable[[Array], Array], x: Array, steps: Array) -> Array:
    """Gradients of payoffs after the others' steps, f32[P, P, D].

    Entry [i, j] is d payoff_i / d x_j at the joint policy where all players but i have taken their `steps`, f32[P, D].

    >>> def payoff(x):
    ...     return x[0, 0] * x[1, 0] * jnp.array([-1.0, 1.0])
    >>> effects_after(payoff, jnp.array([[1.0], [2.0]]), steps=jnp.array([[-2.0], [1.0]])).tolist()
    [[[-3.0], [-1.0]], [[2.0], [-1.0]]]
    """

    def of_player(i: Any) -> Array:
        return jax.grad(lambda x: payoff(x)[i])((x + steps).at[i].set(x[i]))

    return each_player(of_player, len(x))


def look_ahead_gradient(payoff: Callable[[Array], Array], steps: Callable[[Array], Array], x: Array) -> Array:
    """Gradient of each player's payoff after the others' steps, row i: d_i [ f_i(x_i, x_j + steps_j(x)) ], f32[P, D].

    It includes the effect of x_i on the others' steps. Source: Willi et al. (2022), definition 1.

    >>> def payoff(x):
    ...     return x[0, 0] * x[1, 0] * jnp.array([-1.0, 1.0])
    >>> def steps(x):
    ...     return 0.5 * simultaneous_gradient(payoff, x)
    >>> look_ahead_gradient(payoff, steps, jnp.array([[1.0], [2.0]])).tolist()
    [[-3.0], [-1.0]]
    """
    taken, pull = jax.vjp(steps, x)
    effects = effects_after(payoff, x, taken)
    each = np.arange(x.shape[0])
    through_steps = jax.vmap(lambda e: pull(e)[0])(effects.at[each, each].set(0.0))
    return own_rows(effects + through_steps)


def shaping_gradient(payoff: Callable[[Array], Array], x: Array, effects: Array | None = None) -> Array:
    """The shaping term of LOLA, row i: d_i [ sum_j stop(e_ij) . d_j f_j ], f32[P, D].

    It is the gradient of the effect that the others' naive steps have on player i. effects: e, f32[P, P, D], where e_ij
    is the effect of j's policy on i's payoff; by default d_j f_i at x.

    Source: Foerster et al. (2018), equation 4; chi of Letcher et al. (2019), section 3.

    >>> def payoff(x):
    ...     return x[0, 0] * x[1, 0] * jnp.array([-1.0, 1.0])
    >>> shaping_gradient(payoff, jnp.array([[1.0], [2.0]])).tolist()
    [[-1.0], [-2.0]]
    """
    held = effects_at(payoff, x) if effects is None else effects
    players = range(len(x))

    def by(j: Any) -> Callable[[Any], Array]:
        # d_i d_j f_j e_ij is the change of d_i f_j as x_j moves along e_ij: forward over reverse, the cheap order.
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


# Products with H = d [d1 f1, ..., dP fP] / dx, without building H itself. v: f32[P, D], like x.


def jacobian_product(payoff: Callable[[Array], Array], x: Array, v: Array) -> Array:
    """Product H v, f32[P, D].

    >>> def payoff(x):
    ...     return x[0, 0] * x[1, 0] * jnp.array([-1.0, 1.0])
    >>> jacobian_product(payoff, jnp.array([[1.0], [2.0]]), jnp.array([[3.0], [4.0]])).tolist()
    [[-4.0], [3.0]]
    """
    return jax.jvp(lambda x: simultaneous_gradient(payoff, x), (x,), (v,))[1]


def transposed_product(payoff: Callable[[Array], Array], x: Array, v: Array) -> Array:
    """Product H' v, f32[P, D].

    >>> def payoff(x):
    ...     return x[0, 0] * x[1, 0] * jnp.array([-1.0, 1.0])
    >>> transposed_product(payoff, jnp.array([[1.0], [2.0]]), jnp.array([[3.0], [4.0]])).tolist()
    [[4.0], [-3.0]]
    """
    return jax.vjp(lambda x: simultaneous_gradient(payoff, x), x)[1](v)[0]


def off_diagonal_product(payoff: Callable[[Array], Array], x: Array, v: Array) -> Array:
    """Product H_o v, f32[P, D], where H_o is H without its blocks (i, i): the effect of the others' moves v_j on player
    i's gradient.

    >>> def payoff(x):
    ...     return 2 * x[:, 0] - jnp.sum(x) ** 2
    >>> off_diagonal_product(payoff, jnp.array([[1.0], [2.0]]), jnp.array([[3.0], [4.0]])).tolist()
    [[-8.0], [-6.0]]
    """

    def row(i: Any) -> Array:
        return jax.jvp(jax.grad(lambda x: payoff(x)[i]), (x,), (v.at[i].set(0.0),))[1][i]

    return each_player(row, len(x))
