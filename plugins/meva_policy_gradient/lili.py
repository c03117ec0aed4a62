"""LILI. Shapes: P players, D numbers per policy, B episodes, T steps, O numbers per observation, L numbers of the
strategy that is inferred, F features of a step, N numbers of a network."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array

from meva_core.contracts import (
    EpisodeLearner,
    Episodes,
    Policy,
    at_least,
    below_one,
    between,
    component,
    leaf,
    not_negative,
    part,
    positive,
    seats_or_all,
    static,
)
from meva_core.errors import BadCombination
from meva_policy_gradient import seen as seeing
from meva_policy_gradient.critics import network_between, used
from meva_policy_gradient.optimisers import adam
from meva_policy_gradient.seen import Seen


class Networks(NamedTuple):
    """The numbers of a player's networks: the encoder of episodes f32[N], the decoder f32[N], the critic f32[N]."""

    encoder: Array
    decoder: Array
    critic: Array


class Learning(NamedTuple):
    """A player's networks, the states of the optimisers of its policy and of them, and the features f32[B, T, F] of the
    episodes before, with weights f32[B, T] that are 0 after their ends, and in the first step everywhere."""

    networks: Networks
    of_policy: Any
    of_networks: Any
    features: Array
    counts: Array


class Lived(NamedTuple):
    """One player's side of B episodes: what it saw; the features f32[B, T, F] of its steps, which are observation,
    action and reward; and the observation f32[B, T, O] after each step."""

    seen: Seen
    features: Array
    after: Array


