"""Best response shaping with a learnt best response, in double precision."""

import attrs
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from meva_best_response import detective
from meva_best_response.detective_shaping import DetectiveShaping

import meva_core as meva
from meva_core import evaluate
from meva_core.errors import BadCombination
from meva_core.sampling import Enumerated, Rollouts, WithPolicies, policy_arguments

KEY = jax.random.key(0)
X = jnp.array([[0.3, -0.2, 0.5, -1.0, 0.8], [1.2, 0.4, -0.6, 0.1, -0.9]])


@pytest.fixture(scope="module", autouse=True)
def in_double_precision():
    with jax.enable_x64(True):
        yield


@pytest.fixture(scope="module")
def game():
    return meva.make("game", "ipd")


@pytest.fixture(scope="module")
def x():
    return X.astype(float)


@pytest.fixture(scope="module")
def enumerated(game):
    """The game of two rounds, with every estimate made of all episodes: it is exact, and so are its derivatives."""
    table = meva.make("policy", "table", **policy_arguments(game.rules()))
    return Enumerated(rules=game.rules(), policies=(table, table), horizon=2)


def learner_of(game, **settings):
    """Small, and of the same sizes in all tests, which so share their programs."""
    return DetectiveShaping(game=game, width=16, detective_steps=4, batch_size=2, buffer_size=2, **settings)


@jax.jit
def init(learner, x):
    return learner.init(None, x, KEY)


@jax.jit
def update(learner, state, x, key):
    return learner.update(None, state, x, key)


def layers_of(state, seat):
    return jax.tree.map(lambda leaf: leaf[seat], state.layers)


@jax.jit
def worths(learner, state, x):
    """The objective of both players, f64[2]."""
    return jnp.stack([learner.worth(x[seat], seat, layers_of(state, seat), KEY) for seat in range(2)])


@jax.jit
def paid_to_detectives(learner, state, x):
    """The payoff of each player's detective, f64[2]."""
    paid = [learner.payoffs_against_detective(x[seat], seat, layers_of(state, seat), KEY) for seat in range(2)]
    return jnp.stack([paid[0][1], paid[1][0]])


def test_steps_are_differences_of_the_objective(game, x):
    learner, size = learner_of(game, rate=3.0, self_play_weight=0.7), 1e-5
    found, after = update(learner, init(learner, x), x, KEY)
    for move in np.eye(10).reshape(10, 2, 5)[::3]:
        apart = worths(learner, after, x + size * move) - worths(learner, after, x - size * move)
        np.testing.assert_allclose(jnp.sum(found * move, axis=1), 3.0 * apart / (2 * size), rtol=1e-5, atol=1e-8)


def test_derivatives_through_answers_from_episodes_are_those_of_differences(enumerated, x):
    learner, size = learner_of(enumerated, self_play_weight=0.0), 1e-5
    layers = detective.fresh(KEY, (20, 3, 10))
    slope = jax.jit(jax.value_and_grad(lambda own: learner.worth(own, 0, layers, KEY)))
    for move in np.eye(5)[:4]:
        apart = slope(x[0] + size * move)[0] - slope(x[0] - size * move)[0]
        assert slope(x[0])[1] @ move == pytest.approx(float(apart) / (2 * size), rel=1e-5)


def test_the_detective_learns_a_best_response(game):
    """Players like tit-for-tat are the ones that it meets: with them it does not pay to do harm."""
    learner = learner_of(game, self_play_weight=1.0, noise=0.0)
    x = jnp.stack([game.strategies["tit_for_tat"] / 8] * 2)
    state = before = init(learner, x)
    for key in jax.random.split(KEY, 100):
        state = update(learner, state, x, key)[1]
    best = jnp.diagonal(evaluate.best_responses(game, x, KEY).payoffs)[::-1]
    assert jnp.all(paid_to_detectives(learner, before, x) < best - 0.1)
    assert jnp.all(paid_to_detectives(learner, state, x) > best - 0.02)


def test_one_agent_of_a_batch_is_the_present_policy_and_all_are_disturbed(game, x):
    learner = DetectiveShaping(game=game, width=4, detective_steps=1, batch_size=1, buffer_size=2, noise=0.0)
    state = init(learner, x)
    found = [
        update(rule, before, x, KEY)[1].layers
        for rule, before in (
            (learner, state),
            (learner, state._replace(agents=state.agents + 1)),
            (attrs.evolve(learner, noise=1.0), state),
        )
    ]
    first, of_other_agents, noisy = (np.asarray(layers[-1][0]) for layers in found)
    np.testing.assert_array_equal(of_other_agents, first)
    assert np.abs(noisy - first).max() > 1e-3


def test_agents_are_kept_in_turn(game, x):
    learner = learner_of(game, self_play_weight=1.0)
    state = init(learner, x)
    for n in range(3):
        state = update(learner, state, x + n, KEY)[1]
    np.testing.assert_allclose(state.agents, jnp.stack([x + 2, x + 1], axis=1))
    assert state.count.tolist() == [3, 3]


def test_steps_know_no_unit_of_payoffs(game, x):
    learner = learner_of(game, rate=2.0, self_play_weight=1.0)
    expected = update(learner, init(learner, x), x, KEY)[0]
    for unit, zero in ((1e3, 0.0), (1.0, 100.0)):
        table = tuple(map(tuple, (unit * np.array([[-2.0, 0.0], [-3.0, -1.0]]) + zero).tolist()))
        other = attrs.evolve(learner, game=meva.make("game", "ipd", table=table), rate=2.0 / unit)
        np.testing.assert_allclose(update(other, init(other, x), x, KEY)[0], expected, rtol=1e-4)


@pytest.mark.parametrize(("name", "played"), [("mlp", False), ("mlp", True), ("gru", True)])
def test_networks_are_refused_in_one_line(game, name, played):
    network = meva.make("policy", name, width=3, **policy_arguments(game.rules()))
    policies = (network, network)
    made = Rollouts(rules=game.rules(), policies=policies) if played else WithPolicies(game=game, policies=policies)
    with pytest.raises(BadCombination, match="expected tables as policies for a detective"):
        DetectiveShaping(game=made)


def test_a_game_that_is_only_played_is_refused_in_one_line():
    rules = meva.make("game", "coin_game")
    network = meva.make("policy", "mlp", width=3, **policy_arguments(rules))
    with pytest.raises(BadCombination, match=r"expected the episodes of an exact game .* got CoinGame: try"):
        DetectiveShaping(game=Rollouts(rules=rules, policies=(network, network)))
