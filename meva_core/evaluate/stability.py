"""Where does a learner come to rest, and would it stay there? Shapes: P players, D numbers per policy."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from meva_core import match as matching
from meva_core.contracts.protocols import Game
from meva_core.match import Match
from meva_core.ops import simultaneous_gradient


class Rest(NamedTuple):
    """x f32[P, D]; speed f32[]: the largest number of a step there, which is no rest unless this is tiny;
    jacobian f32[P D, P D] of x -> x + step there."""

    x: Array
    speed: Array
    jacobian: Array


def rest(match: Match, x: Array, key: Array, *, iterations: int = 50) -> Rest:
    """The fixed point of x -> x + step that Newton's method finds from x, f32[P, D], stable or not.

    Where fixed points form a line or a plane it is one near x: steps are those of least length. Learners with a
    state are asked for their first step. Pure; safe under jit and vmap.
    """

    def newton(n: Array, now: Rest) -> Rest:
        after, slope = _linearised(match, now.x, key)
        step = after - now.x
        inverse = jnp.linalg.pinv(slope - jnp.eye(x.size, dtype=x.dtype), rtol=1e-4)
        moved = now.x - jnp.matmul(inverse, step.ravel(), precision="highest").reshape(x.shape)
        return Rest(jnp.where(n < iterations, moved, now.x), jnp.max(jnp.abs(step)), slope)

    # Once more than it moves: a second mention of the learner's step would be traced, and compiled, anew.
    fresh = Rest(x, jnp.zeros((), x.dtype), jnp.zeros((x.size, x.size), x.dtype))
    return jax.lax.fori_loop(0, iterations + 1, newton, fresh)


def equilibrium(game: Game, x: Array, *, iterations: int = 50) -> Array:
    """The stationary point of the game's own simultaneous gradient that Newton's method finds from x, f32[P, D]:
    where naive learning would rest, stable or not. Pure; safe under jit and vmap."""

    def newton(_: int, x: Array) -> Array:
        gradient, slope = _with_jacobian(lambda x: simultaneous_gradient(game.payoff, x), x)
        inverse = jnp.linalg.pinv(slope, rtol=1e-4)
        return x - jnp.matmul(inverse, gradient.ravel(), precision="highest").reshape(x.shape)

    return jax.lax.fori_loop(0, iterations, newton, x)


def jacobian(match: Match, x: Array, key: Array) -> Array:
    """Of x -> x + step, f32[P D, P D]. Pure; safe under jit and vmap."""
    return _linearised(match, x, key)[1]


def eigenvalues(match: Match, x: Array, key: Array) -> np.ndarray:
    """Of that Jacobian, complex[P D], largest modulus first; NaN where that is. A fixed point holds where all moduli
    are below 1."""
    of = np.asarray(jax.jit(jacobian)(match, x, key))
    if not np.isfinite(of).all():
        return np.full(len(of), np.nan, complex)
    found = np.linalg.eigvals(of)
    return found[np.argsort(-np.abs(found), kind="stable")]


def _linearised(match: Match, x: Array, key: Array) -> tuple[Array, Array]:
    """x + step, f32[P, D], and its Jacobian."""
    return _with_jacobian(lambda x: matching.step(match, x, key), x)


def _with_jacobian(function: Callable[[Array], Array], x: Array) -> tuple[Array, Array]:
    """function(x), f32[P, D] like x, and its Jacobian f32[P D, P D]."""

    def flat(x_flat: Array) -> tuple[Array, Array]:
        found = function(x_flat.reshape(x.shape))
        return found.ravel(), found

    slope, found = jax.jacfwd(flat, has_aux=True)(x.ravel())
    return found, slope
