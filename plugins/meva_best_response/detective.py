"""The detective: a network that has asked about an agent, and answers with its best response to it.

Shapes: K answers, N states that policies distinguish, A actions, H hidden units.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array

Layers = list[tuple[Array, Array]]


def fresh(key: Array, sizes: tuple[int, ...]) -> Layers:
    """Weights f32[n, m] from N(0, 1/n) and biases f32[m] of 0, of the layers between these sizes.

    Source: LeCun et al. (1998), Efficient BackProp, section 4.6.
    """
    keys = jax.random.split(key, len(sizes) - 1)
    shapes = zip(keys, sizes, sizes[1:], strict=False)
    return [(jax.random.normal(own, (n, m)) / n**0.5, jnp.zeros(m)) for own, n, m in shapes]


def reply(layers: Layers, answers: Array) -> Array:
    """Logits f32[N * A] of the actions of a responder who has these answers f32[K]."""
    *hidden, (weights, biases) = layers
    signal = answers
    for into, shift in hidden:
        signal = jnp.tanh(signal @ into + shift)
    return signal @ weights + biases
