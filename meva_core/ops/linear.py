"""Small linear systems without a library call per system."""

from collections.abc import Sequence

from jax import Array


def solve_diagonally_dominant(rows: Sequence[Sequence[Array]], right: Sequence[Array]) -> list[Array]:
    """Solve A v = b by elimination, written out entry by entry; A is N x N, given as nested sequences of f32[].

    No pivoting: A must be diagonally dominant by rows or columns, as I - beta T' of a Markov chain T is
    (Higham, 2002, theorem 9.9: its elimination is stable without exchanges). Written out, a batch of
    systems is one fused loop over the batch, where `linalg.solve` makes a library call per system.
    """
    a = [list(row) for row in rows]
    b = list(right)
    size = len(b)
    for k in range(size):
        for i in range(k + 1, size):
            factor = a[i][k] / a[k][k]
            for j in range(k + 1, size):
                a[i][j] = a[i][j] - factor * a[k][j]
            b[i] = b[i] - factor * b[k]
    v: list[Array] = [b[0]] * size
    for k in reversed(range(size)):
        total = b[k]
        for j in range(k + 1, size):
            total = total - a[k][j] * v[j]
        v[k] = total / a[k][k]
    return v
