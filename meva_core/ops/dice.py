"""Estimates of payoffs from one episode whose derivatives of every order are estimates too.

An episode's actions are drawn at the present policies, so its rewards are constants; the policies enter only by the
log-probabilities of its actions. Shapes: P players, T steps.
"""

import jax
import jax.numpy as jnp
from jax import Array


def box(z: Array) -> Array:
    """The magic box: exp(z - stop(z)), whose value is 1 and whose derivative is that of z.

    Source: Foerster et al. (2018), DiCE: The Infinitely Differentiable Monte Carlo Estimator, ICML, section 4.

    >>> def square(x):
    ...     return box(x**2)
    >>> square(3.0).item(), jax.grad(square)(3.0).item(), jax.grad(jax.grad(square))(3.0).item()  # 1, 2x, 2 + (2x)^2
    (1.0, 6.0, 38.0)
    """
    return jnp.exp(z - jax.lax.stop_gradient(z))


def dice(log_probs: Array, rewards: Array, weights: Array, baselines: Array | float = 0.0) -> Array:
    """Payoffs f32[P] of one episode, DiCE: unbiased, and so are their derivatives of every order.

    sum_t w_t box(c_t) r_it + sum_t w_t (1 - box(n_t)) b_it, where n_t is the sum of all players' log-probabilities at
    step t, and c_t that of all steps up to t.

    log_probs f32[T, P]: log-probabilities of the actions. rewards f32[T, P]. weights f32[T]: weight of each step's
    reward, 0 after an episode's end. baselines b: numbers or f32[T, P] that do not depend on the action at t; they
    reduce the variance of the first derivative most if they are the expected `returns_to_go`.

    Source: Foerster et al. (2018), DiCE, ICML, equations 5 (estimate) and 8 (baseline).

    One step of one player, who takes an action of probability p = 1/2 and gets 3; the derivative in log p is 3 - b:

    >>> rewards, weights, p = jnp.array([[3.0]]), jnp.ones(1), jnp.log(jnp.array([[0.5]]))
    >>> dice(p, rewards, weights, baselines=1.0).tolist()
    [3.0]
    >>> jax.jacobian(dice)(p, rewards, weights, 1.0).item()
    2.0
    """
    nodes = jnp.sum(log_probs, axis=1)
    paid = (weights * box(jnp.cumsum(nodes))) @ rewards
    if isinstance(baselines, float) and not baselines:
        return paid
    return paid + jnp.sum((weights * (1 - box(nodes)))[:, None] * jax.lax.stop_gradient(baselines), axis=0)


def loaded_dice(log_probs: Array, advantages: Array, weights: Array) -> Array:
    """Loaded DiCE of one episode, f32[P]: 0, but its derivatives of every order are estimates of those of the payoffs,
    of lower variance than those of DiCE.

    sum_t w_t (box(c_t) - box(c_t - n_t)) stop(A_it), with n_t and c_t as in `dice`.

    log_probs, weights: as in `dice`. advantages A f32[T, P]: `returns_to_go` minus any baseline that does not depend on
    the action at t; then the derivatives are unbiased. Other advantages, such as generalised ones with a trace below 1
    and learnt values, trade bias for variance.

    Source: Farquhar, Whiteson & Foerster (2019), Loaded DiCE: Trading off Bias and Variance in Any-Order Score Function
    Gradient Estimators for Reinforcement Learning, NeurIPS, algorithm 1 (without its decay of dependencies).

    Two steps of one player, with advantages 2 and 5:

    >>> advantages, weights = jnp.array([[2.0], [5.0]]), jnp.ones(2)
    >>> jax.grad(lambda p: loaded_dice(p, advantages, weights)[0])(jnp.zeros((2, 1))).tolist()
    [[2.0], [5.0]]
    """
    nodes = jnp.sum(log_probs, axis=1)
    until = jnp.cumsum(nodes)
    return (weights * (box(until) - box(until - nodes))) @ jax.lax.stop_gradient(advantages)


def score_function(log_probs: Array, advantages: Array, weights: Array) -> Array:
    """The surrogate without the magic box, f32[P]: 0, and its first derivative is that of `loaded_dice`, but all higher
    ones are not those of the payoffs: the effect of one player's policy on another's gradient is lost.

    sum_t w_t n_t stop(A_it), minus its value. log_probs, advantages, weights: as in `loaded_dice`.

    Source: Williams (1992), Simple Statistical Gradient-Following Algorithms for Connectionist Reinforcement Learning;
    its use for higher orders is what Foerster et al. (2018), section 3.2, warn against.

    >>> advantages, weights = jnp.array([[2.0], [5.0]]), jnp.ones(2)
    >>> jax.grad(lambda p: score_function(p, advantages, weights)[0])(jnp.zeros((2, 1))).tolist()
    [[2.0], [5.0]]
    """
    nodes = jnp.sum(log_probs, axis=1)
    return (weights * (nodes - jax.lax.stop_gradient(nodes))) @ jax.lax.stop_gradient(advantages)
