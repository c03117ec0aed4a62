"""The payoff of a policy against itself. Shapes: D numbers per policy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import Array

from meva_core.contracts import Game
from meva_core.errors import BadCombination


def check_weight(weight: Any, game: Game) -> None:
    """Raise BadCombination if a weight is set in a game in which no policy can play against itself."""
    if weight is not None and not game.symmetric:
        raise BadCombination(
            f"expected self_play_weight unset in {type(game).__name__}, got {weight}: the game is not symmetric, so a "
            "policy cannot play against itself"
        )


def weighted(payoff: Callable[[Array], Array], own: Array, seat: Any, weight: Any, game: Game) -> Array:
    """The payoff f32[] of player `seat` if both play `own` f32[D], times a weight; 0 if the game is not symmetric.

    payoff: from joint policies f32[2, D] to payoffs f32[2]. weight: None stands for 1.
    """
    if not game.symmetric:
        return jnp.zeros((), own.dtype)
    return (1.0 if weight is None else weight) * payoff(jnp.stack([own, own]))[seat]
