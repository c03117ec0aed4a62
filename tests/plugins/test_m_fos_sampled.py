"""M-FOS from episodes: the conditions that it sets, what they do to its actions, how its reader learns, and whom it
meets."""

from types import SimpleNamespace
from typing import Any

import attrs
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from meva_policies.conditioned import ConditionedMLP
from meva_policies.gru import GRU
from meva_policies.table import Table
from meva_policy_gradient import seen as seeing
from meva_policy_gradient.critics import LikePolicy
from meva_policy_gradient.m_fos_sampled import MFOSSampled
from meva_policy_gradient.meta_episodes import live

import meva_core as meva
from meva_core.errors import BadCombination
from meva_core.match import Fitted, Held, NaiveFromEpisodes, lifetime, match_in, start
from meva_core.sampling import Rollouts, policy_arguments

IPD = meva.make("game", "ipd")
RULES = IPD.rules()
ARGUMENTS = policy_arguments(RULES)
KEY = jax.random.key(0)
SEES = ConditionedMLP(**ARGUMENTS, width=3, condition_size=3, enters="gate")
GAME = Rollouts(rules=RULES, policies=(SEES, SEES), episodes=2, horizon=3)
C = SEES.policy_size - 3  # the count of weights
CONDITION = slice(C, C + 3)
READS = LikePolicy(policy=GRU(**ARGUMENTS, width=2, output_scale=8.0))
TABLES = LikePolicy(policy=Table(**ARGUMENTS))


def learner(game=GAME, **settings) -> Any:
    small = {"steps": 3, "batch_size": 2, "epochs": 1, "minibatches": 1, "critic": TABLES, "reader": READS}
    return MFOSSampled(game=game, **{**small, **settings})


@pytest.fixture(scope="module")
def lived():
    """A learner and its numbers; the steps of a match against a naive learner; the meta-episodes of the fit's first
    loop, and the probabilities of actions that are found again from what was seen."""
    rule = learner()
    numbers = rule.first(2 * GAME.init(KEY), KEY)
    own = Fitted(learner=rule, params=numbers)
    match = match_in(GAME, 0, own, own, (), 1.0)

    @jax.jit
    def found():
        _, steps = lifetime(match, start(match, KEY), KEY, 3, lambda step: step)
        seen = jax.vmap(lambda key: live(match, 0, 3, key))(jax.random.split(KEY, 2))
        return steps, seen, rule.log_policy(0, numbers[0, : rule.size(0)], seen)

    steps, seen, log_probs = found()
    return SimpleNamespace(rule=rule, numbers=numbers, match=match, steps=steps, seen=seen, log_probs=log_probs)


def test_the_condition_is_one_and_then_what_the_reader_says_of_the_last_inner_episode(lived):
    network, own = lived.rule.network, lived.numbers[0, : lived.rule.network.policy_size]
    conditions = lived.steps.before[:, 0, CONDITION]
    np.testing.assert_array_equal(conditions[0], [1.0, 1.0, 1.0])
    for m in (0, 1):
        outputs = []
        for observations in lived.steps.episodes.observations[m, :, :, 0]:  # one copy after the other
            memory = jnp.zeros(2)
            for observation in observations:
                output, memory = network.act(own, memory, observation)
            outputs.append(output[2:])
        expected = jax.nn.sigmoid((outputs[0] + outputs[1]) / 2)
        np.testing.assert_allclose(conditions[m + 1], expected, atol=1e-6)
    assert float(jnp.abs(conditions[1] - conditions[2]).max()) > 1e-3


def test_in_a_match_only_the_condition_moves(lived):
    size, weights = lived.rule.network.policy_size, lived.steps.before[:, 0, :C]
    np.testing.assert_array_equal(weights, jnp.broadcast_to(lived.numbers[0, size : size + C], weights.shape))
    assert np.all(np.any(np.asarray(lived.steps.after - lived.steps.before)[:, 0, CONDITION] != 0, axis=1))
    assert not lived.match.players[0].learner.remembers


def test_what_it_does_in_a_meta_episode_follows_from_all_that_its_copies_saw_there(lived):
    """So the ratio of probabilities in PPO is 1 before the first step."""
    assert lived.seen.rewards.shape == (2, 2, 9)
    found = seeing.of_actions(lived.log_probs, lived.seen)
    np.testing.assert_allclose(found, lived.seen.log_probs, atol=1e-5)


def test_an_inner_episode_depends_on_the_one_before_of_the_other_copy_and_on_no_earlier_one(lived):
    """Three inner episodes of three steps; what the second copy saw in the first one is changed."""
    changed = lived.seen.observations.at[:, 1, :3].set(jnp.eye(5)[4])
    log_probs = jax.jit(lived.rule.log_policy, static_argnums=0)(
        0, lived.numbers[0, : lived.rule.size(0)], lived.seen._replace(observations=changed)
    )
    same = np.all(np.isclose(log_probs, lived.log_probs, atol=1e-6), axis=(0, 3))[0]
    np.testing.assert_array_equal(same, [True] * 3 + [False] * 3 + [True] * 3)


def test_the_reader_learns_from_what_is_paid_after_the_first_inner_episode(lived):
    rule, size = lived.rule, lived.rule.network.policy_size

    def slope(advantages):
        def objective(own):
            return rule.as_ppo.objective(own, lived.seen, advantages, 0.0, lambda o, s: rule.log_policy(0, o, s))

        return jax.grad(objective)(lived.numbers[0, : rule.size(0)])

    first = jnp.zeros((2, 2, 9)).at[:, :, :3].set(jax.random.normal(KEY, (2, 2, 3)))
    of_first, of_second = jax.jit(lambda: (slope(first), slope(jnp.roll(first, 3, axis=-1))))()
    np.testing.assert_array_equal(of_first[:size], jnp.zeros(size))
    assert float(jnp.abs(of_first[size:]).max()) > 0
    assert float(jnp.abs(of_second[:size]).max()) > 1e-6
    np.testing.assert_array_equal(of_second[size:][CONDITION], [0.0, 0.0, 0.0])  # the condition is no weight


