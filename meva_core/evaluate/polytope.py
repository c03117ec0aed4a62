"""What can others still earn against a policy? (Zero-determinant view, Press & Dyson, 2012.)

Shapes: N opponents, M pairs, D numbers per policy; two players.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from meva_core import match as matching
from meva_core.contracts.protocols import Game
from meva_core.errors import BadCombination
from meva_core.match import Match

SNAPSHOTS = (0, 3, 10, 30, 100, 300, 1000, 3000, 10000)  # steps of a match after which its policies are looked at


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


class OverTraining(NamedTuple):
    """Of player 1's policy after each of T snapshots of one match; two players.

    payoffs f32[T, 2]: of the match. cloud f32[T, N, 2]: of the policy against N others. slope f32[T]: what they gain
    where the policy gains 1, along the cloud's longest axis; between 0 and 1 for one that extorts, who gains more.
    straightness f32[T]: the share of the cloud's variance along that axis; 1 on a line.
    """

    payoffs: Array
    cloud: Array
    slope: Array
    straightness: Array


def over_training(match: Match, x: Array, key: Array, opponents: Array, num_steps: int) -> OverTraining:
    """Of a match from x, f32[2, D], at the `snapshots` of `num_steps`; opponents f32[N, D] in seat 2. Pure."""
    xs = matching.trajectory(match, x, key, num_steps)[jnp.array(snapshots(num_steps))]
    cloud = jax.vmap(lambda x: polytope(match.game, x[0], opponents).payoffs)(xs)
    apart = cloud - jnp.mean(cloud, axis=1, keepdims=True)
    variances, axes = jnp.linalg.eigh(jnp.einsum("tni,tnj->tij", apart, apart, precision="highest"))  # the longest last
    return OverTraining(
        payoffs=jax.vmap(match.game.payoff)(xs),
        cloud=cloud,
        slope=axes[:, 1, 1] / axes[:, 0, 1],
        straightness=variances[:, 1] / jnp.sum(variances, axis=1),
    )


def snapshots(num_steps: int) -> list[int]:
    """The steps that are looked at."""
    return [step for step in SNAPSHOTS if step <= num_steps]
