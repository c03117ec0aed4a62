"""Natural gradients. Shapes: P players, D numbers per policy, N states, A actions, R = N (A - 1)."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array


def natural_gradient(
    gradient: Array, x: Array, to_logits: Callable[[Array], Array], damping: Array | float = 0.0
) -> Array:
    """Return natural gradients f32[P, D], given plain ones: steps along them do not depend on how numbers parameterise
    policies.

    Row i is F_i^-1 g_i, the steepest ascent if lengths are measured by what policies do: half of d^T F_i d is the
    divergence KL of the policy x_i + d from x_i, summed over the game's states, for small d. The damping makes steps
    shorter where a policy is almost deterministic: `damping` |c|^2 / 2 is added, where c is how the logits of the
    actions change in all states, apart from what all logits of a state have in common. It is counted in logits, so the
    step in these still does not depend on the numbers. Directions that change nothing of what a policy does are left
    out, and of all steps d that do the same the shortest is taken.

    gradient: own gradients g f32[P, D]. to_logits: joint policies f32[P, D] -> logits f32[P, N, A], of which row i
    depends on x_i alone.

    Source: Amari (1998), Natural Gradient Works Efficiently in Learning; Kakade (2001), A Natural Policy Gradient. In
    the latter, states count as often as they are visited; here all count the same, as in the KL of POLA.

    One player with one state and two actions, of probability p = sigmoid(x) = 1/2: F = p (1 - p) = 1/4, whatever
    multiple of the logit its number is.

    >>> halves = lambda x: jnp.stack([0 * x, x / 2], axis=-1)
    >>> x = jnp.array([[0.0]])
    >>> slope = jax.grad(lambda x: jnp.sum(jax.nn.sigmoid(x / 2)))(x)
    >>> (natural_gradient(slope, x, halves) / 2).round(4).tolist()  # of the logit, for the payoff p
    [[1.0]]
    """
    logits, pull = jax.vjp(to_logits, x)
    players, states, actions = logits.shape
    rest = actions - 1
    # Logits of all actions but the first, less that of the first: R numbers, which say all that a policy does.
    basis = jnp.eye(states * rest, dtype=x.dtype).reshape(-1, states, rest)
    basis = jnp.concatenate([-jnp.sum(basis, axis=-1, keepdims=True), basis], axis=-1)
    spread = jnp.broadcast_to(basis[:, None], (len(basis), players, states, actions))
    jacobians = jnp.swapaxes(jax.vmap(lambda one: pull(one)[0])(spread), 0, 1)  # [P, R, D]
    likely = jax.nn.softmax(logits)[..., 1:]
    centred = jnp.eye(rest) - 1 / actions
    fisher = likely[..., None] * jnp.eye(rest) - likely[..., :, None] * likely[..., None, :] + damping * centred
    return jax.vmap(_solved)(gradient, jacobians, fisher)


def _solved(gradient: Array, jacobian: Array, fisher: Array) -> Array:
    """The shortest d f32[D] that maximises gradient^T d - d^T J^T F J d / 2 among the rows of J f32[R, D], for F
    of blocks f32[N, A - 1, A - 1]."""
    states, rest, _ = fisher.shape
    level = jnp.finfo(gradient.dtype).eps
    rows, numbers = jacobian.shape
    if numbers <= rows:
        by_state = jacobian.reshape(states, rest, numbers)
        whole = jnp.einsum("nad,nab,nbe->de", by_state, fisher, by_state)
        return _solve(whole + level * jnp.trace(whole) * jnp.eye(numbers), gradient)
    alike = jacobian @ jacobian.T
    alike = alike + level * jnp.trace(alike) * jnp.eye(rows)
    of_logits = _solve(alike, jacobian @ gradient).reshape(states, rest)
    moved = jax.vmap(_solve)(fisher, of_logits).ravel()
    return jacobian.T @ _solve(alike, moved)


def _solve(matrix: Array, vector: Array) -> Array:
    """The solution f32[n] of matrix f32[n, n] @ solution = vector f32[n], for a matrix that is positive definite."""
    return jax.scipy.linalg.solve(matrix, vector, assume_a="pos")
