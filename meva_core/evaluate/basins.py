"""From where does a learner reach which outcome? For two players with one number each.

Shapes: G starts along each axis.
"""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from meva_core import match as matching
from meva_core.match import Match
from meva_core.ops.batching import over_batch


def grid(low: float, high: float, size: int) -> Array:
    """Joint policies f32[G, G, 2, 1]: player 2's number grows along the first axis, player 1's along the second."""
    axis = jnp.linspace(low, high, size)
    second, first = jnp.meshgrid(axis, axis, indexing="ij")
    return jnp.stack([first, second], axis=-1)[..., None]


def basins(match: Match, starts: Array, key: Array, num_steps: int) -> dict[str, Array]:
    """Per outcome of the game, which starts f32[G, G, 2, 1] end in it: bool[G, G].

    An outcome counts where its share is above one half; NaN does not.
    """

    def one(x: Array) -> dict[str, Array]:
        ended = matching.play(match, x, key, num_steps).x
        return {name: share > 0.5 for name, share in match.game.outcomes(ended).items()}

    found = over_batch(one, starts.reshape(-1, *starts.shape[2:]))
    return {name: cells.reshape(starts.shape[:2]) for name, cells in found.items()}


def unstable(match: Match, starts: Array, found: dict[str, Array], key: Array, num_steps: int, nudge: float) -> Array:
    """Which starts f32[G, G, 2, 1] end elsewhere than `found`, their basins, when both numbers are moved by `nudge`, up
    or down: bool[G, G].

    There the basins are told by rounding; a nudge far above the precision and far below the grid finds them.
    """
    changed = jnp.zeros(starts.shape[:2], bool)
    for corner in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
        moved = basins(match, starts + nudge * jnp.array(corner, starts.dtype)[:, None], key, num_steps)
        for name, cells in found.items():
            changed |= cells != moved[name]
    return changed
