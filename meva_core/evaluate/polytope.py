"""What can others still earn against a policy? (Zero-determinant view, Press & Dyson, 2012.)

Shapes: N opponents, M pairs, D numbers per policy; two players.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from meva_core.errors import BadCombination
from meva_core.protocols import Game


class Polytope(NamedTuple):
    """payoffs f32[N, 2], player 1 first: of the policy against each opponent. feasible f32[M, 2]: of all pairs of
    the game's candidates for best responses; M is 0 where it lists none. In memory-one games those are all
    deterministic policies, and the convex hull of feasible holds every payoff."""

    payoffs: Array
    feasible: Array


def polytope(game: Game, policy: Array, opponents: Array, *, seat: int = 0) -> Polytope:
    """Of a policy f32[D] in `seat` against opponents f32[N, D] in the other.

    An extortionate policy's payoffs lie on a line. Raises BadCombination unless the game has two players.
    """
    if game.num_players != 2:
        raise BadCombination(f"expected a game of two players for a polytope, got one with {game.num_players}")

    def payoff(own: Array, other: Array) -> Array:
        return game.payoff(jnp.stack([own, other] if seat == 0 else [other, own]))

    x = jnp.stack([policy, policy])
    first, second = (game.best_response(x, s) for s in (0, 1))
    feasible = jnp.zeros((0, 2))
    if first is not None and second is not None:
        every = jax.vmap(lambda a: jax.vmap(lambda b: game.payoff(jnp.stack([a, b])))(second))(first)
        feasible = every.reshape(-1, 2)
    return Polytope(jax.vmap(lambda other: payoff(policy, other))(opponents), feasible)
