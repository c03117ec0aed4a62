"""Model-free opponent shaping. Shapes: P players, D numbers per policy, V numbers that a seat sees."""

from __future__ import annotations

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jax import Array

from meva_core.contracts import (
    Game,
    Learner,
    Training,
    at_least,
    below_one,
    between,
    component,
    leaf,
    not_negative,
    one_of,
    part,
    positive,
    static,
)
from meva_shapers.m_fos_genetic import Genetic
from meva_shapers.m_fos_ppo import ProximalFit
from meva_shapers.meta_policy import Network, choices, seen_by


@component
class MFOS(Learner):
    """Chooses its next policy afresh at every step, by a network that has learnt what comes of it while others learn.

    It plays a game whose every step is a whole game. Its state is what all players have just played: the game's entries
    of their policies (probabilities, where policies are logits), its own first. Its action is its own next policy,
    drawn from a normal distribution whose means and variances are the outputs of a network with one hidden layer. Its
    reward is its payoff when that policy meets those that the others have learnt meanwhile. No derivative of the others
    is used, so they may follow any rule. In a match it plays the mean, or draws (`acts`).

    The fit plays `batch_size` lifetimes of `steps` steps per loop. `fit_by = "ppo"`: proximal policy optimisation, on
    Monte Carlo returns that are normalised, so that the unit of payoffs has no effect. `fit_by = "genetic"`: the best
    of `population` mutants of a champion replaces it if it also earns more in `trials` fresh lifetimes, the same for
    both; a network's means act.

    The others are the rivals of the match; in self-play, they are naive learners with learning rate `rate`, and in a
    symmetric game all seats share one network. With `tracing`, every seat has a network of its own in self-play. In
    every loop, with probability lambda each meets naive learners, and else they meet each other, where nobody learns
    but all choose at once. Lambda is `trace_from` in the first loop and falls by `trace_fall` per loop, down to 0.

    References:
        Lu, Willi, Schroeder de Witt & Foerster (2022), Model-Free Opponent Shaping, ICML (sections 4 and 5);
        Schulman et al. (2017), Proximal Policy Optimization Algorithms, equation 7;
        tracing: Harsanyi & Selten (1988), A General Theory of Equilibrium Selection in Games.
    """

    game: Game = part()
    rivals: tuple = part(
        default=(), doc="for each seat a Fitted rival, or None for this learner; empty: naive learners"
    )
    rate: float = leaf(
        default=1.0, doc="learning rate of the naive learners in a fit for self-play", check=positive, per_payoff=True
    )
    fit_by: str = static(default="ppo", doc="method of the fit", check=one_of("ppo", "genetic"))
    acts: str = static(
        default="mean", doc="next policy in a match: the mean, or a draw", check=one_of("mean", "sample")
    )
    width: int = static(default=64, doc="hidden units", check=at_least(1))
    steps: int = static(default=100, doc="steps of a lifetime", check=between(1, 10**5))
    loops: int = static(default=400, doc="loops of the fit", check=between(1, 10**9))
    batch_size: int = static(default=64, doc="lifetimes per loop, of each member of a population", check=at_least(1))
    tracing: bool = static(default=False, doc="in self-play, go from naive learners to each other")
    trace_from: float = leaf(default=1.0, doc="lambda in the first loop", check=between(0, 1))
    trace_fall: float = leaf(default=0.0015, doc="fall of lambda per loop", check=not_negative)
    optimiser_rate: float = leaf(default=2e-3, doc="learning rate of Adam, of PPO", check=positive)
    discount: float = leaf(default=0.99, doc="discount per step of a lifetime, of PPO", check=below_one)
    epochs: int = static(default=4, doc="passes over the lifetimes of a loop, of PPO", check=at_least(1))
    minibatches: int = static(default=4, doc="steps of Adam per pass, of PPO", check=at_least(1))
    clip: float = leaf(default=0.2, doc="clip of the ratio of densities, of PPO", check=positive)
    entropy_weight: float = leaf(default=0.0, doc="weight of the entropy, of PPO", check=not_negative)
    centred: bool = static(
        default=True, doc="returns minus their mean at each step, since the critic does not know the time, of PPO"
    )
    population: int = static(default=64, doc="mutants per loop, of the genetic algorithm", check=at_least(1))
    deviation: float = leaf(
        default=2.0, doc="standard deviation of mutations, of the genetic algorithm", check=positive
    )
    trials: int = static(
        default=1024,
        doc="fresh lifetimes that decide between mutant and champion, of the genetic algorithm",
        check=at_least(1),
    )

    learns_from = "sample"
    small: ClassVar = {"width": 4, "steps": 2, "loops": 2, "batch_size": 2, "population": 2, "trials": 2}

    @property
    def training(self) -> Training:
        return ProximalFit(learner=self) if self.fit_by == "ppo" else Genetic(learner=self)

    def update(self, params: Network, state: Any, x: Array, key: Array) -> tuple[Array, Any]:
        seen = jnp.stack([seen_by(self.game, seat, x) for seat in range(len(x))])
        rows, variances = jax.vmap(choices)(params, seen)
        if self.acts == "sample":
            rows = rows + jnp.sqrt(variances) * jax.random.normal(key, rows.shape, rows.dtype)
        return rows - x, state
