"""Small linear systems without a library call per system."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

SPELLED_OUT = 4  # largest system whose elimination is written out number by number: fastest, but long to compile
UNROLLED = 16  # largest whose elimination is written out row by row; beyond, a loop compiles sooner


def solve_diagonally_dominant(a: Array, b: Array) -> Array:
    """v with a v = b, f32[N, N], f32[N] -> f32[N], through the inverse of a.

    a must be diagonally dominant by rows or columns, as I - discount T' of a Markov chain T is. All derivatives, of
    any order, multiply by the one inverse.
    """
    inverse = _inverse(jax.lax.stop_gradient(a))
    return jax.lax.custom_linear_solve(
        lambda v: _times(a, v), b, lambda _, b: _times(inverse, b), lambda _, b: _times(inverse.T, b)
    )


def _inverse(a: Array) -> Array:
    """By Gauss-Jordan elimination in place, without pivoting: a diagonally dominant matrix needs no exchanges (Higham,
    2002, theorem 9.9). Under vmap a batch of small systems is a few fused loops, where `linalg.inv` makes a library
    call per system (and on two cores those calls may wait for each other for ever)."""
    size = a.shape[0]
    if size > UNROLLED:
        return jax.lax.fori_loop(0, size, _eliminated, a)
    if size > SPELLED_OUT:
        for k in range(size):
            a = _eliminated(k, a)
        return a
    rows = [list(row) for row in a]
    for k in range(size):
        pivot = 1 / rows[k][k]
        head = [pivot if j == k else rows[k][j] * pivot for j in range(size)]
        rows = [
            head if i == k else [(0.0 if j == k else row[j]) - row[k] * head[j] for j in range(size)]
            for i, row in enumerate(rows)
        ]
    return jnp.stack([jnp.stack(row) for row in rows])


def _eliminated(k: int, a: Array) -> Array:
    """One step of the elimination."""
    here = np.arange(a.shape[0]) == k
    head = jnp.where(here, 1, a[k]) / a[k, k]
    rest = jnp.where(here, 0, a) - a[:, k][:, None] * head
    return jnp.where(here[:, None], head, rest)


def _times(a: Array, b: Array) -> Array:
    # A product that is not fused with what it reads: fused, each entry would be computed anew for each row.
    return jnp.matmul(a, b, precision="highest")
