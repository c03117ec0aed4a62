"""Proximal policy optimisation. Shapes: P players, D numbers per policy, E numbers that a player learns, C numbers per
critic, B episodes, T steps, A actions, G groups of episodes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
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
    derived,
    leaf,
    not_negative,
    part,
    positive,
    seats_or_all,
    static,
)
from meva_policy_gradient import seen as seeing
from meva_policy_gradient.critics import critic_of
from meva_policy_gradient.optimisers import adam, decayed
from meva_policy_gradient.seen import Seen


class Judged(NamedTuple):
    """The part of a player in episodes, and what its critic says: values f32[B, T] before each action, and advantages
    f32[B, T]."""

    seen: Seen
    values: Array
    advantages: Array


class Learning(NamedTuple):
    """A player's critic f32[C], the states of the optimisers of its policy and of its critic, and the number i32[] of
    steps that it has learnt from so far."""

    critic: Array
    of_policy: Any
    of_critic: Any
    steps: Array


@component
class PPO(EpisodeLearner):
    """Every player climbs its own payoff, from the episodes that all have played, by several steps of Adam on

        mean_t [ min(r A, clip(r, 1 - e, 1 + e) A) + w H ],

    r the probability of the action over that when it was taken, A generalised advantage estimates, standardised, H the
    entropy of the policy and e the clip. A critic of its own learns the return by least squares. Policies and critics
    with memory are differentiated through whole episodes. Payoffs are taken in the game's own unit, so the numbers
    below fit games with payoffs of any size.

    A pass over the B episodes of a step goes through parts of B // minibatches episodes, at least one, as many as there
    are. If B is no multiple of that number, every pass leaves out the remainder, fewer episodes than a part has: others
    each time, since every pass has an order of its own.

    It is a naive learner: it does not know that the others learn. With one epoch and one minibatch it is A2C.

    References:
        Schulman et al. (2017), Proximal Policy Optimization Algorithms, equation 7;
        Schulman et al. (2016), High-Dimensional Continuous Control Using Generalized Advantage Estimation, ICLR.
    """

    game: Any = part()
    critic: Any = part(kind="policy", doc="network with one output, the value of what a player sees")
    rate: float = leaf(default=3e-3, doc="learning rate of Adam for the policy", check=positive)
    critic_rate: float = leaf(default=1e-2, doc="learning rate of Adam for the critic", check=positive)
    clip: float = leaf(default=0.2, doc="clip e of the ratio of probabilities", check=positive)
    entropy_weight: float = leaf(default=0.01, doc="weight w of the entropy", check=not_negative)
    entropy_decay: float = leaf(
        default=0.0,
        doc="share of the entropy's weight that every step takes off, from step decay_from on",
        check=below_one,
    )
    decay_from: float = leaf(default=0.0, doc="steps with the whole weight of the entropy", check=not_negative)
    trace: float = leaf(default=0.95, doc="lambda of the advantages; 1: return minus value", check=between(0, 1))
    epochs: int = static(default=4, doc="passes over the episodes of a step", check=at_least(1))
    minibatches: int = static(
        default=1, doc="parts into which each pass divides the episodes, without a remainder", check=at_least(1)
    )
    centred: bool = static(
        default=False, doc="advantages minus their mean at each step, for critics that do not know the time"
    )
    longest_gradient: float = leaf(default=0.5, doc="norm to which longer gradients are cut", check=positive)
    network: Policy = derived(lambda self: critic_of(self.critic, self.game), doc="the critic")

    small: ClassVar = {"epochs": 1}

    def init(self, params: Any, x: Array, key: Array) -> Any:
        rows = [row[: policy.policy_size] for row, policy in zip(x, self.game.policies, strict=True)]
        return tuple(self.fresh(row, jax.random.fold_in(key, seat)) for seat, row in enumerate(rows))

    def learn(
        self, params: Any, state: Any, x: Array, episodes: Episodes, key: Array, seats: Collection[int] | None = None
    ) -> tuple[Array, Any]:
        judged = {seat: self.judged_by(seat, state[seat], episodes) for seat in seats_or_all(seats, x)}
        return self.climb(state, x, judged, {seat: self.gains(each) for seat, each in judged.items()}, key)

    def judged_by(self, seat: int, learning: Learning, episodes: Episodes) -> Judged:
        """The episodes as the player in `seat` saw them, and as its critic judges them."""
        seen = seeing.seen_by(self.game, episodes, seat)
        values = seeing.values(self.network, learning.critic, seen)
        return Judged(seen, values, seeing.advantages(seen, values, self.trace))

    def gains(self, judged: Judged) -> Array:
        """The advantages A f32[B, T] of the objective."""
        advantages = seeing.centred(judged.advantages, judged.seen) if self.centred else judged.advantages
        return seeing.standardised(advantages, judged.seen)

    def climb(
        self,
        state: tuple[Learning, ...],
        x: Array,
        judged: Mapping[int, Judged],
        gains: Mapping[int, Array],
        key: Array,
    ) -> tuple[Array, tuple[Learning, ...]]:
        """Steps f32[P, D] and the new state, if the objective takes `gains`, f32[B, T] by seat, as advantages A.

        The critics learn the returns of what was judged, by seat. A player without gains makes no step, and the critic
        of one whose part was not judged does not learn.
        """
        rows, states = list(x), list(state)
        for seat, each in judged.items():
            own_key = jax.random.fold_in(key, seat)
            if seat in gains:
                rows[seat], states[seat] = self._improved(seat, state[seat], x[seat], each, gains[seat], own_key)
            else:
                states[seat] = self._learnt(state[seat], each, own_key)
        return jnp.stack(rows) - x, tuple(states)

    def improved(
        self,
        own: Array,
        before: Learning,
        judged: Judged,
        gains: Array,
        key: Array,
        log_policy: Callable[[Array, Seen], Array],
    ) -> tuple[Array, Learning]:
        """A player's numbers f32[E] after all epochs, if the objective takes `gains` as advantages A; and its state.

        judged, gains: of episodes [B, T], or of groups of episodes [G, B, T] that passes do not part. log_policy: the
        log-probabilities of all actions [..., T, A] under such numbers, given what was seen.
        """
        weight = decayed(self.entropy_weight, self.entropy_decay, self.decay_from, before.steps)

        def cost(own: Array, seen: Seen, gains: Array) -> Array:
            return -self.objective(own, seen, gains, weight, log_policy)

        own, of_policy = self._descended(cost, own, before.of_policy, self.rate, (judged.seen, gains), key)
        return own, self._learnt(before, judged, key)._replace(of_policy=of_policy)

    def objective(
        self, own: Array, seen: Seen, advantages: Array, weight: Any, log_policy: Callable[[Array, Seen], Array]
    ) -> Array:
        """The objective f32[] of a player's numbers f32[E]. weight: the present one of the entropy. log_policy: as in
        `improved`."""
        log_probs = log_policy(own, seen)
        ratio = jnp.exp(seeing.of_actions(log_probs, seen) - seen.log_probs)
        gain = jnp.minimum(ratio * advantages, jnp.clip(ratio, 1 - self.clip, 1 + self.clip) * advantages)
        return seeing.mean_over_steps(gain + weight * seeing.entropy(log_probs), seen)

    def fresh(self, own: Array, key: Array) -> Learning:
        """The state of a player that has learnt nothing yet: a fresh critic, and optimisers for it and for the numbers
        `own` f32[E]."""
        critic = self.network.init(key).astype(own.dtype)
        of_policy, of_critic = self._optimiser(self.rate).init(own), self._optimiser(self.critic_rate).init(critic)
        return Learning(critic, of_policy, of_critic, jnp.zeros((), jnp.int32))

    def _learnt(self, before: Learning, judged: Judged, key: Array) -> Learning:
        """A player's state after all epochs, if only its critic learns. judged: as in `improved`."""
        data = judged.seen, judged.advantages + judged.values
        error = partial(_error, self.network)
        critic, of_critic = self._descended(error, before.critic, before.of_critic, self.critic_rate, data, key)
        return before._replace(critic=critic, of_critic=of_critic, steps=before.steps + 1)

    def _descended(
        self, cost: Callable[..., Array], numbers: Array, memory: Any, rate: Any, data: tuple[Seen, Array], key: Array
    ) -> tuple[Array, Any]:
        """Numbers f32[N] and the state of their optimiser after all epochs. Each step goes down cost(numbers, *part)
        f32[], where `part` is a minibatch of `data`."""
        optimiser = self._optimiser(rate)

        def step(carry: tuple[Array, Any], chosen: Array) -> tuple[tuple[Array, Any], None]:
            numbers, memory = carry
            part = jax.tree.map(lambda leaf: leaf[chosen], data)
            moved, memory = optimiser.update(jax.grad(cost)(numbers, *part), memory)
            return (optax.apply_updates(numbers, moved), memory), None  # type: ignore[return-value]

        return jax.lax.scan(step, (numbers, memory), self._chosen(len(data[1]), key))[0]

    def _improved(
        self, seat: int, before: Learning, row: Array, judged: Judged, gains: Array, key: Array
    ) -> tuple[Array, Learning]:
        """The player's row of x f32[D] after all epochs, and its state."""
        policy = self.game.policies[seat]
        size, log_policy = policy.policy_size, partial(seeing.log_policy, policy)
        own, after = self.improved(row[:size], before, judged, gains, key, log_policy)
        return row.at[:size].set(own), after

    def _chosen(self, episodes: int, key: Array) -> Array:
        """Indices of the episodes in each minibatch of every epoch, i32[epochs * minibatches, episodes in each]."""
        size = max(episodes // self.minibatches, 1)
        orders = jax.vmap(lambda key: jax.random.permutation(key, episodes))(jax.random.split(key, self.epochs))
        return orders[:, : size * (episodes // size)].reshape(-1, size)

    def _optimiser(self, rate: Array | float) -> optax.GradientTransformation:
        return adam(rate, self.longest_gradient)


def _error(critic: Policy, numbers: Array, seen: Seen, targets: Array) -> Array:
    """Half of the mean squared error of the numbers f32[C] of a critic, f32[]."""
    return seeing.mean_over_steps((seeing.values(critic, numbers, seen) - targets) ** 2, seen) / 2
