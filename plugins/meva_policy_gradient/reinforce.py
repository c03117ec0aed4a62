"""REINFORCE. Shapes: P players, D numbers per policy, B episodes, T steps."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from meva_core.contracts import EpisodeLearner, Episodes, component, leaf, one_of, part, positive, static
from meva_core.ops import mean_of_others, returns_to_go
from meva_policy_gradient import seen as seeing


@component
class Reinforce(EpisodeLearner):
    """Every player takes one step along an unbiased estimate of the gradient of its own payoff,

        rate * mean_b sum_t d log pi(a_t|h_t) (R_t - b_t),

    from the episodes that all have played. R_t is the sum of the rewards from step t on, each with its weight in the
    payoff, and the baseline b_t the mean of R_t over the other episodes that reach step t, or 0.

    References:
        Williams (1992), Simple Statistical Gradient-Following Algorithms for Connectionist Reinforcement Learning.
    """

    game: Any = part()
    rate: float = leaf(default=1.0, doc="learning rate", check=positive, per_payoff=True)
    baseline: str = static(default="mean", doc="baseline of the returns", check=one_of("mean", "none"))

    def learn(self, params: Any, state: Any, x: Array, episodes: Episodes, key: Array) -> tuple[Array, Any]:
        weights = jax.vmap(self.game.weights)(episodes.alive)
        returns = jax.vmap(returns_to_go)(episodes.rewards, weights)
        if self.baseline == "mean":
            returns -= mean_of_others(returns, episodes.alive[..., None])
        gains = weights[..., None] * returns
        rows = [self._gradient(seat, x[seat], episodes, gains[:, :, seat]) for seat in range(len(x))]
        return self.rate * jnp.stack(rows), state

    def _gradient(self, seat: int, row: Array, episodes: Episodes, gains: Array) -> Array:
        """The gradient of a player's row of x, f32[D]. gains: f32[B, T]."""
        policy, seen = self.game.policies[seat], seeing.seen_by(self.game, episodes, seat)

        def weighted(row: Array) -> Array:
            log_probs = seeing.log_policy(policy, row[: policy.policy_size], seen)
            return jnp.sum(seeing.of_actions(log_probs, seen) * jax.lax.stop_gradient(gains)) / len(gains)

        return jax.grad(weighted)(row)
