"""Do the conventions of independent fits fit together? Shapes: S fits, N matches, P players."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array

from meva_core.contracts.protocols import Game
from meva_core.evaluate.matches import matches
from meva_core.match import Fitted, Match


def cross_play(game: Game, players: Fitted, key: Array, count: int, num_steps: int) -> Array:
    """Payoffs f32[S, S, N, P] after `num_steps`: fit i in seat 1, fit j in all other seats.

    Every leaf of `players` begins [S] (`ops.stacked`), all of one recipe, fitted in self-play. On the diagonal is
    self-play. All pairs start from the same joint policies. Pure; safe under jit.
    """
    fits = jnp.arange(jax.tree.leaves(players)[0].shape[0])
    seats = (0, *(1,) * (game.num_players - 1))

    def pair(i: Array, j: Array) -> Array:
        first, rest = (jax.tree.map(lambda leaf, n=n: leaf[n], players) for n in (i, j))
        return matches(Match(game=game, players=(first, rest), seats=seats), key, count, num_steps).payoffs

    return jax.lax.map(lambda i: jax.lax.map(lambda j: pair(i, j), fits), fits)
