"""Trajectories of one joint policy during a fit; batching is the caller's vmap.

Shapes: P players, D numbers per policy, S steps.
"""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import attrs
import jax
import jax.numpy as jnp
from jax import Array

from meva_core.contracts import Sampled, first_state, learns_from, payoff_from
from meva_meta_value.meta_value import MetaValue


class Explored(NamedTuple):
    """State of an exploring trajectory."""

    x: Array  # f32[P, D]
    rivals: tuple  # the rivals' states along it, one per seat
    discounts: Array  # f32[P], of the exploring players
    noise: Any  # the explorer's, drawn once
    incentives: Array | None = None  # f32[P], of the exploring players; None if not drawn


class OnPolicy(NamedTuple):
    """A rollout of the unperturbed learners."""

    x: Array  # f32[S + 1, P, D]
    payoffs: Array  # f32[S + 1, P]
    discounts: Array  # f32[P]
    incentives: Array | None = None  # f32[P]; None if not drawn


def start(learner: MetaValue, params: Any, key: Array) -> Explored:
    """A fresh joint policy, with the discounts and the noise of one exploring trajectory."""
    x_key, discount_key, noise_key, rival_key = jax.random.split(key, 4)
    x = learner.start_scale * learner.game.init(x_key)
    for seat, rival in enumerate(learner.rivals):
        if rival is not None:
            x = x.at[seat].set(rival.learner.start(rival.params, x, jax.random.fold_in(rival_key, seat))[seat])
    states = _first_states(learner, x, rival_key)
    noise = learner.explorer.draw(noise_key, params, learner.model.num_features)
    discounts, incentives = draw_discounts(learner, discount_key), draw_incentives(learner, discount_key)
    return Explored(x, states, discounts, noise, incentives)


def _first_states(learner: MetaValue, x: Array, key: Array) -> tuple:
    """The rivals' initial states, None in own seats. The keys are numbered from P on, since `start` used the others."""
    keys = [jax.random.fold_in(key, len(learner.rivals) + seat) for seat in range(len(learner.rivals))]
    return tuple(r and first_state(r.learner, r.params, x, key) for r, key in zip(learner.rivals, keys, strict=True))


def draw_discounts(learner: MetaValue, key: Array) -> Array:
    """Discounts f32[P] for one rollout; 0 in the rivals' seats.

    Each is `highest_discount` times Beta(a, a) (section 4.2: a = 1/2, the arcsine distribution, and highest 1), with
    probability `equal_players` the same for all players; or the learner's own if its draw is "fixed". The share
    `far_sighted` of them is in the upper half: lower ones are mirrored as often as that takes.

    Drawn from two uniform numbers, without rejection (Devroye, 1996, Random variate generation in one line of code).
    """
    if learner.discount_draw == "fixed":
        return learner.discounts
    a = learner.discount_concentration
    u, v = jax.random.uniform(key, (2, learner.game.num_players))
    cosine = jnp.cos(2 * jnp.pi * v)
    odds = jnp.expm1(-jnp.log(u) / a) * cosine**2
    low = 0.5 / ((1 + odds) * (1 + jax.lax.rsqrt(1 + 1 / odds)))
    mirrored = jax.random.uniform(jax.random.fold_in(key, 3), cosine.shape) < 2 * learner.far_sighted - 1
    discounts = learner.highest_discount * jnp.where((cosine < 0) & ~mirrored, low, 1 - low)
    return jnp.where(jnp.array(learner.own_seats), _shared(learner, discounts, key), 0.0)


def draw_incentives(learner: MetaValue, key: Array) -> Array | None:
    """Incentives f32[P] for one rollout, uniform on [0, 1]; None if they stay the learner's own.

    They are the same for all players if the discounts drawn from this key are.
    """
    if learner.incentive_draw == "fixed":
        return None
    return _shared(learner, jax.random.uniform(jax.random.fold_in(key, 1), (learner.game.num_players,)), key)


def _shared(learner: MetaValue, drawn: Array, key: Array) -> Array:
    """The first player's number for all players with probability `equal_players`, else each player's own, f32[P]."""
    equal = jax.random.uniform(jax.random.fold_in(key, 2)) < learner.equal_players
    return jnp.where(equal, drawn[0], drawn)


def explore(learner: MetaValue, params: Any, explored: Explored, key: Array) -> Explored:
    """Take `stride` steps under the perturbed model."""
    params = learner.explorer.perturb_params(explored.noise, params)
    player = learner.drawn(explored.incentives)

    def step(carry: tuple, key: Array) -> tuple:
        x, rivals = carry
        own_key, rival_key = jax.random.split(key)
        steps = player.explore(params, x, explored.discounts, explored.noise, own_key)
        steps, rivals = _with_rivals(learner, steps, rivals, x, rival_key)
        return (x + steps, rivals), None

    (x, rivals), _ = jax.lax.scan(step, (explored.x, explored.rivals), jax.random.split(key, learner.stride))
    return explored._replace(x=x, rivals=rivals)


def on_policy(learner: MetaValue, params: Any, explored: Explored, key: Array) -> OnPolicy:
    """Take `stride` steps of the unperturbed model at fresh discounts, from the current end of the trajectory."""
    discount_key, step_key = jax.random.split(key)
    discounts, incentives = draw_discounts(learner, discount_key), draw_incentives(learner, discount_key)
    player = attrs.evolve(learner.drawn(incentives), discount=discounts)

    def step(carry: tuple, key: Array) -> tuple:
        x, rivals = carry
        own_key, rival_key = jax.random.split(key)
        steps, _ = player.update(params, (), x, own_key)
        steps, rivals = _with_rivals(learner, steps, rivals, x, rival_key)
        return (x + steps, rivals), x

    keys = jax.random.split(step_key, learner.stride)
    (last, _), x = jax.lax.scan(step, (explored.x, explored.rivals), keys)
    x = jnp.concatenate([x, last[None]])
    return OnPolicy(x, _payoffs(learner, x, step_key), discounts, incentives)


def _payoffs(learner: MetaValue, x: Array, step_key: Array) -> Array:
    """The payoffs f32[S + 1, P] of states x f32[S + 1, P, D], whose S steps have the keys split(step_key, S)."""

    def paid(drawn: tuple[Array, Array]) -> Array:
        state, key = drawn
        return payoff_from(learner.game, key)(state)

    # fold_in(key, n) is split(key)[n], so keys that are numbered from S on belong to no step.
    keys = jax.vmap(lambda n: jax.random.fold_in(step_key, n))(len(x) - 1 + jnp.arange(len(x)))
    # The episodes of all states together would fill the memory.
    each = jax.lax.map if isinstance(learner.game, Sampled) else lambda f, over: jax.vmap(f)(over)
    return each(paid, (x, keys))


def _with_rivals(learner: MetaValue, steps: Array, states: tuple, x: Array, key: Array) -> tuple[Array, tuple]:
    """Replace the rivals' rows by their own steps; returns the steps and the rivals' new states. All rivals who learn
    from episodes learn from the same ones."""
    new, game, episodes = [], cast(Any, learner.game), None
    for seat, (rival, state) in enumerate(zip(learner.rivals, states, strict=True)):
        if rival is not None:
            own_key = jax.random.fold_in(key, seat)
            if learns_from(rival.learner) == "episodes":
                if episodes is None:
                    episodes = game.play(x, jax.random.fold_in(key, len(states)))
                theirs, state = rival.learner.learn(rival.params, state, x, episodes, own_key)
            else:
                theirs, state = rival.learner.update(rival.params, state, x, own_key)
            steps = steps.at[seat].set(theirs[seat])
        new.append(state)
    return steps, tuple(new)
