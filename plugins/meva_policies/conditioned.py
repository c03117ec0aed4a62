"""Networks that also see a condition."""

from typing import ClassVar

import jax.numpy as jnp
from jax import Array

from meva_core.contracts import Policy, at_least, between, component, leaf, not_negative, one_of, static
from meva_policies import layers
from meva_policies.actions import as_logits, output_units
from meva_policies.layers import ACTIVATIONS, Shapes
from meva_policies.mlp import OUTPUT_SCALE
from meva_policies.table import ACTIONS, OBSERVATION, ONE_HOT


@component
class ConditionedMLP(Policy):
    """A network without memory that sees the observation and a condition, which are the last `condition_size` of its
    own numbers.

    The condition stays the same through an episode. Learners write there what they know from earlier ones, such as what
    kind of player the other is; it begins at 0. The other numbers are the weights of hidden layers of `width` units.

    References:
        Rumelhart, Hinton & Williams (1986), Nature.

    Examples:
        Five states, a condition of two numbers and one output: 7 x 16 + 16 weights, 16 + 1 biases, and the condition:

        >>> ConditionedMLP(observation_size=5, num_actions=2, one_hot=True, condition_size=2).policy_size
        147
    """

    observation_size: int = static(doc=OBSERVATION, check=at_least(1))
    num_actions: int = static(doc=ACTIONS, check=at_least(1))
    one_hot: bool = static(default=False, doc=ONE_HOT)
    condition_size: int = static(default=4, doc="numbers of the condition", check=between(1, 4096))
    width: int = static(default=16, doc="units per hidden layer", check=between(1, 4096))
    layers: int = static(default=1, doc="hidden layers", check=between(1, 100))
    activation: str = static(default="tanh", doc="activation of the hidden layers", check=one_of(*ACTIVATIONS))
    output_scale: float = leaf(default=1.0, doc=OUTPUT_SCALE, check=not_negative)

    small: ClassVar = {"width": 4, "condition_size": 2}

    @property
    def policy_size(self) -> int:  # type: ignore[override]
        return layers.count(self._shapes) + self.condition_size

    def init(self, key: Array) -> Array:
        inputs = (1 if self.one_hot else self.observation_size) + self.condition_size
        hidden = layers.deviations(inputs, self.layers, self.width)
        weights = layers.fresh(key, self._shapes, [*hidden, self.output_scale / self.width**0.5])
        return jnp.concatenate([weights, jnp.zeros(self.condition_size, weights.dtype)])

    def act(self, x: Array, memory: Array, observation: Array) -> tuple[Array, Array]:
        weights, condition = jnp.split(x, [self.policy_size - self.condition_size])
        *hidden, last, biases = layers.split(weights, self._shapes)
        seen = jnp.concatenate([observation, condition])
        h = layers.through(hidden, seen, ACTIVATIONS[self.activation])
        return as_logits(h @ last + biases, self.num_actions), memory

    @property
    def _shapes(self) -> Shapes:
        """Shapes of the weights and biases, in the order in which a policy's numbers hold them."""
        inputs = self.observation_size + self.condition_size
        return layers.dense(inputs, *[self.width] * self.layers, output_units(self.num_actions))
