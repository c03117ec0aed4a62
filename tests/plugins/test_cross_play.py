"""The results that cross-play and learnt_policy write, about answers by hand."""

from types import SimpleNamespace
from typing import Any

import jax
import numpy as np
import pytest
from meva_evaluations.cross_play import CrossPlay
from meva_evaluations.learnt_policy import LearntPolicy
from meva_evaluations.lifetime import Lifetime

import meva_core as meva
from meva_core import match as matching
from meva_core.contracts import Answer, Asking


def crossed(answer, values, own_value):
    """Value and payoff of the one pair of fits in what cross-play writes."""
    seen: Any = SimpleNamespace(seeds=(0,), values=values, own_value=own_value)
    told = CrossPlay().whole(Answer(once=answer), seen)["cross_play"]
    return told["value"], told["payoffs"][0][0]


@pytest.mark.parametrize(
    ("values", "own_value", "expected"),
    [
        ((1.0, 2.0), 1.0, (1.0, 10.0)),
        ((1.0, 2.0), 3.0, (2.0, 20.0)),  # the last row, and its own value
        ((2.0, 1.0), None, (1.0, 20.0)),
    ],
)
def test_cross_play_of_policies_states_the_value_that_they_learnt_at(values, own_value, expected):
    found = np.array([10.0, 20.0]).reshape(2, 1, 1, 1)
    assert crossed((found.mean(axis=-1), found), values, own_value) == expected


def test_cross_play_of_policies_without_a_setting_has_no_value():
    found = np.full((1, 1, 1, 1), 5.0)
    assert crossed((found.mean(axis=-1), found), (float("nan"),), None) == (None, 5.0)


def test_cross_play_of_fits_is_at_the_learner_s_own_value():
    found = np.full((1, 1, 2), 5.0)
    assert crossed((found.mean(axis=-1), found), (1.0, 2.0), 3.0) == (3.0, 5.0)


def test_learnt_policies_are_means_over_the_own_seats_and_no_payoffs():
    entries = np.array([[0.2, 1.0], [0.4, 0.0], [9.0, 9.0]]).reshape(1, 1, 1, 3, 2)
    seen: Any = SimpleNamespace(entries=entries, own=[0, 1], entry_names=("P(a)", "P(b)"), values=(1.0,))
    (row,) = LearntPolicy().rows(Answer(), seen)
    compared = LearntPolicy().compared(row)
    assert {name: found["mean"] for name, found in compared.items()} == pytest.approx({"P(a)": 0.3, "P(b)": 0.5})
    assert [found["digits"] for found in compared.values()] == [3, 3]


def test_a_lifetime_is_the_mean_over_all_steps_but_the_start():
    game = meva.make("game", "hamiltonian")
    match = meva.self_play(game, meva.Fitted(learner=meva.make("learner", "naive", game=game, rate=0.5)))
    key = jax.random.key(0)
    found = Lifetime().ask(match, key, Asking(planned=None, pairs=1, steps=3))
    start_key, play_key = jax.random.split(jax.random.split(key, 1)[0])
    x = matching.start(match, start_key)
    payoffs = np.asarray(meva.play(match, x, play_key, 3).payoffs)
    np.testing.assert_allclose(found[0], payoffs[1:].mean(axis=0), rtol=1e-5)


def test_a_lifetime_has_means_of_the_own_seats_and_of_the_others():
    payoffs = np.array([[1.0, 3.0, 8.0], [3.0, 5.0, 10.0]]).reshape(1, 1, 2, 3)
    alone: Any = SimpleNamespace(own=[0, 1, 2], seats=(0, 0, 0), values=(1.0,))
    against: Any = SimpleNamespace(own=[0, 1], seats=(0, 0, 1), values=(1.0,))
    (row,) = Lifetime().rows(Answer(each=payoffs), against)
    assert {name: found["mean"] for name, found in Lifetime().compared(row).items()} == {
        "ours over all steps": 3.0,
        "theirs over all steps": 9.0,
    }
    assert [column.cell(row)["mean"] for column in Lifetime().columns({"rows": [row]})] == [3.0, 9.0]  # type: ignore[index]
    (row,) = Lifetime().rows(Answer(each=payoffs), alone)
    assert row["lifetime"]["theirs"] is None
    assert [column.head for column in Lifetime().columns({"rows": [row]})] == ["ours over\nall steps"]
