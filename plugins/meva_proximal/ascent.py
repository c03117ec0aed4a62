"""Gradient ascent to a point of rest, with its derivative. Shapes: D numbers per policy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.scipy.sparse.linalg import cg

NEGLIGIBLE = 1e-10  # force below which a maximum does not move; squares of smaller ones could be 0 in single precision


class Ascent(NamedTuple):
    """The steps of an ascent: `rate` times the gradient, until the gradient's norm is at most `tolerance`, and at most
    `steps` of them."""

    rate: Any
    tolerance: Any
    steps: Any


def climb(gradient: Callable[[Array, Any], tuple[Array, Any]], start: Array, memory: Any, ascent: Ascent) -> Array:
    """The point f32[D] in which an ascent from `start` ends.

    gradient: a function of a point and of a memory, any pytree, that returns the gradient there and the memory for the
    next call; so what one step computes can be the next step's first guess. It has no derivative (see `maximum`).

    >>> climb(lambda z, memory: (1 - z, memory), jnp.array([0.0]), (), Ascent(0.5, 1e-6, 100)).round(3).tolist()
    [1.0]
    """

    def rises(state: tuple[Array, Array, Any, Array]) -> Array:
        _, slope, _, count = state
        return (count < ascent.steps) & (jnp.linalg.norm(slope) > ascent.tolerance)

    def step(state: tuple[Array, Array, Any, Array]) -> tuple[Array, Array, Any, Array]:
        z, _, memory, count = state
        slope, memory = gradient(z, memory)
        return z + ascent.rate * slope, slope, memory, count + 1

    # No slope is known at the start. Computed once more there, it would double the program.
    state = (start, jnp.full_like(start, jnp.inf), memory, jnp.zeros((), int))
    return jax.lax.while_loop(rises, step, state)[0]


def maximum(gradient: Callable[[Array, Any], Array], start: Array, given: Any, ascent: Ascent) -> Array:
    """The point f32[D] in which an ascent from `start` along gradient(point, given) ends, differentiable in `given`.

    Its derivative is that of the root of the gradient, by the implicit function theorem: of a maximum that an ascent
    has not quite reached, it is an approximation. In directions in which the gradient is level, as networks have them,
    the point does not move. given: a pytree; what the function closes over has no derivative.

    Source: Krantz & Parks (2002), The Implicit Function Theorem; Hestenes & Stiefel (1952), Methods of Conjugate
    Gradients for Solving Linear Systems.

    >>> top = lambda a: maximum(lambda y, a: a**2 - y, jnp.array([0.0]), a, Ascent(0.5, 1e-6, 100))[0]
    >>> [round(float(number), 3) for number in jax.value_and_grad(top)(3.0)]
    [9.0, 6.0]
    """
    still = jax.lax.stop_gradient(given)
    top = climb(lambda y, memory: (gradient(y, still), memory), jax.lax.stop_gradient(start), (), ascent)
    slope, curvature = jax.linearize(lambda y: gradient(y, still), top)
    # Least squares: an ascent that ended early may have curvature of either sign. Nothing moves where there is none.
    level = jnp.finfo(start.dtype).eps
    moved = gradient(top, given) - slope  # 0, but its derivative is not
    return top - cg(lambda v: curvature(curvature(v)) + level * v, curvature(moved), atol=NEGLIGIBLE)[0]
