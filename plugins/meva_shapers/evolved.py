"""Learners that play what evolution strategies found over the lifetimes of others, and their fit.

Shapes: P players, D numbers per policy, N seats whose policies are learnt.
"""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array

from meva_core.contracts import (
    Game,
    Training,
    below_one,
    between,
    component,
    leaf,
    not_negative,
    part,
    positive,
    static,
)
from meva_core.match import Fitted, Settled, earned, in_all_seats, match_in, own_seats
from meva_core.ops import antithetic_noise, centred_ranks, evolution_gradient, spread


@component
class Evolved(Settled):
    """A learner that plays one policy and never moves: the one with the highest mean payoff over the lifetimes of
    others, who learn against it all the time.

    Source: Salimans et al. (2017), Evolution Strategies as a Scalable Alternative to Reinforcement Learning.
    """

    game: Game = part()
    rivals: tuple = part(
        default=(), doc="for each seat a Fitted rival, or None for this learner; empty: naive learners"
    )
    rate: float = leaf(
        default=1.0, doc="learning rate of the naive learners in a fit for self-play", check=positive, per_payoff=True
    )
    steps: int = static(default=100, doc="steps of a lifetime", check=between(1, 10**5))
    loops: int = static(default=300, doc="generations of the fit", check=between(1, 10**9))
    pairs: int = static(default=32, doc="antithetic pairs of members per generation", check=between(1, 10**6))
    co_players: int = static(default=16, doc="lifetimes per member", check=between(1, 10**6))
    deviation: float = leaf(default=0.3, doc="standard deviation of members around the policy", check=positive)
    final_deviation: float = leaf(default=0.1, doc="least standard deviation", check=positive)
    optimiser_rate: float = leaf(default=0.1, doc="learning rate of Adam", check=positive)
    final_rate: float = leaf(default=0.02, doc="least learning rate of Adam", check=positive)
    decay: float = leaf(
        default=0.01, doc="share that deviation and Adam's rate lose per generation, down to the least", check=below_one
    )
    beta1: float = leaf(default=0.9, doc="Adam's decay of gradients", check=below_one)
    weight_decay: float = leaf(default=0.0, doc="pull of the policy towards 0", check=not_negative)

    learns_from = "sample"
    small: ClassVar = {"steps": 2, "loops": 2, "pairs": 2, "co_players": 2}

    @property
    def training(self) -> EvolutionTraining:
        return EvolutionTraining(learner=self)


class FitState(NamedTuple):
    """State of the fit: the policies f32[N, D], the optimiser's, and the number of generations so far."""

    policies: Array
    optimiser: Any
    generation: Array


@component
class EvolutionTraining(Training):
    """A training whose step is one generation."""

    learner: Any = part()

    extended_by = "loops"
    shown: ClassVar = {"payoff": "payoff of the population", "deviation": "deviation"}
    linear = ("payoff",)

    @property
    def num_steps(self) -> int:
        return self.learner.loops

    def init(self, key: Array) -> FitState:
        policies = self.learner.game.init(key)[jnp.array(self._seats)]
        return FitState(policies, self._optimiser(1.0).init(policies), jnp.zeros((), jnp.int32))

    def params(self, state: FitState) -> Array:
        return in_all_seats(self.learner.game, self.learner.rivals, state.policies)

    def step(self, state: FitState, key: Array) -> tuple[FitState, dict[str, Array]]:
        learner: Evolved = self.learner
        left = (1 - learner.decay) ** state.generation
        deviation = jnp.maximum(learner.deviation * left, jnp.minimum(learner.final_deviation, learner.deviation))
        gradients, payoffs = [], []
        for n, seat in enumerate(self._seats):
            noise_key, life_key = jax.random.split(jax.random.fold_in(key, n))
            noise = antithetic_noise(noise_key, learner.pairs, state.policies.shape[1]).astype(state.policies.dtype)
            members = spread(state.policies[n] + deviation * noise)
            fitness = jax.vmap(lambda member, s=seat, k=life_key: self.fitness(s, member, state, k))(members)
            gradients.append(evolution_gradient(noise, centred_ranks(fitness), deviation))
            payoffs.append(jnp.mean(fitness))
        uphill = jnp.stack(gradients) - learner.weight_decay * state.policies
        updates, optimiser = self._optimiser(left).update(-uphill, state.optimiser)
        moved: Any = updates
        metrics = {
            "payoff": jnp.mean(jnp.stack(payoffs)),
            "deviation": deviation,
            "gradient_norm": optax.tree.norm(uphill),
        }
        return FitState(state.policies + moved, optimiser, state.generation + 1), metrics

    def fitness(self, seat: int, member: Array, state: FitState, key: Array) -> Array:
        """The mean payoff f32[] of a policy f32[D] in `seat`, over lifetimes that depend on the key only."""
        learner: Evolved = self.learner
        game, present = learner.game, self.params(state)
        own, mates = (Fitted(learner=learner, params=rows) for rows in (present.at[seat].set(member), present))
        match = match_in(game, seat, own, mates, learner.rivals, learner.rate)
        keys = jax.random.split(key, learner.co_players)
        return jnp.mean(jax.vmap(lambda key: earned(match, seat, learner.steps, key))(keys))

    @property
    def _seats(self) -> tuple[int, ...]:
        return own_seats(self.learner.game, self.learner.rivals)

    def _optimiser(self, left: Array | float) -> optax.GradientTransformation:
        """Adam, when the share `left` of its first rate is left."""
        learner: Evolved = self.learner
        rate = jnp.maximum(learner.optimiser_rate * left, jnp.minimum(learner.final_rate, learner.optimiser_rate))
        return optax.adam(rate, b1=learner.beta1)
