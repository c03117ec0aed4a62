"""Sign-flip exploration."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from meva_core.contracts import Explorer, between, component, leaf


@component
class SignFlip(Explorer):
    """Flips the sign of every unit of the last hidden layer with a probability, one mask for all players.

    The mask is drawn once per trajectory and held: the perturbed value function prefers other policies, and the whole
    trajectory follows this preference, whereas noise on the steps would only shake it. Flipping a unit is the same as
    flipping the signs of its outgoing weights, so a trajectory needs H numbers and no copy of the network.

    References:
        Cooijmans et al. (2023), section 4.3 and appendix E.
    """

    probability: float = leaf(default=1 / 16, doc="probability that a unit's sign is flipped", check=between(0, 1))

    def draw(self, key: Array, params: Any, num_features: int) -> Array:
        """Signs +1 and -1, f32[H]."""
        return jnp.where(jax.random.bernoulli(key, self.probability, (num_features,)), -1.0, 1.0)

    def perturb_features(self, noise: Array, features: Array) -> Array:
        return features * noise
