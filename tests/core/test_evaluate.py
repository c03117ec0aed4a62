"""The questions of an evaluation, asked of learners so simple that the answers are known."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import meva_core as meva
from meva_core import evaluate
from meva_core.component import component, leaf
from meva_core.errors import BadCombination
from meva_core.evaluate.plan import Plan
from meva_core.experiment import EvaluateSettings
from meva_core.match import Fitted, Match
from meva_core.ops import stacked
from meva_core.protocols import Learner, Sweep

LOGISTIC, IPD = meva.make("game", "logistic"), meva.make("game", "ipd")
KEY = jax.random.key(0)


@component
class Drift(Learner):
    """Everybody's numbers grow by `rate` in each of the first `steps` steps, then rest."""

    rate: float = leaf(default=0.0, doc="how far")
    steps: float = leaf(default=1e9, doc="how often")

    def init(self, params, x):
        return jnp.zeros(())

    def update(self, params, state, x, key):
        return jnp.full(x.shape, self.rate) * (state < self.steps), state + 1


@component
class Split(Learner):
    """Player 1 goes up by the rate, player 2 down."""

    rate: float = leaf(default=1.0, doc="how far")

    def update(self, params, state, x, key):
        return self.rate * jnp.array([[1.0], [-1.0]]), state


def self_play(learner, game=LOGISTIC):
    return meva.self_play(game, Fitted(learner=learner))


# ---------------------------------------------------------------- matches


