"""Small linear systems without a library call per system."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

UNROLLED = 16  # largest system whose elimination is written out; beyond, a loop compiles sooner


@jax.custom_jvp
def solve_diagonally_dominant(a: Array, b: Array) -> Array:
    """v with a v = b, f32[N, N], f32[N] -> f32[N], through the inverse of a.

    a must be diagonally dominant by rows or columns, as I - discount T' of a Markov chain T is. All derivatives, of
    any order, multiply by the one inverse.
    """
    return _times(_inverse(a), b)


@solve_diagonally_dominant.defjvp
def _implicit(primals: tuple[Array, Array], tangents: tuple[Array, Array]) -> tuple[Array, Array]:
    # d(a v) = db: one more solve, where differentiating the elimination would triple it at every order.
    (a, b), (da, db) = primals, tangents
    v = solve_diagonally_dominant(a, b)
    return v, solve_diagonally_dominant(a, db - _times(da, v))


def _inverse(a: Array) -> Array:
    """By Gauss-Jordan elimination in place, without pivoting: a diagonally dominant matrix needs no exchanges (Higham,
    2002, theorem 9.9). Under vmap a batch of small systems is one fused loop, where `linalg.inv` makes a library call
    per system (and on two cores those calls may wait for each other for ever)."""
    rows = np.arange(a.shape[0])

    def eliminate(k: int, a: Array) -> Array:
        here = rows == k
        head = jnp.where(here, 1, a[k]) / a[k, k]
        rest = jnp.where(here, 0, a) - a[:, k][:, None] * head
        return jnp.where(here[:, None], head, rest)

    if len(rows) > UNROLLED:
        return jax.lax.fori_loop(0, len(rows), eliminate, a)
    for k in rows.tolist():
        a = eliminate(k, a)
    return a


def _times(a: Array, v: Array) -> Array:
    # A product that is not fused with what it reads: fused, each entry of v would be computed anew for each row.
    return jnp.matmul(a, v, precision="highest")
