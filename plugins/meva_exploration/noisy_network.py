"""Noisy networks: noise on a network's parameters."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from meva_core.contracts import Explorer, component, leaf, not_negative


@component
class NoisyNetwork(Explorer):
    """Adds Gaussian noise to every parameter of the value model, drawn once per trajectory and held.

    The noise is stored as its random key, so a batch of trajectories stores no copies of the network; the perturbed
    parameters exist only while they are in use.

    References:
        Fortunato et al. (2018), Noisy Networks for Exploration, ICLR, there with learnt scales;
        Cooijmans et al. (2023), section 4.3.
    """

    scale: float = leaf(default=1e-4, doc="standard deviation of the noise on each parameter", check=not_negative)

    def draw(self, key: Array, params: Any, num_features: int) -> Array:
        return key

    def perturb_params(self, noise: Array, params: Any) -> Any:
        leaves, tree = jax.tree.flatten(params)
        keys = jax.random.split(noise, len(leaves))
        noisy = [
            p + self.scale * jax.random.normal(k, jnp.shape(p), p.dtype) for p, k in zip(leaves, keys, strict=True)
        ]
        return jax.tree.unflatten(tree, noisy)
