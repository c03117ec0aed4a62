"""M-FOS by a genetic algorithm. Shapes: N learnt seats, M members of a population, B lifetimes, T steps."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from meva_core.contracts import Training, component, part
from meva_core.match import match_in
from meva_core.ops import over_batch, spread, stacked
from meva_shapers.m_fos_lifetimes import acting, for_all_seats, live, meet, naive_share, seats_of, traced
from meva_shapers.meta_policy import Network, fresh


class FitState(NamedTuple):
    """State of the fit: the champions of the learnt seats, [N, ...], and the number of generations so far."""

    champions: Network
    generation: Array


@component
class Genetic(Training):
    """A training whose step is one generation: mutants of the champion, and a duel of the best with it."""

    learner: Any = part()

    extended_by = "loops"
    shown: ClassVar = {
        "payoff": "payoff of the champion",
        "tracing": "share of naive learners λ",
        "replaced": "replaced",
    }
    linear = ("payoff", "tracing", "replaced")

    @property
    def num_steps(self) -> int:
        return self.learner.loops

    def init(self, key: Array) -> FitState:
        game = self.learner.game
        x = jax.eval_shape(game.init, key)
        seen = jax.eval_shape(game.entries, x).size
        keys = [jax.random.fold_in(key, seat) for seat in seats_of(self.learner)]
        champions = stacked([fresh(key, seen, self.learner.width, 2 * x.shape[1]) for key in keys])
        return FitState(champions, jnp.zeros((), jnp.int32))

    def params(self, state: FitState) -> Network:
        return for_all_seats(self.learner, state.champions)

    def step(self, state: FitState, key: Array) -> tuple[FitState, dict[str, Array]]:
        learner, present = self.learner, self.params(state)
        meet_key, play_key = jax.random.split(key)

        def generation(rivals: tuple) -> tuple[Network, Array, Array]:
            each = [
                self._succeeded(seat, present, rivals, jax.random.fold_in(play_key, seat)) for seat in seats_of(learner)
            ]
            return stacked(each)

        champions, payoffs, replaced = meet(learner, state.generation, meet_key, generation)
        metrics = {"payoff": jnp.mean(payoffs), "replaced": jnp.mean(replaced)}
        if traced(learner):
            metrics["tracing"] = naive_share(learner, state.generation)
        return FitState(champions, state.generation + 1), metrics

    def fitness(self, seat: int, member: Network, mates: Network, rivals: tuple, keys: Array) -> Array:
        """The mean payoff f32[] of a network in a seat over one lifetime per key."""
        learner = self.learner
        own = jax.tree.map(lambda rows, row: rows.at[seat].set(row), mates, member)
        own_player, mate = (acting(learner, networks, "mean") for networks in (own, mates))
        match = match_in(learner.game, seat, own_player, mate, rivals, learner.rate)
        _, earned = live(learner.game, match, learner.steps, keys)
        return jnp.mean(earned[..., seat])

    def _succeeded(self, seat: int, present: Network, rivals: tuple, key: Array) -> tuple[Network, Array, Array]:
        """The next champion of a seat, its payoff f32[] in the duel, and 1 if it is another one than before."""
        noise_key, life_key, duel_key = jax.random.split(key, 3)
        lifetimes = jax.random.split(life_key, self.learner.batch_size)
        champion = jax.tree.map(lambda rows: rows[seat], present)
        mutants = self._mutants(champion, noise_key)
        scores = over_batch(lambda mutant: self.fitness(seat, mutant, present, rivals, lifetimes), mutants)
        best = jax.tree.map(lambda rows: rows[jnp.argmax(scores)], mutants)
        duels = spread(jax.random.split(duel_key, self.learner.trials))
        both = stacked([champion, best])
        old, new = jax.lax.map(lambda one: self.fitness(seat, one, present, rivals, duels), both)
        better = new > old
        return (
            jax.tree.map(lambda rows: rows[better.astype(int)], both),
            jnp.maximum(old, new),
            better.astype(old.dtype),
        )

    def _mutants(self, champion: Network, key: Array) -> Network:
        """Copies of a champion with normal noise on every number, every leaf [M, ...]."""

        def noisy(leaf: Array, key: Array) -> Array:
            return leaf + self.learner.deviation * jax.random.normal(key, (self.learner.population, *leaf.shape))

        return Network(*map(noisy, champion, jax.random.split(key, len(champion))))
