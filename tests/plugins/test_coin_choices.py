"""The Coin Game of choices: board, moves and rewards of the Coin Game, and what players see of the last coins."""

from types import SimpleNamespace
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from meva_evaluations.situations import Situations
from meva_sampled_games.coin_choices import COOPERATE, DEFECT, RULES, Coins
from meva_sampled_games.coin_game import Board

import meva_core as meva
from meva_core.contracts import SampledGame, component
from meva_core.errors import BadCombination
from meva_core.sampling import Rollouts, logits_along
from meva_core.testing import episodes

RED, BLUE = 0, 1
DD, DC, CD, CC = range(4)
GAME, COINS = meva.make("game", "coin_choices"), meva.make("game", "coin_game")
C, D, TFT = "always_cooperate", "always_defect", "tit_for_tat"
FIFTY_STEPS = {(C, C): (0.3322, 0.3322), (C, D): (-0.2595, 0.6218)}  # exact, of the Coin Game's own rule-based players


@component
class ThreeActions(SampledGame):
    """Even and odd steps in turn, which pay nothing."""

    num_actions, observation_size, horizon, discount, symmetric = 3, 2, 4, 1.0, True
    observation_names = ("even", "odd")

    @property
    def action_names(self):
        return ("a", "b", "c")

    @property
    def observations(self):
        return jnp.eye(2)

    @property
    def payoff_range(self):
        return jnp.ones(2)

    @property
    def scripts(self):
        return {"third": lambda observation, seat: jnp.array([-30.0, -30.0, 0.0])}

    def reset(self, key):
        return jnp.zeros((), int), jnp.eye(2)[jnp.zeros(2, int)]

    def step(self, state, actions, key):
        return 1 - state, jnp.eye(2)[jnp.full(2, 1 - state)], jnp.zeros(2)


def position(players, coin, colour, taken=(False, False)):
    return Coins(Board(jnp.array(players), jnp.array([coin]), jnp.array([colour])), jnp.array(taken))


def test_choices_move_as_the_rule_based_players_do():
    """At all positions where the coin is in a free cell, in both seats."""
    boards = jax.vmap(lambda key: COINS.reset(key)[0])(jax.random.split(jax.random.key(0), 512))

    def moves(board):
        by_choice = jnp.stack([GAME.moves(board, jnp.full(2, choice)) for choice in (DEFECT, COOPERATE)])
        seen = COINS.seen(board)
        by_rule = jnp.array([[COINS.scripts[name](seen[seat], seat) for seat in (RED, BLUE)] for name in RULES])
        return by_choice, jax.nn.softmax(by_rule)

    np.testing.assert_allclose(*jax.jit(jax.vmap(moves))(boards), atol=1e-6)


@pytest.mark.parametrize("pair", FIFTY_STEPS, ids=str)
def test_rule_based_players_earn_what_they_earn_in_the_coin_game(pair):
    rewards = episodes(GAME, pair, 400, GAME.horizon).rewards.mean(axis=1)
    sem = np.std(rewards, axis=0) / np.sqrt(len(rewards))
    assert np.all(np.abs(rewards.mean(axis=0) - np.array(FIFTY_STEPS[pair])) < 4 * sem)


def test_tit_for_tat_cooperates_with_itself_and_is_hardly_exploited():
    assert float(episodes(GAME, (TFT, TFT), 100, GAME.horizon).rewards.mean()) == pytest.approx(0.332, abs=0.01)
    both = episodes(GAME, (TFT, D), 400, GAME.horizon).rewards.mean(axis=(0, 1))
    assert both[0] > -0.1
    assert both[1] < 0.15


