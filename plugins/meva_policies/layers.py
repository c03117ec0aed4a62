"""Dense layers whose weights and biases are written one after the other in one vector.

Shapes: D numbers in the vector, N inputs and M outputs of a layer.
"""

import itertools
import math
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

ACTIVATIONS = {"tanh": jnp.tanh, "relu": jax.nn.relu, "gelu": jax.nn.gelu}

Shapes = tuple[tuple[int, ...], ...]


def dense(*sizes: int) -> Shapes:
    """Shapes of the weights [N, M] and the biases [M] of the layers between these sizes.

    >>> dense(5, 16, 1)
    ((5, 16), (16,), (16, 1), (1,))
    """
    return tuple(shape for n, m in itertools.pairwise(sizes) for shape in ((n, m), (m,)))


def count(shapes: Shapes) -> int:
    """The number D of numbers in arrays of these shapes.

    >>> count(dense(5, 16, 1))
    113
    """
    return sum(map(math.prod, shapes))


def split(x: Array, shapes: Shapes) -> list[Array]:
    """The arrays of these shapes that the numbers x f32[D] hold, in this order."""
    ends = np.cumsum([math.prod(shape) for shape in shapes])
    return [part.reshape(shape) for part, shape in zip(jnp.split(x, ends[:-1]), shapes, strict=True)]


def fresh(key: Array, shapes: Shapes, deviations: Sequence[Array | float]) -> Array:
    """Fresh numbers f32[D]: weights from N(0, deviation²), one deviation for each matrix in order, and biases of 0."""
    remaining = iter(zip(jax.random.split(key, len(deviations)), deviations, strict=True))

    def one(shape: tuple[int, ...]) -> Array:
        if len(shape) == 1:
            return jnp.zeros(shape)
        own, deviation = next(remaining)
        return deviation * jax.random.normal(own, shape).ravel()

    return jnp.concatenate([one(shape) for shape in shapes])


def deviations(inputs: float, layers: int, width: int) -> list[float]:
    """The standard deviations of fresh weights that keep the size of signals through `layers` layers of this width:
    one over the square root of a layer's inputs (LeCun et al., 1998, section 4.6).

    inputs: the squared length of what the first layer sees: 1 for the rows of an identity matrix.
    """
    return [1 / math.sqrt(n) for n in (inputs, *[width] * (layers - 1))]


def through(arrays: Sequence[Array], h: Array, activation: Callable[[Array], Array]) -> Array:
    """The output of layers for h f32[N]; arrays: weights and biases in turn, the activation comes after each layer."""
    for weights, biases in zip(arrays[::2], arrays[1::2], strict=True):
        h = activation(h @ weights + biases)
    return h
