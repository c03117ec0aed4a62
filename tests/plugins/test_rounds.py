"""The iterated games as they are played: SampledGame rules whose expectations are the exact payoffs."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import meva_core as meva
from meva_core.contracts import Episodes
from meva_core.errors import BadCombination, BadValue
from meva_core.testing import episodes

GAMES = ("ipd", "imp", "normal_form", "public_goods", "social_dilemma")
# A pair of policies, and their payoffs in three rounds at discount 0.9 with weights 0.9^t, from the project's notes.
X = [[0.12573, -0.132105, 0.640423, 0.1049, -0.535669], [0.361595, 1.304, 0.947081, -0.703735, -1.265421]]
THREE_ROUNDS = [-3.92941812, -4.08116418]


def table(x):
    """The player that acts by a table x f32[D] of logits of the second action."""
    return lambda seen, seat: jnp.stack([jnp.zeros(()), seen @ jnp.asarray(x)])


def enumerated(rules, policies, horizon):
    """Every joint action sequence [J^T, T, P] with its probability under the players' logits and its rewards."""
    joint = list(itertools.product(range(rules.num_actions), repeat=rules.num_players))
    sequences = jnp.array(list(itertools.product(joint, repeat=horizon)))

    def run(actions):
        state, seen = rules.reset(jax.random.key(0))
        log_prob, rewards = 0.0, []
        for now in actions:
            logits = jnp.stack([policy(seen[seat], seat) for seat, policy in enumerate(policies)])
            log_prob += jnp.sum(jnp.take_along_axis(jax.nn.log_softmax(logits), now[:, None], axis=1))
            state, seen, reward = rules.step(state, now, jax.random.key(0))
            rewards.append(reward)
        return jnp.exp(log_prob), jnp.stack(rewards)

    return jax.jit(jax.vmap(run))(sequences)


def test_three_rounds_are_worth_what_the_notes_say():
    with jax.enable_x64(True):
        rules = meva.make("game", "ipd", discount=0.9).rules()
        weights, rewards = enumerated(rules, [table(x) for x in X], 3)
        assert float(weights.sum()) == pytest.approx(1)
        discounted = jnp.einsum("b,btp,t->p", weights, rewards, 0.9 ** jnp.arange(3))
        np.testing.assert_allclose(discounted, THREE_ROUNDS, atol=1e-8)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("always_cooperate", "always_cooperate", lambda T: (-1, -1)),
        ("always_defect", "always_defect", lambda T: (-2, -2)),
        ("tit_for_tat", "always_defect", lambda T: ((-3 - 2 * (T - 1)) / T, -2 * (T - 1) / T)),
        ("tit_for_tat", "tit_for_tat", lambda T: (-1, -1)),
    ],
)
def test_strategies_earn_their_closed_form(first, second, expected):
    rules = meva.make("game", "ipd").rules()
    played = episodes(rules, [first, second], 4, 7)
    np.testing.assert_allclose(played.rewards.mean(axis=1), [expected(7)] * 4, rtol=1e-6)


def test_random_players_earn_the_mean():
    rules = meva.make("game", "ipd").rules()
    played = episodes(rules, ["random", "random"], 4096, 20)
    assert abs(float(played.rewards.mean()) + 1.5) < 4 * 1.2 / np.sqrt(4096 * 20)
    shares = rules.measures(played)
    assert list(shares) == ["DD", "DC", "CD", "CC"]
    np.testing.assert_allclose(list(shares.values()), 0.25, atol=4 * 0.5 / np.sqrt(4096 * 20))


@pytest.mark.parametrize("name", ["imp", "normal_form", pytest.param("public_goods", marks=pytest.mark.long)])
def test_episodes_that_end_at_random_pay_the_exact_payoff(name):
    """The mean over endless play, cut where less than a thousandth is left, against the game's own payoff."""
    game = meva.make("game", name, discount=0.5)
    rules, horizon = game.rules(), 10
    x = 2 * game.init(jax.random.key(1))
    logits = game.to_logits(x)
    played = episodes(rules, [lambda seen, seat: seen @ logits[seat]] * len(x), 10_000, horizon)
    weights = 0.5 ** jnp.arange(1, horizon + 1)
    found = jnp.einsum("btp,t->bp", played.rewards, weights)
    sem = found.std(axis=0) / np.sqrt(len(found))
    left_out = 0.5**horizon * np.asarray(game.payoff_range)
    assert np.all(np.abs(found.mean(axis=0) - game.payoff(x)) < 4 * sem + left_out)
    # With a mask that ends each episode with probability 1/2 the shares are the exact ones.
    ends = jax.random.bernoulli(jax.random.key(5), 0.5, played.alive.shape)
    alive = jnp.cumprod(jnp.concatenate([jnp.ones((len(ends), 1)), 1.0 - ends[:, :-1]], axis=1), axis=1)
    shares, exact = rules.measures(played._replace(alive=alive)), game.outcomes(x)
    assert shares.keys() == exact.keys()
    for each, share in shares.items():
        assert float(share) == pytest.approx(float(exact[each]), abs=0.02)


