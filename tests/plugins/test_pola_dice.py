"""Proximal LOLA from episodes: made of all that may happen, it is what it is by exact payoffs. In double precision."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from rounds import SEEN, Recurrent, Rounds, Table, Truncated

import meva_core as meva
from meva_core.errors import BadCombination
from meva_core.ops import kl_divergence
from meva_core.sampling import Enumerated, Rollouts, divergence_along, logits_along

RULES = Rounds(horizon=2)
EXACT, ENUMERATED = Truncated(rules=RULES), Enumerated(rules=RULES, policies=(Table(), Table()))
X = np.random.default_rng(4).normal(size=(2, 5))
KEY = jax.random.key(0)
PLAIN = {"optimiser": "sgd", "rate": 2.0, "look_ahead_rate": 3.0, "ascent_rate": 0.3, "response_rate": 0.5}


@pytest.fixture(scope="module", autouse=True)
def in_double_precision():
    with jax.enable_x64(True):
        yield


def pola_dice(game, **settings):
    return meva.make("learner", "pola_dice", game=game, **{**PLAIN, **settings})


@jax.jit
def learnt(learner, x, state):
    """The steps f64[2, 5] of a learner that does not look at the match's episodes, and its state."""
    return learner.learn(None, state, x, None, KEY)


def steps(learner, x):
    return learnt(learner, x, learner.init(None, x, KEY))[0]


def visits(x):
    """The mean over steps of the probability of every state, as each player sees it, f64[2, 5]."""
    cooperate = jax.nn.sigmoid(jnp.stack([x[0], x[1][SEEN[1]]]))
    joint = [a * b for a in (1 - cooperate[0], cooperate[0]) for b in (1 - cooperate[1], cooperate[1])]
    after = jnp.stack(joint, axis=1)
    now, seen = jnp.eye(5)[0], jnp.zeros(5)
    for _ in range(RULES.horizon):
        seen, now = seen + now / RULES.horizon, jnp.concatenate([jnp.zeros(1), now @ after])
    return jnp.stack([seen, seen[SEEN[1]]])


def worth(learner, now, x, i, rate):
    """rate f_i - KL(x_i || now_i), by exact payoffs, and with states weighted by how often they are visited."""
    old, new = (jnp.stack([jnp.zeros(5), each[i]], axis=1) for each in (x, now))
    moved = kl_divergence(old, new)
    return rate * jnp.asarray(EXACT.payoff(now))[i] - jax.lax.stop_gradient(visits(now)[i]) @ moved


def exactly(learner, x, i):
    """The step of player i by exact payoffs."""
    j = 1 - i

    def objective(z):
        now = x.at[i].set(z)
        for _ in range(learner.response_steps):
            slope = jax.grad(lambda y, now=now: worth(learner, now.at[j].set(y), x, j, learner.look_ahead_rate))
            now = now.at[j].add(learner.response_rate * slope(now[j]))
        return worth(learner, now, x, i, learner.rate)

    z = x[i]
    for _ in range(learner.ascent_steps):
        z = z + learner.ascent_rate * jax.grad(objective)(z)
    return z - x[i]


def test_on_all_episodes_it_is_proximal_lola_with_states_weighted_by_visits():
    learner, x = pola_dice(ENUMERATED, ascent_steps=2, response_steps=2), jnp.array(X)
    expected = jax.jit(lambda learner, x: jnp.stack([exactly(learner, x, i) for i in range(2)]))(learner, x)
    found = steps(learner, x)
    assert jnp.abs(found).min() > 1e-3
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_one_step_of_both_is_lola_dice():
    learner, x = pola_dice(ENUMERATED, ascent_steps=1, response_steps=1), jnp.array(X)
    lola = meva.make("learner", "lola", game=ENUMERATED, rate=0.3 * 2.0, look_ahead_rate=0.5 * 3.0)
    expected = jax.jit(lambda x: lola.update(None, (), x, KEY)[0])(x)
    np.testing.assert_allclose(steps(learner, x), expected, rtol=0, atol=1e-12)


def test_divergence_is_a_mean_over_the_steps_before_the_ends():
    game = Rollouts(rules=RULES, policies=(Table(), Table()), episodes=16, horizon=8, stopping="geometric")
    learner, x, now = pola_dice(game), jnp.array(X), jnp.array(X) + jnp.arange(5.0)
    near, episodes = jax.jit(lambda: (learner._near(now, x, 0, 0.0, KEY), game.play(now, KEY)))()
    moved = divergence_along(Table(), x[0], now[0], episodes.observations[:, :, 0])
    assert 0 < episodes.alive.mean() < 1
    np.testing.assert_allclose(near, -np.average(moved, weights=episodes.alive), rtol=1e-12)


def test_at_a_tiny_rate_nobody_moves():
    learner = pola_dice(ENUMERATED, ascent_steps=2, response_steps=2, rate=1e-9)
    assert jnp.abs(steps(learner, jnp.array(X))).max() < 1e-8


def test_moments_last_from_one_step_of_a_match_to_the_next():
    game = Rollouts(rules=RULES, policies=(Table(), Table()), episodes=8)
    learner = pola_dice(game, ascent_steps=2, response_steps=1, optimiser="adam")
    x, fresh = jnp.array(X), learner.init(None, jnp.array(X), KEY)
    first, state = learnt(learner, x, fresh)
    again, later = learnt(learner, x, state)
    assert [each[0].count.tolist() for each in (state, later)] == [[2, 2], [4, 4]]
    assert jnp.abs(first - again).max() > 1e-2


@pytest.mark.long
def test_players_with_memory_move_too():
    game = Rollouts(rules=RULES, policies=(Recurrent(), Recurrent()), episodes=4)
    learner = pola_dice(game, ascent_steps=1, response_steps=1, optimiser="adam")
    x = game.init(jax.random.key(1))
    lengths = jnp.abs(steps(learner, x))  # first steps of Adam have its rate's length, or 0 for what was not seen
    assert jnp.mean(jnp.abs(lengths - 0.3) < 1e-3) > 0.8


def test_the_divergence_along_episodes_is_that_of_the_outputs():
    policy, key = Recurrent(), jax.random.key(2)
    old, new, seen = policy.init(key), policy.init(jax.random.key(3)), jax.random.normal(key, (3, 4, 5))
    padded = jnp.append(new, 7.0)
    found, slope = jax.value_and_grad(lambda old: jnp.sum(divergence_along(policy, old, padded, seen)))(old)
    assert not jnp.any(slope)
    each = [kl_divergence(logits_along(policy, old, one), logits_along(policy, new, one)).sum() for one in seen]
    np.testing.assert_allclose(found, sum(each), rtol=1e-12)
    assert found > 0.1


def test_a_game_that_is_not_played_is_refused():
    with pytest.raises(BadCombination, match=r"POLADice .* expected a game that is played"):
        meva.make("learner", "pola_dice", game=meva.make("game", "ipd"))