@pytest.mark.parametrize(
    ("players", "colour", "before", "seen_by_red"),
    [
        ([0, 8], RED, (False, True), CC),  # red alone takes its coin: blue left it to red
        ([0, 8], BLUE, (False, False), DC),  # red alone takes blue's coin
        ([0, 2], BLUE, (False, False), DC),  # both do
        ([0, 2], RED, (False, False), CD),  # both take red's: blue defected
        ([4, 5], RED, (True, True), DD),  # nobody can reach the coin at 0: all stays as it was
    ],
)
def test_what_is_seen_of_the_last_coins(players, colour, before, seen_by_red):
    """The coin is at 1, and at 0 in the last case; players at 0 and 2 are next to it, on its left and on its right."""
    coin = 1 if players[0] == 0 else 0
    _, seen, _ = GAME.step(position(players, coin, colour, before), jnp.full(2, DEFECT), jax.random.key(0))
    turned = [DD, CD, DC, CC][seen_by_red]  # blue's letter first
    assert jnp.argmax(seen, axis=1).tolist() == [seen_by_red, turned]
    np.testing.assert_array_equal(seen.sum(axis=1), 1)


def test_in_the_beginning_nobody_has_taken_anything():
    _, seen = GAME.reset(jax.random.key(0))
    assert jnp.argmax(seen, axis=1).tolist() == [CC, CC]


def test_exchanging_the_players_exchanges_what_they_see_and_earn():
    state = position([0, 2], 1, RED)
    mirrored = position([2, 0], 1, BLUE)
    (_, seen, rewards), (_, there, earned) = (
        GAME.step(each, jnp.full(2, DEFECT), jax.random.key(0)) for each in (state, mirrored)
    )
    np.testing.assert_array_equal(rewards, earned[::-1])
    np.testing.assert_array_equal(seen, there[::-1])
    assert GAME.symmetric


@pytest.mark.parametrize(("pair", "share"), [((C, C), 1.0), ((D, D), 0.5)], ids=str)
def test_shares_of_own_coins(pair, share):
    """They are those of the Coin Game, whose measures see where the players are."""
    shares = GAME.measures(episodes(GAME, pair, 400, GAME.horizon))
    there = COINS.measures(episodes(COINS, pair, 400, GAME.horizon))
    assert float(shares["own coins"]) == pytest.approx(share, abs=0.01)
    assert float(shares["picked up"]) == pytest.approx(float(there["picked up"]), abs=0.01)


def test_measures_count_only_what_is_alive():
    played = episodes(GAME, (D, D), 64, 10)
    first = played._replace(alive=jnp.zeros_like(played.alive).at[:, 0].set(1.0))
    rewards = np.asarray(played.rewards[:, 0])
    players = np.where(rewards.max(axis=1) > 0, np.where(rewards.sum(axis=1) == 0, 2, 1), 0)  # who picked up a coin
    assert float(GAME.measures(first)["picked up"]) == pytest.approx(np.mean(players) / 2)


@pytest.mark.parametrize(("name", "cooperates"), [(C, [1, 1, 1, 1]), (D, [0, 0, 0, 0]), (TFT, [0, 1, 0, 1])])
def test_scripts(name, cooperates):
    """The states are DD, DC, CD and CC."""
    logits = jax.vmap(lambda seen: GAME.scripts[name](seen, RED))(GAME.observations)
    assert jnp.argmax(logits, axis=1).tolist() == cooperates
    assert float(jax.nn.softmax(logits).max(axis=1).min()) > 0.999


def between(name, **settings):
    policy = meva.make("policy", name, observation_size=4, num_actions=2, one_hot=True, **settings)
    return Rollouts(rules=GAME, policies=(policy, policy), episodes=2, horizon=3)


@pytest.mark.parametrize("name", ["table", "mlp"])
def test_policies_without_memory_are_shown_by_what_they_do_in_each_state(name):
    game = between(name)
    x, seen = game.init(jax.random.key(0)), GAME.observations
    assert game.entry_names == ("P(C|DD)", "P(C|DC)", "P(C|CD)", "P(C|CC)")
    logits = jnp.array([game.players[0].act(x[0], jnp.zeros(0), state)[0][1] for state in seen])
    np.testing.assert_allclose(game.entries(x)[0], jax.nn.sigmoid(logits), atol=1e-6)
    named = {name: game.entries(jnp.broadcast_to(row, x.shape))[1] for name, row in game.strategies.items()}
    expected = {C: [1, 1, 1, 1], D: [0, 0, 0, 0], TFT: [0, 1, 0, 1], "random": [0.5] * 4}
    assert {name: row.round(6).tolist() for name, row in named.items()} == expected


