"""Natural gradients: against closed forms, POLA, and the same policies in other numbers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from meva_policies.mlp import MLP
from meva_policies.preconditioned import Preconditioned

import meva_core as meva
from meva_core.errors import BadCombination
from meva_core.ops import kl_divergence, natural_directions, natural_gradient, simultaneous_gradient
from meva_core.sampling import WithPolicies, policy_arguments

KEY = jax.random.key(0)
IPD = meva.make("game", "ipd")


def in_other_numbers(policy):
    return WithPolicies(game=IPD, policies=(policy, policy))


def change_of_logits(game, x, step):
    """The change of the logits of cooperation along a step, f32[P, N]."""
    _, change = jax.jvp(game.to_logits, (x,), (step,))
    return change[..., 1] - change[..., 0]


@pytest.mark.parametrize("damping", [1e-3, 0.1])
def test_tables_in_closed_form(damping):
    x = IPD.init(KEY)
    gradient, p = simultaneous_gradient(IPD.payoff, x), jax.nn.sigmoid(x)
    found = natural_gradient(gradient, x, IPD.to_logits, damping)
    np.testing.assert_allclose(found, gradient / (p * (1 - p) + damping / 2), rtol=1e-3)


@pytest.mark.parametrize("kind", [Preconditioned, lambda **given: MLP(width=16, **given)], ids=["table", "network"])
def test_what_policies_do_changes_alike_whatever_their_numbers_mean(kind):
    game = in_other_numbers(kind(**policy_arguments(IPD.rules())))
    x = game.init(KEY)
    logits = game.tables(x)
    learner, same = (
        meva.make("learner", "naive", game=each, rate=3.0, gradient="natural", damping=0.05) for each in (game, IPD)
    )
    step, _ = learner.update((), (), x, KEY)
    expected, _ = same.update((), (), logits, KEY)
    np.testing.assert_allclose(change_of_logits(game, x, step), expected, atol=1e-4)
    plain = 3.0 * simultaneous_gradient(game.payoff, x)
    ordinary = 3.0 * simultaneous_gradient(IPD.payoff, logits)
    assert np.abs(change_of_logits(game, x, plain) - ordinary).max() > 0.05


def fisher(to_logits, x, damping):
    """The matrix f32[D, D] of one policy x f32[D] from the curvature of the divergence, and of the damping."""

    def apart(y):
        logits, moved = to_logits(x[None])[0], to_logits(y[None])[0]
        change = moved - logits
        centred = change - jnp.mean(change, axis=-1, keepdims=True)
        return jnp.sum(kl_divergence(logits, moved)) + damping * jnp.sum(centred**2) / 2

    return np.asarray(jax.hessian(apart)(x))


MIXED = np.random.default_rng(0).normal(size=(9, 2, 3))
OF_TWO = {  # what numbers do in two states with three actions, and how many there are
    "few": (lambda x, mixed: jnp.sin(jnp.tensordot(x, mixed[:2], 1)), 2),
    "as many": (lambda x, mixed: jnp.sin(jnp.tensordot(x, mixed[:4], 1)), 4),
    "more": (lambda x, mixed: jnp.sin(jnp.tensordot(x, mixed, 1)), 9),
    "redundant": (lambda x, mixed: jnp.tensordot(x[:, :2] + x[:, 2:], mixed[:2], 1), 3),
    "states that move together": (lambda x, mixed: jnp.sum(x) * mixed[:1, jnp.zeros(2, int)], 6),
}


@pytest.mark.parametrize("kind", OF_TWO)
@pytest.mark.parametrize("double", [True, False])
def test_any_numbers_against_the_pseudo_inverse(kind, double):
    act, size = OF_TWO[kind]
    draw = np.random.default_rng(1).normal(size=(2, 1, size))  # the gradient need not be one of the policy's
    with jax.enable_x64(True):
        x, gradient, mixed = jnp.array(draw[0]), jnp.array(draw[1]), jnp.array(MIXED)
        matrix = fisher(lambda x: act(x, mixed), x[0], 0.05)
    expected = np.linalg.pinv(matrix, rcond=1e-9) @ draw[1, 0]
    with jax.enable_x64(double):
        x, gradient, mixed = jnp.array(draw[0]), jnp.array(draw[1]), jnp.array(MIXED)
        found = natural_gradient(gradient, x, lambda x: act(x, mixed), 0.05)[0]
    tolerance = 1e-4 if double else 5e-3
    np.testing.assert_allclose(found, expected, atol=tolerance * np.abs(expected).max())


def test_along_natural_directions_all_policies_change_as_much():
    act, size = OF_TWO["more"]
    with jax.enable_x64(True):
        x, mixed = jax.random.normal(KEY, (1, size)), jnp.array(MIXED)
        matrix = fisher(lambda x: act(x, mixed), x[0], 0.05)
        (along,) = natural_directions(x, lambda x: act(x, mixed), 0.05)
    assert along.shape == (size, 4)  # two states, two of three actions
    along = np.asarray(along)
    np.testing.assert_allclose(along.T @ matrix @ along, np.eye(4), atol=1e-6)


def test_actions_that_a_player_lacks_and_saturated_states_stay_finite():
    uneven = meva.make("game", "normal_form", payoffs_1=[[3, 0, 1], [5, 1, 0]], payoffs_2=[[1, 2, 0], [0, 1, 2]])
    for game in (uneven, IPD):
        x = 20 * jnp.ones_like(game.init(KEY))
        step = natural_gradient(jnp.ones_like(x), x, game.to_logits, 1e-3)
        assert np.isfinite(step).all()


def test_small_natural_steps_are_proximal_ones():
    x, rate = IPD.init(KEY), 1e-3
    natural = meva.make("learner", "naive", game=IPD, rate=rate, gradient="natural", damping=1e-6)
    with jax.enable_x64(True):
        settings = {"look_ahead_rate": 0.0, "tolerance": 1e-12, "ascent_rate": 0.3}
        proximal = meva.make("learner", "pola", game=IPD, rate=rate, **settings)
        expected, _ = jax.jit(proximal.update)((), (), x.astype(float), KEY)
    step, _ = natural.update((), (), x, KEY)
    np.testing.assert_allclose(step, expected, rtol=2e-2)


def test_meva_follows_natural_gradients_at_play_and_while_it_explores():
    settings = {"quantiles": 4, "value_model": {"width": 8, "blocks": 0}, "explore_along": "update"}
    plain, learner = (
        meva.make("learner", "meva", game=IPD, rate=2.0, gradient=kind, **settings) for kind in ("plain", "natural")
    )
    params, x = learner.model.init(KEY), IPD.init(KEY)
    given, _ = plain.update(params, (), x, KEY)
    step, _ = learner.update(params, (), x, KEY)
    np.testing.assert_allclose(step, natural_gradient(given, x, IPD.to_logits, learner.damping), rtol=1e-4)
    noise = learner.explorer.draw(KEY, params, learner.model.num_features)
    wandering = [each.explore(params, x, each.discounts, noise, KEY) for each in (plain, learner)]
    expected = natural_gradient(wandering[0], x, IPD.to_logits, learner.damping)
    np.testing.assert_allclose(wandering[1], expected, rtol=1e-4)


def test_natural_meva_at_discount_0_is_natural_naive_learning():
    meta = meva.make("learner", "meva", game=IPD, rate=2.0, discount=0.0, gradient="natural", quantiles=4)
    naive = meva.make("learner", "naive", game=IPD, rate=2.0, gradient="natural")
    x = IPD.init(KEY)
    step, _ = meta.update(meta.model.init(KEY), (), x, KEY)
    np.testing.assert_allclose(step, naive.update((), (), x, KEY)[0], rtol=1e-5)


@pytest.mark.parametrize("name", ["naive", "meva"])
def test_games_without_probabilities_of_actions_have_none(name):
    with pytest.raises(BadCombination, match="expected a game whose policies are probabilities of actions"):
        meva.make("learner", name, game=meva.make("game", "logistic"), gradient="natural")
