"""Gaussian noise on the steps."""

from typing import Any

import jax
from jax import Array

from meva_core.contracts import Explorer, component, leaf, not_negative


@component
class GaussianStep(Explorer):
    """Adds fresh Gaussian noise to every step: a random walk around the learner's own path, a baseline.

    References:
        Heess et al. (2015), Learning Continuous Control Policies by Stochastic Value Gradients, NeurIPS;
        Cooijmans et al. (2023), section 4.3, on why it does not explore.
    """

    scale: float = leaf(default=0.1, doc="standard deviation of the noise on each number of a step", check=not_negative)

    def perturb_step(self, noise: Any, step: Array, key: Array) -> Array:
        return step + self.scale * jax.random.normal(key, step.shape, step.dtype)
