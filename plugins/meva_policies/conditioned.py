"""Networks that also see a condition."""

from typing import ClassVar

import jax.numpy as jnp
from jax import Array

from meva_core.contracts import Policy, at_least, between, component, leaf, not_negative, one_of, static
from meva_core.errors import BadCombination
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
    kind of player the other is. The other numbers are the weights of hidden layers of `width` units.

    It enters as `input`, beside the observation, and begins at 0; or as `gate`: the last hidden layer is multiplied by
    it, unit by unit, and it begins at 1, so it needs as many numbers as the layer has units.

    References:
        Rumelhart, Hinton & Williams (1986), Nature; the gate: Lu et al. (2022), Model-Free Opponent Shaping, ICML.

    Examples:
        Five states, a condition of two numbers and one output: 7 x 16 + 16 weights, 16 + 1 biases, and the condition:

        >>> ConditionedMLP(observation_size=5, num_actions=2, one_hot=True, condition_size=2).policy_size
        147
    """

    observation_size: int = static(doc=OBSERVATION, check=at_least(1))
    num_actions: int = static(doc=ACTIONS, check=at_least(1))
    one_hot: bool = static(default=False, doc=ONE_HOT)
    condition_size: int = static(default=4, doc="numbers of the condition", check=between(1, 4096))
    enters: str = static(
        default="input",
        doc="place of the condition: beside the observation, or as a factor of the last hidden layer",
        check=one_of("input", "gate"),
    )
    width: int = static(default=16, doc="units per hidden layer", check=between(1, 4096))
    layers: int = static(default=1, doc="hidden layers", check=between(1, 100))
    activation: str = static(default="tanh", doc="activation of the hidden layers", check=one_of(*ACTIVATIONS))
    output_scale: float = leaf(default=1.0, doc=OUTPUT_SCALE, check=not_negative)

    small: ClassVar = {"width": 4, "condition_size": 2}

    def __attrs_post_init__(self) -> None:
        if self.enters == "gate" and self.condition_size != self.width:
            raise BadCombination(
                f"expected as many numbers of the condition as units, {self.width}, for policy.enters = 'gate', got "
                f"{self.condition_size}: set policy.condition_size = {self.width}"
            )

    @property
    def policy_size(self) -> int:  # type: ignore[override]
        return layers.count(self._shapes) + self.condition_size

    def init(self, key: Array) -> Array:
        inputs = (1 if self.one_hot else self.observation_size) + self._beside
        hidden = layers.deviations(inputs, self.layers, self.width)
        weights = layers.fresh(key, self._shapes, [*hidden, self.output_scale / self.width**0.5])
        return jnp.concatenate([weights, jnp.full(self.condition_size, self.enters == "gate", weights.dtype)])

    def act(self, x: Array, memory: Array, observation: Array) -> tuple[Array, Array]:
        weights, condition = jnp.split(x, [self.policy_size - self.condition_size])
        *hidden, last, biases = layers.split(weights, self._shapes)
        seen = jnp.concatenate([observation, condition[: self._beside]])
        h = layers.through(hidden, seen, ACTIVATIONS[self.activation])
        if self.enters == "gate":
            h = h * condition
        return as_logits(h @ last + biases, self.num_actions), memory

    @property
    def _shapes(self) -> Shapes:
        """Shapes of the weights and biases, in the order in which a policy's numbers hold them."""
        inputs = self.observation_size + self._beside
        return layers.dense(inputs, *[self.width] * self.layers, output_units(self.num_actions))

    @property
    def _beside(self) -> int:
        """The count of the condition's numbers that the first layer sees."""
        return self.condition_size if self.enters == "input" else 0