def test_naive_co_players_learn_from_the_episodes_of_the_match(lived):
    assert isinstance(lived.match.players[1].learner, NaiveFromEpisodes)


def paid(returns, rewards):
    """The advantages of two inner episodes of three steps with these rewards, if all values are 0."""
    training = learner(returns=returns).training
    learning = SimpleNamespace(critic=jnp.zeros(training.learner.as_ppo.network.policy_size))
    seen: Any = seeing.Seen(jnp.zeros((*rewards.shape, 5)), *[rewards] * 5)
    return training._judged(learning, seen, others_learn=False)[1]


def test_a_single_copy_is_paid_the_same_by_both_returns():
    rewards = jax.random.normal(KEY, (2, 1, 6))
    expected = jnp.cumsum(rewards[..., ::-1], axis=-1)[..., ::-1]
    np.testing.assert_allclose(paid("m_fos", rewards), expected, rtol=1e-5)
    np.testing.assert_allclose(paid("coala", rewards), expected, rtol=1e-5)


def test_returns_differ_by_what_the_present_is_paid():
    """The own rewards of the present inner episode, as they are or over B = 2, and the mean of all later ones."""
    rewards = jnp.array([[[1.0, 0, 0, 2.0, 0, 0], [3.0, 0, 0, 4.0, 0, 0]]])
    assert paid("m_fos", rewards)[0, :, 0].tolist() == [1 + 3, 3 + 3]
    assert paid("coala", rewards)[0, :, 0].tolist() == [1 / 2 + 3, 3 / 2 + 3]


@pytest.fixture(scope="module")
def learnt():
    """The state before a loop of two members, against naive learners and each other, the state after it, and its
    metrics, by the unit of payoffs."""

    def rule_of(unit):
        tables = [[-2.0 * unit, 0.0], [-3.0 * unit, -unit]]
        game = attrs.evolve(GAME, rules=meva.make("game", "matrix", payoffs_1=tables).rules())
        return learner(game, steps=2, rate=1 / unit, naive_share=0.5, population=2, reader=TABLES)

    def loop(rule):
        state = rule.training.init(KEY)
        return state, *rule.training.step(state, KEY)

    compiled = jax.jit(loop)
    return {unit: compiled(rule_of(unit)) for unit in (1.0, 1024.0)}


def next_step(rule, params):
    """Steps f32[P, D] of the learner after the first inner episode, if it sits in all seats."""

    @jax.jit
    def step():
        x = rule.start(params, rule.game.init(KEY), KEY)
        return rule.learn(params, (), x, rule.game.play(x, KEY), KEY)[0]

    return step()


@pytest.mark.long
def test_what_it_learns_does_not_depend_on_the_unit_of_payoffs(learnt):
    (before, one, paid), (_, other, paid_more) = learnt.values()
    np.testing.assert_allclose(one.numbers, other.numbers, rtol=1e-4, atol=1e-6)
    for name in ("payoff", "among"):
        np.testing.assert_allclose(1024 * paid[name], paid_more[name], rtol=1e-4)
    assert np.all(np.any(np.asarray(one.numbers != before.numbers), axis=2))


@pytest.mark.long
def test_in_self_play_members_meet_who_also_set_their_conditions(learnt):
    _, after, _ = learnt[1.0]
    rule = learner(reader=TABLES)
    params = attrs.evolve(rule, population=2).training.params(after)
    np.testing.assert_array_equal(params, after.numbers[:, 0])
    moved = next_step(rule, params)
    assert np.all(np.abs(moved[:, CONDITION]) > 0)
    assert not np.any(moved[:, :C])


def test_it_needs_a_policy_whose_condition_it_can_set():
    table = Table(**ARGUMENTS)
    with pytest.raises(BadCombination, match="got Table: add --policy conditioned"):
        learner(attrs.evolve(GAME, policies=(table, table)))
    with pytest.raises(BadCombination, match=r"set sample\.stopping = 'horizon'"):
        learner(attrs.evolve(GAME, stopping="geometric"))


def test_a_seat_without_a_condition_stays():
    game = attrs.evolve(GAME, policies=(SEES, Table(**ARGUMENTS)))
    rule, x = learner(game), game.init(KEY)
    params = rule.first(x, KEY)
    np.testing.assert_array_equal(rule.start(params, x, KEY)[1], x[1])
    moved = next_step(rule, params)
    assert np.any(moved[0])
    assert not np.any(moved[1])
    assert rule.size(1) == rule.network.policy_size + 5


@pytest.mark.long
def test_against_who_never_learns_it_finds_the_best_response():
    game = Rollouts(rules=RULES, policies=(SEES, Table(**ARGUMENTS)), episodes=8, horizon=10)
    rows = jnp.zeros((2, game.policy_size)).at[:, :5].set(IPD.strategies["always_cooperate"])
    rivals = (None, Fitted(learner=Held(policies=rows)))
    rule = learner(game, rivals=rivals, policy_rate=0.1, batch_size=4, epochs=4)
    state = rule.training.init(KEY)
    step = jax.jit(rule.training.step)
    for n in range(60):
        state, metrics = step(state, jax.random.key(n))
    assert float(metrics["payoff"]) > -0.1