def test_tables_have_four_numbers_and_are_set_by_probabilities():
    game = between("table")
    assert game.policy_size == 4
    entries = jnp.array([[0.0, 0.2, 0.5, 1.0], [0.9, 0.8, 0.7, 0.6]])
    np.testing.assert_allclose(game.entries(jnp.asarray(game.from_entries(entries))), entries, atol=1e-6)
    tit_for_tat = meva.make("learner", "fixed", game=game, probabilities=[0.0, 1.0, 0.0, 1.0])
    np.testing.assert_allclose(tit_for_tat.held(), game.strategies[TFT])
    assert between("mlp").from_entries(entries) is None
    with pytest.raises(BadCombination, match=r"learner.probabilities: expected 4 numbers \(P\(C\|DD\), .*got 3"):
        meva.make("learner", "fixed", game=game, probabilities=[0.5, 0.5, 0.5])


def test_tables_of_several_actions_are_set_by_probabilities_too():
    rules = ThreeActions()
    policy = meva.make("policy", "table", observation_size=2, num_actions=3, one_hot=True)
    game = Rollouts(rules=rules, policies=(policy, policy), episodes=2, horizon=3)
    entries = jnp.array([[0.2, 0.3, 0.5, 0.0, 0.0, 1.0]] * 2)
    np.testing.assert_allclose(game.entries(jnp.asarray(game.from_entries(entries))), entries, atol=1e-6)
    third = jnp.broadcast_to(game.strategies["third"], (2, game.policy_size))
    np.testing.assert_allclose(game.entries(third), [[0, 0, 1, 0, 0, 1]] * 2, atol=1e-6)
    assert game.entry_names[:3] == ("P(a|even)", "P(b|even)", "P(c|even)")


def test_reciprocity_needs_outcomes_of_rounds():
    few = {"evaluate.pairs": 1, "evaluate.steps": 1, "sample.episodes": 1, "sample.horizon": 2}
    with pytest.raises(
        BadCombination,
        match=r"expected an iterated game .* for evaluation reciprocity",
    ):
        meva.run("coin_choices", "naive", set=few, evaluate=["reciprocity"])


def test_policies_with_memory_are_shown_by_how_often_they_take_each_action():
    game = between("gru", width=2)
    assert game.entry_names == ("P(D)", "P(C)")
    np.testing.assert_allclose(game.entries(game.init(jax.random.key(0))).sum(axis=1), 1, atol=1e-6)


def test_policies_with_memory_are_asked_in_the_named_states():
    game, asked = between("gru", width=2), Situations(rounds=3)
    x = game.init(jax.random.key(0))
    told = [jnp.stack([GAME.observations[CC]] + [state] * 3) for state in GAME.observations[:3]]  # players see CC first
    logits = jnp.stack([logits_along(game.players[0], x[0], seen)[-1] for seen in told])
    found = asked.ask(SimpleNamespace(game=game), jax.random.key(0), cast(Any, None), x[None])
    np.testing.assert_allclose(found[0, 0, :3], jax.nn.softmax(logits)[:, 1], atol=1e-6)
    seen = SimpleNamespace(game=game, values=(0.0,))
    [row] = asked.rows(cast(Any, SimpleNamespace(each=np.asarray(found)[None, None])), seen)
    assert list(row["situations"][0]) == ["P(C|DD)", "P(C|DC)", "P(C|CD)", "P(C|CC)"]
    assert asked.lacks(SimpleNamespace(game=game), 1) == ""
    assert asked.lacks(SimpleNamespace(game=between("mlp", width=2)), 1) == "policies with memory"
