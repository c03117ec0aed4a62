"""Fingerprints: values of what policies answer, not of the numbers that they are made of."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import meva_core as meva
from meva_core.errors import BadCombination
from meva_core.sampling import Rollouts, WithPolicies, policy_arguments

IPD, COINS = meva.make("game", "ipd"), meva.make("game", "coin_game")
KEY = jax.random.key(0)
SIZES = {"outputs": 3, "conditions": 1, "width": 8, "blocks": 1, "equivariant": True}


def policy(name, rules=None, **settings) -> Any:
    return meva.make("policy", name, **policy_arguments(rules or IPD.rules()), **settings)


def exact(*policies):
    return WithPolicies(game=IPD, policies=policies * (2 // len(policies)))


def played(rules, *policies):
    return Rollouts(rules=rules, policies=policies * (2 // len(policies)), horizon=6, episodes=2)


def make(game, name="fingerprint", **settings) -> Any:
    return meva.make("value_model", name, game=game, **{**SIZES, **settings})


def draw(game):
    return jax.vmap(game.init)(jax.random.split(KEY, 4))


@jax.jit
def values(model, params, x, others):
    condition = jnp.linspace(0.1, 0.9, 2)[:, None]
    each = jax.vmap(lambda x, others: model.head(params, model.features(params, x, others, condition)))
    return each(x, others)


def slopes(model, params, x):
    return jax.grad(lambda x: jnp.sum(values(model, params, x, x) ** 2))(x)


@pytest.mark.parametrize("game", [IPD, exact(policy("table"))], ids=["of tables", "between tables"])
@pytest.mark.parametrize("transform", ["identity", "sigmoid", "tanh"])
def test_asked_at_all_states_a_table_has_the_values_of_its_numbers(game, transform):
    """So fingerprints are what the paired MLP is, where policies are tables."""
    settings = {"transform": transform, "input_scale": 0.5}
    asked, seen = make(game, probe_rate=0.0, **settings), make(IPD, "paired_mlp", **settings)
    network, x = seen.init(KEY), draw(IPD)
    params = asked.init(KEY)._replace(network=network)
    np.testing.assert_allclose(values(asked, params, x, x[::-1]), values(seen, network, x, x[::-1]), atol=1e-6)
    np.testing.assert_allclose(slopes(asked, params, x), slopes(seen, network, x), atol=1e-6)


def test_the_order_of_hidden_units_changes_nothing():
    net = policy("mlp", width=4)
    game = exact(net)
    model = make(game)
    params, x, order = model.init(KEY), draw(game), jnp.array([2, 0, 3, 1])
    # Weights [5, 4] and biases [4] of the hidden layer, weights [4, 1] and a bias [1] of the last.
    swapped = jnp.concatenate([jnp.arange(20).reshape(5, 4)[:, order].ravel(), 20 + order, 24 + order, jnp.array([28])])
    assert net.policy_size == 29
    there = x[..., swapped]
    assert not np.allclose(there, x)
    np.testing.assert_allclose(values(model, params, there, there), values(model, params, x, x), atol=1e-5)
    np.testing.assert_allclose(slopes(model, params, there), slopes(model, params, x)[..., swapped], atol=1e-4)


def test_what_is_added_to_all_logits_changes_nothing():
    """With three actions, all logits plus a constant are the same policy."""
    game = meva.make("game", "normal_form")
    model, x = make(game), draw(game)
    params = model.init(KEY)
    assert game.rules().num_actions == 3
    np.testing.assert_allclose(values(model, params, x + 2, x + 2), values(model, params, x, x), atol=1e-5)
    assert not np.allclose(values(model, params, 2 * x, 2 * x), values(model, params, x, x))


def test_numbers_that_answer_no_question_do_not_count():
    game = exact(policy("table"))
    model = make(game, probes=2)  # asked in the first two states only
    assert np.flatnonzero(np.any(slopes(model, model.init(KEY), draw(game)), axis=(0, 1))).tolist() == [0, 1]


def test_probes_are_learnt_at_a_share_of_the_rate():
    """They are kept divided by that share, so that a step of Adam moves them so much less."""
    x = draw(game := exact(policy("mlp", width=4)))
    found = {}
    for rate in (0.0, 0.1, 1.0):
        model = make(game, probe_rate=rate)
        params = model.init(KEY)
        np.testing.assert_allclose(params.probes * (rate or 1), np.eye(5)[:, None], rtol=1e-6)
        found[rate] = jax.grad(lambda params, model=model: jnp.sum(values(model, params, x, x)))(params).probes
    assert np.any(found[1.0])
    np.testing.assert_allclose(found[0.1], 0.1 * found[1.0], rtol=1e-4, atol=1e-7)
    assert not np.any(found[0.0])
    adam = optax.adam(1e-3)
    stepped, _ = adam.update(found[0.1], adam.init(found[0.1]))
    np.testing.assert_allclose(0.1 * np.abs(np.asarray(stepped)), 1e-4, rtol=1e-2)


def test_with_memory_a_probe_is_a_sequence_that_players_see():
    game = played(IPD.rules(), policy("gru", width=3))
    model = make(game, probes=6)
    probes = model.init(KEY).probes * model.probe_rate
    assert probes.shape == (6, 4, 5)
    np.testing.assert_allclose(np.sum(np.isclose(probes, 1), axis=-1), 1)
    np.testing.assert_allclose(probes[:, 0], np.tile(np.eye(5)[0], (6, 1)), atol=1e-6)  # the first thing that they see
    assert len(np.unique(probes.round(3), axis=0)) > 1


def test_rule_based_players_answer_by_their_rule():
    game = played(IPD.rules(), policy("gru", width=3))
    model, x = make(game, equivariant=False), draw(game)
    params = jax.jit(model.init)(KEY)
    last = jnp.asarray(game.strategies["tit_for_tat"])[-1]  # the number that chooses the rule
    found = values(model, params, *[x.at[:, 1, -1].set(last)] * 2)
    others = x.at[:, 1, :-1].set(x[::-1, 1, :-1])
    np.testing.assert_array_equal(found, values(model, params, *[others.at[:, 1, -1].set(last)] * 2))
    assert not np.allclose(found, values(model, params, x, x))


@pytest.mark.parametrize("network", ["mlp", "gru"])
def test_in_games_of_many_observations_probes_are_some_of_them(network):
    model = make(played(COINS, policy(network, COINS, width=3)))
    probes = np.asarray(jax.jit(model.init)(KEY).probes * model.probe_rate)
    assert probes.shape == (16, 4 if network == "gru" else 1, COINS.observation_size)
    assert np.all(np.isclose(probes, 0, atol=1e-6) | np.isclose(probes, 1, atol=1e-6))
    np.testing.assert_array_equal(probes.sum(axis=-1), 3)  # two players, and a coin
    assert len(np.unique(probes, axis=0)) > 8


def test_policies_of_several_kinds_answer_the_same_questions():
    game = exact(policy("table"), policy("mlp", width=3))
    model = make(game, equivariant=False)
    x = draw(game)
    found = np.any(slopes(model, model.init(KEY), x), axis=0)
    assert np.all(found[0, :5])
    assert not np.any(found[0, 5:])
    assert np.any(found[1, 5:])


@pytest.mark.parametrize("game", [IPD, exact(policy("mlp", width=3)), played(IPD.rules(), policy("mlp", width=3))])
def test_a_sequence_of_observations_is_for_policies_that_remember(game):
    with pytest.raises(BadCombination, match=r"length = 1 for policies without memory, got 2: leave it unset"):
        make(game, length=2)


def test_it_needs_players_who_choose_actions():
    with pytest.raises(BadCombination, match=r"use value_model\.name = paired_mlp"):
        make(meva.make("game", "tandem"))
