"""Checks of shapes and types during tracing: an error is one line, and the compiled program contains no checks.

Shapes: P players, D numbers per policy.
"""

from __future__ import annotations

import operator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from meva_core.errors import BadCombination, BadValue


def policies(game: Any, x: Any) -> Array:
    """A joint policy as floats f32[P, D]: whole numbers, lists and NumPy arrays are converted. Raises BadValue for any
    other shape."""
    who = type(game).__name__
    for name in ("num_players", "policy_size"):
        if not hasattr(game, name):
            raise BadCombination(f"expected {name} of game {who}, got none")
    x = _floats(x, f"x for {who}")
    if x.shape != (expected := (game.num_players, game.policy_size)):
        batch = ": use jax.vmap for many" if x.ndim > 2 and x.shape[-2:] == expected else ""
        raise BadValue(f"{who}: expected x of shape {expected}, got {x.shape}{batch}")
    return x


def payoffs(game: Any, returned: Any) -> Array:
    """Payoffs f32[P] that a game returned, unchanged. Raises BadCombination if they are of another shape."""
    if not _has_shape(returned, (game.num_players,)):
        raise BadCombination(
            f"{type(game).__name__}.payoff: expected payoffs of shape ({game.num_players},), got {_shape_of(returned)}"
        )
    return returned


def rows(learner: Any, what: str, returned: Any, x: Array) -> Array:
    """The rows of a joint policy that a learner returned, f32[P, D], unchanged. Raises BadCombination for another
    shape."""
    if not _has_shape(returned, x.shape):
        raise BadCombination(f"{type(learner).__name__}.{what} of shape {x.shape}, got {_shape_of(returned)}")
    return returned


def seat(game: Any, value: Any) -> int:
    """A seat of the game as a number, counted from 0. Raises BadValue if the game has no such seat."""
    number, last = whole("seat", value), game.num_players - 1
    if number > last:
        raise BadValue(f"{type(game).__name__}: expected a seat from 0 to {last}, got {number}")
    return number


def key(value: Any) -> Array:
    """A random key; a whole number is used as a seed. Raises BadValue for anything else."""
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        return jax.random.key(int(value))
    if not isinstance(value, (jax.Array, np.ndarray)):
        raise BadValue(f"expected a random key, such as jax.random.key(0), got {value!r}")
    return value  # type: ignore[return-value]


def whole(name: str, value: Any, least: int = 0) -> int:
    """A whole number >= least as a Python int. Raises BadValue for anything else."""
    try:
        number = operator.index(value)
    except TypeError as error:
        raise BadValue(f"expected a whole number for {name}, got {value!r}") from error
    if isinstance(value, (bool, np.bool_)) or number < least:
        raise BadValue(f"expected a whole number >= {least} for {name}, got {value!r}")
    return number


def _floats(x: Any, what: str) -> Array:
    try:
        x = x if isinstance(x, jax.Array) else np.asarray(x)
        kind = jnp.issubdtype(x.dtype, jnp.floating), jnp.issubdtype(x.dtype, jnp.integer)
    except (TypeError, ValueError) as error:
        raise BadValue(f"expected an array of numbers as {what}, got {x!r}") from error
    if not any(kind):
        raise BadValue(f"expected numbers as {what}, got {x.dtype}")
    return x if kind[0] and isinstance(x, jax.Array) else jnp.asarray(x, float)


def _has_shape(value: Any, shape: tuple[int, ...]) -> bool:
    return isinstance(value, (jax.Array, np.ndarray)) and value.shape == shape


def _shape_of(value: Any) -> str:
    return str(value.shape) if isinstance(value, (jax.Array, np.ndarray)) else repr(value)
