"""The learner in_context: whom it meets, what it is told, and that it is actor-critic."""

from typing import Any

import attrs
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from meva_policies.gru import GRU
from meva_policies.table import Table
from meva_policy_gradient.critics import LikePolicy
from meva_policy_gradient.in_context import InContext
from meva_policy_gradient.pool import Memoryless, play_against_pool
from meva_policy_gradient.ppo import PPO

import meva_core as meva
from meva_core.contracts import component
from meva_core.contracts.states import first_state
from meva_core.errors import BadCombination
from meva_core.sampling import Rollouts, logits_along, policy_arguments

KEY = jax.random.key(0)
RULES = meva.make("game", "ipd").rules()


def game_of(policy: Any = Table, **width):
    own = policy(**policy_arguments(RULES), **width)
    return Rollouts(rules=RULES, policies=(own, own), episodes=3, horizon=4)


def learner(game, **settings) -> Any:
    return InContext(game=game, critic=LikePolicy(policy=game.policies[0]), **settings)


@component
class AsTheyAre(PPO):
    """PPO whose advantages are not standardised."""

    def gains(self, judged):
        return judged.advantages


def test_without_a_pool_it_is_actor_critic():
    game = game_of()
    rule = learner(game, pool=0.0, batch_size=3, rate=0.1)
    training = rule.training
    state = training.init(KEY)
    after, metrics = jax.jit(training.step)(state, KEY)
    among, _, learn = jax.random.split(KEY, 3)
    settings = {name: getattr(rule, name) for name in ("rate", "critic_rate", "trace", "entropy_weight")}
    plain: Any = AsTheyAre(game=game, critic=rule.critic, epochs=1, minibatches=1, **settings)
    steps, _ = jax.jit(lambda: plain.learn(None, state.learning, state.x, game.play(state.x, among), learn))()
    np.testing.assert_allclose(after.x - state.x, steps, atol=1e-6)
    assert set(metrics) == {"payoff"}


def test_half_of_a_player_s_episodes_are_against_fixed_co_players():
    training = learner(game_of(), batch_size=6).training
    x = training.init(KEY).x
    assert len(training._among(x, KEY).alive) == len(training._against_pool(0, x, KEY).alive) == 3
    alone = learner(game_of(), batch_size=6, pool=1.0).training
    assert alone._among(x, KEY) is None
    assert set(jax.eval_shape(alone.step, alone.init(KEY), KEY)[1]) == {"against_pool"}


def test_co_players_choose_by_what_they_see_and_are_uniform():
    fixed = Memoryless(num_observations=5, num_actions=2)
    logits = jax.vmap(fixed.init)(jax.random.split(KEY, 4000)).reshape(-1, 5, 2)
    shares = np.sort(np.asarray(jax.nn.softmax(logits)[..., 1]), axis=0)
    uniform = (np.arange(4000)[:, None] + 0.5) / 4000
    assert np.abs(shares - uniform).max() < 0.04  # Kolmogorov and Smirnov, at 1 in 10,000
    seen = jnp.eye(5)[3]
    np.testing.assert_allclose(fixed.act(logits[0].ravel(), jnp.zeros(0), seen)[0], logits[0, 3], rtol=1e-6)


@pytest.mark.long
def test_co_players_are_finite_however_many_are_drawn():
    """A fit draws billions of numbers. At one in eight million, the generator's least, its logarithm would be infinite,
    and all that is learnt would be lost."""
    fixed = Memoryless(num_observations=500, num_actions=2)
    drawn = jax.jit(lambda key: jnp.all(jnp.isfinite(jax.vmap(fixed.init)(jax.random.split(key, 10_000)))))
    assert all(drawn(key) for key in jax.random.split(KEY, 4))


@pytest.mark.parametrize("seat", [0, 1])
def test_an_announced_co_player_is_known_from_every_observation(seat):
    game = game_of()
    own = game.init(KEY)[seat]
    plain, told = (
        jax.jit(lambda announced=announced: play_against_pool(game, seat, own, 3, announced, KEY))()
        for announced in (False, True)
    )
    np.testing.assert_array_equal(told.observations[:, 0, seat], -plain.observations[:, 0, seat])
    assert bool((told.observations[:, :, seat].sum(axis=-1) == -1).all())
    assert bool((told.observations[:, :, 1 - seat].sum(axis=-1) == 1).all())
    np.testing.assert_array_equal(told.observations[:, 0, 1 - seat], plain.observations[:, 0, 1 - seat])
    along = jax.nn.log_softmax(
        jax.vmap(lambda seen: logits_along(game.policies[seat], own, seen))(told.observations[:, :, seat])
    )
    taken = np.take_along_axis(np.asarray(along), np.asarray(told.actions[:, :, seat, None]), axis=-1)[..., 0]
    np.testing.assert_allclose(told.log_probs[:, :, seat], taken, rtol=1e-5)


def test_always_defecting_pays_against_the_pool_as_in_the_closed_form():
    """A fixed co-player cooperates half of the time, whatever it sees: -2 / 2 + 0 / 2 per round."""
    game = attrs.evolve(game_of(), horizon=10)
    own = jnp.zeros(game.policy_size).at[:5].set(-30.0)
    rewards = play_against_pool(game, 0, own, 4000, False, KEY).rewards[:, :, 0]
    assert float(rewards.mean()) == pytest.approx(-1.0, abs=0.05)


def test_in_a_match_it_stays_what_it_is():
    rule = learner(game_of())
    x = rule.game.init(KEY)
    params = x + 1
    np.testing.assert_array_equal(rule.start(params, x, KEY), params)
    np.testing.assert_array_equal(rule.update(params, first_state(rule, params, x, KEY), x, KEY)[0], 0 * x)


def test_a_pool_needs_states_to_choose_by():
    rules = meva.make("game", "coin_game")
    own = GRU(**policy_arguments(rules), width=2)
    game = Rollouts(rules=rules, policies=(own, own), episodes=2, horizon=2)
    with pytest.raises(BadCombination, match=r"set learner\.pool = 0"):
        learner(game)
    assert learner(game, pool=0.0).pool == 0


@pytest.mark.long
def test_what_it_learns_does_not_depend_on_the_unit_of_payoffs():
    def learnt(unit):
        tables = [[-2.0 * unit, 0.0], [-3.0 * unit, -unit]]
        rules = meva.make("game", "matrix", payoffs_1=tables).rules()
        training = learner(attrs.evolve(game_of(), rules=rules), batch_size=4).training
        after, metrics = jax.jit(training.step)(training.init(KEY), KEY)
        return after.x, metrics["payoff"] / unit

    for one, other in zip(learnt(1.0), learnt(1024.0), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)
