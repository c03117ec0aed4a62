"""Small linear systems without a library call per system."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

UNROLLED = 16  # largest system whose elimination is written out; beyond, a loop compiles sooner


@jax.custom_jvp
def solve_diagonally_dominant(a: Array, b: Array) -> Array:
    """v with a v = b, f32[N, N], f32[N] -> f32[N], by Gauss-Jordan elimination without pivoting.

    a must be diagonally dominant by rows or columns, as I - discount T' of a Markov chain T is (Higham, 2002,
    theorem 9.9: its elimination needs no exchanges). Under vmap a batch of small systems is one fused loop, where
    `linalg.solve` makes a library call per system (and on two cores those calls may wait for each other for ever).
    """
    rows = np.arange(b.shape[0])

    def eliminate(k: int, system: tuple[Array, Array]) -> tuple[Array, Array]:
        a, b = system
        here = rows == k
        pivot, head, column = a[k, k], a[k], a[:, k]
        # b apart from a, so that it stays linear in b: that is what the derivative's solve is transposed in.
        return (
            jnp.where(here[:, None], head / pivot, a - column[:, None] * head / pivot),
            jnp.where(here, b[k] / pivot, b - column * b[k] / pivot),
        )

    if len(rows) > UNROLLED:
        return jax.lax.fori_loop(0, len(rows), eliminate, (a, b))[1]
    for k in rows.tolist():
        a, b = eliminate(k, (a, b))
    return b


@solve_diagonally_dominant.defjvp
def _implicit(primals: tuple[Array, Array], tangents: tuple[Array, Array]) -> tuple[Array, Array]:
    # d(a v) = db: one more solve, where differentiating the elimination would triple it at every order.
    (a, b), (da, db) = primals, tangents
    v = solve_diagonally_dominant(a, b)
    return v, solve_diagonally_dominant(a, db - jnp.sum(da * v, axis=1))
