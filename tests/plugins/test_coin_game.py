"""The Coin Game: its rules by hand, and rule-based players against the exact values of the Markov chain."""

import functools
import itertools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from meva_sampled_games.coin_game import Board

import meva_core as meva
from meva_core.contracts import Episodes
from meva_core.errors import BadValue
from meva_core.testing import check_game, episodes

RED, BLUE = 0, 1
RIGHT, LEFT, DOWN, UP = range(4)  # with four actions
STEPS = 50
VARIANTS = [(1, 4), (1, 5), (2, 4), (2, 5)]
C, D, R = "always_cooperate", "always_defect", "random"
# Exact returns per step of rule-based players in endless play, and mean over 50 steps from the start: one coin and four
# actions from the project's notes; the others from a second program, written apart from this code.
ENDLESS = {
    (1, 4): {
        (C, C): (0.3333, 0.3333),
        (D, D): (0, 0),
        (C, D): (-0.2598, 0.6235),
        (D, R): (0.5333, -0.5333),
        (C, R): (0.0565, 0.1122),
        (R, R): (0, 0),
    },
    (1, 5): {(C, C): (0.3333, 0.3333), (C, D): (-0.2598, 0.6235), (D, R): (0.5590, -0.5590), (C, R): (0.0523, 0.0899)},
    (2, 4): {(C, C): (0.5624, 0.5624), (C, D): (-0.1458, 0.6784), (D, R): (0.6299, -0.6299), (C, R): (0.4709, 0.0793)},
    (2, 5): {(C, C): (0.6094, 0.6094), (C, D): (-0.1509, 0.7155), (D, R): (0.6997, -0.6997), (C, R): (0.5441, 0.0439)},
}
FIFTY_STEPS = {(C, C): (0.3322, 0.3322), (C, D): (-0.2595, 0.6218)}  # one coin, four actions
DISCOUNTED = {(C, C): (7.196, 7.196), (C, D): (-5.636, 13.474)}  # the same, sums at 0.96
OWN_COINS = {(1, 4): 1.0, (1, 5): 1.0, (2, 4): 0.8979, (2, 5): 0.9008}  # of two who always cooperate, endless play


@functools.cache
def game(coins=1, actions=4, **settings):
    return meva.make("game", "coin_game", coins=coins, actions=actions, **settings)


class Chain(NamedTuple):
    """The Markov chain of a variant over S positions with red in cell 0, which stand for all nine shifted ones.

    after [S, J, K]: the position after each of J joint actions and K draws, all equally likely; rewards [S, J, 2]; own
    and taken [S, J]: coins of the own colour, and all coins that are picked up; start [S].
    """

    positions: Board
    after: np.ndarray
    rewards: np.ndarray
    own: np.ndarray
    taken: np.ndarray
    start: np.ndarray


