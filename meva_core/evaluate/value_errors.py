"""How wrong is a learnt meta-value, along the trajectories of those who follow it? Shapes: P players."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from meva_core import match as matching
from meva_core.match import Match
from meva_core.ops import lambda_returns

STEPS = 100  # of a trajectory whose states are asked about
STRIDE = 10  # steps of the temporal difference
HORIZON = 1000  # further steps that the true sum goes over; after them the last payoff is taken to stay


class ValueErrors(NamedTuple):
    """Means over the trajectory and the learner's seats, f32[].

    value: |V(x_t) - the true discounted sum of the payoffs from x_t on|.
    td: |V(x_t) - (the discounted payoffs of 10 steps + g^10 V(x_{t+10}))|.
    """

    value: Array
    td: Array


def value_errors(match: Match, x: Array, key: Array) -> ValueErrors | None:
    """Of the meta-value of the match's first player, from x, f32[P, D]; None where it has learnt none.

    Every formulation is asked for the same V(x) = (1 - g) f(x) + g V(x + step), so that errors compare. Pure; safe
    under jit and vmap.
    """
    if learnt(match, x) is None:
        return None
    xs = matching.trajectory(match, x, key, STEPS + HORIZON)
    # Step by step: who asks this of many trajectories at once has no memory for all steps too.
    payoffs = jax.lax.map(match.game.payoff, xs)
    values, discounts = jax.lax.map(lambda x: learnt(match, x), xs[: STEPS + STRIDE])
    true = lambda_returns(payoffs[:-1], payoffs[1:], discounts[0], 1.0)
    errors = values - true[: STEPS + STRIDE]
    td = errors[:STEPS] - discounts[0] ** STRIDE * errors[STRIDE:]
    own = jnp.array([n == 0 for n in match.seats])
    return ValueErrors(jnp.mean(jnp.abs(errors[:STEPS]), where=own), jnp.mean(jnp.abs(td), where=own))


def learnt(match: Match, x: Array) -> Any:
    """The first player's `meta_value` of x: values and discounts, f32[P] each, or None."""
    player = match.players[0]
    return player.learner.meta_value(player.params, x)
