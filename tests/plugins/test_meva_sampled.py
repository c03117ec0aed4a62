"""MeVa where payoffs are estimated from episodes: against exact payoffs, and without bias."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from meva_meta_value import rollout
from meva_policies.table import Table

import meva_core as meva
from meva_core.contracts import EpisodeLearner, Game, component, part
from meva_core.errors import BadCombination
from meva_core.match import Fitted
from meva_core.sampling import Enumerated, Rollouts, policy_arguments

RULES = meva.make("game", "ipd", discount=0.9).rules()
TABLE = Table(**policy_arguments(RULES))
KEY, ROUNDS = jax.random.key(0), 3
REWARDS = jnp.array([[-2.0, -2.0], [0.0, -3.0], [-3.0, 0.0], [-1.0, -1.0]])  # DD DC CD CC


@component
class InClosedForm(Game):
    """Three rounds of the prisoner's dilemma between tables, by the probabilities of what happens in each."""

    played: Any = part()

    num_players, policy_size, symmetric = 2, 5, True

    @property
    def payoff_range(self):
        return self.played.payoff_range

    def init(self, key):
        return self.played.init(key)

    def payoff(self, x):
        cooperate = jax.nn.sigmoid(x)  # in the states start, DD, DC, CD, CC of player 1
        mine, theirs = cooperate[0], cooperate[1][jnp.array([0, 1, 3, 2, 4])]
        chances = jnp.stack([(1 - mine) * (1 - theirs), (1 - mine) * theirs, mine * (1 - theirs), mine * theirs])
        now, total, weight = chances[:, 0], 0.0, 0.0
        for t in range(ROUNDS):
            total, weight = total + 0.9**t * now @ REWARDS, weight + 0.9**t
            now = chances[:, 1:] @ now
        return total / weight


def played(kind: Any = Rollouts, **settings: Any) -> Any:
    return kind(rules=RULES, policies=(TABLE, TABLE), horizon=ROUNDS, **settings)


def make(game, **settings) -> Any:
    tiny = {"quantiles": 4, "batch_size": 4, "trajectory": 4, "stride": 2, "loops": 2, "rate": 2.0}
    return meva.make("learner", "meva", game=game, value_model={"width": 8, "blocks": 0}, **{**tiny, **settings})


def explored(learner, params, key):
    """An exploring trajectory of one stride, and a rollout of the unperturbed learner from its end."""
    start_key, explore_key, roll_key = jax.random.split(key, 3)
    after = rollout.explore(learner, params, rollout.start(learner, params, start_key), explore_key)
    return after, rollout.on_policy(learner, params, after, roll_key)


@pytest.mark.parametrize("formulation", ["correction", "value"])
def test_from_all_episodes_it_is_what_it_is_on_exact_payoffs(formulation):
    settings = {"formulation": formulation, "explore_along": "update"}
    sampled = make(played(Enumerated), **settings)
    exact = make(InClosedForm(played=sampled.game), **settings)
    params = sampled.model.init(KEY)
    (after, data), (expected, exactly) = (jax.jit(explored)(learner, params, KEY) for learner in (sampled, exact))
    assert np.all(np.abs(np.diff(data.x, axis=0)).max(axis=(1, 2)) > 1e-3)
    np.testing.assert_allclose(after.x, expected.x, atol=1e-5)
    np.testing.assert_allclose(data.x, exactly.x, atol=1e-5)
    np.testing.assert_allclose(data.payoffs, exactly.payoffs, atol=1e-5)


def test_targets_have_no_bias_and_less_noise_from_more_episodes():
    """With formulation `value` the states are the same for every key, so that targets differ by payoffs alone."""
    keys, deviations = jax.random.split(KEY, 2000), {}
    for episodes in (1, 16):
        learner = make(played(episodes=episodes), formulation="value", discount_draw="fixed")
        params = learner.model.init(KEY)
        begun = rollout.start(learner, params, KEY)

        @jax.jit
        def targets(key, learner=learner, params=params, begun=begun):
            data = rollout.on_policy(learner, params, begun, key)
            exactly = jax.vmap(InClosedForm(played=learner.game).payoff)(data.x)
            found, expected = (learner.training.targets(params, d) for d in (data, data._replace(payoffs=exactly)))
            return jnp.mean(found, axis=-1), jnp.mean(expected, axis=-1)

        found, expected = map(np.asarray, jax.vmap(targets)(keys))
        np.testing.assert_allclose(expected, np.broadcast_to(expected[:1], expected.shape), atol=1e-6)
        deviations[episodes] = found.std(axis=0)
        errors = np.abs(found.mean(axis=0) - expected[0]) / (deviations[episodes] / len(keys) ** 0.5)
        assert np.all(errors < 4)
    np.testing.assert_allclose(deviations[1] / deviations[16], 4, rtol=0.15)


@component
class CountsCooperation(EpisodeLearner):
    """Moves by the share of episodes' actions that were to cooperate, and remembers how often it learnt."""

    def init(self, params, x, key):
        return jnp.zeros(())

    def learn(self, params, state, x, episodes, key):
        return jnp.full_like(x, jnp.mean(episodes.actions, dtype=x.dtype)), state + 1


def test_rivals_who_learn_from_episodes_learn_from_those_that_are_played():
    game = played(episodes=8)
    learner = make(game, rivals=(None, Fitted(learner=CountsCooperation())))
    params = learner.model.init(KEY)
    begun = rollout.start(learner, params, KEY)
    data = jax.jit(rollout.on_policy)(learner, params, begun, KEY)
    moves = np.diff(data.x[:, 1], axis=0)  # by eight episodes of three rounds, of two actions
    np.testing.assert_allclose(moves, np.broadcast_to(moves[:, :1], moves.shape), atol=1e-6)
    np.testing.assert_allclose(moves * 48, np.round(moves * 48), atol=1e-4)
    assert np.all((moves > 0) & (moves < 1))
    assert jax.jit(rollout.explore)(learner, params, begun, KEY).rivals[1] == learner.stride


@component
class Remembers(CountsCooperation):
    """A player with a memory that lasts over all episodes of a match."""

    remembers = True


def test_rivals_that_it_cannot_be_fitted_against():
    with pytest.raises(BadCombination, match="expected rivals who begin every episode afresh, got Remembers"):
        make(played(), rivals=(None, Fitted(learner=Remembers())))
    with pytest.raises(BadCombination, match="CountsCooperation learns from episodes: expected a game that is played"):
        make(InClosedForm(played=played()), rivals=(None, Fitted(learner=CountsCooperation())))


def test_episodes_of_payoffs_and_steps_are_drawn_apart():
    """The payoff at a state does not tell in which direction players step from it."""
    learner = make(played(episodes=1), discount=0.0, discount_draw="fixed")
    params = learner.model.init(KEY)
    begun = rollout.start(learner, params, KEY)

    def one(key):
        data = rollout.on_policy(learner, params, begun, key)
        return data.payoffs[0, 0], data.x[1, 0, 0] - data.x[0, 0, 0]

    paid, steps = map(np.asarray, jax.jit(jax.vmap(one))(jax.random.split(KEY, 3000)))
    assert len(np.unique(paid)) > 4
    assert np.abs(np.corrcoef(paid, steps)[0, 1]) < 4 / 3000**0.5
