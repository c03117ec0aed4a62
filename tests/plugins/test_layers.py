"""Layers written for speed compute what haiku's own do: values, gradients and second derivatives."""

import haiku as hk
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from meva_value_networks.layers import Linear, NormalisedLayer


def side_by_side(*inputs):
    return jnp.concatenate(inputs, axis=-1)


def haiku_linear(*inputs):
    return hk.Linear(4, name="layer")(side_by_side(*inputs))


class HaikuNormalised(hk.Module):
    def __call__(self, *inputs):
        h = hk.Linear(4, name="linear")(side_by_side(*inputs))
        return jnp.tanh(hk.LayerNorm(-1, create_scale=True, create_offset=True, name="norm")(h))


PAIRS = {
    "linear": (lambda *inputs: Linear(4, name="layer")(*inputs), haiku_linear),
    "normalised": (
        lambda *inputs: NormalisedLayer(4, jnp.tanh, name="layer")(*inputs),
        lambda *inputs: HaikuNormalised(name="layer")(*inputs),
    ),
}


def random_like(tree, seed):
    generator = np.random.default_rng(seed)
    return jax.tree.map(lambda leaf: jnp.array(generator.normal(size=leaf.shape), leaf.dtype), tree)


@pytest.mark.parametrize("sizes", [(3,), (3, 2)], ids=["one input", "two side by side"])
@pytest.mark.parametrize("name", PAIRS)
def test_as_haikus(name, sizes):
    ours, theirs = (hk.without_apply_rng(hk.transform(call)) for call in PAIRS[name])
    inputs = [random_like(jnp.zeros((5, 2, size)), size) for size in sizes]
    shapes = jax.eval_shape(theirs.init, jax.random.key(0), *inputs)
    assert jax.eval_shape(ours.init, jax.random.key(0), *inputs) == shapes
    there = (random_like(shapes, 0), inputs)
    direction = random_like(there, 1)

    def all_of(layer):
        def f(at):
            return jnp.sum(jnp.sin(jax.vmap(lambda *inputs: layer.apply(at[0], *inputs))(*at[1])))

        along = jax.jvp(jax.grad(f), (there,), (direction,))[1]
        back = jax.grad(lambda at: sum(map(jnp.vdot, jax.tree.leaves(jax.grad(f)(at)), jax.tree.leaves(direction))))
        return layer.apply(there[0], *inputs), jax.grad(f)(there), along, back(there)

    found, expected = (jax.jit(lambda layer=layer: all_of(layer))() for layer in (ours, theirs))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3), found, expected)


@pytest.mark.parametrize("name", PAIRS)
def test_initialised_as_haikus(name):
    ours, theirs = (hk.transform(call).init(jax.random.key(0), jnp.zeros((2, 3))) for call in PAIRS[name])
    jax.tree.map(np.testing.assert_array_equal, ours, theirs)
