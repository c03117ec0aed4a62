"""Gated recurrent units: networks that remember. Shapes: D numbers per policy, O numbers per observation, H numbers of
memory, A actions."""

from typing import ClassVar

import jax
import jax.numpy as jnp
from jax import Array

from meva_core.contracts import Policy, at_least, between, component, leaf, not_negative, one_of, static
from meva_policies import layers
from meva_policies.actions import as_logits, output_units
from meva_policies.layers import ACTIVATIONS, Shapes
from meva_policies.mlp import OUTPUT_SCALE
from meva_policies.table import ACTIONS, OBSERVATION, ONE_HOT


@component
class GRU(Policy):
    """A network with a memory h of `width` numbers, 0 at the start of an episode. Dense layers turn the observation
    into i, the gates r and z choose what to forget and what to keep, and the new memory gives the logits:

        r, z = sigmoid(W i + U h + b),

        n = tanh(W' i + r * U' h + b'),

        h <- (1 - z) n + z h.

    It needs a game that is played: the exact games are played between policies without memory. Fresh weights are drawn
    so that signals keep their size; biases start at 0.

    References:
        Cho et al. (2014), EMNLP; with r applied to U' h: Chung et al. (2014), Empirical Evaluation of Gated Recurrent
        Neural Networks on Sequence Modeling.
    """

    observation_size: int = static(doc=OBSERVATION, check=at_least(1))
    num_actions: int = static(doc=ACTIONS, check=at_least(1))
    one_hot: bool = static(default=False, doc=ONE_HOT)
    width: int = static(default=16, doc="H, numbers of the memory, and units per dense layer", check=between(1, 4096))
    layers: int = static(default=1, doc="dense layers before the memory", check=between(0, 100))
    activation: str = static(default="tanh", doc="activation of the dense layers", check=one_of(*ACTIVATIONS))
    output_scale: float = leaf(default=1.0, doc=OUTPUT_SCALE, check=not_negative)

    small: ClassVar = {"width": 4}

    @property
    def memory_size(self) -> int:  # type: ignore[override]
        return self.width

    @property
    def policy_size(self) -> int:  # type: ignore[override]
        return layers.count(self._shapes)

    def init(self, key: Array) -> Array:
        seen = 1 if self.one_hot else self.observation_size
        into_memory = layers.deviations(seen, self.layers + 1, self.width)
        last = 1 / self.width**0.5
        return layers.fresh(key, self._shapes, [*into_memory, last, self.output_scale * last])

    def act(self, x: Array, memory: Array, observation: Array) -> tuple[Array, Array]:
        memory = self.remembered(x, memory, observation)
        return self.logits(x, memory), memory

    def remembered(self, x: Array, memory: Array, observation: Array) -> Array:
        """The memory f32[H] of the numbers x f32[D] after an observation f32[O]."""
        *dense, into, inside, biases, _, _ = layers.split(x, self._shapes)
        h = layers.through(dense, observation, ACTIVATIONS[self.activation])
        reset, keep, new = jnp.split(h @ into + biases, 3)
        of_reset, of_keep, of_new = jnp.split(memory @ inside, 3)
        candidate = jnp.tanh(new + jax.nn.sigmoid(reset + of_reset) * of_new)
        kept = jax.nn.sigmoid(keep + of_keep)
        return (1 - kept) * candidate + kept * memory

    def logits(self, x: Array, features: Array) -> Array:
        """Logits of the actions f32[A] that the last layer gives for f32[H], the memory."""
        *_, weights, last = layers.split(x, self._shapes)
        return as_logits(features @ weights + last, self.num_actions)

    @property
    def _shapes(self) -> Shapes:
        """Shapes of the weights and biases, in the order in which a policy's numbers hold them."""
        encoder = layers.dense(self.observation_size, *[self.width] * self.layers)
        inputs = self.width if self.layers else self.observation_size
        gates = ((inputs, 3 * self.width), (self.width, 3 * self.width), (3 * self.width,))
        return (*encoder, *gates, *layers.dense(self.width, output_units(self.num_actions)))
