"""Choices of policies with memory in named situations.

Shapes: P players, D numbers per policy, N different observations, A actions.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import Array

from meva_core.contracts import Policy, SampledGame
from meva_core.sampling.along import logits_along


def logits_after(rules: SampledGame, policies: Sequence[Policy], x: Array, times: int) -> Array:
    """Logits of the actions f32[P, N, A] of x f32[P, D] after a player has seen one of the game's N observations,
    `times` times in a row since the beginning of an episode; at what it sees in the beginning, those of the first step.

    The episode is told, not played: other outcomes of the actions that the policies would take do not happen. rules: a
    game that lists its `observations`. Without memory, the logits are those at each observation.
    """
    seen = jnp.asarray(rules.observations, x.dtype)
    first = rules.reset(jax.random.key(0))[1].astype(x.dtype)

    def of_seat(seat: int, policy: Policy) -> Array:
        def at(observation: Array) -> Array:
            told = jnp.concatenate([first[seat][None], jnp.tile(observation, (times, 1))])
            logits = logits_along(policy, x[seat, : policy.policy_size], told)
            return jnp.where(jnp.all(observation == first[seat]), logits[0], logits[-1])

        return jax.vmap(at)(seen)

    return jnp.stack([of_seat(seat, policy) for seat, policy in enumerate(policies)])


def probabilities_after(rules: SampledGame, policies: Sequence[Policy], x: Array, times: int) -> Array:
    """Probabilities f32[P, E] of the choices that `choice_names` names, of x f32[P, D], after `logits_after`."""
    probabilities = jax.nn.softmax(logits_after(rules, policies, x, times))
    return probabilities[..., _first(rules) :].reshape(len(x), -1)


def choice_names(rules: SampledGame) -> tuple[str, ...]:
    """Names of the actions at each named observation, ("P(C|DD)", "P(C|DC)", ...); of two actions, the second one."""
    actions = rules.action_names[_first(rules) :]
    return tuple(f"P({action}|{state})" for state in rules.observation_names for action in actions)


def _first(rules: SampledGame) -> int:
    """The first action that is shown: of two, one says all."""
    return int(rules.num_actions == 2)
