"""Meta-states, and the networks that choose and judge. Shapes: P players, D numbers per policy, E entries
of a policy, V = P E numbers that a seat sees, H hidden units, B... any leading axes."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from meva_core.contracts import Game


class Network(NamedTuple):
    """A network with one hidden layer of tanh: f32[N, H], f32[H], f32[H, M], f32[M] for N inputs and M outputs."""

    hidden: Array
    hidden_bias: Array
    output: Array
    output_bias: Array


def fresh(key: Array, inputs: int, width: int, outputs: int) -> Network:
    """A fresh network, all numbers uniform within one over the square root of a layer's inputs, as in the authors'
    code."""
    shapes, sizes = ((inputs, width), (width,), (width, outputs), (outputs,)), (inputs, inputs, width, width)
    keys = jax.random.split(key, 4)
    each = zip(keys, shapes, sizes, strict=True)
    return Network(*(jax.random.uniform(key, shape, minval=-1, maxval=1) / size**0.5 for key, shape, size in each))


def apply(network: Network, seen: Array) -> Array:
    """The outputs f32[B..., M] for inputs f32[B..., N]."""
    hidden = jnp.tanh(seen @ network.hidden + network.hidden_bias)
    return hidden @ network.output + network.output_bias


def seen_by(game: Game, seat: int, x: Array) -> Array:
    """The meta-state of a seat at a joint policy f32[P, D], f32[V]: the game's entries of all policies, which are
    probabilities where policies are their logits, the own ones first and then those of the next seats around."""
    return jnp.roll(game.entries(x), -seat, axis=0).ravel()


def choices(actor: Network, seen: Array) -> tuple[Array, Array]:
    """Means and variances f32[B..., D] of the normal distribution of the next policy, for what is seen f32[B..., V].

    The variances are positive by softplus, as in the authors' code.
    """
    means, raised = jnp.split(apply(actor, seen), 2, axis=-1)
    return means, jax.nn.softplus(raised)


def log_density(means: Array, variances: Array, rows: Array) -> Array:
    """Log density f32[B...] of rows f32[B..., D] under independent normal distributions."""
    squares = (rows - means) ** 2 / variances + jnp.log(2 * jnp.pi * variances)
    return -0.5 * jnp.sum(squares, axis=-1)


def entropy(variances: Array) -> Array:
    """Entropy f32[B...] of independent normal distributions with variances f32[B..., D]."""
    return 0.5 * jnp.sum(jnp.log(2 * jnp.pi * jnp.e * variances), axis=-1)
