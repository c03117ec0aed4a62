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
STRIDE = 10  # steps of the temporal difference; the early and the late states that are told apart are so many
LATE = 500  # steps after which most have come to rest
HORIZON = 600  # or more further steps that the true sum of payoffs goes over; then the last is taken to stay
POINTED = (0, 3, 10, 30)  # steps after which gradients are asked about: later, at rest, there is little to follow
SHORTER = 200  # or more further steps that the true sum goes over where it is differentiated
ELSEWHERE = "elsewhere"  # the region where no outcome has more than half


class ValueErrors(NamedTuple):
    """Of one trajectory, means over its states and the learner's seats, f32[]: of |V(x_t) - the true discounted sum of
    the payoffs from x_t on|, which goes over 600 further steps or more.

    value: over the first 100 states; early: over the first 10; late: over 10 after 500 steps.
    td: |V(x_t) - (the discounted payoffs of 10 steps + g^10 V(x_{t+10}))| over the first 100.
    angle: degrees between each player's own gradients of V and of the true sum, over 200 further steps or more and
        through all players' steps, in the states after 0, 3, 10 and 30 steps: 0 the same way, 90 across, 180 against.
        NaN where there is nothing to be gained, or where gradients overflow.
    regions: name -> f32[2], the sum of the errors and their number where more than half of the play ends in the game's
        outcome of that name, or in none ("elsewhere"): over the first 110 states and the 10 late ones.
    """

    value: Array
    early: Array
    late: Array
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
    xs = matching.trajectory(match, x, key, LATE + STRIDE + HORIZON)
    # Step by step: who asks this of many trajectories at once has no memory for all steps too.
    payoffs = jax.lax.map(match.game.payoff, xs)
    asked = jnp.concatenate([jnp.arange(STEPS + STRIDE), jnp.arange(LATE, LATE + STRIDE)])
    values, discounts = jax.lax.map(lambda x: learnt(match, x), xs[asked])
    true = lambda_returns(payoffs[:-1], payoffs[1:], discounts[0], 1.0)
    errors = values - true[asked]
    td = errors[:STEPS] - discounts[0] ** STRIDE * errors[STRIDE : STEPS + STRIDE]

    def mean(errors: Array) -> Array:
        return jnp.mean(jnp.abs(errors), where=_own(match))

    return ValueErrors(
        value=mean(errors[:STEPS]),
        early=mean(errors[:STRIDE]),
        late=mean(errors[-STRIDE:]),
        td=mean(td),
        angle=jnp.nanmean(_angles(match, xs[: max(POINTED) + SHORTER + 1], key), where=_own(match)),
        regions=_regions(match, xs[asked], jnp.abs(errors)),
    )


def _angles(match: Match, xs: Array, key: Array) -> Array:
    """In degrees, f32[states, P], along the beginning xs of a trajectory."""
    states = jnp.array(POINTED)
    true = jax.vmap(own_rows)(true_gradients(match, xs, key)[states])
    pointed = jax.vmap(simultaneous_gradient, in_axes=(None, 0))(lambda x: learnt(match, x)[0], xs[states])
    cosines = jnp.sum(_direction(pointed) * _direction(true), axis=-1)
    return jnp.degrees(jnp.arccos(jnp.clip(cosines, -1, 1)))


def _direction(gradients: Array) -> Array:
    """Of length 1, or NaN; first by their largest number, whose square may underflow."""
    gradients = gradients / jnp.max(jnp.abs(gradients), axis=-1, keepdims=True)
    return gradients / jnp.linalg.norm(gradients, axis=-1, keepdims=True)


def true_gradients(match: Match, xs: Array, key: Array) -> Array:
    """[t, i, j]: d (player i's discounted sum of payoffs from x_t on) / d x_j, f32[T, P, P, D], along the beginning
    xs, f32[T, P, D], of a trajectory of the match; after its end the last payoff is taken to stay.

    At the discounts of the first player's meta-value, through all players' steps: the chain rule, backwards. Learners
    with a state are asked for their first step, and those who draw something draw the same every time.
    """
    discounts = learnt(match, xs[0])[1][:, None, None]
    payoff_gradient = jax.jacrev(match.game.payoff)

    def backwards(after: Array, x: Array) -> tuple[Array, Array]:
        _, pull = jax.vjp(lambda x: matching.step(match, x, key), x)
        gradient = (1 - discounts) * payoff_gradient(x) + discounts * jax.vmap(lambda each: pull(each)[0])(after)
        return gradient, gradient

    last = payoff_gradient(xs[-1])
    _, gradients = jax.lax.scan(backwards, last, xs[:-1], reverse=True)
    return jnp.concatenate([gradients, last[None]])


def learnt(match: Match, x: Array) -> Any:
    """The first player's `meta_value` of x: values and discounts, f32[P] each, or None."""
    player = match.players[0]
    return player.learner.meta_value(player.params, x)


def _own(match: Match) -> Array:
    """bool[P]: the first player's seats."""
    return jnp.array([n == 0 for n in match.seats])


def _regions(match: Match, xs: Array, errors: Array) -> dict[str, Array]:
    """Of states f32[T, P, D] and their errors f32[T, P]."""
    shares = jax.lax.map(match.game.outcomes, xs)
    inside = {name: share > 0.5 for name, share in shares.items()}
    inside[ELSEWHERE] = ~jnp.any(jnp.stack([jnp.zeros(len(xs), bool), *inside.values()]), axis=0)
    counted = {name: here[:, None] & _own(match) for name, here in inside.items()}
    return {
        name: jnp.stack([jnp.sum(errors, where=here), jnp.sum(here, dtype=errors.dtype)])
        for name, here in counted.items()
    }
