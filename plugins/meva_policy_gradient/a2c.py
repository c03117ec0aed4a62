"""Advantage actor-critic."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from jax import Array

from meva_core.contracts import (
    EpisodeLearner,
    Episodes,
    between,
    component,
    derived,
    leaf,
    not_negative,
    part,
    positive,
)
from meva_policy_gradient.ppo import PPO


@component
class A2C(EpisodeLearner):
    """Every player climbs its own payoff by one step of Adam from the episodes that all have played, on

        mean_t [ log pi(a|h) A + w H ],

    A generalised advantage estimates, standardised, and H the entropy of the policy. A critic of its own learns the
    return by least squares. It is PPO with one epoch and one minibatch, whose clip then has no effect.

    References:
        Mnih et al. (2016), Asynchronous Methods for Deep Reinforcement Learning, ICML, section 4.
    """

    game: Any = part()
    critic: Any = part(kind="policy", doc="network with one output, the value of what a player sees")
    rate: float = leaf(default=1e-2, doc="learning rate of Adam for the policy", check=positive)
    critic_rate: float = leaf(default=1e-2, doc="learning rate of Adam for the critic", check=positive)
    entropy_weight: float = leaf(default=0.01, doc="weight w of the entropy", check=not_negative)
    trace: float = leaf(default=0.95, doc="lambda of the advantages; 1: return minus value", check=between(0, 1))
    longest_gradient: float = leaf(default=0.5, doc="norm to which longer gradients are cut", check=positive)

    as_ppo: PPO = derived(
        lambda self: PPO(
            game=self.game,
            critic=self.critic,
            rate=self.rate,
            critic_rate=self.critic_rate,
            entropy_weight=self.entropy_weight,
            trace=self.trace,
            longest_gradient=self.longest_gradient,
            epochs=1,
            minibatches=1,
        ),
        doc="the same learner as PPO",
    )

    def init(self, params: Any, x: Array, key: Array) -> Any:
        return self.as_ppo.init(params, x, key)

    def learn(
        self, params: Any, state: Any, x: Array, episodes: Episodes, key: Array, seats: Collection[int] | None = None
    ) -> tuple[Array, Any]:
        return self.as_ppo.learn(params, state, x, episodes, key, seats)
