"""M-MAML: its objective against a plain loop, what it learns, and how it plays."""

import attrs
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import meva_core as meva
from meva_core import fitting

IPD, IMP, TANDEM = (meva.make("game", name) for name in ("ipd", "imp", "tandem"))


def make(game, **settings):
    return meva.make(
        "learner", "m_maml", game=game, **{"steps": 5, "batch_size": 4, "loops": 3, "rate": 0.1, **settings}
    )


def fitted(learner):
    *_, last = fitting.fit([learner.training], [0])
    return last, jax.tree.map(lambda leaf: leaf[0], fitting.fitted_params([learner.training], last.state))


@pytest.mark.parametrize("seat", [0, 1])
def test_payoffs_by_a_plain_loop(seat):
    learner = make(IMP)
    x = np.array(IMP.init(jax.random.key(0)))
    policy, rate = np.ones(5), 0.7
    got = learner.training.payoffs(jnp.array(seat), jnp.array(policy), jnp.array(rate), jnp.array(x))
    x[seat] = policy
    expected = []
    for _ in range(5):
        gradient = meva.make("learner", "naive", game=IMP).update(None, (), jnp.array(x), None)[0]
        rates = np.full((2, 1), 0.1)
        rates[seat] = rate
        x = x + rates * np.asarray(gradient)
        expected.append(IMP.payoff(jnp.array(x))[seat])
    np.testing.assert_allclose(got, expected, rtol=1e-5)


def test_it_plays_naive_steps_at_its_own_rate_from_its_own_start():
    learner = make(IMP)
    _, params = fitted(learner)
    x = IMP.init(jax.random.key(1))
    np.testing.assert_array_equal(learner.start(params, x, jax.random.key(2)), params.policy)
    naive = meva.make("learner", "naive", game=IMP).update(None, (), x, None)[0]
    steps, _ = learner.update(params, (), x, jax.random.key(2))
    np.testing.assert_allclose(steps, params.rate[:, None] * naive, rtol=1e-5)


def test_an_asymmetric_game_teaches_each_seat_and_a_symmetric_one_both():
    for game, alike in ((IMP, False), (IPD, True)):
        _, params = fitted(make(game))
        assert np.array_equal(params.policy[0], params.policy[1]) is alike
        assert np.array_equal(params.rate[0], params.rate[1]) is alike


def test_where_it_starts_pays():
    # Tandem: whoever starts low lets the other pedal less; after 20 steps at 0.1 the start still decides.
    learner = make(TANDEM, steps=20, loops=200, batch_size=8)
    chunk, params = fitted(learner)
    again = attrs.evolve(learner.training)
    key = jax.random.split(jax.random.key(5), 64)
    opponents = jax.vmap(TANDEM.init)(key)

    def mean(policy, rate):
        return float(jnp.mean(jax.vmap(lambda x: again.payoffs(jnp.array(0), policy, rate, x))(opponents)))

    assert mean(params.policy[0], params.rate[0]) > mean(jnp.zeros(1), jnp.array(0.1)) + 0.2
    assert chunk.loops == 200
