"""The episodes as one player lived them, and what its policy and its critic say of them.

Shapes: P players, D numbers per policy, C numbers per critic, B episodes, T steps, A actions, O numbers per
observation.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from meva_core.contracts import Episodes, Policy, Sampled
from meva_core.ops import generalised_advantages, step_discounts
from meva_core.sampling import logits_along


class Seen(NamedTuple):
    """One player's part in B episodes.

    observations f32[B, T, O]; actions i32[B, T]; log_probs f32[B, T], of the actions when they were taken; rewards
    f32[B, T], in the unit of `rewards_of`; discounts f32[B, T], between a step and the next one; alive f32[B, T].
    """

    observations: Array
    actions: Array
    log_probs: Array
    rewards: Array
    discounts: Array
    alive: Array


def seen_by(game: Sampled, episodes: Episodes, seat: int) -> Seen:
    """The part of the player in `seat` in episodes [B, ...].

    Rewards are multiplied by the weight of the first step in the payoff, and divided by the largest range of any
    player's rewards. So a return is between 0 and 1 apart from a constant, in every game and at every discount.
    """
    weights = jax.vmap(game.weights)(episodes.alive)
    unit = jnp.max(game.rules.payoff_range)
    scale = weights[:, :1] / jnp.where(unit > 0, unit, 1)
    held = jax.tree.map(jax.lax.stop_gradient, episodes)
    return Seen(
        observations=held.observations[:, :, seat],
        actions=held.actions[:, :, seat],
        log_probs=held.log_probs[:, :, seat],
        rewards=held.rewards[:, :, seat] * scale,
        discounts=jax.vmap(step_discounts)(weights),
        alive=held.alive,
    )


def log_policy(policy: Policy, own: Array, seen: Seen) -> Array:
    """Log-probabilities of all actions f32[B, T, A] under the numbers `own` f32[D], given what was seen."""
    return jax.nn.log_softmax(jax.vmap(lambda o: logits_along(policy, own, o))(seen.observations))


def outputs(network: Policy, numbers: Array, observations: Array, one_hot: bool) -> Array:
    """Outputs f32[B, T, A] of a network f32[D] along observations f32[B, T, O].

    one_hot: observations are rows of the identity matrix; then a network without memory is asked once for each of them,
    and not at all steps of all episodes.
    """
    if not one_hot or network.memory_size:
        return jax.vmap(lambda o: logits_along(network, numbers, o))(observations)
    at_states = logits_along(network, numbers, jnp.eye(observations.shape[-1], dtype=observations.dtype))
    return jnp.matmul(observations, at_states, precision="highest")


def of_actions(log_probs: Array, seen: Seen) -> Array:
    """The entries f32[B, T] of log-probabilities f32[B, T, A] that belong to the actions taken."""
    return jnp.take_along_axis(log_probs, seen.actions[..., None], axis=-1)[..., 0]


def entropy(log_probs: Array) -> Array:
    """Entropy f32[B, T] of log-probabilities f32[B, T, A]."""
    return -jnp.sum(jnp.exp(log_probs) * log_probs, axis=-1)


def values(critic: Policy, numbers: Array, seen: Seen) -> Array:
    """The critic's values f32[..., T] of episodes [..., T], before each action. numbers: f32[C]."""
    *batch, steps, size = seen.observations.shape
    each = jax.vmap(lambda o: logits_along(critic, numbers, o))(seen.observations.reshape(-1, steps, size))
    return each[..., 0].reshape(*batch, steps)


def advantages(seen: Seen, values: Array, trace: Array | float) -> Array:
    """Generalised advantage estimates f32[B, T]."""
    return jax.vmap(generalised_advantages, in_axes=(0, 0, 0, None))(seen.rewards, values, seen.discounts, trace)


def mean_over_steps(numbers: Array, seen: Seen) -> Array:
    """Mean f32[] of numbers f32[B, T] over the steps of all episodes before their ends."""
    return jnp.sum(numbers * seen.alive) / jnp.maximum(jnp.sum(seen.alive), 1)


def centred(numbers: Array, seen: Seen) -> Array:
    """Numbers f32[B, T] minus their mean at each step over the episodes that reach it."""
    counts = jnp.maximum(jnp.sum(seen.alive, axis=0), 1)
    return numbers - jnp.sum(numbers * seen.alive, axis=0) / counts


def standardised(numbers: Array, seen: Seen) -> Array:
    """Numbers f32[B, T] minus their mean, divided by their standard deviation, over the steps before the ends."""
    return (numbers - mean_over_steps(numbers, seen)) / deviation(numbers, seen)


def deviation(numbers: Array, seen: Seen) -> Array:
    """The standard deviation f32[] of numbers f32[B, T] over the steps before the ends, not quite 0."""
    centred = numbers - mean_over_steps(numbers, seen)
    return jnp.sqrt(mean_over_steps(centred**2, seen) + 1e-12)
