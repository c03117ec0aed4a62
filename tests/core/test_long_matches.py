"""Matches that run like a fit end as matches in one program do, whatever the chunks."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import meva_core as meva
from meva_core import evaluate, fitting
from meva_core.contracts import Learner, component, streams
from meva_core.evaluate.long_matches import LongMatches
from meva_core.ops import stacked

PAIRS, STEPS, RATES = 3, 7, (0.0, 25.0)


@component
class Noise(Learner):
    """Starts at 0 and steps by noise."""

    def start(self, params, x, key):
        return jnp.zeros_like(x)

    def update(self, params, state, x, key):
        return jax.random.normal(key, x.shape), state


@pytest.fixture(scope="module")
def long():
    """LOLA against itself at two look-ahead rates, for two seeds."""
    game = meva.make("game", "ipd")
    match = meva.self_play(game, meva.Fitted(learner=meva.make("learner", "lola", game=game, rate=25.0)))
    rows = {"setting": "look_ahead_rate", "values": jnp.array(RATES), "own_row": 1}
    return [LongMatches(match=match, pairs=PAIRS, num_steps=STEPS, **rows)] * 2


@pytest.fixture(scope="module")
def played(long):
    *_, last = fitting.fit(long, (0, 1), chunk=3)
    return fitting.fitted_params(long, last.state)


def test_they_end_like_matches_in_one_program(long, played):
    expected = evaluate.played(
        stacked([one.match for one in long]),
        jax.vmap(lambda key: jax.random.fold_in(key, streams.FRESH_FIT))(fitting.seed_keys((0, 1))),
        jnp.array(RATES),
        setting="look_ahead_rate",
        pairs=PAIRS,
        steps=STEPS,
    )
    for ours, theirs in zip(jax.tree.leaves(played), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    assert played.x.shape == (2, len(RATES), PAIRS, 2, 5)
    assert np.ptp(np.asarray(played.x), axis=(0, 1, 2)).min() > 0  # seeds, rows and pairs differ


def test_chunks_do_not_change_them_by_a_bit(long, played):
    first, *_ = fitting.fit(long, (0, 1), chunk=2)
    *_, last = fitting.fit(long, (0, 1), chunk=4, state=first.state, loops=first.loops)
    again = fitting.fitted_params(long, last.state)
    assert jax.tree.all(jax.tree.map(np.array_equal, again, played))


def test_the_curves_are_the_mean_payoffs_of_the_own_row(long, played):
    (chunk,) = fitting.fit(long, (0, 1), chunk=STEPS)
    assert set(chunk.shown) == {"payoff_1", "payoff_2"}
    window = chunk.state.payoffs[:, 1].mean(axis=1)  # [seeds, newest last, players]: these few steps fit into it
    for seat in (0, 1):
        curve = chunk.metrics[f"payoff_{seat + 1}"]
        assert curve.shape == (2, STEPS)
        np.testing.assert_allclose(curve[:, -1], played.payoffs[:, 1, :, seat].mean(axis=1), rtol=1e-6)
        np.testing.assert_allclose(curve, window[:, 1:, seat], rtol=1e-6)


def test_random_steps_differ_between_seeds_pairs_and_steps(long):
    """The keys of steps, by what a learner draws with them."""
    game = meva.make("game", "hamiltonian")
    drawn = LongMatches(
        match=meva.self_play(game, meva.Fitted(learner=Noise())),
        pairs=2,
        num_steps=2,
        setting=None,
        values=jnp.array([jnp.nan]),
        own_row=0,
    )
    states = [chunk.state.going.x for chunk in fitting.fit([drawn] * 2, (0, 1), chunk=1)]
    steps = [states[0], states[1] - states[0]]
    assert len({float(x) for x in jnp.concatenate(steps).ravel()}) == 2 * 2 * 2 * 2
