"""Where does a learner come to rest, and would it stay there? Shapes: P players, D numbers per policy."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from meva_core import match as matching
from meva_core.match import Match
from meva_core.ops import simultaneous_gradient
from meva_core.protocols import Game


class Rest(NamedTuple):
    """x f32[P, D]; speed f32[]: the largest number of a step there, which is no rest unless this is tiny."""

    x: Array
    speed: Array


def rest(match: Match, x: Array, key: Array, *, iterations: int = 50) -> Rest:
    """The fixed point of x -> x + step that Newton's method finds from x, f32[P, D], stable or not.

    Where fixed points form a line or a plane it is one near x: steps are those of least length. Learners with a
    state are asked for their first step. Pure; safe under jit and vmap.
    """

    def newton(_: int, x: Array) -> Array:
        after, slope = _linearised(match, x, key)
        inverse = jnp.linalg.pinv(slope - jnp.eye(x.size, dtype=x.dtype), rtol=1e-4)
        return x - (inverse @ (after - x).ravel()).reshape(x.shape)

    found = jax.lax.fori_loop(0, iterations, newton, x)
    return Rest(found, jnp.max(jnp.abs(_linearised(match, found, key)[0] - found)))


def equilibrium(game: Game, x: Array, *, iterations: int = 50) -> Array:
    """The stationary point of the game's own simultaneous gradient that Newton's method finds from x, f32[P, D]:
    where naive learning would rest, stable or not. Pure; safe under jit and vmap."""

    def newton(_: int, x: Array) -> Array:
        def gradient(flat: Array) -> Array:
            return simultaneous_gradient(game.payoff, flat.reshape(x.shape)).ravel()

        step = jnp.linalg.pinv(jax.jacobian(gradient)(x.ravel()), rtol=1e-4) @ gradient(x.ravel())
        return x - step.reshape(x.shape)

    return jax.lax.fori_loop(0, iterations, newton, x)


def jacobian(match: Match, x: Array, key: Array) -> Array:
    """Of x -> x + step, f32[P D, P D]. Pure; safe under jit and vmap."""
    return _linearised(match, x, key)[1]


def eigenvalues(match: Match, x: Array, key: Array) -> np.ndarray:
    """Of that Jacobian, complex[P D], largest modulus first. A fixed point holds where all moduli are below 1."""
    found = np.linalg.eigvals(np.asarray(jax.jit(jacobian)(match, x, key)))
    return found[np.argsort(-np.abs(found), kind="stable")]


@jax.jit  # so that one program traces it once
def _linearised(match: Match, x: Array, key: Array) -> tuple[Array, Array]:
    """x + step, f32[P, D], and its Jacobian."""

    def after(flat: Array) -> tuple[Array, Array]:
        found = matching.play(match, flat.reshape(x.shape), key, 1).x
        return found.ravel(), found

    slope, found = jax.jacobian(after, has_aux=True)(x.ravel())
    return found, slope
