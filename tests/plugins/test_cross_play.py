"""The results that cross-play and learnt_policy write, about answers by hand."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from meva_evaluations.cross_play import CrossPlay
from meva_evaluations.learnt_policy import LearntPolicy

from meva_core.contracts import Answer


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
