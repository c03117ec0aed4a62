"""The paired MLP: who sees what, symmetry, and what its hyper-parameters do."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from meva_value_networks.paired_mlp import _mean_of_others

import meva_core as meva
from meva_core.contracts import Game, component
from meva_core.errors import BadValue


@component
class ThreePlayers(Game):
    """Three players with two numbers each; only its shape matters here."""

    num_players = 3
    policy_size = 2
    symmetric = True

    def init(self, key):
        return jax.random.normal(key, (3, 2))

    def payoff(self, x):
        return jnp.sum(x, axis=1)


IPD, THREE = meva.make("game", "ipd"), ThreePlayers()
SIZES = {"outputs": 3, "conditions": 1, "width": 8, "blocks": 1}


def make(game=IPD, **settings):
    return meva.make("value_model", "paired_mlp", game=game, **{**SIZES, "equivariant": True, **settings})


def any_params(model):
    """Not those of an initialiser: every number N(0, 1)."""
    generator = np.random.default_rng(1)
    shapes = jax.eval_shape(model.init, jax.random.key(0))
    return jax.tree.map(lambda leaf: jnp.array(generator.normal(size=leaf.shape), leaf.dtype), shapes)


def draw(game):
    """A joint policy, and a condition that differs between players."""
    x = game.init(jax.random.key(3))
    return x, jnp.linspace(0.1, 0.9, len(x))[:, None]


@jax.jit
def outputs(model, params, x, condition):
    return model.head(params, model.features(params, x, x, condition))


@jax.jit
def paired_outputs(model, params, x, others, condition):
    return model.head(params, model.features(params, x, others, condition))


def shapes(model):
    params = jax.eval_shape(model.init, jax.random.key(0))
    return {
        jax.tree_util.keystr(path, simple=True, separator="/"): leaf.shape
        for path, leaf in jax.tree_util.tree_leaves_with_path(params)
    }


# ---------------------------------------------------------------- symmetry


@pytest.mark.parametrize("game", [IPD, THREE], ids=["two", "three"])
def test_equivariant(game):
    model = make(game)
    params, (x, condition) = any_params(model), draw(game)
    there = outputs(model, params, x[::-1], condition[::-1])
    np.testing.assert_allclose(there, outputs(model, params, x, condition)[::-1], rtol=1e-4, atol=1e-5)


def test_not_equivariant_when_asked():
    model = make(equivariant=False)
    params, (x, condition) = any_params(model), draw(IPD)
    gap = outputs(model, params, x[::-1], condition[::-1]) - outputs(model, params, x, condition)[::-1]
    assert np.max(np.abs(gap)) > 0.1


def test_players_are_told_apart_by_a_scale_and_a_bias_on_both_inputs():
    # Encoder: 5 numbers and 1 condition; joint: own code and the other's.
    extra = {name: shape for name, shape in shapes(make(equivariant=False)).items() if name not in shapes(make())}
    assert extra == {
        "encoder_input/scale": (2, 6),
        "encoder_input/bias": (2, 6),
        "joint_input/scale": (2, 16),
        "joint_input/bias": (2, 16),
    }


def test_unset_equivariance_is_the_games():
    assert shapes(make(equivariant=None)) == shapes(make(equivariant=True))


# ---------------------------------------------------------------- own and others


@pytest.mark.parametrize("equivariant", [True, False])
@pytest.mark.parametrize("game", [IPD, THREE], ids=["two", "three"])
def test_one_pass_own_gradients_are_the_jacobians_blocks(game, equivariant):
    model = make(game, equivariant=equivariant)
    params, (x, condition) = any_params(model), draw(game)
    paired = jax.jit(
        jax.grad(lambda own, others: jnp.sum(jnp.mean(paired_outputs(model, params, own, others, condition), axis=-1)))
    )
    one_pass = paired(x, x)
    full = jax.jit(jax.jacobian(lambda x: jnp.mean(outputs(model, params, x, condition), axis=-1)))(x)
    for i in range(len(x)):
        np.testing.assert_allclose(one_pass[i], full[i, i], rtol=1e-3, atol=1e-5)


def test_row_i_reads_player_i_from_x_and_the_rest_from_others():
    model = make()
    params, (x, condition) = any_params(model), draw(IPD)
    y = IPD.init(jax.random.key(9))
    mixed = paired_outputs(model, params, x, y, condition)
    for i, joint in ((0, jnp.stack([x[0], y[1]])), (1, jnp.stack([y[0], x[1]]))):
        np.testing.assert_allclose(mixed[i], outputs(model, params, joint, condition)[i], rtol=1e-4, atol=1e-5)


def test_mean_of_others_by_hand():
    # Of 1, 2, 6: without the first (2 + 6)/2 = 4, without the second 7/2, without the third 3/2.
    np.testing.assert_allclose(_mean_of_others(jnp.array([[1.0], [2.0], [6.0]])), [[4.0], [3.5], [1.5]], rtol=1e-6)
    # Two players: simply the other.
    np.testing.assert_array_equal(_mean_of_others(jnp.array([[1.0], [2.0]])), [[2.0], [1.0]])


def test_three_players_do_not_mind_who_of_the_others_is_who():
    model = make(THREE)
    params, (x, condition) = any_params(model), draw(THREE)
    value = outputs(model, params, x, condition)[0]
    exchanged = jnp.array([0, 2, 1])
    np.testing.assert_allclose(
        outputs(model, params, x[exchanged], condition[exchanged])[0], value, rtol=1e-4, atol=1e-5
    )
    # But they do mind what the others do, each of them.
    for other in (1, 2):
        assert np.max(np.abs(outputs(model, params, x.at[other].add(1.0), condition)[0] - value)) > 1e-3


# ---------------------------------------------------------------- hyper-parameters


def test_parameters_by_name_and_shape():
    # width 8, 1 block, 3 outputs; 5 logits and 1 discount go in; own and the other's code make 16.
    found = shapes(make())
    assert found["head/w"] == (8, 3)
    for mlp, inputs in (("encoder", 6), ("joint", 16)):
        assert found[f"{mlp}/gate0"] == (8,)
        assert found[f"{mlp}/first/linear/w"] == (inputs, 8)
        assert found[f"{mlp}/last/linear/w"] == (8, 8)
        # Two layers to a block.
        assert sum(name.startswith(f"{mlp}/block0") and name.endswith("/w") for name in found) == 2


def test_width():
    wide = make(width=12)
    assert wide.num_features == 12
    assert shapes(wide)["joint/first/linear/w"] == (24, 12)
    assert shapes(wide)["head/w"] == (12, 3)


def test_blocks():
    gates = {b: sorted(name for name in shapes(make(blocks=b)) if "gate" in name) for b in (0, 2)}
    assert gates == {0: [], 2: ["encoder/gate0", "encoder/gate1", "joint/gate0", "joint/gate1"]}


def test_outputs_and_conditions():
    found = shapes(make(outputs=7, conditions=2))
    assert found["head/w"] == (8, 7)
    assert found["encoder/first/linear/w"] == (7, 8)


def test_embed_condition_gives_the_condition_a_layer_of_its_own():
    found = shapes(make(embed_condition=True))
    assert found["condition/linear/w"] == (1, 8)
    assert found["encoder/first/linear/w"] == (5 + 8, 8)


@pytest.mark.parametrize(("transform", "function"), [("sigmoid", jax.nn.sigmoid), ("tanh", jnp.tanh)])
def test_policies_enter_scaled_and_transformed(transform, function):
    model, plain = make(transform=transform, input_scale=0.5), make()
    params, (x, condition) = any_params(plain), draw(IPD)
    expected = outputs(plain, params, function(0.5 * x), condition)
    np.testing.assert_allclose(outputs(model, params, x, condition), expected, rtol=1e-5, atol=1e-6)


def test_the_value_sees_how_far_and_not_only_which_way():
    # Discount 0, and policies twice and four times as far: no parameters of the network may rule out a difference.
    model, x = make(), IPD.init(jax.random.key(3))
    params, condition = any_params(model), jnp.zeros((2, 1))
    here, *farther = (outputs(model, params, scale * x, condition) for scale in (1.0, 2.0, 4.0))
    assert all(np.max(np.abs(there - here)) > 1e-2 for there in farther)


def test_an_embedded_condition_is_seen():
    model = make(embed_condition=True)
    params, (x, _) = any_params(model), draw(IPD)
    low, high = (outputs(model, params, x, jnp.full((2, 1), condition)) for condition in (0.2, 0.9))
    assert np.max(np.abs(high - low)) > 1e-2


def test_the_gate_starts_half_open():
    params = make().init(jax.random.key(0))
    for mlp in ("encoder", "joint"):
        np.testing.assert_array_equal(jax.nn.sigmoid(params[mlp]["gate0"]), 0.5)


def test_an_open_gate_lets_the_layers_through_untouched():
    # h -> g h + (1 - g) layers(h): at g = 1 the block is not there; at g = 1/2 it is.
    model, without = make(), make(blocks=0)
    params, (x, condition) = any_params(model), draw(IPD)
    bare = {name: value for name, value in params.items() if "block" not in name and name not in ("encoder", "joint")}
    expected = outputs(without, bare, x, condition)

    def gated(logit):
        gates = {mlp: {"gate0": jnp.full(8, logit)} for mlp in ("encoder", "joint")}
        return outputs(model, {**params, **gates}, x, condition)

    np.testing.assert_allclose(gated(40.0), expected, rtol=1e-4, atol=1e-5)
    assert np.max(np.abs(gated(0.0) - expected)) > 0.1


def test_last_activation():
    # tanh keeps features within (-1, 1); gelu has no upper bound but never falls below -0.17.
    x, condition = draw(IPD)
    params = make().init(jax.random.key(0))
    features = {a: make(last_activation=a).features(params, x, x, condition) for a in ("tanh", "gelu")}
    assert np.all(np.abs(features["tanh"]) < 1)
    assert np.min(features["tanh"]) < -0.2
    assert np.max(features["gelu"]) > 1
    assert np.min(features["gelu"]) >= -0.171


def test_bad_values_are_refused():
    with pytest.raises(BadValue, match=r"one of 'identity', 'sigmoid', 'tanh', got 'cube' @ paired_mlp\.transform"):
        make(transform="cube")
    with pytest.raises(BadValue, match=r"between 1 and 4096, got 0 @ paired_mlp\.width"):
        make(width=0)
