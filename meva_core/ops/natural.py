"""Natural gradients. Shapes: P players, D numbers per policy, N states, A actions, R = N (A - 1)."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array


def natural_gradient(gradient: Array, x: Array, to_logits: Callable[[Array], Array], damping: Array | float) -> Array:
    """Return natural gradients f32[P, D] of plain ones.

    What policies do changes along them in the same way, however their numbers parameterise it. Row i is F_i^-1 g_i, the
    steepest ascent if lengths are measured by what policies do: half of d^T F_i d is the divergence KL of the policy
    x_i + d from x_i, summed over the game's states, for small d. Directions that change nothing of what a policy does
    are left out, and of all steps d that do the same the shortest is taken.

    gradient: own gradients g f32[P, D]. to_logits: joint policies f32[P, D] -> logits f32[P, N, A], of which row i
    depends on x_i alone. damping: above 0; it makes steps shorter where a policy is almost deterministic, since
    `damping` |c|^2 / 2 is added to the divergence, where c is how the logits of the actions change in all states, apart
    from what all logits of a state have in common. So it does not depend on the numbers either.

    Source: Amari (1998), Natural Gradient Works Efficiently in Learning; Kakade (2001), A Natural Policy Gradient. In
    the latter, states count as often as they are visited; here all count the same, as in the KL of POLA.

    One player with one state and two actions, of probability p = 1/2, whose number is twice the logit z. For the payoff
    p, the step in z is 1 / (1 + damping / (2 p (1 - p))):

    >>> halves = lambda x: jnp.stack([0 * x, x / 2], axis=-1)
    >>> x = jnp.array([[0.0]])
    >>> slope = jax.grad(lambda x: jnp.sum(jax.nn.sigmoid(x / 2)))(x)
    >>> (natural_gradient(slope, x, halves, damping=0.5) / 2).round(3).tolist()
    [[0.5]]
    """
    directions = natural_directions(x, to_logits, damping)
    return jax.vmap(lambda along, gradient: along @ (gradient @ along))(directions, gradient)


def natural_directions(x: Array, to_logits: Callable[[Array], Array], damping: Array | float) -> Array:
    """Return the columns C_i f32[P, D, R] of which natural gradients are made: they are C_i C_i^T g_i.

    They are coordinates of what a policy does: the divergence KL of x_i + C_i c from x_i, damped as in
    `natural_gradient`, is |c|^2 / 2 for small c f32[R]. So functions of c do not depend, near 0 and up to a rotation,
    on how numbers parameterise policies. x, to_logits and damping: as there.

    For `natural_gradient`'s example at damping 3 / 2, the natural gradient is C^2 = 4 times the plain one:

    >>> halves = lambda x: jnp.stack([0 * x, x / 2], axis=-1)
    >>> natural_directions(jnp.array([[0.0]]), halves, damping=1.5).round(3).tolist()
    [[[2.0]]]
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
    return jax.vmap(_inverse)(jacobians, fisher)


def _inverse(jacobian: Array, fisher: Array) -> Array:
    """The columns C f32[D, R] in the span of the rows of J f32[R, D] with C^T J^T F J C = 1, for F of one block per
    state, f32[N, A - 1, A - 1], each positive definite.

    With F = L L^T and B = L^T J it is B^T (B B^T)^-1. C^T takes away the part of a gradient that changes nothing, and
    C what rounding adds where rows of J depend on each other.
    """
    states, rest, _ = fisher.shape
    rows, numbers = jacobian.shape
    by_state = jacobian.reshape(states, rest, numbers)
    halves = jnp.einsum("nba,nbd->nad", jnp.linalg.cholesky(fisher), by_state).reshape(rows, numbers)
    matrix = halves @ halves.T
    level = 100 * jnp.finfo(matrix.dtype).eps * jnp.trace(matrix)
    factor = jax.scipy.linalg.cho_factor(matrix + level * jnp.eye(rows))
    first = jax.scipy.linalg.cho_solve(factor, halves)
    return (first + jax.scipy.linalg.cho_solve(factor, halves - matrix @ first)).T  # what the level has taken
