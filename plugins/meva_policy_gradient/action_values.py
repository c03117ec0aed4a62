"""Critics of actions: networks of the kind of policies whose outputs are the values of all actions.

Shapes: C numbers per critic, B episodes, T steps, A actions, O numbers per observation.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array

from meva_core.contracts import Policy, Sampled
from meva_core.ops import huber
from meva_core.sampling import policy_arguments
from meva_policy_gradient import seen as seeing
from meva_policy_gradient.seen import Seen


class ActionCritic(NamedTuple):
    """A critic f32[C], the average of it so far f32[C], which gives the targets, and the state of its optimiser."""

    numbers: Array
    target: Array
    optimiser: Any


def action_critic_of(builder: Any, game: Sampled) -> Policy:
    """The network of the critics of actions. builder: (observation_size, num_actions, one_hot) -> Policy.

    It has an output more than there are actions, for the value of the state: see `action_values`.
    """
    return builder(**{**policy_arguments(game.rules), "num_actions": game.rules.num_actions + 1})


def action_values(network: Policy, numbers: Array, seen: Seen, one_hot: bool) -> Array:
    """Values f32[B, T, A] of all actions under the critic `numbers` f32[C].

    The first output is the value of the state, and the others, minus their mean, are added to it. So the network also
    works where policies give two actions one degree of freedom. Source: Wang et al. (2016), Dueling Network
    Architectures for Deep Reinforcement Learning, ICML, equation 9.
    """
    outputs = seeing.outputs(network, numbers, seen.observations, one_hot)
    state, actions = outputs[..., :1], outputs[..., 1:]
    return state + actions - jnp.mean(actions, axis=-1, keepdims=True)


def sarsa_targets(values: Array, seen: Seen) -> Array:
    """Targets f32[B, T] of the actions taken: r_t + d_t Q(s_(t+1), a_(t+1)), and r_t where d_t, the discount, is 0.

    values f32[B, T, A]. Source: Rummery & Niranjan (1994), On-Line Q-Learning Using Connectionist Systems.
    """
    taken = seeing.of_actions(values, seen)
    following = jnp.concatenate([taken[:, 1:], jnp.zeros_like(taken[:, :1])], axis=1)
    return seen.rewards + seen.discounts * following


def improved(
    network: Policy,
    before: ActionCritic,
    seen: Seen,
    one_hot: bool,
    steps: int,
    optimiser: optax.GradientTransformation,
    target_rate: Array | float,
) -> ActionCritic:
    """The critic after `steps` steps on the Huber loss of temporal differences, whose targets come from an exponential
    average of the critics, which moves by the share `target_rate` to the new critic after each step."""

    def step(critic: ActionCritic, _: None) -> tuple[ActionCritic, None]:
        targets = sarsa_targets(action_values(network, critic.target, seen, one_hot), seen)

        def loss(numbers: Array) -> Array:
            taken = seeing.of_actions(action_values(network, numbers, seen, one_hot), seen)
            return seeing.mean_over_steps(huber(targets - taken), seen)

        moved, state = optimiser.update(jax.grad(loss)(critic.numbers), critic.optimiser)
        numbers: Array = optax.apply_updates(critic.numbers, moved)  # type: ignore[assignment]
        return ActionCritic(numbers, critic.target + target_rate * (numbers - critic.target), state), None

    return jax.lax.scan(step, before, length=steps)[0]
