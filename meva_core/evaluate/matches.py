"""Ends of matches. Shapes: N starts, P players, D numbers per policy."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from meva_core import match as matching
from meva_core.contracts import Game, shapes
from meva_core.match import Match
from meva_core.ops.batching import over_batch

LOOKED_AT = (1, 10, 100, 1000, 10000)  # steps whose length is reported, besides the last
SETTLED = 3e-5  # a payoff that moves by at most this share of its range is settled
WINDOW = 100  # number of last steps over which it may move


class Ended(NamedTuple):
    """Ends of N matches.

    x f32[N, P, D]; payoffs f32[N, P]; settled f32[N]: 1 if no payoff moves by more than 0.003 % of its range over the
    last 100 steps, else 0; outcomes: name -> f32[N]; lengths f32[N, T]: mean length of the players' steps, for the T
    steps in `looked_at`.
    """

    x: Array
    payoffs: Array
    settled: Array
    outcomes: dict[str, Array]
    lengths: Array


def matches(match: Match, key: Array, count: int, num_steps: int) -> Ended:
    """Play `count` matches from fresh starts. Pure; safe under jit and vmap.

    Raises BadValue if `count`, `num_steps` or the key is not valid.
    """
    count, num_steps = shapes.whole("count", count, 1), shapes.whole("num_steps", num_steps)

    def one(key: Array) -> Ended:
        start_key, play_key = jax.random.split(key)
        played = matching.play(match, matching.start(match, start_key), play_key, num_steps)
        rest = settled(match.game, played.payoffs[-min(WINDOW, num_steps) - 1 :])
        lengths = jnp.mean(played.lengths[jnp.array(looked_at(num_steps), int) - 1], axis=-1)
        return Ended(played.x, played.payoffs[-1], rest, match.game.outcomes(played.x), lengths)

    return over_batch(one, jax.random.split(shapes.key(key), count))


def settled(game: Game, last: Array) -> Array:
    """1 where no payoff of f32[..., W, P] moves by more than 0.003 % of its range, else 0, f32[...]."""
    moved = jnp.max(last, axis=-2) - jnp.min(last, axis=-2)
    return jnp.all(moved <= SETTLED * game.payoff_range, axis=-1).astype(float)


def looked_at(num_steps: int) -> list[int]:
    """Steps of a match whose length is reported, counted from 1: the 1st, 10th, 100th, ... and the last."""
    return [*(step for step in LOOKED_AT if step < num_steps), *([num_steps] if num_steps else [])]