@component
class LILI(EpisodeLearner):
    """Learning and influencing latent intent: every step of a match is an interaction with others who change between
    interactions by a rule of their own; the player infers what they are now, and leads them to what is good for it.

    An encoder maps the last interaction to L numbers, the strategy z = tanh(mean of its steps' outputs). A decoder
    predicts from z, its own observation and its action what comes next, the reward and the next observation; both
    learn from its errors. The policy also sees z, so it has to be `conditioned`: z is written into its numbers. It
    follows actor-critic, with a critic V(o, z) that looks past the end of an interaction:

        the last reward of an interaction counts r + g V(o_0, z'),

    z' the strategy that is inferred from this interaction, o_0 the first observation, and g the discount between
    interactions, `far_discount`. So the player is rewarded for what the others become. At g = 0 it is myopic.

    Soft actor-critic of the paper is replaced by actor-critic on fresh interactions, since actions are discrete.

    References:
        Xie, Losey, Tolsma, Finn & Sadigh (2020), Learning Latent Representations to Influence Multi-Agent Interaction,
        CoRL.
    """

    game: Any = part()
    critic: Any = part(kind="policy", doc="architecture of the critic, the encoder and the decoder")
    rate: float = leaf(default=2e-3, doc="learning rate of Adam for the policy", check=positive)
    critic_rate: float = leaf(default=5e-4, doc="learning rate of Adam for the other networks", check=positive)
    far_discount: float = leaf(default=0.95, doc="discount g between interactions; 0: myopic", check=below_one)
    trace: float = leaf(default=1.0, doc="lambda of the advantages; 1: no bootstrap", check=between(0, 1))
    entropy_weight: float = leaf(default=0.005, doc="weight of the entropy", check=not_negative)
    network_steps: int = static(default=16, doc="steps of the other networks per interaction", check=at_least(1))
    longest_gradient: float = leaf(default=0.5, doc="norm to which longer gradients are cut", check=positive)

    small: ClassVar = {"network_steps": 1}

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        if not any(policy.condition_size for policy in self.game.policies):
            kinds = ", ".join(dict.fromkeys(type(policy).__name__ for policy in self.game.policies))
            raise BadCombination(
                f"expected a policy that sees what the learner infers, got {kinds}: add --policy conditioned"
            )

    def init(self, params: Any, x: Array, key: Array) -> Any:
        return tuple(self._fresh(seat, x, jax.random.fold_in(key, seat)) for seat in range(len(x)))

    def learn(
        self, params: Any, state: Any, x: Array, episodes: Episodes, key: Array, seats: Collection[int] | None = None
    ) -> tuple[Array, Any]:
        rows, states = list(x), list(state)
        for seat in seats_or_all(seats, x):
            # A seat whose policy has no place for z is another learner's, whose row here is not used.
            if self.game.policies[seat].condition_size > 0:
                rows[seat], states[seat] = self._improved(seat, states[seat], x[seat], episodes)
        return jnp.stack(rows) - x, tuple(states)

    def encoded(self, encoder: Array, features: Array, counts: Array, size: int) -> Array:
        """The strategy z f32[L] of others in episodes with these features f32[B, T, F]; 0 if none of them counts."""
        network = self._network(features.shape[-1], size)
        outputs = jax.vmap(jax.vmap(lambda one: _output(network, encoder, one)))(features)
        total = jnp.sum(outputs * counts[..., None], axis=(0, 1))
        return jnp.where(jnp.sum(counts) > 0, jnp.tanh(total / jnp.maximum(jnp.sum(counts), 1)), 0)

    def error(self, networks: Networks, before: tuple[Array, Array], lived: Lived, size: int) -> Array:
        """Mean squared error f32[] of the decoder, given the interaction before, (features, counts)."""
        z = self.encoded(networks.encoder, *before, size)
        known, reward = lived.features[..., :-1], lived.features[..., -1:]
        inputs = jnp.concatenate([known, jnp.broadcast_to(z, (*known.shape[:-1], size))], axis=-1)
        goal = jnp.concatenate([reward, lived.after], axis=-1)
        network = self._network(inputs.shape[-1], goal.shape[-1])
        guess = jax.vmap(jax.vmap(lambda one: _output(network, networks.decoder, one)))(inputs)
        return seeing.mean_over_steps(jnp.sum((guess - goal) ** 2, axis=-1), lived.seen)

    def values(self, critic: Array, observations: Array, z: Array) -> Array:
        """Values f32[B, T] of observations f32[B, T, O] where the others' strategy is z f32[L]."""
        inputs = jnp.concatenate([observations, jnp.broadcast_to(z, (*observations.shape[:-1], len(z)))], axis=-1)
        network = self._network(inputs.shape[-1], 1)
        return jax.vmap(jax.vmap(lambda one: _output(network, critic, one)))(inputs)[..., 0]

    def far_sighted(self, seen: Seen, start: Array) -> Seen:
        """The same, but the last reward of each episode also has the value `start` f32[B] of the next one."""
        last = seen.alive * (seen.discounts == 0)
        return seen._replace(rewards=seen.rewards + self.far_discount * last * start[:, None])

    def lived(self, seat: int, episodes: Episodes) -> Lived:
        """The episodes as the player in `seat` lived them."""
        seen = seeing.seen_by(self.game, episodes, seat)
        actions = jax.nn.one_hot(seen.actions, self.game.rules.num_actions, dtype=seen.rewards.dtype)
        rewards = seen.rewards / self.unit(episodes)  # about as large as the other features
        features = jnp.concatenate([seen.observations, actions, rewards[..., None]], axis=-1)
        after = jnp.concatenate([seen.observations[:, 1:], episodes.final[:, None, seat]], axis=1)
        return Lived(seen, features, after)

    def unit(self, episodes: Episodes) -> Array:
        """The range of one step's payoffs, f32[], in the unit of the values."""
        return jax.vmap(self.game.weights)(episodes.alive)[0, 0]

    def _improved(self, seat: int, before: Learning, row: Array, episodes: Episodes) -> tuple[Array, Learning]:
        """The player's row of x f32[D] after an interaction, with the strategy that is inferred from it."""
        policy, lived = self.game.policies[seat], self.lived(seat, episodes)
        size, seen = policy.condition_size, lived.seen
        own, z = jnp.split(row[: policy.policy_size], [policy.policy_size - size])
        held = before.networks

        next_z = self.encoded(held.encoder, lived.features, seen.alive, size)
        start = self.values(held.critic, seen.observations[:, :1], next_z)[:, 0]
        values = self.values(held.critic, seen.observations, z)
        advantages = seeing.advantages(self.far_sighted(seen, start), values, self.trace)
        # All B copies have made the others what they become: each answers for its part of the whole.
        shared = seeing.advantages(self.far_sighted(seen, len(start) * start), values, self.trace)

        def objective(own: Array) -> Array:
            log_probs = seeing.log_policy(policy, jnp.concatenate([own, z]), seen)
            gain = seeing.of_actions(log_probs, seen) * shared / self.unit(episodes)
            return seeing.mean_over_steps(gain + self.entropy_weight * seeing.entropy(log_probs), seen)

        def loss(networks: Networks) -> Array:
            errors = self.values(networks.critic, seen.observations, z) - (values + advantages)
            known = self.error(networks, (before.features, before.counts), lived, size)
            return seeing.mean_over_steps(errors**2, seen) / 2 + known

        def step(carry: tuple[Networks, Any], _: None) -> tuple[tuple[Networks, Any], None]:
            moved, state = self._optimiser(self.critic_rate).update(jax.grad(loss)(carry[0]), carry[1])
            return (optax.apply_updates(carry[0], moved), state), None  # type: ignore[return-value]

        (networks, of_networks), _ = jax.lax.scan(step, (held, before.of_networks), length=self.network_steps)
        moved, of_policy = self._optimiser(self.rate).update(-jax.grad(objective)(own), before.of_policy)
        inferred = self.encoded(networks.encoder, lived.features, seen.alive, size)
        numbers: Any = optax.apply_updates(own, moved)
        after = Learning(networks, of_policy, of_networks, lived.features, seen.alive)
        return row.at[: policy.policy_size].set(jnp.concatenate([numbers, inferred])), after

    def _fresh(self, seat: int, x: Array, key: Array) -> Learning:
        policy, rules = self.game.policies[seat], self.game.rules
        size, seen, actions = max(policy.condition_size, 1), rules.observation_size, rules.num_actions
        sizes = ((seen + actions + 1, size), (seen + actions + size, 1 + seen), (seen + size, 1))
        keys = jax.random.split(key, 3)
        networks = Networks(
            *[self._network(*each).init(k).astype(x.dtype) for each, k in zip(sizes, keys, strict=True)]
        )
        own = x[seat, : policy.policy_size - policy.condition_size]
        shape = jax.eval_shape(lambda x: self.game.play(x, key).alive, x).shape
        return Learning(
            networks=networks,
            of_policy=self._optimiser(self.rate).init(own),
            of_networks=self._optimiser(self.critic_rate).init(networks),
            features=jnp.zeros((*shape, sizes[0][0]), x.dtype),
            counts=jnp.zeros(shape, x.dtype),
        )

    def _network(self, inputs: int, outputs: int) -> Policy:
        return network_between(self.critic, inputs, outputs)

    def _optimiser(self, rate: Array | float) -> optax.GradientTransformation:
        return adam(rate, self.longest_gradient)


def _output(network: Policy, numbers: Array, seen: Array) -> Array:
    """The outputs of a network that are used."""
    return used(network.act(numbers, network.begin(numbers), seen)[0])
