"""Gradient ascent to a point of rest, with its derivative. Shapes: D numbers per policy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array


class Ascent(NamedTuple):
    """The steps of an ascent: `rate` times the gradient, until the gradient's norm is at most `tolerance`, and at most
    `steps` of them. If `natural`, gradient and norm are those in the coordinates C of `natural_directions`: steps are
    C C^T gradient, and the norm is that of C^T gradient."""

    rate: Any
    tolerance: Any
    steps: Any
    natural: bool = False


def climb(
    gradient: Callable[[Array, Any], tuple[Array, Any]],
    start: Array,
    memory: Any,
    ascent: Ascent,
    directions: Callable[[Array], Array] | None = None,
) -> Array:
    """The point f32[D] in which an ascent from `start` ends.

    gradient: a function of a point and of a memory, any pytree, that returns the gradient there and the memory for the
    next call; so what one step computes can be the next step's first guess. directions: `natural_directions`
    C f32[D, R] at a point, which a natural ascent needs. The end has no derivative (see `maximum`).

    >>> climb(lambda z, memory: (1 - z, memory), jnp.array([0.0]), (), Ascent(0.5, 1e-6, 100)).round(3).tolist()
    [1.0]
    """

    def rises(state: tuple[Array, Array, Any, Array]) -> Array:
        _, norm, _, count = state
        return (count < ascent.steps) & (norm > ascent.tolerance)

    def step(state: tuple[Array, Array, Any, Array]) -> tuple[Array, Array, Any, Array]:
        z, _, memory, count = state
        slope, memory = gradient(z, memory)
        if directions is None or not ascent.natural:
            return z + ascent.rate * slope, jnp.linalg.norm(slope), memory, count + 1
        along = directions(z)
        slope = slope @ along
        return z + ascent.rate * (along @ slope), jnp.linalg.norm(slope), memory, count + 1

    # No slope is known at the start. Computed once more there, it would double the program.
    state = (start, jnp.array(jnp.inf, start.dtype), memory, jnp.zeros((), int))
    return jax.lax.while_loop(rises, step, state)[0]


def maximum(
    gradient: Callable[[Array, Any], Array],
    start: Array,
    given: Any,
    ascent: Ascent,
    directions: Callable[[Array], Array],
) -> Array:
    """The point f32[D] in which an ascent from `start` along gradient(point, given) ends, differentiable in `given`.

    Its derivative is that of the root of the gradient along the `directions` C f32[D, R] there, by the implicit
    function theorem: of a maximum that an ascent has not quite reached, it is an approximation. In other directions, in
    which the gradient is level, as networks have them, the point does not move. given: a pytree; what the functions
    close over has no derivative.

    Source: Krantz & Parks (2002), The Implicit Function Theorem.

    >>> every = lambda y: jnp.eye(1)
    >>> top = lambda a: maximum(lambda y, a: a**2 - y, jnp.array([0.0]), a, Ascent(0.5, 1e-6, 100), every)[0]
    >>> [round(float(number), 3) for number in jax.value_and_grad(top)(3.0)]
    [9.0, 6.0]
    """
    still = jax.lax.stop_gradient(given)
    start = jax.lax.stop_gradient(start)
    top = climb(lambda y, memory: (gradient(y, still), memory), start, (), ascent, directions)
    along = directions(top)
    origin = jnp.zeros(along.shape[1], top.dtype)
    curvature = jax.jacfwd(lambda c: gradient(top + along @ c, still) @ along)(origin)
    slope = gradient(top, given) @ along
    moved = slope - jax.lax.stop_gradient(slope)  # 0, but its derivative is not
    # Least squares: an ascent that ended early may have curvature of either sign. Nothing moves where there is none.
    squares = curvature.T @ curvature + jnp.finfo(top.dtype).eps * jnp.eye(len(origin))
    return top - along @ jax.scipy.linalg.solve(squares, curvature.T @ moved, assume_a="pos")
