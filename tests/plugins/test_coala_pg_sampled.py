"""COALA-PG from episodes: what it remembers, what its actions are paid, whom it meets, and what it plays."""

from typing import Any

import attrs
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from meva_policies.gru import GRU
from meva_policies.table import Table
from meva_policy_gradient import seen as seeing
from meva_policy_gradient.coala_pg_sampled import COALAPGSampled
from meva_policy_gradient.critics import LikePolicy
from meva_policy_gradient.meta_episodes import advantages, live
from meva_policy_gradient.ppo import PPO

import meva_core as meva
from meva_core.errors import BadCombination
from meva_core.match import Fitted, Held, NaiveFromEpisodes, match_in
from meva_core.sampling import Rollouts, policy_arguments, replayed

IPD = meva.make("game", "ipd")
RULES = IPD.rules()
KEY = jax.random.key(0)


def game_of(policy: Any = Table, rules: Any = RULES, **width):
    own = policy(**policy_arguments(rules), **width)
    return Rollouts(rules=rules, policies=(own, own), episodes=2, horizon=3)


def learner(game, **settings) -> Any:
    small = {"steps": 2, "batch_size": 2, "epochs": 1, "minibatches": 1}
    return COALAPGSampled(game=game, critic=LikePolicy(policy=game.policies[0]), **{**small, **settings})


def stepped(rule, key=KEY):
    state = jax.jit(rule.training.init)(KEY)
    return state, *jax.jit(rule.training.step)(state, key)


def test_what_it_does_in_a_meta_episode_follows_from_all_that_it_saw_there():
    """So the ratio of probabilities in PPO is 1 before the first step."""
    game = game_of(GRU, width=3)
    rule, x = learner(game), 3 * game.init(KEY)
    own = Fitted(learner=rule, params=x)

    policy = game.policies[0]

    def again(seen):
        return seeing.of_actions(seeing.log_policy(policy, x[0, : policy.policy_size], seen), seen)

    @jax.jit
    def found():
        seen = live(match_in(game, 0, own, own, (), 1.0), 0, 2, KEY)
        return seen, again(seen), again(jax.tree.map(lambda leaf: leaf[:, 3:], seen))

    seen, log_probs, afresh = found()
    assert seen.rewards.shape == (2, 6)
    np.testing.assert_allclose(log_probs, seen.log_probs, rtol=1e-5)
    assert not np.allclose(afresh, seen.log_probs[:, 3:])


def test_naive_co_players_learn_from_the_episodes_that_it_plays():
    game = attrs.evolve(game_of(), episodes=16)
    x, reinforce = game.init(KEY), meva.make("learner", "reinforce", game=game, rate=0.5)
    episodes = game.play(x, KEY)
    expected, _ = reinforce.learn(None, (), x, episodes, KEY)
    found, _ = NaiveFromEpisodes(game=game, rate=0.5).learn(None, (), x, episodes, KEY)
    assert np.all(np.abs(expected).max(axis=1) > 0.01)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-7)
    for seat in (0, 1):
        same = replayed(game, seat, x[seat], episodes)
        np.testing.assert_allclose(same.log_probs, episodes.log_probs, rtol=1e-5)
    rule = learner(game)
    own = Fitted(learner=rule, params=x)
    assert isinstance(match_in(game, 1, own, own, (), 0.5).players[1].learner, NaiveFromEpisodes)


@pytest.mark.parametrize(
    ("shared", "divided", "expected"),
    [
        (True, True, [[4.5, 1.5], [5.5, 2.5]]),  # 1 / 2 + (3 + 5) / 2, then 3 / 2; 3 / 2 + (3 + 5) / 2, then 5 / 2
        (False, True, [[2.0, 1.5], [4.0, 2.5]]),
        (True, False, [[5.0, 3.0], [7.0, 5.0]]),
    ],
)
def test_advantages_without_values_are_returns(shared, divided, expected):
    rewards = jnp.array([[[1.0, 3.0], [3.0, 5.0]]])
    seen: Any = seeing.Seen(*[rewards] * 6)
    found = advantages(seen, 0 * rewards, 1, 1.0, shared, divided)[0]
    np.testing.assert_allclose(found, expected)


