"""Multi-layer perceptrons: networks of dense layers."""

from typing import ClassVar

from jax import Array

from meva_core.contracts import Policy, at_least, between, component, leaf, not_negative, one_of, static
from meva_policies import layers
from meva_policies.actions import as_logits, output_units
from meva_policies.layers import ACTIVATIONS, Shapes
from meva_policies.table import ACTIONS, OBSERVATION, ONE_HOT

OUTPUT_SCALE = "factor of the last layer's fresh weights: 1 for policies about as different as tables, near 0 for "
OUTPUT_SCALE += "policies that begin at random"


@component
class MLP(Policy):
    """A network without memory: hidden layers of `width` units between the observation and the logits of the actions.

    With two actions there is one output unit z, and the logits are (0, z). Fresh weights are drawn so that signals keep
    their size through the layers; biases start at 0. Steps in the numbers of a network are not steps in its
    probabilities, so rates that suit tables need not suit it.

        meva-run --game ipd --learner lola --policy mlp --set policy.width=16

    References:
        Rumelhart, Hinton & Williams (1986), Nature; fresh weights: LeCun et al. (1998), Efficient BackProp,
        section 4.6.

    Examples:
        Five states and one output: 5 x 16 + 16 weights and 16 + 1 biases:

        >>> MLP(observation_size=5, num_actions=2, one_hot=True).policy_size
        113
    """

    observation_size: int = static(doc=OBSERVATION, check=at_least(1))
    num_actions: int = static(doc=ACTIONS, check=at_least(1))
    one_hot: bool = static(default=False, doc=ONE_HOT)
    width: int = static(default=16, doc="units per hidden layer", check=between(1, 4096))
    layers: int = static(default=1, doc="hidden layers", check=between(1, 100))
    activation: str = static(default="tanh", doc="activation of the hidden layers", check=one_of(*ACTIVATIONS))
    output_scale: float = leaf(default=1.0, doc=OUTPUT_SCALE, check=not_negative)

    small: ClassVar = {"width": 4}

    @property
    def policy_size(self) -> int:  # type: ignore[override]
        return layers.count(self._shapes)

    def init(self, key: Array) -> Array:
        inputs = 1 if self.one_hot else self.observation_size
        hidden = layers.deviations(inputs, self.layers, self.width)
        return layers.fresh(key, self._shapes, [*hidden, self.output_scale / self.width**0.5])

    def act(self, x: Array, memory: Array, observation: Array) -> tuple[Array, Array]:
        *hidden, weights, biases = layers.split(x, self._shapes)
        h = layers.through(hidden, observation, ACTIVATIONS[self.activation])
        return as_logits(h @ weights + biases, self.num_actions), memory

    @property
    def _shapes(self) -> Shapes:
        """Shapes of the weights and biases, in the order in which a policy's numbers hold them."""
        return layers.dense(self.observation_size, *[self.width] * self.layers, output_units(self.num_actions))
