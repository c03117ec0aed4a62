"""The paper's network: encode every player, pair the own code with the others', and read off values.

Shapes: P players, D numbers per policy, H width, K outputs, C conditions.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import attrs
import haiku as hk
import jax
import jax.numpy as jnp
from jax import Array

from meva_core.contracts import Game, ValueModel, at_least, between, component, one_of, part, positive, static
from meva_value_networks.layers import Linear, NormalisedLayer

TRANSFORMS = {"identity": lambda x: x, "sigmoid": jax.nn.sigmoid, "tanh": jnp.tanh}
ACTIVATIONS = {"gelu": jax.nn.gelu, "tanh": jnp.tanh}


@component
class PairedMLP(ValueModel):
    """A network that encodes (policy, condition) of every player with an MLP, joins the own code with the others', and
    maps the pair to K outputs with a second MLP. The others' code is the other player's, or the mean over several.

    An MLP is `blocks` gated residual blocks, of two layers each, between two layer-normalised layers. Equivariant: all
    players share all weights. Not equivariant: a learnt scale and bias per player is applied to the input of each of
    the two MLPs.

    References:
        Cooijmans et al. (2023), appendices D and E; the gates: Srivastava et al. (2015), Highway Networks.
    """

    game: Game = part()
    outputs: int = static(default=1, doc="K, outputs per player (set by the learner)", check=at_least(1))
    conditions: int = static(default=1, doc="C, further inputs per player (set by the learner)", check=at_least(0))
    equivariant: bool | None = static(default=None, doc="treat all players alike; unset: if the composition allows it")
    width: int = static(default=64, doc="H, units per layer", check=between(1, 4096))
    blocks: int = static(default=1, doc="gated residual blocks per MLP", check=between(0, 100))
    transform: str = static(
        default="identity", doc="function that is applied to policies first", check=one_of(*TRANSFORMS)
    )
    input_scale: float = static(default=1.0, doc="factor of the policies before the transform", check=positive)
    last_activation: str = static(
        default="tanh", doc="activation of the last hidden layer; use tanh with sign flips", check=one_of(*ACTIVATIONS)
    )
    embed_condition: bool = static(
        default=False, doc="apply a separate layer to the condition before it joins the policy"
    )

    small: ClassVar = {"width": 8, "blocks": 0}

    @property
    def num_features(self) -> int:
        return self.width

    def init(self, key: Array) -> Any:
        players, size = self.game.num_players, self.game.policy_size
        return self._network.init(key, jnp.zeros((players, size)), jnp.zeros((players, self.conditions)))

    def features(self, params: Any, x: Array, others: Array, condition: Array) -> Array:
        # Encoded only once if no gradient is stopped, so that the backward pass also goes through the encoder once.
        return self._network.features(params, x, None if others is x else others, condition)

    def head(self, params: Any, features: Array) -> Array:
        return self._network.head(params, features)

    @property
    def _network(self) -> _Network:
        equivariant = self.game.symmetric if self.equivariant is None else self.equivariant
        names = [field.name for field in attrs.fields(PairedMLP) if field.name not in ("game", "equivariant")]
        return _network(equivariant=equivariant, **{name: getattr(self, name) for name in names})


class _Network(NamedTuple):
    """Pure functions of a network: init(key, x, condition), features(params, x, others or None, condition),
    head(params, features)."""

    init: Callable
    features: Callable
    head: Callable


@functools.cache
def _network(
    *,
    equivariant: bool,
    outputs: int,
    conditions: int,
    width: int,
    blocks: int,
    transform: str,
    input_scale: float,
    last_activation: str,
    embed_condition: bool,
) -> _Network:
    """The network, cached for equal models and jitted: a program that uses it many times traces it once."""

    def network() -> Any:
        encoder = _MLP(width, blocks, "gelu", name="encoder")
        joint = _MLP(width, blocks, last_activation, name="joint")
        embedding = NormalisedLayer(width, jax.nn.gelu, name="condition")
        into_encoder = _PlayerAffine(equivariant, name="encoder_input")
        into_joint = _PlayerAffine(equivariant, name="joint_input")
        output = Linear(outputs, name="head")

        def encode(x: Array, condition: Array) -> Array:
            extra = embedding(condition) if embed_condition else condition
            return encoder(*into_encoder(TRANSFORMS[transform](x * input_scale), extra))

        def features(x: Array, others: Array | None, condition: Array) -> Array:
            own = encode(x, condition)
            codes = own if others is None else encode(others, condition)
            return joint(*into_joint(own, _mean_of_others(codes)))

        def init(x: Array, condition: Array) -> Array:
            return output(features(x, None, condition))

        return init, (features, output)

    transformed = hk.multi_transform(network)
    features, head = (jax.jit(functools.partial(_without_key, apply)) for apply in transformed.apply)
    return _Network(transformed.init, features, head)


def _without_key(apply: Callable, params: Any, *inputs: Any) -> Array:
    return apply(params, None, *inputs)


def _mean_of_others(codes: Array) -> Array:
    """Mean of all rows but i in row i: f32[P, H] -> f32[P, H]; 0 for a player without others."""
    players = codes.shape[0]
    if players == 2:
        return codes[::-1]
    return (1 - jnp.eye(players, dtype=codes.dtype)) @ codes / max(players - 1, 1)


class _MLP(hk.Module):
    """Gated residual blocks between two normalised layers.

    A block is h -> g h + (1 - g) linear(layer(h)), its gates g = sigmoid(learnt vector, 0 at first).
    """

    def __init__(self, width: int, blocks: int, last_activation: str, name: str):
        super().__init__(name=name)
        self.width, self.blocks, self.last_activation = width, blocks, last_activation

    def __call__(self, *inputs: Array) -> Array:
        h = NormalisedLayer(self.width, jax.nn.gelu, name="first")(*inputs)
        for b in range(self.blocks):
            inner = NormalisedLayer(self.width, jax.nn.gelu, name=f"block{b}")(h)
            inner = Linear(self.width, name=f"block{b}_linear")(inner)
            gate = jax.nn.sigmoid(hk.get_parameter(f"gate{b}", (self.width,), h.dtype, init=jnp.zeros))
            h = gate * h + (1 - gate) * inner
        return NormalisedLayer(self.width, ACTIVATIONS[self.last_activation], name="last")(h)


class _PlayerAffine(hk.Module):
    """A learnt scale and bias per player for the concatenated inputs; the identity if players are not distinguished."""

    def __init__(self, equivariant: bool, name: str):
        super().__init__(name=name)
        self.equivariant = equivariant

    def __call__(self, *inputs: Array) -> list[Array]:
        if self.equivariant:
            return list(inputs)
        h = jnp.concatenate(inputs, axis=-1)
        scale = hk.get_parameter("scale", h.shape, h.dtype, init=jnp.ones)
        bias = hk.get_parameter("bias", h.shape, h.dtype, init=jnp.zeros)
        return [scale * h + bias]
