"""How wrong is a learnt meta-value, along the trajectories of those who follow it, and how wrong is the way it points?

Shapes: P players, D numbers per policy, T states of a trajectory.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from meva_core import match as matching
from meva_core.match import Match
from meva_core.ops import lambda_returns, own_rows, simultaneous_gradient

STEPS = 100  # of a trajectory whose states are asked about
STRIDE = 10  # steps of the temporal difference; the first and the last so many states are told apart
REST = 500  # steps after which most have come to rest
HORIZON = 600  # further steps that every true sum goes over; after them the last payoff is taken to stay
POINTED = (0, 3, 10, 30)  # steps after which gradients are asked about: later, at rest, there is little to follow
SHORTER = 200  # further steps that a sum goes over that is differentiated
MIXED = "mixed"  # the region where no outcome has more than half


class ValueErrors(NamedTuple):
    """Of one trajectory, means over its states and the learner's seats, f32[]: of |V(x_t) - the true discounted sum of
    the payoffs from x_t on|.

    value: over the first 100 states; first: over the first 10; last: over 10 after 500 steps.
    td: |V(x_t) - (the discounted payoffs of 10 steps + g^10 V(x_{t+10}))| over the first 100.
    angle: degrees between each player's own gradients of V and of the true sum, through all players' steps, over the
        states after 0, 3, 10 and 30 steps: 0 the same way, 90 across, 180 against; NaN where nothing is to be gained.
    regions: name -> f32[2], the sum of the errors and their number, where more than half of the play ends in the
        game's outcome of that name, or in none ("mixed"): of all states before.
    """

    value: Array
    first: Array
    last: Array
    td: Array
    angle: Array
    regions: dict[str, Array]


def value_errors(match: Match, x: Array, key: Array) -> ValueErrors | None:
    """Of the meta-value of the match's first player, from x, f32[P, D]; None where it has learnt none.

    Every formulation is asked for the same V(x) = (1 - g) f(x) + g V(x + step), so that errors compare. Pure; safe
    under jit and vmap.
    """
    if learnt(match, x) is None:
        return None
    xs = matching.trajectory(match, x, key, REST + HORIZON)
    # Step by step: who asks this of many trajectories at once has no memory for all steps too.
    payoffs = jax.lax.map(match.game.payoff, xs)
    asked = jnp.concatenate([jnp.arange(STEPS + STRIDE), jnp.arange(REST, REST + STRIDE)])
    values, discounts = jax.lax.map(lambda x: learnt(match, x), xs[asked])
    true = lambda_returns(payoffs[:-1], payoffs[1:], discounts[0], 1.0)
    errors = values - true[asked]
    td = errors[:STEPS] - discounts[0] ** STRIDE * errors[STRIDE : STEPS + STRIDE]

    def mean(errors: Array) -> Array:
        return jnp.mean(jnp.abs(errors), where=_own(match))

    return ValueErrors(
        value=mean(errors[:STEPS]),
        first=mean(errors[:STRIDE]),
        last=mean(errors[-STRIDE:]),
        td=mean(td),
        angle=jnp.nanmean(_angles(match, xs[: max(POINTED) + SHORTER + 1], key), where=_own(match)),
        regions=_regions(match, xs[asked], jnp.abs(errors)),
    )


def _angles(match: Match, xs: Array, key: Array) -> Array:
    """In degrees, f32[states, P], along the beginning xs of a trajectory."""
    states = jnp.array(POINTED)
    true = jax.vmap(own_rows)(true_gradients(match, xs, key)[states])
    pointed = jax.vmap(simultaneous_gradient, in_axes=(None, 0))(lambda x: learnt(match, x)[0], xs[states])
    lengths = jnp.linalg.norm(pointed, axis=-1) * jnp.linalg.norm(true, axis=-1)
    return jnp.degrees(jnp.arccos(jnp.clip(jnp.sum(pointed * true, axis=-1) / lengths, -1, 1)))


def true_gradients(match: Match, xs: Array, key: Array) -> Array:
    """[t, i, j]: d (player i's discounted sum of payoffs from x_t on) / d x_j, f32[T, P, P, D], along the beginning
    xs, f32[T, P, D], of a trajectory of the match; after its end the last payoff is taken to stay.

    At the discounts of the first player's meta-value, through all players' steps: backwards, by the chain rule, from
    the Jacobians of the steps.
    """
    discounts = learnt(match, xs[0])[1][:, None, None]
    payoffs = jax.vmap(jax.jacrev(match.game.payoff))(xs)
    steps = jax.lax.map(jax.jacfwd(lambda x: matching.step(match, x, key)), xs[:-1])

    def backwards(after: Array, now: tuple[Array, Array]) -> tuple[Array, Array]:
        payoff, step = now
        gradient = (1 - discounts) * payoff + discounts * jnp.einsum("ijd,jdke->ike", after, step)
        return gradient, gradient

    _, gradients = jax.lax.scan(backwards, payoffs[-1], (payoffs[:-1], steps), reverse=True)
    return jnp.concatenate([gradients, payoffs[-1:]])


def learnt(match: Match, x: Array) -> Any:
    """The first player's `meta_value` of x: values and discounts, f32[P] each, or None."""
    player = match.players[0]
    return player.learner.meta_value(player.params, x)


def _own(match: Match) -> Array:
    """bool[P]: the first player's seats."""
    return jnp.array([n == 0 for n in match.seats])


def _regions(match: Match, xs: Array, errors: Array) -> dict[str, Array]:
    """Of states f32[T, P, D] and their errors f32[T, P]."""
    shares = jax.vmap(match.game.outcomes)(xs)
    inside = {name: share > 0.5 for name, share in shares.items()}
    inside[MIXED] = ~jnp.any(jnp.stack([jnp.zeros(len(xs), bool), *inside.values()]), axis=0)
    counted = {name: here[:, None] & _own(match) for name, here in inside.items()}
    return {
        name: jnp.stack([jnp.sum(errors, where=here), jnp.sum(here, dtype=errors.dtype)])
        for name, here in counted.items()
    }