def test_values_of_the_own_copy_take_its_own_part_off_and_no_other():
    """They change the advantage of a step by less what was known before it, and by what all others are known to get."""
    rewards, values = jnp.array([[[1.0, 3.0], [3.0, 5.0]]]), jnp.array([[[10.0, 20.0], [30.0, 40.0]]])
    found = advantages(seeing.Seen(*[rewards] * 6), values, 1, 1.0, True, True)[0]
    first = [[4.5 - 10 / 2 + 20 / 2 - (20 + 40) / 2], [5.5 - 30 / 2 + 40 / 2 - (20 + 40) / 2]]
    np.testing.assert_allclose(found[:, :1], first)
    np.testing.assert_allclose(found[:, 1], [1.5 - 20 / 2, 2.5 - 40 / 2])


def test_copies_of_one_meta_episode_do_not_mix_with_those_of_another():
    rewards = jax.random.normal(KEY, (3, 2, 4))
    both = advantages(seeing.Seen(*[rewards] * 6), 0 * rewards, 2, 1.0, True, True)
    for n in range(3):
        one = advantages(seeing.Seen(*[rewards[n : n + 1]] * 6), 0 * rewards[:1], 2, 1.0, True, True)
        np.testing.assert_allclose(both[n], one[0], rtol=1e-6)


def test_returns_decide_what_actions_are_paid_where_others_learn():
    """Among members nobody learns, so each is paid what its own copy gets."""
    game = game_of()
    rewards = jnp.array([[[0, 1.0, 0, 2.0, 0, 0], [0, 3.0, 0, 4.0, 0, 0]]])  # two inner episodes of three steps
    seen: Any = seeing.Seen(jnp.zeros((1, 2, 6, 5)), *[rewards] * 5)

    def paid(returns, others_learn):
        training = learner(game, returns=returns).training
        learning = training.learner.as_ppo.init(None, game.init(KEY), KEY)[0]
        learning = learning._replace(critic=0 * learning.critic)
        judged, gains = training._judged(learning, seen, others_learn)
        assert judged.advantages[0, :, 0].tolist() == [3, 7]  # what the critic learns is the own copy's, whole
        return gains[0, :, 0].tolist()

    assert {name: paid(name, True) for name in ("coala", "unaware", "m_fos")} == {
        "coala": [1 / 2 + 3, 3 / 2 + 3],
        "unaware": [3 / 2, 7 / 2],
        "m_fos": [1 + 3, 3 + 3],
    }
    assert paid("coala", False) == paid("unaware", False) == [3 / 2, 7 / 2]
    assert paid("m_fos", False) == [3, 7]


def test_what_actions_are_paid_is_standardised_before_passes_begin(monkeypatch):
    """So the entropy weighs as much in one game, or with one of the returns, as with another."""

    def improved(self, own, before, judged, gains, key, log_policy):
        return own.at[:2].set(jnp.array([jnp.mean(gains), jnp.std(gains)])), before

    monkeypatch.setattr(PPO, "improved", improved)
    _, after, _ = stepped(learner(game_of(), population=2, naive_share=0.5))
    np.testing.assert_allclose(after.numbers[..., :2], np.broadcast_to([0.0, 1.0], (2, 1, 2)), atol=1e-4)


@pytest.mark.long
def test_members_meet_naive_learners_and_each_other_as_often_as_is_said():
    rule = learner(game_of(), batch_size=4, naive_share=0.75, population=3)
    state, after, metrics = stepped(rule)
    assert rule.training._among == 1
    assert state.numbers.shape == (3, 1, 5)
    assert set(metrics) == {"payoff", "among"}
    assert np.all(np.any(np.asarray(after.numbers != state.numbers), axis=(1, 2)))
    params = rule.training.params(after)
    np.testing.assert_array_equal(params, after.numbers[:2, 0])
    assert set(stepped(learner(game_of()))[2]) == {"payoff"}


