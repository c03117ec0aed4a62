"""The paper's network: encode every player, pair own code with the others', read off values.

Shapes: P players, D numbers per policy, H width, K outputs, C conditions.
"""

from __future__ import annotations

from typing import Any

import haiku as hk
import jax
import jax.numpy as jnp
from jax import Array

from meva_core.component import at_least, component, one_of, part, positive, static
from meva_core.protocols import Game, ValueModel

TRANSFORMS = {"identity": lambda x: x, "sigmoid": jax.nn.sigmoid, "tanh": jnp.tanh}
ACTIVATIONS = {"gelu": jax.nn.gelu, "tanh": jnp.tanh}


@component
class PairedMLP(ValueModel):
    """Per player encode (policy, condition) with an MLP; join own code with the others' (two players: own and
    other; more: own and the mean of the others); a second MLP; K outputs.

    An MLP is `blocks` gated residual blocks, of two layers each, between two layer-normalised layers.
    Equivariant: all players share the weights and nothing tells them apart. Not equivariant: a learnt scale and
    bias per player on what enters each of the two MLPs.

    References:
        Cooijmans et al. (2023), appendices D and E; the gates: Srivastava et al. (2015), Highway Networks.
    """

    game: Game = part()
    outputs: int = static(default=1, doc="K, outputs per player (set by the learner)", check=at_least(1))
    conditions: int = static(
        default=1, doc="C, numbers per player beside the policy (set by the learner)", check=at_least(0)
    )
    equivariant: bool | None = static(default=None, doc="no player identity; unset: wherever the composition allows it")
    width: int = static(default=64, doc="H, units of every layer", check=at_least(1))
    blocks: int = static(default=1, doc="gated residual blocks per MLP", check=at_least(0))
    transform: str = static(default="identity", doc="what policies enter through", check=one_of(*TRANSFORMS))
    input_scale: float = static(default=1.0, doc="policies are multiplied by it before the transform", check=positive)
    last_activation: str = static(
        default="tanh", doc="of the last hidden layer; tanh for sign flips", check=one_of(*ACTIVATIONS)
    )
    embed_condition: bool = static(
        default=False, doc="give the condition a layer of its own before it joins the policy"
    )

    @property
    def num_features(self) -> int:
        return self.width

    def init(self, key: Array) -> Any:
        players, size = self.game.num_players, self.game.policy_size
        return self._transformed().init(key, jnp.zeros((players, size)), jnp.zeros((players, self.conditions)))

    def features(self, params: Any, x: Array, others: Array, condition: Array) -> Array:
        features, _ = self._transformed().apply
        return features(params, None, x, others, condition)

    def head(self, params: Any, features: Array) -> Array:
        _, head = self._transformed().apply
        return head(params, None, features)

    def _transformed(self) -> Any:
        def network() -> Any:
            encoder = _MLP(self.width, self.blocks, "gelu", name="encoder")
            joint = _MLP(self.width, self.blocks, self.last_activation, name="joint")
            embedding = _NormalisedLayer(self.width, "gelu", name="condition")
            equivariant = self.game.symmetric if self.equivariant is None else self.equivariant
            into_encoder = _PlayerAffine(equivariant, name="encoder_input")
            into_joint = _PlayerAffine(equivariant, name="joint_input")
            output = hk.Linear(self.outputs, name="head")

            def encode(x: Array, condition: Array) -> Array:
                policy = TRANSFORMS[self.transform](x * self.input_scale)
                extra = embedding(condition) if self.embed_condition else condition
                return encoder(into_encoder(jnp.concatenate([policy, extra], axis=-1)))

            def features(x: Array, others: Array, condition: Array) -> Array:
                own = encode(x, condition)
                # Encoded once where nothing is stopped, so that the backward pass too goes through it once.
                codes = own if others is x else encode(others, condition)
                rest = _mean_of_others(codes)
                return joint(into_joint(jnp.concatenate([own, rest], axis=-1)))

            def init(x: Array, condition: Array) -> Array:
                return output(features(x, x, condition))

            return init, (features, output)

        return hk.multi_transform(network)


def _mean_of_others(codes: Array) -> Array:
    """f32[P, H] -> f32[P, H]: row i is the mean of all rows but i."""
    players = codes.shape[0]
    if players == 2:
        return codes[::-1]
    return (1 - jnp.eye(players, dtype=codes.dtype)) @ codes / (players - 1)


class _NormalisedLayer(hk.Module):
    """Linear, layer normalisation, activation."""

    def __init__(self, width: int, activation: str, name: str):
        super().__init__(name=name)
        self.width, self.activation = width, ACTIVATIONS[activation]

    def __call__(self, h: Array) -> Array:
        # With a bias, though the normalisation has its own: without, a layer could not tell an input from twice it.
        h = hk.Linear(self.width, name="linear")(h)
        return self.activation(_LayerNorm(name="norm")(h))


class _LayerNorm(hk.Module):
    """Mean 0 and variance 1 over units, then a learnt scale and offset (Ba et al., 2016)."""

    def __call__(self, h: Array) -> Array:
        scale = hk.get_parameter("scale", h.shape[-1:], h.dtype, init=jnp.ones)
        offset = hk.get_parameter("offset", h.shape[-1:], h.dtype, init=jnp.zeros)
        return scale * normalised(h) + offset


@jax.custom_jvp
def normalised(h: Array) -> Array:
    """Mean 0 and variance 1 along the last axis."""
    return _normalised(h)[0]


@normalised.defjvp
def _normalised_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    # As one keeps it on paper; told to autodiff, a fit takes two thirds of the time.
    (dh,) = tangents
    y, inverse = _normalised(primals[0])
    along = jnp.mean(y * dh, axis=-1, keepdims=True)
    return y, inverse * (dh - jnp.mean(dh, axis=-1, keepdims=True) - y * along)


def _normalised(h: Array) -> tuple[Array, Array]:
    centred = h - jnp.mean(h, axis=-1, keepdims=True)
    inverse = jax.lax.rsqrt(jnp.mean(centred**2, axis=-1, keepdims=True) + 1e-5)
    return centred * inverse, inverse


class _MLP(hk.Module):
    """Gated residual blocks between two normalised layers.

    A block is h -> g h + (1 - g) linear(layer(h)), its gates g = sigmoid(learnt vector, 0 at first).
    """

    def __init__(self, width: int, blocks: int, last_activation: str, name: str):
        super().__init__(name=name)
        self.width, self.blocks, self.last_activation = width, blocks, last_activation

    def __call__(self, h: Array) -> Array:
        h = _NormalisedLayer(self.width, "gelu", name="first")(h)
        for b in range(self.blocks):
            inner = _NormalisedLayer(self.width, "gelu", name=f"block{b}")(h)
            inner = hk.Linear(self.width, name=f"block{b}_linear")(inner)
            gate = jax.nn.sigmoid(hk.get_parameter(f"gate{b}", (self.width,), h.dtype, init=jnp.zeros))
            h = gate * h + (1 - gate) * inner
        return _NormalisedLayer(self.width, self.last_activation, name="last")(h)


class _PlayerAffine(hk.Module):
    """A learnt scale and bias per player; nothing where players are not to be told apart."""

    def __init__(self, equivariant: bool, name: str):
        super().__init__(name=name)
        self.equivariant = equivariant

    def __call__(self, h: Array) -> Array:
        if self.equivariant:
            return h
        scale = hk.get_parameter("scale", h.shape, h.dtype, init=jnp.ones)
        bias = hk.get_parameter("bias", h.shape, h.dtype, init=jnp.zeros)
        return scale * h + bias
