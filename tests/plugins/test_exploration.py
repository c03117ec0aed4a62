"""Exploration: what is perturbed, how often, and what a trajectory carries."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from meva_meta_value import rollout

import meva_core as meva
from meva_core.errors import BadValue

IPD = meva.make("game", "ipd")
WIDTH = 16


def learner(explorer):
    return meva.make(
        "learner",
        "meva",
        game=IPD,
        value_model={"width": WIDTH, "blocks": 0},
        explorer=explorer,
        quantiles=4,
        batch_size=4,
        trajectory=4,
        stride=2,
    )


def test_a_sign_flip_flips_the_outgoing_weights_of_the_unit():
    meva_learner = learner({"name": "sign_flip", "probability": 0.5})
    params = meva_learner.model.init(jax.random.key(0))
    noise = meva_learner.explorer.draw(jax.random.key(1), params, WIDTH)
    assert set(np.unique(noise)) == {-1.0, 1.0}
    flipped = {**params, "head": {**params["head"], "w": params["head"]["w"] * noise[:, None]}}
    x, discounts = IPD.init(jax.random.key(2)), jnp.array([0.3, 0.9])
    perturbed = meva_learner.quantile_values(params, x, x, discounts, noise)
    np.testing.assert_allclose(perturbed, meva_learner.quantile_values(flipped, x, x, discounts), rtol=1e-5, atol=1e-6)
    assert np.max(np.abs(perturbed - meva_learner.quantile_values(params, x, x, discounts))) > 0.1


def test_one_mask_for_all_players():
    explorer = meva.make("explorer", "sign_flip", probability=0.5)
    noise = explorer.draw(jax.random.key(0), None, 64)
    perturbed = explorer.perturb_features(noise, jnp.ones((3, 64)))
    for row in perturbed:
        np.testing.assert_array_equal(row, noise)


@pytest.mark.parametrize("probability", [1 / 16, 0.4])
def test_share_of_flips_is_the_probability(probability):
    explorer, units = meva.make("explorer", "sign_flip", probability=probability), 10_000
    share = np.mean(explorer.draw(jax.random.key(0), None, units) == -1.0)
    assert abs(share - probability) < 3 * np.sqrt(probability * (1 - probability) / units)


def test_default_probability_is_the_papers():
    assert meva.make("explorer", "sign_flip").probability == 1 / 16


def test_never_and_always():
    draw = lambda p: meva.make("explorer", "sign_flip", probability=p).draw(jax.random.key(0), None, 100)  # noqa: E731
    np.testing.assert_array_equal(draw(0.0), 1.0)
    np.testing.assert_array_equal(draw(1.0), -1.0)


def test_more_than_always_is_refused():
    with pytest.raises(BadValue, match=r"between 0 and 1, got 1\.5 @ sign_flip\.probability"):
        meva.make("explorer", "sign_flip", probability=1.5)


def test_a_sign_flip_touches_neither_parameters_nor_steps():
    explorer = meva.make("explorer", "sign_flip", probability=1.0)
    noise, params, step = explorer.draw(jax.random.key(0), None, 4), {"w": jnp.ones(4)}, jnp.ones((2, 5))
    assert explorer.perturb_params(noise, params) is params
    assert explorer.perturb_step(noise, step, jax.random.key(1)) is step


def test_none_changes_nothing():
    explorer = meva.make("explorer", "none")
    params, features, step = {"w": jnp.ones(4)}, jnp.ones((2, 4)), jnp.ones((2, 5))
    noise = explorer.draw(jax.random.key(0), params, 4)
    assert jax.tree.leaves(noise) == []
    assert explorer.perturb_params(noise, params) is params
    assert explorer.perturb_features(noise, features) is features
    assert explorer.perturb_step(noise, step, jax.random.key(1)) is step


@pytest.mark.parametrize(("explorer", "carried"), [("sign_flip", [(WIDTH,)]), ("none", [])])
def test_a_trajectory_carries_no_copy_of_the_network(explorer, carried):
    meva_learner = learner(explorer)
    params = jax.eval_shape(meva_learner.model.init, jax.random.key(0))
    explored = jax.eval_shape(lambda params, key: rollout.start(meva_learner, params, key), params, jax.random.key(0))
    assert [leaf.shape for leaf in jax.tree.leaves(explored.noise)] == carried


def test_every_trajectory_draws_its_own_mask():
    meva_learner = learner({"name": "sign_flip", "probability": 0.5})
    params = meva_learner.model.init(jax.random.key(0))
    keys = jax.random.split(jax.random.key(1), 4)
    masks = jax.vmap(lambda key: rollout.start(meva_learner, params, key).noise)(keys)
    assert len(np.unique(masks, axis=0)) == 4


def test_a_noisy_network_is_drawn_once_per_trajectory_and_carries_a_key():
    meva_learner = learner({"name": "noisy_network", "scale": 0.5})
    params = meva_learner.model.init(jax.random.key(0))
    explored = rollout.start(meva_learner, params, jax.random.key(1))
    assert jax.tree.leaves(explored.noise)[0].shape == ()
    perturb = meva_learner.explorer.perturb_params
    noise = [
        np.concatenate(
            [np.ravel(a - b) for a, b in zip(*map(jax.tree.leaves, (perturb(key, params), params)), strict=True)]
        )
        for key in (explored.noise, explored.noise, jax.random.key(7))
    ]
    np.testing.assert_array_equal(noise[0], noise[1])
    assert np.max(np.abs(noise[0] - noise[2])) > 0.1
    # Some 3000 numbers: standard deviation within 5 % of 0.5, and no two leaves alike.
    assert np.std(noise[0]) == pytest.approx(0.5, rel=0.05)
    assert len(np.unique(np.round(noise[0], 6))) > 0.95 * len(noise[0])


def test_gaussian_steps_are_shaken_afresh():
    explorer = meva.make("explorer", "gaussian_step", scale=0.5)
    step = jnp.ones((2, 5))
    shaken = jax.vmap(lambda key: explorer.perturb_step((), step, key))(jax.random.split(jax.random.key(0), 400))
    assert np.mean(shaken) == pytest.approx(1, abs=0.03)
    assert np.std(shaken) == pytest.approx(0.5, rel=0.05)
    params = {"a": step}
    assert explorer.perturb_params((), params) is params