def test_members_never_meet_themselves():
    """Tit-for-tat among itself would get -1 in every round, and so the two would get -1.5 on average."""
    game = game_of()
    training = learner(game, naive_share=0.0, population=2).training
    rows = jnp.stack([IPD.strategies["always_defect"], IPD.strategies["tit_for_tat"]])
    state = jax.jit(training.init)(KEY)._replace(numbers=rows[:, None])
    weights = game.weights(jnp.ones(3))
    expected = weights @ jnp.array([0 - 3, -2 - 2, -2 - 2]) / 2
    assert float(jax.jit(training.step)(state, KEY)[1]["among"]) == pytest.approx(float(expected), abs=1e-3)


@pytest.mark.long
def test_in_a_game_that_is_not_symmetric_each_seat_learns():
    state, after, _ = stepped(learner(game_of(rules=meva.make("game", "imp").rules())))
    assert state.numbers.shape == (1, 2, 5)
    assert np.all(np.any(np.asarray(after.numbers != state.numbers), axis=2))


def test_payoffs_shown_are_those_of_an_inner_episode():
    """An unconditional cooperator gets -3 in every round from a player that always defects."""
    game = game_of()
    rows = jnp.stack([IPD.strategies["always_cooperate"], IPD.strategies["always_defect"]])
    rivals = (None, Fitted(learner=Held(policies=rows)))
    training = learner(game, rivals=rivals).training
    state = jax.jit(training.init)(KEY)._replace(numbers=rows[None, :1])
    assert float(jax.jit(training.step)(state, KEY)[1]["payoff"]) == pytest.approx(-3, abs=1e-4)


@pytest.mark.long
def test_what_it_learns_does_not_depend_on_the_unit_of_payoffs():
    def learnt(unit):
        tables = [[-2.0 * unit, 0.0], [-3.0 * unit, -unit]]
        rules = meva.make("game", "matrix", payoffs_1=tables).rules()
        rule = learner(attrs.evolve(game_of(), rules=rules), rate=1 / unit)
        _, after, metrics = stepped(rule)
        return after.numbers, metrics["payoff"] / unit

    for one, other in zip(learnt(1.0), learnt(1024.0), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_episodes_end_after_the_horizon():
    with pytest.raises(BadCombination, match=r"set sample\.stopping = 'horizon'"):
        learner(attrs.evolve(game_of(), stopping="geometric"))
    with pytest.raises(BadCombination, match="expected a game that is played"):
        attrs.evolve(learner(game_of()), game=IPD)


@pytest.mark.long
def test_against_who_never_learns_it_finds_the_best_response():
    rows = jnp.stack([IPD.strategies["always_cooperate"]] * 2)
    game = attrs.evolve(game_of(), episodes=8, horizon=10)
    rule = learner(game, rivals=(None, Fitted(learner=Held(policies=rows))), policy_rate=0.1, batch_size=4, epochs=4)

    def payoffs(key):
        keys = jax.random.split(key, 121)
        return jax.lax.scan(rule.training.step, rule.training.init(keys[0]), keys[1:])[1]["payoff"]

    found = jax.jit(jax.vmap(payoffs))(jax.random.split(KEY, 5))
    assert np.median(found[:, -20:].mean(axis=1)) > -0.15  # it begins at -1; the best response has 0


def test_others_learn_unless_all_play_one_policy():
    game = game_of()
    reinforce = Fitted(learner=meva.make("learner", "reinforce", game=game))
    shaper = Fitted(learner=learner(game), params=game.init(KEY))
    found = [learner(game, rivals=rivals).training._met_learn for rivals in ((), (None, reinforce), (None, shaper))]
    assert found == [True, True, False]
