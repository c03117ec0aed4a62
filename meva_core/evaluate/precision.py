"""Errors of a game's payoffs and gradients in single precision."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from meva_core.contracts.protocols import Game

PAYOFFS, GRADIENTS = 1e-5, 1e-3  # errors that cause a warning: of the payoffs' range, and of the largest gradient
NEAR_ONE = 0.9999  # above this discount the errors may be larger
STARTS = 8


def complaint(game: Game, payoffs: np.ndarray) -> str | None:
    """One line of warning if single precision is too coarse for the game, else None.

    It is too coarse if it loses more than 1e-5 of the payoffs' range, or 1e-3 of the largest gradient. This is measured
    on fresh joint policies, and only if `payoffs` (of the matches, any shape) are large compared with their range or
    the game's discount is above 0.9999.
    """
    largest = np.max(np.abs(payoffs), initial=0.0, where=np.isfinite(payoffs))
    rounding = largest * float(np.finfo(np.float32).eps) / 2
    if rounding <= PAYOFFS * np.max(game.payoff_range) and not float(getattr(game, "discount", 0)) > NEAR_ONE:
        return None
    error, of_gradients = single_precision(game)
    if not (error > PAYOFFS or of_gradients > GRADIENTS):
        return None
    return (
        f"single precision is off by {error:.0e} of the payoffs' range and {of_gradients:.0e} of their gradients, more "
        f"than {PAYOFFS:.0e} and {GRADIENTS:.0e}: set evaluate.float64=true to evaluate in double precision"
    )


def single_precision(game: Game, *, count: int = STARTS) -> tuple[float, float]:
    """The largest errors of single precision over `count` fresh joint policies.

    The first is of payoffs, as a share of their range; the second of their gradients, as a share of the largest one.
    """
    x = np.asarray(jax.vmap(game.init)(jax.random.split(jax.random.key(0), count)), np.float32)
    payoffs, gradients = _answers(game, x)
    with jax.enable_x64(True):
        exact, slopes = _answers(game, jnp.asarray(x, float))
        unit = np.asarray(game.payoff_range, float)
        unit, steepest = np.where(unit > 0, unit, 1.0), float(np.max(np.abs(slopes)))
    return float(np.max(np.abs(payoffs - exact) / unit)), float(
        np.max(np.abs(gradients - slopes)) / (steepest or 1.0)  # all payoffs may be equal
    )


def _answers(game: Game, x: jax.Array | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Payoffs f64[N, P] and their gradients f64[N, P, P, D], computed in the precision of x, f32[N, P, D]."""
    found = jax.jit(jax.vmap(lambda x: (game.payoff(x), jax.jacobian(game.payoff)(x))))(x)
    return np.asarray(found[0], float), np.asarray(found[1], float)
