"""Policies and payoff tables that are huge, tiny or no numbers: what has a limit is there, and NaN stays NaN."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from meva_evaluations import fixed_points as evaluations_fixed_points
from meva_evaluations import polytope as evaluations_polytope

import meva_core as meva
from meva_core import evaluate
from meva_core.ops import simultaneous_gradient
from meva_core.registry import loading

KEY = jax.random.key(0)
HUGE = [1e30, -1e30, 3e38, -3e38, 88.0, -88.0, 104.0, -104.0]
TINY = [1e-30, -1e-45, 1e-45, 0.0]
GAMES = [offer.name for offer in meva.installed().of_kind("game") if hasattr(loading.load(offer), "payoff")]
TABLES = {"ipd": "table", "chicken": "table", "matrix": "payoffs_1"}
every_game = pytest.mark.parametrize("name", GAMES)


def of_probabilities(game):
    """True if policies are logits, so that payoffs have limits."""
    return bool(np.all(game.entries(jnp.full((game.num_players, game.policy_size), 1e30)) <= 1))


def joint_policies(game, values, count=200):
    shape = (count, game.num_players, game.policy_size)
    return jnp.array(np.random.default_rng(0).choice(values, size=shape), jnp.float32)


@jax.jit
def payoffs_and_gradients(game, xs):
    return jax.vmap(game.payoff)(xs), jax.vmap(lambda x: simultaneous_gradient(game.payoff, x))(xs)


@every_game
def test_saturated_policies_have_payoffs_and_gradients(name):
    game = meva.make("game", name)
    payoffs, gradients = payoffs_and_gradients(game, joint_policies(game, TINY))
    assert np.isfinite(payoffs).all()
    assert np.isfinite(gradients).all()
    if of_probabilities(game):
        xs = joint_policies(game, [*HUGE, *TINY, np.inf, -np.inf])
        payoffs, gradients = payoffs_and_gradients(game, xs)
        assert np.isfinite(payoffs).all()
        assert np.isfinite(gradients).all()
        certain = (np.abs(xs) > 1000) & np.isin(jax.vmap(game.entries)(xs), (0, 1))
        assert not np.any(np.where(certain, gradients, 0.0))  # nothing moves what is certain


@every_game
def test_a_policy_that_is_no_number_has_no_payoff(name):
    game = meva.make("game", name)
    xs = jnp.stack([game.init(KEY).at[:, n].set(jnp.nan) for n in range(game.policy_size)])
    payoffs, gradients = payoffs_and_gradients(game, xs)
    assert np.isnan(payoffs).all()
    assert np.isnan(gradients).any(axis=(1, 2)).all()


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_payoffs_of_any_size(name, size):
    table = np.array([[-2.0, 0.0], [-3.0, -1.0]])
    game, plain = (meva.make("game", name, **{TABLES[name]: (n * table).tolist()}) for n in (size, 1.0))
    xs = joint_policies(game, [*HUGE, 0.5, -2.0])
    payoffs, gradients = payoffs_and_gradients(game, xs)
    expected, of_plain = payoffs_and_gradients(plain, xs)
    np.testing.assert_allclose(np.asarray(payoffs, float) / size, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(np.asarray(gradients, float) / size, of_plain, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("size", [1e39, float("inf"), float("nan")])
def test_payoffs_beyond_single_precision_are_refused(size):
    with pytest.raises(meva.MevaError, match=r"expected finite numbers within single precision.*@ ipd\.table"):
        meva.make("game", "ipd", table=[[size, 0.0], [1.0, 2.0]])


@pytest.mark.parametrize("value", [1e30, -np.inf, 1e-45])
def test_who_evaluates_extreme_policies_is_told_numbers(value):
    game = meva.make("game", "ipd")
    x = jnp.full((2, 5), value, jnp.float32)
    found = evaluate.exploitability(game, x, KEY)
    assert np.isfinite(found.gain).all()
    assert np.isfinite(found.loss).all()
    assert np.isfinite(evaluations_polytope.polytope(game, x[0], x).payoffs).all()


def test_who_evaluates_what_is_no_number_is_told_none():
    game = meva.make("game", "tandem")
    match = meva.self_play(game, meva.Fitted(learner=meva.make("learner", "naive", game=game)))
    x = jnp.full((2, 1), jnp.nan)
    found = evaluate.exploitability(game, x, KEY, steps=2, restarts=1)
    told = [
        found.gain,
        found.loss,
        evaluations_polytope.polytope(game, x[0], x).payoffs,
        meva.play(match, x, KEY, 3).payoffs,
    ]
    told += [
        evaluations_fixed_points.rest(match, x, KEY, iterations=2).x,
        evaluations_fixed_points.equilibrium(game, x, iterations=2),
    ]
    for numbers in told:
        assert np.isnan(numbers).all()
    logistic = meva.make("game", "logistic")
    match = meva.self_play(logistic, meva.Fitted(learner=meva.make("learner", "naive", game=logistic)))
    assert np.isnan(evaluations_fixed_points.eigenvalues(match, x, KEY)).all()
    assert float(logistic.outcomes(x)["B"]) == 0  # no basin's
