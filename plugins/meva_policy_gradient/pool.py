"""A pool of fixed co-players, who choose by what they see and by nothing else.

Shapes: P players, D numbers per policy, B episodes, T steps, N observations, A actions, O numbers per observation.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from meva_core.contracts import Episodes, Policy, component, part, static
from meva_core.sampling import play


@component
class Memoryless(Policy):
    """Log-probabilities f32[N, A] of the actions, flattened, at each of the N rows of the identity matrix."""

    num_observations: int = static(doc="N")
    num_actions: int = static(doc="A")

    @property
    def policy_size(self) -> int:  # type: ignore[override]
        return self.num_observations * self.num_actions

    def init(self, key: Array) -> Array:
        """Probabilities that are uniform over all distributions."""
        # Exponential numbers, divided by their sum, are uniform (Devroye, 1986, chapter V, theorem 2.2), and the
        # negative of their logarithm is Gumbel's. JAX's exponential numbers are 0 once in eight million, whose
        # logarithm is infinite; its Gumbel numbers are always finite.
        return -jax.random.gumbel(key, (self.policy_size,))

    def act(self, x: Array, memory: Array, observation: Array) -> tuple[Array, Array]:
        return observation @ x.reshape(self.num_observations, self.num_actions), memory


@component
class Announced:
    """The rules of a game, as far as `play` needs them, in which all observations of one seat are negative."""

    rules: Any = part()
    seat: int = static(doc="the seat")

    @property
    def num_players(self) -> int:
        return self.rules.num_players

    @property
    def observations(self) -> None:
        """None: what this seat sees is not one of the game's observations."""

    def reset(self, key: Array) -> tuple[Any, Array]:
        state, seen = self.rules.reset(key)
        return state, seen.at[self.seat].multiply(-1)

    def step(self, state: Any, actions: Array, key: Array) -> tuple[Any, Array, Array]:
        state, seen, rewards = self.rules.step(state, actions, key)
        return state, seen.at[self.seat].multiply(-1), rewards


def play_against_pool(game: Any, seat: int, own: Array, count: int, announced: bool, key: Array) -> Episodes:
    """Episodes [B, ...], `count` many, of the numbers `own` f32[D] in `seat` against co-players who are drawn for each.

    game: a game that is played, whose observations are rows of the identity matrix. announced: all observations in
    `seat` are negative.
    """
    rules: Any = Announced(rules=game.rules, seat=seat) if announced else game.rules
    fixed = Memoryless(num_observations=len(game.rules.observations), num_actions=game.rules.num_actions)
    policies = [game.players[seat] if other == seat else fixed for other in range(game.num_players)]
    size = max(len(own), fixed.policy_size)

    def one(key: Array) -> Episodes:
        draw_key, play_key = jax.random.split(key)
        drawn = jax.vmap(fixed.init)(jax.random.split(draw_key, game.num_players)).astype(own.dtype)
        x = jnp.pad(drawn, ((0, 0), (0, size - fixed.policy_size))).at[seat, : len(own)].set(own)
        return play(rules, policies, x, play_key, game.steps)

    return jax.vmap(one)(jax.random.split(key, count))
