"""LILI and the copycat: what is inferred and written down, how far it looks, and what it leads a copycat to."""

from typing import Any

import attrs
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from meva_fixed.copycat import Copycat
from meva_policies.conditioned import ConditionedMLP
from meva_policies.mlp import MLP
from meva_policies.table import Table
from meva_policy_gradient.lili import LILI
from meva_policy_gradient.seen import log_policy, seen_by

import meva_core as meva
from meva_core.contracts.states import first_state
from meva_core.errors import BadCombination
from meva_core.match import Fitted, Match, lifetime
from meva_core.sampling import Rollouts, policy_arguments

KEY = jax.random.key(0)
RULES = meva.make("game", "ipd", discount=0.8).rules()
ARGUMENTS = policy_arguments(RULES)
SEES = ConditionedMLP(**ARGUMENTS, condition_size=2, width=3)
GAME = Rollouts(rules=RULES, policies=(SEES, Table(**ARGUMENTS)), episodes=3, horizon=4)


def lili(game=GAME, **settings) -> Any:
    return LILI(game=game, critic=lambda **sizes: MLP(**sizes, width=3), network_steps=2, **settings)


def learn(state, x, episodes, far_discount=0.95, critic_rate=5e-4, longest_gradient=0.5):
    """The policies and the state of a learner after a step; one program for all settings."""
    return _learn((far_discount, critic_rate, longest_gradient), state, x, episodes)


@jax.jit
def _learn(settings, state, x, episodes):
    far_discount, critic_rate, longest_gradient = settings
    rule = lili(far_discount=far_discount, critic_rate=critic_rate, longest_gradient=longest_gradient)
    steps, after = rule.learn(None, state, x, episodes, KEY)
    return x + steps, after


@pytest.fixture(scope="module")
def learnt():
    """A learner, its policies, the episodes of a step, its state before, and its policies and state after."""
    rule, x = lili(), GAME.init(KEY)
    state, episodes = first_state(rule, None, x, KEY), jax.jit(GAME.play)(x, KEY)
    return rule, x, episodes, state, *learn(state, x, episodes)


def condition(x):
    """The inferred strategy in the first player's row."""
    return x[0, SEES.policy_size - 2 : SEES.policy_size]


def log_prob(own, episodes):
    """Log-probabilities f32[B, T] of the first player's actions, of a policy that has seen nothing of the others."""
    log_probs = log_policy(SEES, jnp.concatenate([own, jnp.zeros(2)]), seen_by(GAME, episodes, 0))
    return jnp.take_along_axis(log_probs, episodes.actions[:, :, 0, None], axis=-1)[..., 0]


def test_it_needs_a_policy_that_sees_what_it_infers():
    table = Table(**ARGUMENTS)
    with pytest.raises(BadCombination, match="got Table: add --policy conditioned"):
        lili(attrs.evolve(GAME, policies=(table, table)))


def test_what_it_infers_from_an_interaction_is_the_condition_of_the_next(learnt):
    rule, x, episodes, _, moved, after = learnt
    lived = rule.lived(0, episodes)
    z = rule.encoded(after[0].networks.encoder, lived.features, lived.seen.alive, 2)
    np.testing.assert_allclose(condition(moved), z, atol=1e-6)
    assert float(jnp.abs(z).min()) > 0
    np.testing.assert_array_equal(after[0].features, lived.features)
    np.testing.assert_array_equal(condition(x), [0.0, 0.0])


def test_it_infers_with_the_encoder_that_has_just_learnt(learnt):
    """The encoder first learns in the second interaction, since nothing is known before the first."""
    rule, _, episodes, _, x, state = learnt
    moved, after = learn(state, x, episodes, critic_rate=0.1)
    lived = rule.lived(0, episodes)
    old, new = (rule.encoded(s[0].networks.encoder, lived.features, lived.seen.alive, 2) for s in (state, after))
    np.testing.assert_allclose(condition(moved), new, atol=1e-6)
    assert float(jnp.abs(old - new).max()) > 0.01


@pytest.mark.parametrize("reward", [-100.0, 100.0])
def test_what_is_paid_is_done_more_often_and_what_costs_less_often(learnt, reward):
    _, x, episodes, state, *_ = learnt
    one_step = episodes.alive.at[:, 1:].set(0)
    told = episodes._replace(alive=one_step, actions=0 * episodes.actions, rewards=reward + 0 * episodes.rewards)
    moved, _ = learn(state, x, told, far_discount=0.0)
    before, after = (log_prob(row[: SEES.policy_size - 2], told)[0, 0] for row in (x[0], moved[0]))
    assert np.sign(after - before) == np.sign(reward)


def test_every_episode_answers_for_its_part_of_what_comes_after_all(learnt):
    """The gradient of what comes next by hand: three times its value, times the discount of each of the four rounds."""
    rule, x, episodes, state, *_ = learnt
    near, far = (
        learn(state, x, episodes, longest_gradient=1e6, far_discount=g)[1][0].of_policy[1][0].mu for g in (0.0, 0.5)
    )
    lived = rule.lived(0, episodes)
    z = rule.encoded(state[0].networks.encoder, lived.features, lived.seen.alive, 2)
    value = rule.values(state[0].networks.critic, lived.seen.observations[:1, :1], z)[0, 0]
    until_then = 0.8 ** jnp.arange(3.0, -1.0, -1.0)
    score = jax.grad(lambda own: jnp.mean(until_then * log_prob(own, episodes)))(x[0, : SEES.policy_size - 2])
    first = 1 / sum(0.8**t for t in range(4))  # weight of the first round, the unit of the values
    np.testing.assert_allclose(far - near, -0.1 * 0.5 * 3 * value * score / first, rtol=1e-4, atol=1e-7)


