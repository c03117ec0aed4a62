"""Networks that remember, and have a condition."""

import jax.numpy as jnp
from jax import Array

from meva_core.contracts import component
from meva_policies import layers
from meva_policies.gru import GRU


@component
class ConditionedGRU(GRU):
    """A network with memory (`gru`) whose memory is multiplied, unit by unit, by a condition before the last layer.

    The condition is the last `width` of its own numbers. It stays the same through an episode, and what is remembered
    does not depend on it. Learners write there what they know from earlier episodes; it begins at 1.

    References:
        Lu et al. (2022), Model-Free Opponent Shaping, ICML; Cho et al. (2014), EMNLP.
    """

    @property
    def condition_size(self) -> int:  # type: ignore[override]
        return self.width

    @property
    def policy_size(self) -> int:  # type: ignore[override]
        return layers.count(self._shapes) + self.condition_size

    def init(self, key: Array) -> Array:
        weights = super().init(key)
        return jnp.concatenate([weights, jnp.ones(self.condition_size, weights.dtype)])

    def act(self, x: Array, memory: Array, observation: Array) -> tuple[Array, Array]:
        weights, condition = jnp.split(x, [self.policy_size - self.condition_size])
        memory = self.remembered(weights, memory, observation)
        return self.logits(weights, memory * condition), memory
