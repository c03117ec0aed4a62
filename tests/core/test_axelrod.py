"""Policies in the order of the Axelrod library, and back."""

import jax
import numpy as np
import pytest

import meva_core as meva
from meva_core.bridges.axelrod import from_axelrod, memory_one
from meva_core.errors import BadValue, MevaError
from meva_core.sampling import WithPolicies, policy_arguments, rules_of

IPD = meva.make("game", "ipd")


def test_each_state_keeps_its_probability():
    # The entries of a policy are after start, DD, DC, CD and CC.
    x = IPD.from_entries(np.array([[0.1, 0.2, 0.3, 0.4, 0.5], [0.9, 0.8, 0.7, 0.6, 0.55]]))
    first, second = memory_one(IPD, x)
    np.testing.assert_allclose([first.start, *first.four_vector], [0.1, 0.5, 0.4, 0.3, 0.2], rtol=1e-6)
    np.testing.assert_allclose([second.start, *second.four_vector], [0.9, 0.55, 0.6, 0.7, 0.8], rtol=1e-6)
    assert (first.initial, second.initial) == ("D", "C")
    np.testing.assert_allclose(from_axelrod(first.start, first.four_vector), IPD.entries(x)[0], rtol=1e-6)


def test_there_and_back_by_the_learner_that_plays_probabilities():
    rule = from_axelrod("D", (1.0, 0.25, 0.5, 0.75))
    learner = meva.make("learner", "fixed", game=IPD, probabilities=rule)
    for player in memory_one(IPD, learner.held()):
        assert player.initial == "D"
        np.testing.assert_allclose(player.four_vector, (1.0, 0.25, 0.5, 0.75), atol=1e-6)


def test_a_network_is_asked_in_each_state():
    network = meva.make("policy", "mlp", width=3, **policy_arguments(rules_of(IPD)))
    game = WithPolicies(game=IPD, policies=(network, network))
    x = game.init(jax.random.key(0))
    for player, entries in zip(memory_one(game, x), game.entries(x).tolist(), strict=True):
        assert from_axelrod(player.start, player.four_vector) == tuple(entries)


@pytest.mark.parametrize("game", ["public_goods", "hamiltonian", "normal_form"])
def test_other_games_are_refused(game):
    other = meva.make("game", game)
    with pytest.raises(MevaError, match=r"^expected a game whose policies have the entries P\(C\|start\), P\(C\|CC\)"):
        memory_one(other, other.init(jax.random.key(0)))


@pytest.mark.parametrize("rule", [("C", (1, 0, 1)), ("E", (1, 0, 1, 0)), (2, (1, 0, 1, 0)), ("C", 3), ("C", "text")])
def test_no_probabilities(rule):
    with pytest.raises(BadValue, match=r"^expected C, D or a probability, and four probabilities, got "):
        from_axelrod(*rule)
