"""Advantage Alignment. Shapes: P players, B episodes, T steps."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jax import Array

from meva_core.contracts import (
    EpisodeLearner,
    Episodes,
    at_least,
    below_one,
    between,
    component,
    derived,
    leaf,
    not_negative,
    one_of,
    part,
    positive,
    seats_or_all,
    static,
)
from meva_policy_gradient.ppo import PPO


@component
class AdvantageAlignment(EpisodeLearner):
    """Every player follows PPO with other advantages, which are high where it does good to those who did good to it:

        A*_i,t = A_i,t + w c_t sum_(j != i) A_j,t,

    A_j the standardised advantages of player j, and c_t what was good or bad for player i so far:

        weighting "theory":   c_t = b sum_(k < t) b^(t - k) A_i,k,   b the discount between two steps,

        weighting "average":  c_t = sum_(k < t) A_i,k / (1 + t),     as in the paper's experiments.

    "If it went well for me so far, I do what is good for you now; if badly, what is bad for you." So others learn that
    what is good for the player is good for them. There are only first derivatives, and any number of players.

    Every player judges what the others do by critics of their rewards, which it fits itself, from what they see; so
    the others may follow any rule. The first step of an episode has no past and A* = A there. At w = 0 the learner is
    PPO with the same settings; with one epoch and one minibatch it is Advantage Alignment on actor-critic gradients.
    A small `trace` helps: then an advantage is mostly about what was done in the very step.

    References:
        Duque, Aghajohari, Cooijmans, Ciuca, Zhang, Gidel & Courville (2025), Advantage Alignment Algorithms, ICLR:
        equation 9 in its proximal form ("theory"), and the weights of its experiments ("average").
    """

    game: Any = part()
    critic: Any = part(kind="policy", doc="network with one output, the value of what a player sees")
    weight: float = leaf(default=1.0, doc="weight w of the others' advantages", check=not_negative)
    weighting: str = static(
        default="average", doc="weights of the past: the theory's, or an average", check=one_of("theory", "average")
    )
    rate: float = leaf(default=3e-3, doc="learning rate of Adam for the policy", check=positive)
    critic_rate: float = leaf(default=1e-2, doc="learning rate of Adam for the critic", check=positive)
    clip: float = leaf(default=0.2, doc="clip of the ratio of probabilities", check=positive)
    entropy_weight: float = leaf(default=0.01, doc="weight of the entropy", check=not_negative)
    entropy_decay: float = leaf(
        default=0.0,
        doc="share of the entropy's weight that every step takes off, from step decay_from on",
        check=below_one,
    )
    decay_from: float = leaf(default=0.0, doc="steps with the whole weight of the entropy", check=not_negative)
    trace: float = leaf(default=0.95, doc="lambda of the advantages; 1: return minus value", check=between(0, 1))
    epochs: int = static(default=4, doc="passes over the episodes of a step", check=at_least(1))
    minibatches: int = static(default=1, doc="parts into which each pass divides the episodes", check=at_least(1))
    centred: bool = static(
        default=True, doc="advantages minus their mean at each step, for critics that do not know the time"
    )
    longest_gradient: float = leaf(default=0.5, doc="norm to which longer gradients are cut", check=positive)

    as_ppo: PPO = derived(
        lambda self: PPO(
            game=self.game,
            critic=self.critic,
            rate=self.rate,
            critic_rate=self.critic_rate,
            clip=self.clip,
            entropy_weight=self.entropy_weight,
            entropy_decay=self.entropy_decay,
            decay_from=self.decay_from,
            trace=self.trace,
            epochs=self.epochs,
            minibatches=self.minibatches,
            centred=self.centred,
            longest_gradient=self.longest_gradient,
        ),
        doc="the learner that climbs the advantages",
    )

    small: ClassVar = {"epochs": 1}

    def init(self, params: Any, x: Array, key: Array) -> Any:
        return self.as_ppo.init(params, x, key)

    def learn(
        self, params: Any, state: Any, x: Array, episodes: Episodes, key: Array, seats: Collection[int] | None = None
    ) -> tuple[Array, Any]:
        everyone = range(len(x))
        judged = {seat: self.as_ppo.judged_by(seat, state[seat], episodes) for seat in everyone}
        advantages = jnp.stack([self.as_ppo.gains(judged[seat]) for seat in everyone], axis=-1)
        gains = jax.vmap(self.aligned)(advantages, judged[0].seen.discounts)
        own = {seat: gains[..., seat] for seat in seats_or_all(seats, x)}
        return self.as_ppo.climb(state, x, judged, own, key)

    def aligned(self, advantages: Array, discounts: Array) -> Array:
        """The advantages A* f32[T, P] that the players climb. advantages f32[T, P]; discounts f32[T]."""
        past = average_of_past if self.weighting == "average" else discounted_past
        return advantages + self.weight * past(advantages, discounts) * of_others(advantages)


def average_of_past(advantages: Array, discounts: Array) -> Array:
    """The sum of the advantages f32[T, P] before each step, divided by one more than their number, f32[T, P].

    Source: Duque et al. (2025), equation 59. discounts: not used.

    >>> average_of_past(jnp.array([[1.0], [3.0], [5.0]]), jnp.ones(3))[:, 0].tolist()
    [0.0, 0.5, 1.3333333730697632]
    """
    before = jnp.cumsum(advantages, axis=0) - advantages
    return before / (1 + jnp.arange(len(advantages), dtype=advantages.dtype))[:, None]


def discounted_past(advantages: Array, discounts: Array) -> Array:
    """The discounted sum b sum_(k < t) b^(t - k) A_k of the advantages A f32[T, P] before each step, f32[T, P].

    Source: Duque et al. (2025), equation 9. discounts f32[T]: b between each step and the next.

    >>> discounted_past(jnp.array([[1.0], [2.0], [5.0]]), jnp.array([0.5, 0.5, 0.0]))[:, 0].tolist()
    [0.0, 0.25, 0.625]
    """

    def forwards(past: Array, now: tuple[Array, Array]) -> tuple[Array, Array]:
        advantage, discount = now
        return discount * (past + advantage), discount * discount * (past + advantage)

    _, weights = jax.lax.scan(forwards, jnp.zeros_like(advantages[0]), (advantages, discounts))
    return jnp.concatenate([jnp.zeros_like(advantages[:1]), weights[:-1]])


def of_others(advantages: Array) -> Array:
    """The sum f32[..., P] over all other players of numbers f32[..., P].

    >>> of_others(jnp.array([1.0, 2.0, 4.0])).tolist()
    [6.0, 5.0, 3.0]
    """
    others = 1 - jnp.eye(advantages.shape[-1], dtype=advantages.dtype)
    return jnp.matmul(advantages, others, precision="highest")