def test_a_seat_without_a_place_for_it_stays(learnt):
    _, x, _, state, moved, after = learnt
    np.testing.assert_array_equal(moved[1], x[1])
    jax.tree.map(np.testing.assert_array_equal, state[1], after[1])


def test_features_are_what_was_seen_done_and_paid(learnt):
    rule, _, episodes, *_ = learnt
    features = rule.lived(0, episodes).features[1, 2]
    np.testing.assert_array_equal(features[:5], episodes.observations[1, 2, 0])
    np.testing.assert_array_equal(features[5:7], np.eye(2)[episodes.actions[1, 2, 0]])
    first = 1 / sum(0.8**t for t in range(4))  # weight of the first of four rounds; payoffs have a range of 3
    np.testing.assert_allclose(features[7], episodes.rewards[1, 2, 0] / 3 * first * 4, rtol=1e-5)


def test_nothing_is_inferred_before_the_first_interaction(learnt):
    rule, _, _, state, *_ = learnt
    z = rule.encoded(state[0].networks.encoder, state[0].features, state[0].counts, 2)
    np.testing.assert_array_equal(z, [0.0, 0.0])


def test_the_last_reward_counts_what_comes_after_the_interaction(learnt):
    rule, _, episodes, *_ = learnt
    seen = rule.lived(0, episodes).seen
    start = jnp.array([1.0, 2.0, 3.0])
    far = rule.far_sighted(seen, start).rewards - seen.rewards
    np.testing.assert_allclose(far[:, :-1], 0, atol=1e-7)
    np.testing.assert_allclose(far[:, -1], 0.95 * start, rtol=1e-5)
    myopic = lili(far_discount=0.0).far_sighted(seen, start)
    np.testing.assert_array_equal(myopic.rewards, seen.rewards)


def test_the_decoder_learns_what_comes_next(learnt):
    _, x, episodes, state, *_ = learnt
    rule = lili(critic_rate=0.02)

    @jax.jit
    def errors():
        def again(state, _):
            before = state[0].features, state[0].counts
            error = rule.error(state[0].networks, before, rule.lived(0, episodes), 2)
            return rule.learn(None, state, x, episodes, KEY)[1], error

        return jax.lax.scan(again, state, length=60)[1]

    found = errors()
    assert float(found[-1]) < 0.3 * float(found[1])


def test_a_condition_is_an_input():
    numbers = SEES.init(KEY)
    at = [SEES.act(numbers.at[-2].set(z), jnp.zeros(0), jnp.eye(5)[0])[0] for z in (0.0, 1.0)]
    assert not np.allclose(at[0], at[1])


def test_a_copycat_cooperates_as_often_as_the_other_did():
    tables = attrs.evolve(GAME, policies=(Table(**ARGUMENTS), Table(**ARGUMENTS)))
    cat, x = Copycat(game=tables), tables.init(KEY)
    actions = jnp.array([[[1, 0]] * 4, [[1, 0]] * 4, [[1, 1]] + [[0, 0]] * 3])  # 9 and 1 of 12
    episodes = jax.jit(tables.play)(x, KEY)._replace(actions=actions)
    steps, _ = cat.learn(None, (), x, episodes, KEY)
    np.testing.assert_allclose(jax.nn.sigmoid(x + steps), [[1 / 12] * 5, [9 / 12] * 5], rtol=1e-5)


def test_a_copycat_needs_tables():
    seats = attrs.evolve(GAME, policies=(SEES, SEES))
    with pytest.raises(BadCombination, match="expected a game of two actions and tables"):
        Copycat(game=seats)


@pytest.mark.long
@pytest.mark.parametrize(
    ("discount", "far_discount", "optimum"), [(0.96, 0.95, -1.0), (0.8, 0.95, -2.0), (0.96, 0.0, -2.0)]
)
def test_it_leads_a_copycat_to_cooperate_unless_it_is_myopic(discount, far_discount, optimum):
    """Dynamic programming: an interaction pays -2 + 2 y - c, and the next y is c, so cooperation is best if 2 g d > 1,
    d the discount over the five rounds of an interaction. Of twelve keys, two ended in cooperation every other time."""
    rules, own = meva.make("game", "ipd", discount=discount).rules(), ConditionedMLP(**ARGUMENTS, condition_size=2)
    game = Rollouts(rules=rules, policies=(own, Table(**ARGUMENTS)), episodes=1, horizon=5)
    rule = meva.make("learner", "lili", game=game, critic={"name": "mlp"}, far_discount=far_discount)
    match = Match(game=game, players=(Fitted(learner=rule), Fitted(learner=Copycat(game=game))), seats=(0, 1))

    def payoffs(key):
        return lifetime(match, game.init(key), key, 8000, lambda step: game.payoff(step.after)[0])[1]

    found = jax.jit(jax.vmap(payoffs))(jax.vmap(jax.random.key)(jnp.arange(1000, 1008)))
    assert np.sum(np.abs(found[:, -800:].mean(axis=1) - optimum) < 0.05) >= 5


@pytest.mark.long
def test_what_it_learns_does_not_depend_on_the_unit_of_payoffs():
    @jax.jit
    def moved(rules):
        rule, x = lili(attrs.evolve(GAME, rules=rules)), GAME.init(KEY)
        state, episodes = first_state(rule, None, x, KEY), rule.game.play(x, KEY)
        return rule.learn(None, state, x, episodes, KEY)[0]

    one, other = (
        moved(meva.make("game", "matrix", payoffs_1=[[-2.0 * u, 0.0], [-3.0 * u, -u]], discount=0.8).rules())
        for u in (1.0, 1024.0)
    )
    np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)
