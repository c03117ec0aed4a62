"""Returns of meta-episodes: numbers by hand, what the variants have in common, and the gradient that they give."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from meva_core.ops import generalised_advantages, meta_returns

REWARDS = jnp.array([[1.0, 2, 3, 4, 5, 6], [7.0, 8, 9, 10, 11, 12]]).T  # two copies of three inner episodes
ENDS = jnp.array([False, True] * 3)
UNAWARE, MFOS = {"shared_future": False}, {"divided": False}
variants = pytest.mark.parametrize("variant", [{}, UNAWARE, MFOS])


@pytest.mark.parametrize(
    ("variant", "expected"),
    [
        ({}, [[31.5, 31, 20.5, 19, 5.5, 3], [37.5, 34, 26.5, 22, 11.5, 6]]),
        (UNAWARE, [[10.5, 10, 9, 7.5, 5.5, 3], [28.5, 25, 21, 16.5, 11.5, 6]]),
        (MFOS, [[33, 32, 24, 21, 11, 6], [45, 38, 36, 27, 23, 12]]),
    ],
)
def test_numbers_by_hand(variant, expected):
    found = meta_returns(REWARDS, jnp.zeros_like(REWARDS), ENDS, **variant)
    np.testing.assert_allclose(found.T, expected)


@variants
def test_of_one_copy_all_are_the_return(variant):
    rewards = REWARDS[:, :1]
    found = meta_returns(rewards, jnp.zeros_like(rewards), ENDS, 0.5, **variant)
    expected = generalised_advantages(rewards[:, 0], jnp.zeros(6), jnp.full(6, 0.5), 1.0)
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-6)


def test_in_one_inner_episode_they_differ_by_the_number_of_copies_alone():
    ends = jnp.array([False] * 5 + [True])
    found, unaware, mfos = (meta_returns(REWARDS, 0 * REWARDS, ends, **v) for v in ({}, UNAWARE, MFOS))
    np.testing.assert_allclose(found, unaware)
    np.testing.assert_allclose(2 * found, mfos)


@variants
def test_errors_of_values_give_returns_minus_values(variant):
    """With one copy; with more, only the reward is divided by their number, and not the value."""
    values, discount, trace = jnp.array([[0.3], [-1.0], [2.0]]), 0.9, 0.7
    rewards, ends = REWARDS[:3, :1], jnp.array([False, True, True])
    after = jnp.concatenate([values[1:], jnp.zeros((1, 1))])
    errors = rewards + discount * after - values
    advantages = meta_returns(errors, 0 * errors, ends, discount * trace, **variant)
    np.testing.assert_allclose(meta_returns(rewards, after, ends, discount, trace, **variant) - values, advantages)


@pytest.mark.parametrize(("variant", "unbiased"), [({}, True), (UNAWARE, False), (MFOS, False)])
def test_the_gradient_of_the_mean_reward_of_a_batch_from_which_another_learns(variant, unbiased):
    """Two copies act, once an inner episode, by a coin of logit z; the other then pays everybody the share of heads so
    far, squared, on top. All sequences of actions are enumerated."""
    sequences = jnp.array(list(itertools.product([0.0, 1.0], repeat=4))).reshape(-1, 2, 2)  # [N, L, B]

    def log_prob(z, actions):
        return actions * z - jax.nn.softplus(z)

    def rewards(actions):
        return actions + jnp.array([[0.0], [1.0]]) * (actions[0].mean() ** 2 - actions)

    def mean_reward(z):
        return jnp.sum(jnp.exp(log_prob(z, sequences).sum((1, 2))) * jax.vmap(rewards)(sequences).mean(2).sum(1))

    def estimate(z):
        def of_one(actions):
            returns = meta_returns(rewards(actions), 0 * actions, jnp.array([True, True]), **variant)
            return jnp.sum(returns * (actions - jax.nn.sigmoid(z)))

        return jnp.sum(jnp.exp(log_prob(z, sequences).sum((1, 2))) * jax.vmap(of_one)(sequences))

    z = 0.4
    assert np.isclose(estimate(z), jax.grad(mean_reward)(z), rtol=1e-5) == unbiased