@functools.cache
def chain(variant):
    """All positions, actions and draws, through the game's own step."""
    rules = game(*variant)
    if rules.coins == 1:
        blue, coin, colour = np.array(list(itertools.product(range(9), range(9), range(2)))).T
        coins, colour = coin[:, None], colour[:, None]
        draws = (np.arange(56)[:, None] + 0.5) / 56  # 7 or 8 free cells: both divide 56
        start = np.where((coin != 0) & (coin != blue), 1 / np.where(blue == 0, 8, 7), 0) / 18
    else:
        blue, *pair = np.array(list(itertools.product(range(9), repeat=3))).T
        coins, colour = np.stack(pair, axis=1), np.tile([0, 1], (len(blue), 1))
        draws = (np.array(list(itertools.product(range(9), repeat=2))) + 0.5) / 9
        start = np.full(len(blue), 1 / 729)
    positions = board(np.stack([0 * blue, blue], axis=1), coins, colour)
    joint = jnp.array(list(itertools.product(range(rules.num_actions), repeat=2)))

    def one(position, actions, draw):
        there, rewards = rules.after(position, actions, draw)
        row, column = jnp.divmod(there.players[0], 3)

        def shifted(cells):
            return (cells // 3 - row) % 3 * 3 + (cells % 3 - column) % 3

        blue, coins = shifted(there.players[1]), shifted(there.coins)
        last = there.colour[0] if rules.coins == 1 else coins[1]
        number = (blue * 9 + coins[0]) * (2 if rules.coins == 1 else 9) + last
        arrived = there.players[:, None] == position.coins
        own = arrived & (jnp.arange(2)[:, None] == position.colour)
        return number, rewards, jnp.sum(own), jnp.sum(arrived)

    over = jax.vmap(jax.vmap(jax.vmap(one, (None, None, 0)), (None, 0, None)), (0, None, None))
    after, rewards, own, taken = map(np.asarray, jax.jit(over)(positions, joint, jnp.asarray(draws, jnp.float32)))
    return Chain(positions, after, rewards[:, :, 0], own[:, :, 0], taken[:, :, 0], start)


@functools.cache
def acting(variant):
    """Probabilities of the actions of every rule-based player at every position, [S, 2, A], in both seats."""
    rules = game(*variant)

    def acts(position):
        seen = rules.seen(position)
        return {
            name: jnp.stack([jax.nn.softmax(script(seen[seat], seat)) for seat in (0, 1)])
            for name, script in rules.scripts.items()
        }

    return jax.device_get(jax.jit(jax.vmap(acts))(chain(variant).positions))


class Outlook(NamedTuple):
    """Exact numbers of a pair: payoffs per step in endless play and over 50 steps, discounted sums, own-coin share."""

    endless: np.ndarray
    fifty: np.ndarray
    discounted: np.ndarray
    own_coins: float


@functools.cache
def outlook(variant, pair):
    of = chain(variant)
    size, joint, draws = of.after.shape
    first, second = (np.asarray(acting(variant)[name][:, seat], np.float64) for seat, name in enumerate(pair))
    chosen = (first[:, :, None] * second[:, None]).reshape(size, joint)
    moves = np.arange(size)[:, None, None] * size + of.after
    flow = np.bincount(moves.ravel(), np.repeat(chosen / draws, draws), size**2).reshape(size, size)
    paid, own, taken = np.einsum("sj,sjp->sp", chosen, of.rewards), *((chosen * n).sum(1) for n in (of.own, of.taken))
    steps = [of.start]
    for _ in range(STEPS - 1):
        steps.append(steps[-1] @ flow)
    late = np.linalg.matrix_power((flow + np.eye(size)) / 2, 32)  # no cycles: half of the steps wait
    in_the_end = functools.reduce(np.matmul, [late] * 32, of.start)
    return Outlook(
        in_the_end @ paid,
        np.mean(steps, axis=0) @ paid,
        0.96 ** np.arange(STEPS) @ np.array(steps) @ paid,
        in_the_end @ own / (in_the_end @ taken),
    )


@functools.cache
def played(variant, pair):
    return episodes(game(*variant), pair, 500, STEPS)


def board(players, coins, colour):
    return Board(*(jnp.array(part, jnp.int32) for part in (players, coins, colour)))


@pytest.mark.parametrize(
    ("variant", "pair"), [(variant, pair) for variant, pairs in ENDLESS.items() for pair in pairs], ids=str
)
def test_rule_based_players_earn_the_exact_returns(variant, pair):
    np.testing.assert_allclose(outlook(variant, pair).endless, ENDLESS[variant][pair], atol=6e-5)


@pytest.mark.parametrize("pair", FIFTY_STEPS, ids=str)
def test_fifty_steps_from_the_start(pair):
    np.testing.assert_allclose(outlook((1, 4), pair).fifty, FIFTY_STEPS[pair], atol=6e-5)
    np.testing.assert_allclose(outlook((1, 4), pair).discounted, DISCOUNTED[pair], atol=6e-4)


def test_nothing_earns_more_from_a_random_player_than_to_take_every_coin():
    """The best response by backward induction over the 50 steps of an episode: a bound for learners, as PPO."""
    of = chain((1, 4))
    other = np.asarray(acting((1, 4))[R][:, 1], np.float64)[:, None]
    values = np.zeros(len(of.start))
    for _ in range(STEPS):
        worth = of.rewards[..., 0] + 0.96 * values[of.after].mean(axis=2)
        values = np.max(np.sum(worth.reshape(-1, 4, 4) * other, axis=2), axis=1)
    np.testing.assert_allclose(of.start @ values, outlook((1, 4), (D, R)).discounted[0], rtol=1e-6)
    np.testing.assert_allclose(of.start @ values * (1 - 0.96) / (1 - 0.96**STEPS), 0.5282, atol=5e-5)


def test_episodes_earn_what_the_chain_says():
    rewards = played((1, 4), (C, D)).rewards.mean(axis=1)
    sem = np.std(rewards, axis=0) / np.sqrt(len(rewards))
    assert np.all(np.abs(rewards.mean(axis=0) - outlook((1, 4), (C, D)).fifty) < 4 * sem)


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_shares_of_own_coins(variant):
    for pair, share in {(C, C): OWN_COINS[variant], (D, D): 0.5, (R, R): 0.5, (D, R): 0.5}.items():
        assert outlook(variant, pair).own_coins == pytest.approx(share, abs=6e-5), pair


def test_measures_of_own_coins():
    shares = game(2).measures(played((2, 4), (C, C)))
    assert float(shares["own coins"]) == pytest.approx(OWN_COINS[2, 4], abs=0.02)


def test_measures_count_only_what_is_alive():
    episode = played((1, 4), (C, D))
    none = game().measures(episode._replace(alive=jnp.zeros_like(episode.alive).at[:, 0].set(1.0)))
    first = np.asarray(episode.rewards[:, 0])
    players = np.where(np.any(first != 0, axis=1), np.where(first.sum(axis=1) == 0, 2, 1), 0)  # who picked up a coin
    assert float(none["picked up"]) == pytest.approx(np.mean(players) / 2)


@pytest.mark.long
def test_the_contract_with_two_coins():
    check_game(game(2, 5))


@pytest.mark.parametrize("settings", [{"coins": 2}, {"own_first": True}, {"own_first": True, "actions": 5}], ids=str)
def test_exchanging_the_seats_exchanges_the_rewards(settings):
    """A position with red and blue exchanged, and the same draws, is the same game with other names."""
    rules = game(**settings)

    def both(key, actions):
        reset_key, key = jax.random.split(key)
        state, _ = rules.reset(reset_key)
        coins = state.coins[::-1] if rules.coins == 2 else state.coins
        colour = state.colour if rules.coins == 2 else 1 - state.colour
        mirrored = Board(state.players[::-1], coins, colour)
        (_, seen, rewards), (_, seen_there, there) = (
            rules.step(s, a, key) for s, a in ((state, actions), (mirrored, actions[::-1]))
        )
        return rewards, there[::-1], seen[:, :18], seen_there[::-1, :18]

    keys = jax.random.split(jax.random.key(3), 256)
    actions = jax.random.randint(jax.random.key(4), (256, 2), 0, rules.num_actions)
    rewards, there, seen, seen_there = jax.jit(jax.vmap(both))(keys, actions)
    assert rules.symmetric
    np.testing.assert_array_equal(rewards, there)
    np.testing.assert_array_equal(seen, seen_there)


def test_with_one_coin_both_see_the_same():
    assert not game().symmetric
    _, seen = game().reset(jax.random.key(0))
    np.testing.assert_array_equal(seen[0], seen[1])


def test_with_two_coins_each_sees_itself_first():
    start = board([0, 4], [2, 6], [RED, BLUE])
    _, seen, _ = game(2).step(start, jnp.array([RIGHT, RIGHT]), jax.random.key(0))
    assert [np.flatnonzero(plane).tolist() for plane in np.asarray(seen[0]).reshape(4, 9)] == [[1], [5], [2], [6]]
    assert [np.flatnonzero(plane).tolist() for plane in np.asarray(seen[1]).reshape(4, 9)] == [[5], [1], [6], [2]]


@pytest.mark.parametrize(
    ("colour", "actions", "expected"),
    [
        (RED, (RIGHT, UP), (1, 0)),
        (BLUE, (RIGHT, UP), (1, -2)),
        (RED, (LEFT, DOWN), (-2, 1)),
        (BLUE, (LEFT, DOWN), (0, 1)),
        (RED, (RIGHT, DOWN), (-1, 1)),  # both arrive: each is rewarded, and the owner loses the coin
        (BLUE, (RIGHT, DOWN), (1, -1)),
        (RED, (LEFT, UP), (0, 0)),
    ],
)
def test_rewards_by_hand(colour, actions, expected):
    """Red is at 0 and blue at 7; the coin at 1 is right of red and, over the edge, below blue."""
    after, _, rewards = game().step(board([0, 7], [1], [colour]), jnp.array(actions), jax.random.key(0))
    assert rewards.tolist() == list(expected)
    taken = expected != (0, 0)
    assert after.colour.tolist() == [1 - colour if taken else colour]
    assert (after.coins.tolist() == [1]) != taken or taken


def test_one_player_may_pick_up_both_coins():
    _, _, rewards = game(2).step(board([0, 4], [1, 1], [RED, BLUE]), jnp.array([RIGHT, RIGHT]), jax.random.key(0))
    assert rewards.tolist() == [2, -2]


@pytest.mark.parametrize(("actions", "leads_to"), [(4, [1, 2, 3, 6]), (5, [1, 2, 6, 3, 0])])
def test_edges_are_connected(actions, leads_to):
    rules = game(actions=actions)
    assert rules.action_names == (("right", "left", "down", "up"), ("right", "left", "up", "down", "stay"))[actions - 4]
    for action, cell in enumerate(leads_to):
        after, _, _ = rules.step(board([0, 0], [4], [RED]), jnp.array([action, action]), jax.random.key(0))
        assert after.players.tolist() == [cell, cell]


@pytest.mark.parametrize(("players", "free"), [((1, 4), [0, 2, 3, 5, 6, 7, 8]), ((1, 1), [0, 2, 3, 4, 5, 6, 7, 8])])
def test_one_coin_comes_back_in_a_free_cell(players, free):
    start = board([(cell + 2) % 3 + cell // 3 * 3 for cell in players], [1], [RED])  # each one step to the left
    step = jax.jit(jax.vmap(lambda key: game().step(start, jnp.array([RIGHT, RIGHT]), key)[0]))
    after = step(jax.random.split(jax.random.key(0), 4000))
    assert after.players[0].tolist() == list(players)
    counts = np.bincount(np.asarray(after.coins).ravel(), minlength=9)
    assert np.flatnonzero(counts).tolist() == free
    np.testing.assert_allclose(counts[free] / 4000, 1 / len(free), atol=0.025)


def test_two_coins_come_back_anywhere():
    start = board([0, 4], [1, 8], [RED, BLUE])
    step = jax.jit(jax.vmap(lambda key: game(2).step(start, jnp.array([RIGHT, RIGHT]), key)[0]))
    after = step(jax.random.split(jax.random.key(0), 4000))
    counts = np.bincount(np.asarray(after.coins)[:, 0], minlength=9)
    np.testing.assert_allclose(counts / 4000, 1 / 9, atol=0.025)
    assert np.all(np.asarray(after.coins)[:, 1] == 8)


@pytest.mark.parametrize("apart", [False, True])
def test_starts(apart):
    start = jax.vmap(lambda key: game(apart=apart).reset(key)[0])(jax.random.split(jax.random.key(1), 4000))
    together = np.mean(start.players[:, 0] == start.players[:, 1])
    assert together == pytest.approx(0 if apart else 1 / 9, abs=0.02)
    assert not np.any(start.players == start.coins)
    for player in (0, 1):
        np.testing.assert_allclose(np.bincount(start.players[:, player], minlength=9) / 4000, 1 / 9, atol=0.025)
    assert np.mean(start.colour) == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_positions_are_those_that_were_played(variant):
    rules = game(*variant)
    episode = jax.tree.map(lambda leaf: leaf[0], played(variant, (C, D)))
    at = rules.positions(episode)
    assert at.players.shape == (STEPS + 1, 2, 2)
    assert at.coins.shape == (STEPS + 1, rules.coins, 2)
    assert {0, 1} == set(at.colour.ravel().tolist())
    met = np.all(at.players[1:, :, None] == at.coins[:-1, None], axis=-1)  # [step, player, coin]
    own = np.array([0, 1])[:, None] == at.colour[:-1, None]
    np.testing.assert_array_equal(episode.rewards, np.sum(met - 2.0 * (own & met[:, ::-1]), axis=2))


def test_frames_mark_players_and_coins_where_they_are():
    rules, at = game(), board([0, 5], [4], [BLUE])
    _, seen, rewards = rules.step(at, jnp.array([RIGHT, RIGHT]), jax.random.key(0))
    episode = Episodes(rules.seen(at)[None], jnp.zeros((1, 2), int), rewards[None], rewards[None], jnp.ones(1), seen)
    frames = rules.frames(episode)
    start, after = ([tuple(mark)[:5] for mark in marks] for marks in frames.boards)
    assert start == [(0, 0, "R", "disc", 0), (1, 2, "B", "disc", 1), (1, 1, "b", "ring", 1)]
    assert after == [(0, 1, "R", "disc", 0), (1, 0, "B", "disc", 1), (1, 1, "b", "ring", 1)]
    assert (len(frames.rows), len(frames.columns), frames.players) == (3, 3, ("red", "blue"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"coins": 3}, "expected 1 or 2, got 3"), ({"actions": 6}, "expected 4 or 5"), ({"discount": 1.5}, "between 0")],
)
def test_bad_settings_are_one_line(settings, message):
    with pytest.raises(BadValue, match=message):
        meva.make("game", "coin_game", **settings)