@pytest.mark.parametrize(("name", "expected"), [("matrix", [0.7, 0.3]), ("normal_form", [0.7, 0.15, 0.15])])
def test_trembling_hands_take_the_other_actions_equally_often(name, expected):
    rules = meva.make("game", name, noise=0.3).rules()
    sure = jnp.where(jnp.arange(rules.num_actions) == 0, 30.0, 0.0)
    played = episodes(rules, [lambda seen, seat: sure] * 2, 4000, 5)
    shares = rules.measures(played)
    own = np.array(list(shares.values())).reshape(rules.num_actions, rules.num_actions).sum(axis=1)
    np.testing.assert_allclose(own, expected, atol=4 * 0.5 / np.sqrt(20_000))
    assert np.all(np.asarray(played.actions) == 0)  # what was intended


def test_both_players_see_their_own_action_first():
    rules = meva.make("game", "ipd").rules()
    state, _ = rules.reset(jax.random.key(0))
    _, seen, _ = rules.step(state, jnp.array([1, 0]), jax.random.key(0))
    assert np.argmax(seen, axis=1).tolist() == [3, 2]  # CD and DC


@pytest.mark.parametrize("discount", [0.96, 0.5])
def test_the_horizon_leaves_out_little(discount):
    rules = meva.make("game", "ipd", discount=discount).rules()
    assert rules.horizon == {0.96: 150, 0.5: 12}[discount]
    assert discount**rules.horizon < np.exp(-6)


def test_a_traced_discount_has_no_horizon():
    game = meva.make("game", "ipd")
    with pytest.raises(BadValue, match=r"expected rules\(\) called outside of jit"):
        jax.jit(lambda game: game.rules().horizon)(game)


def test_unequal_numbers_of_actions_are_refused_in_one_line():
    payoffs = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
    rules = meva.make("game", "normal_form", payoffs_1=payoffs, payoffs_2=payoffs).rules()
    with pytest.raises(BadCombination, match="equally many actions to play in rounds, got 2 and 3"):
        rules.reset(jax.random.key(0))


@pytest.mark.parametrize("name", GAMES)
def test_scripts_are_the_strategies(name):
    game = meva.make("game", name)
    scripts = game.rules().scripts
    assert list(scripts) == list(game.strategies)
    chosen = next(iter(scripts))
    acts = jax.vmap(lambda seen: scripts[chosen](seen, 0))(game.rules().observations)
    np.testing.assert_array_equal(acts, game.to_logits(jnp.stack([game.strategies[chosen]] * game.num_players))[0])


def test_a_strategy_may_be_another_in_each_seat():
    payoffs = {"payoffs_1": [[1.0, 3.0], [0.0, 2.0]], "payoffs_2": [[1.0, 0.0], [6.0, 5.0]]}
    game = meva.make("game", "matrix", **payoffs)
    row, logits = game.strategies["generous_tit_for_tat"], game.rules().scripts["generous_tit_for_tat"]
    assert not np.allclose(row[0], row[1])
    for seat in (0, 1):
        acts = jax.vmap(lambda seen, seat=seat: logits(seen, seat))(game.rules().observations)
        np.testing.assert_array_equal(acts[:, 1], row[seat])


def test_frames_show_the_last_rounds():
    rules = meva.make("game", "ipd").rules()
    actions = jnp.array([[0, 1]] + [[1, 1]] * 11)
    episode = Episodes(*[jnp.zeros((12, 2, 1))] * 4, alive=jnp.ones(12), final=jnp.zeros((2, 1)))
    frames = rules.frames(episode._replace(actions=actions))
    assert (len(frames.boards), len(frames.columns), frames.rows) == (12, 10, ("player 1", "player 2"))
    shown = [[(mark.row, mark.column, mark.text) for mark in board] for board in frames.boards]
    assert shown[0] == [(0, 0, "D"), (1, 0, "C")]
    assert [mark[2] for mark in shown[9]].count("D") == 1
    assert len(shown[11]) == 20
    assert {mark[2] for mark in shown[11]} == {"C"}  # the first two rounds have left the board