def test_matches_end_where_the_learner_leads():
    ended = evaluate.matches(self_play(Drift(rate=2.0)), KEY, 5, 3)
    assert ended.x.shape == (5, 2, 1)
    still = evaluate.matches(self_play(Drift()), KEY, 5, 3)
    np.testing.assert_allclose(ended.x, still.x + 6.0, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(ended.payoffs, jax.vmap(LOGISTIC.payoff)(ended.x), rtol=1e-5, atol=1e-5)
    assert len(np.unique(still.x)) == 10  # fresh starts, all of them


def test_outcomes_are_those_of_the_end():
    ended = evaluate.matches(self_play(Drift(rate=2.0)), KEY, 20, 2)
    np.testing.assert_array_equal(ended.outcomes["B"], np.all(ended.x > 0, axis=(1, 2)))
    assert 0 < np.mean(ended.outcomes["B"]) < 1


@pytest.mark.parametrize(
    ("rate", "moving", "played", "settled"),
    [
        (0.0, 0, 3, 1),  # never moves, in matches shorter than the window too
        (0.01, 1e9, 3, 0),
        (0.01, 50, 150, 1),  # at rest for exactly the last 100 steps
        (0.01, 51, 150, 0),
        (np.nan, 1e9, 3, 0),  # no numbers are no rest
    ],
)
def test_settled_looks_at_the_last_hundred_steps(rate, moving, played, settled):
    ended = jax.jit(lambda key: evaluate.matches(self_play(Drift(rate=rate, steps=moving)), key, 4, played))(KEY)
    np.testing.assert_array_equal(ended.settled, settled)


# ---------------------------------------------------------------- basins


def test_grid_has_player_1_along_the_second_axis():
    starts = evaluate.grid(-10.0, 10.0, 3)
    assert starts.shape == (3, 3, 2, 1)
    np.testing.assert_array_equal(starts[0, 2, :, 0], [10.0, -10.0])
    np.testing.assert_array_equal(starts[1, 1, :, 0], [0.0, 0.0])


def test_basins_of_a_learner_that_splits():
    # Player 1 goes from a to a + 3, player 2 from b to b - 3: B where a > -3 and b > 3.
    starts = evaluate.grid(-10.0, 10.0, 9)  # -10, -7.5, ... 10
    found = evaluate.basins(self_play(Split()), starts, KEY, 3)
    axis = np.linspace(-10, 10, 9)
    np.testing.assert_array_equal(found["B"], (axis[None, :] > -3) & (axis[:, None] > 3))


def test_what_is_not_a_number_is_in_no_basin():
    found = evaluate.basins(self_play(Drift(rate=np.nan)), evaluate.grid(1.0, 2.0, 2), KEY, 1)
    assert not np.any(found["B"])


# ---------------------------------------------------------------- shaping


def test_against_seats_the_learner_first():
    learner, rival = Drift(rate=1.0), Drift(rate=10.0)
    match = evaluate.against(LOGISTIC, Fitted(learner=learner, params=3.0), rival)
    assert match.seats == (0, 1)
    assert match.players[0] == Fitted(learner=learner, params=3.0)
    assert match.players[1] == Fitted(learner=rival)
    played = meva.play(match, jnp.zeros((2, 1)), KEY, 2)
    np.testing.assert_array_equal(played.x, [[2.0], [20.0]])


def test_against_asks_the_learner_whom_it_can_face():
    learner = meva.make("learner", "meva", game=LOGISTIC, value_model={"width": 4, "blocks": 0}, discount=0.9)
    naive, lola = (meva.make("learner", name, game=LOGISTIC) for name in ("naive", "lola"))
    facing: Any = evaluate.against(LOGISTIC, Fitted(learner=learner), naive).players[0].learner
    np.testing.assert_allclose(facing.discounts, [0.9, 0.0], rtol=1e-6)
    with pytest.raises(BadCombination):
        evaluate.against(LOGISTIC, Fitted(learner=learner), lola)


# ---------------------------------------------------------------- survey

TINY = EvaluateSettings(pairs=3, steps=4, grid=3, grid_steps=2, response_steps=5, response_restarts=1)


def over_seeds(game, learners):
    """A match whose leaves begin [S]."""
    player = Fitted(learner=stacked(learners))
    return Match(game=stacked([game] * len(learners)), players=(player,), seats=(0, 0))


@pytest.fixture(scope="module")
def ipd_survey():
    # Two seeds; against each other, and with a naive learner of rate 3 in the other seat.
    naive = meva.make("learner", "naive", game=IPD, rate=25.0)
    rival = meva.make("learner", "naive", game=IPD, rate=3.0)
    plan = Plan(sweep=None, values=(float("nan"),), rival=rival, settings=TINY)
    keys = jax.random.split(KEY, 2)
    return evaluate.survey(IPD, over_seeds(IPD, [naive, naive]), keys, plan)


def test_survey_shapes(ipd_survey):
    assert ipd_survey.payoffs.shape == (2, 1, 3, 2)
    assert ipd_survey.policies.shape == (2, 1, 3, 2, 5)
    assert ipd_survey.settled.shape == (2, 1, 3)
    assert ipd_survey.response.shape == (2, 1, 3, 2, 2)
    assert ipd_survey.shaped.shape == (2, 1, 3, 2)
    assert list(ipd_survey.outcomes) == ["DD", "DC", "CD", "CC"]
    assert {share.shape for share in ipd_survey.outcomes.values()} == {(2, 1, 3)}
    assert ipd_survey.basins == {}
    assert ipd_survey.trajectories is None


def test_survey_reports_payoffs_of_its_policies(ipd_survey):
    policies = ipd_survey.policies.reshape(6, 2, 5)
    payoffs = jax.vmap(IPD.payoff)(policies)
    np.testing.assert_allclose(ipd_survey.payoffs.reshape(6, 2), payoffs, rtol=1e-4)
    # Seeds and pairs are all different.
    assert len(np.unique(np.round(payoffs, 5))) == 12


@pytest.mark.parametrize("seat", [0, 1])
def test_survey_responses_are_best_responses(ipd_survey, seat):
    policies = ipd_survey.policies.reshape(6, 2, 5)
    for x, found in zip(policies, ipd_survey.response.reshape(6, 2, 2), strict=True):
        expected = meva.best_response(IPD, jnp.asarray(x), seat, KEY).payoffs
        np.testing.assert_allclose(found[seat], expected, rtol=1e-4)


def test_rows_are_settings_of_the_learner():
    plan = Plan(sweep=Sweep("rate", (), "how far"), values=(0.0, 1.0), rival=None, settings=TINY)
    found: Any = evaluate.survey(LOGISTIC, over_seeds(LOGISTIC, [Drift(rate=0.25)]), KEY[None], plan)
    assert found.label == "how far"
    assert found.shaped is None
    # The same starts in every row; four steps by 0 or by 1.
    np.testing.assert_allclose(found.policies[0, 1], found.policies[0, 0] + 4.0, rtol=1e-5, atol=1e-5)
    # Basins over the plane -10 ... 10 in three steps of 10, two steps by 0 or by 1: 0 becomes positive.
    expected = np.array([[[0, 0, 0], [0, 0, 0], [0, 0, 1]], [[0, 0, 0], [0, 1, 1], [0, 1, 1]]], bool)
    np.testing.assert_array_equal(found.basins["B"][0], expected)
    assert found.trajectories.shape[:2] == (1, 2)
    moved = found.trajectories[0, :, :, -1] - found.trajectories[0, :, :, 0]
    np.testing.assert_allclose(moved[0], 0.0)
    np.testing.assert_allclose(moved[1], 2.0, rtol=1e-5)
    # And the answers to what they end with, by ascent: no worse than what was there.
    own = np.diagonal(found.response[0], axis1=2, axis2=3)
    assert np.all(own >= found.payoffs[0] - 1e-3)
