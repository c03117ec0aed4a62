"""Discounted Markov chains, solved without subtractions. Shapes: N states, B states of a block."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

SPELLED_OUT = 4  # largest chain whose elimination is written out number by number: fastest, but long to compile
UNROLLED = 16  # largest chain whose elimination is written out row by row; for larger ones a loop compiles sooner
BLOCK = 8  # states that a larger chain eliminates at once: few passes through memory, most work in matrix products


def discounted_shares(start: Array, after: Array, discount: Array | float) -> Array:
    """Share of all rounds that a Markov chain spends in each state, f32[N], of sum 1.

    It is (1 - d) sum_t d^t P(state at t). start f32[N]: probabilities of the first state. after f32[N, N]: row s holds
    the probabilities of the state after s. Only the entries off the diagonal are used; the probability of staying in s
    is 1 minus their sum. discount d: >= 0 and < 1.

    All derivatives, of any order, multiply by one inverse, which is computed by adding and multiplying positive numbers
    only (Grassmann, Taksar & Heyman, 1985; O'Cinneide, 1993): every entry stays accurate even if d is very near 1.

    A chain that leaves its first state half of the time, and never comes back, at discount 0.5:

    >>> shares = discounted_shares(jnp.array([1.0, 0.0]), jnp.array([[0.5, 0.5], [0.0, 1.0]]), 0.5)
    >>> [round(float(share), 4) for share in shares]
    [0.6667, 0.3333]
    """
    stops = 1 - discount
    moves, held = jax.lax.stop_gradient((discount * after, stops))
    inverse = _inverse(moves, jnp.full(start.shape, held, start.dtype))
    flow = jnp.eye(len(start), dtype=start.dtype) - discount * after.T
    shares = jax.lax.custom_linear_solve(
        lambda v: _times(flow, v), stops * start, lambda _, b: _times(inverse.T, b), lambda _, b: _times(inverse, b)
    )
    # The sum is 1 up to rounding; dividing by it also removes the rounding error of the sum from all derivatives.
    return shares / jnp.sum(shares)


@jax.jit  # traced once for all programs and derivatives that hold it: the elimination is their longest part
def _inverse(moves: Array, stops: Array) -> Array:
    """The inverse of I - moves: expected visits, f32[N, N], to a state (column) from a state (row).

    A state s is left with probability moves[s, t] for t, and moves[s, s] is such that row s sums to 1 - stops[s].

    Gauss-Jordan elimination in place: moves into an eliminated state are replaced by moves to its successors. Under
    vmap a batch of small systems is a few fused loops, whereas `linalg.inv` makes a library call per system (and on two
    cores those calls may deadlock).
    """
    size = len(stops)
    if size > UNROLLED:
        return _by_blocks(moves, stops)
    if size > SPELLED_OUT:
        for k in range(size):
            moves, stops = _eliminated(k, moves, stops)
        return moves
    rows, left = [list(row) for row in moves], list(stops)
    for k in range(size):
        pivot = 1 / (left[k] + sum(rows[k][k + 1 :]))
        head = [pivot if j == k else rows[k][j] * pivot for j in range(size)]
        left = [left[i] + rows[i][k] * pivot * left[k] for i in range(size)]
        rows = [
            head if i == k else [(0.0 if j == k else row[j]) + row[k] * head[j] for j in range(size)]
            for i, row in enumerate(rows)
        ]
    return jnp.stack([jnp.stack(row) for row in rows])


def _eliminated(k: Array | int, moves: Array, stops: Array) -> tuple[Array, Array]:
    """Eliminate state k from a chain whose states before k are eliminated already."""
    states = np.arange(len(stops))
    at_k = states == k
    pivot = 1 / (stops[k] + jnp.sum(jnp.where(states > k, moves[k], 0)))
    head = jnp.where(at_k, 1, moves[k]) * pivot
    rest = jnp.where(at_k, 0, moves) + moves[:, k][:, None] * head
    return jnp.where(at_k[:, None], head, rest), stops + moves[:, k] * pivot * stops[k]


def _by_blocks(moves: Array, stops: Array) -> Array:
    """Compute the same inverse block by block; states that are never visited fill the last block."""
    size = len(stops)
    whole = -(-size // BLOCK) * BLOCK
    moves = jnp.pad(moves, (0, whole - size))
    stops = jnp.pad(stops, (0, whole - size), constant_values=1)
    states = jnp.arange(whole)

    def eliminated(n: Array, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        moves, stops = carry
        first = n * BLOCK
        rows = jax.lax.dynamic_slice_in_dim(moves, first, BLOCK)
        columns = jax.lax.dynamic_slice_in_dim(moves, first, BLOCK, axis=1)
        within = jax.lax.dynamic_slice_in_dim(rows, first, BLOCK, axis=1)
        left = jax.lax.dynamic_slice_in_dim(stops, first, BLOCK)
        leaves = left + jnp.sum(jnp.where(states >= first + BLOCK, rows, 0), axis=1)
        visits = jax.lax.fori_loop(0, BLOCK, lambda k, chain: _eliminated(k, *chain), (within, leaves))[0]
        here = (states >= first) & (states < first + BLOCK)
        head = jax.lax.dynamic_update_slice_in_dim(_times(visits, rows), visits, first, axis=1)
        rest = jnp.where(here, 0, moves) + _times(columns, head)
        moves = jax.lax.dynamic_update_slice_in_dim(rest, head, first, axis=0)
        return moves, stops + _times(columns, _times(visits, left))

    return jax.lax.fori_loop(0, whole // BLOCK, eliminated, (moves, stops))[0][:size, :size]


def _times(a: Array, b: Array) -> Array:
    # The product is not fused with its inputs: if fused, each entry would be computed again for each row.
    return jnp.matmul(a, b, precision="highest")
