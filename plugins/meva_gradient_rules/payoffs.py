"""Payoffs of which no two share an error."""

from collections.abc import Callable

import jax
from jax import Array

from meva_core.contracts import Game, payoff_from


def independent_payoffs(game: Game, key: Array, count: int = 2) -> list[Callable[[Array], Array]]:
    """Payoffs f32[P] as functions of x f32[P, D], `count` of them: all the same if the game is exact, else each
    estimated from episodes of its own, so that a product of factors from two of them is unbiased."""
    return [payoff_from(game, each) for each in jax.random.split(key, count)]
