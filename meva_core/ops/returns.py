"""Returns along a trajectory of policies, or along an episode. Shapes: T steps; all other axes broadcast."""

import jax
import jax.numpy as jnp
from jax import Array


def lambda_returns(payoffs: Array, values: Array, discounts: Array, trace: Array | float) -> Array:
    """Normalised lambda-returns, f32[T, ...].

    Y_t = (1 - g) payoffs_t + g [(1 - trace) values_t + trace Y_{t+1}], backwards from Y_T = values_{T-1}, where
    values_t is the bootstrap at the state after step t and g the discounts (Sutton & Barto, 2018, equation 12.2;
    Cooijmans et al., 2023, algorithm 1 and appendix A). The caller decides whether the payoff of step t is that of the
    state before it or after it: this is the difference between the formulations `value` and `correction`.

    >>> payoffs, values = jnp.array([1.0, 1.0]), jnp.array([0.0, 0.0])
    >>> lambda_returns(payoffs, values, jnp.array(0.5), trace=1.0).tolist()
    [0.75, 0.5]
    """

    def backwards(after: Array, now: tuple[Array, Array]) -> tuple[Array, Array]:
        payoff, value = now
        target = (1 - discounts) * payoff + discounts * ((1 - trace) * value + trace * after)
        return target, target

    _, targets = jax.lax.scan(backwards, values[-1], (payoffs, values), reverse=True)
    return targets


def returns_to_go(rewards: Array, weights: Array) -> Array:
    """Rewards from each step to the end, in units of that step's weight, f32[T, ...]: sum_{k >= t} w_k r_k / w_t.

    With weights proportional to d^t it is the discounted return, sum_{k >= t} d^(k - t) r_k (Sutton & Barto, 2018,
    equation 3.8). It is 0 where the weight is.

    rewards f32[T, ...]. weights f32[T].

    >>> returns_to_go(jnp.array([1.0, 1.0, 1.0]), weights=jnp.array([0.5, 0.25, 0.0])).tolist()
    [1.5, 1.0, 0.0]
    """
    weights = weights.reshape(-1, *(1,) * (rewards.ndim - 1))
    left = jax.lax.cumsum(weights * rewards, axis=0, reverse=True)
    return jnp.where(weights > 0, left / jnp.where(weights > 0, weights, 1), 0)


def mean_of_others(numbers: Array, counts: Array) -> Array:
    """The mean of the other entries that count at every place of a batch, f32[B, ...]; 0 where no other counts.

    As the baseline of returns it is independent of the episode itself (Kool, van Hoof & Welling, 2019, Buy 4 REINFORCE
    Samples, Get a Baseline for Free!). numbers f32[B, ...]. counts: 1 where an entry counts, else 0, of a shape that
    broadcasts.

    >>> mean_of_others(jnp.array([1.0, 3.0, 8.0]), counts=jnp.array([1.0, 1.0, 0.0])).tolist()
    [3.0, 1.0, 2.0]
    """
    counted = counts * numbers
    others = jnp.sum(counts, axis=0) - counts
    return (jnp.sum(counted, axis=0) - counted) / jnp.maximum(others, 1)
