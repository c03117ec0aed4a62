"""Returns along a meta-episode, in which others learn from all its copies. Shapes: L steps, B copies."""

import jax
import jax.numpy as jnp
from jax import Array


def meta_returns(
    rewards: Array,
    values: Array,
    ends: Array,
    discount: Array | float = 1.0,
    trace: Array | float = 1.0,
    *,
    shared_future: bool = True,
    divided: bool = True,
) -> Array:
    """Returns of the actions of all copies, f32[L, B], if others learn from the batch of all copies after each inner
    episode.

    Within the inner episode that is the copy's own reward, and after it the mean reward of all copies, since what
    others learn changes every copy:

    R_lb = r_lb / B + g [(1 - trace) v_lb + trace R_{l+1,b}], backwards from R_L = v_{L-1}, where at the end of an inner
    episode R_{l+1,b} is replaced by the mean over copies of the same returns without the division by B.

    The gradient of the mean reward of the batch is the sum over all steps and copies of these returns times the
    gradient of the action's log-probability.

    rewards f32[L, B]. values v f32[L, B]: the bootstrap at the state after each step. ends bool[L]: True at the last
    step of each inner episode. discount g. shared_future: False for a learner that knows nothing of the batch and
    counts the copy's own future throughout; its gradient misses what an action does to the other copies. divided: False
    for returns whose present episode is not divided by B, as in sampled M-FOS; there, the present outweighs shaping B
    times. With errors of values for rewards, a discount of g times the trace, and trace 1, it gives advantages.

    Source: Meulemans et al. (2025), Multi-agent Cooperation through Learning-Aware Policy Gradients, ICLR, algorithm 1;
    M-FOS: Lu et al. (2022), Model-Free Opponent Shaping, ICML.

    Two copies of two inner episodes of one step: 1 / 2 now, and (2 + 4) / 2 later:

    >>> rewards, ends = jnp.array([[1.0, 3.0], [2.0, 4.0]]), jnp.array([True, True])
    >>> meta_returns(rewards, jnp.zeros((2, 2)), ends).tolist()
    [[3.5, 4.5], [1.0, 2.0]]
    """
    copies = rewards.shape[1]

    def backwards(after: tuple[Array, Array], now: tuple[Array, Array, Array]) -> tuple[tuple[Array, Array], Array]:
        (own, shared), (reward, value, end) = after, now
        if shared_future:
            own = jnp.where(end, shared, own)
        bootstrap = discount * (1 - trace) * value
        own = (reward / copies if divided else reward) + bootstrap + discount * trace * own
        shared = jnp.mean(reward + bootstrap) + discount * trace * shared
        return (own, shared), own

    start = values[-1], jnp.mean(values[-1])
    return jax.lax.scan(backwards, start, (rewards, values, ends), reverse=True)[1]
