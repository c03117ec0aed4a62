"""Evolution strategies. Shapes: N members of a population (K antithetic pairs, N = 2 K), D numbers per member."""

import jax
import jax.numpy as jnp
from jax import Array


def antithetic_noise(key: Array, pairs: int, size: int) -> Array:
    """Standard normal noise f32[2 K, D]; row K + k is the negative of row k.

    Source: Salimans et al. (2017), Evolution Strategies as a Scalable Alternative to Reinforcement Learning, after
    Geweke (1988), Antithetic acceleration of Monte Carlo integration.

    >>> noise = antithetic_noise(jax.random.key(0), pairs=3, size=2)
    >>> noise.shape, float(jnp.abs(noise[:3] + noise[3:]).max())
    ((6, 2), 0.0)
    """
    noise = jax.random.normal(key, (pairs, size))
    return jnp.concatenate([noise, -noise])


def centred_ranks(fitness: Array) -> Array:
    """Ranks of fitness f32[N] as numbers from -1/2, the lowest, to 1/2, the highest; equal ones share their mean rank.

    They do not depend on the unit of payoffs. Source: Salimans et al. (2017), section 2.1.

    >>> centred_ranks(jnp.array([3.0, -10.0, 3.0, 40.0, 2.0])).tolist()
    [0.125, -0.5, 0.125, 0.5, -0.25]
    """
    below = jnp.sum(fitness[:, None] > fitness, axis=1)
    equal = jnp.sum(fitness[:, None] == fitness, axis=1)
    return (below + (equal - 1) / 2) / (len(fitness) - 1) - 0.5


def evolution_gradient(noise: Array, fitness: Array, deviation: Array | float) -> Array:
    """The gradient f32[D] of the expected fitness of members that are drawn with this standard deviation around a mean,
    with respect to the mean: sum_n F_n e_n / (N deviation).

    noise e f32[N, D]: standard normal. fitness F f32[N]: of the mean plus deviation * e_n. Without bias if the noise is
    antithetic or the fitness has mean 0. Source: Salimans et al. (2017), algorithm 1.

    >>> noise = jnp.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
    >>> evolution_gradient(noise, 0.1 * noise @ jnp.array([4.0, 6.0]), deviation=0.1).tolist()
    [2.0, 3.0]
    """
    return jnp.matmul(fitness, noise, precision="highest") / (len(noise) * deviation)
