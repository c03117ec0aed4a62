"""Shaper: what it remembers, and what it learns with it."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from meva_policies.gru import GRU
from meva_policies.table import Table
from meva_shapers.shaper import Shaper, averaged

import meva_core as meva
from meva_core.errors import BadCombination
from meva_core.match import Fitted, NaiveFromEpisodes, lifetime, match_in
from meva_core.sampling import Rollouts, policy_arguments

IPD = meva.make("game", "ipd")
RULES = IPD.rules()
KEY = jax.random.key(0)
SMALL: dict[str, Any] = {"pairs": 2, "co_players": 2, "steps": 3, "loops": 2}


def game_of(policy, **width):
    own = policy(**policy_arguments(RULES), **width)
    return Rollouts(rules=RULES, policies=(own, own), episodes=4, horizon=3)


def test_it_needs_a_game_that_is_played():
    with pytest.raises(BadCombination, match="Shaper learns from episodes: expected a game that is played"):
        Shaper(game=IPD)


def test_averaging_changes_nothing_in_one_episode_and_makes_all_alike_at_one():
    memory = jax.random.normal(KEY, (3, 2))
    np.testing.assert_allclose(averaged(memory[:1], 0.5), memory[:1], rtol=1e-6)
    np.testing.assert_allclose(averaged(memory, 1.0), jnp.broadcast_to(memory.mean(axis=0), (3, 2)), rtol=1e-6)


@pytest.mark.parametrize(("averaging", "alike"), [(1.0, True), pytest.param(0.5, False, marks=pytest.mark.long)])
def test_copies_share_the_mean_of_what_they_remember_from_episode_to_episode(averaging, alike):
    game = game_of(GRU, width=3)
    x = 3 * game.init(KEY)
    own = Fitted(learner=Shaper(game=game, averaging=averaging, **SMALL), params=x)
    match = match_in(game, 0, own, own, (), 0.5)
    assert isinstance(match.players[1].learner, NaiveFromEpisodes)
    memories = jax.jit(lambda: lifetime(match, x, KEY, 2, lambda step: step.memories[0])[1])()
    assert float(jnp.abs(memories).max()) > 0.01
    assert np.allclose(memories, memories.mean(axis=1, keepdims=True), atol=1e-6) == alike


@pytest.mark.long
def test_with_tables_it_is_the_good_shepherd_from_episodes():
    game = game_of(Table)
    rivals = (None, Fitted(learner=meva.make("learner", "reinforce", game=game)))
    one = Shaper(game=game, rivals=rivals, loops=2, steps=3, pairs=2, co_players=2).training
    other = meva.make("learner", "good_shepherd", game=game, rivals=rivals, **SMALL).training
    state = one.init(KEY)
    for each, expected in zip(one.step(state, KEY)[0], other.step(state, KEY)[0], strict=True):
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), each, expected)
