"""Former selves: joint policies of earlier steps, against which the present ones play too.

Shapes: K former joint policies, P players, D numbers per policy.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array


class Former(NamedTuple):
    """Joint policies f32[K, P, D], the oldest of which is replaced first, and the number of steps so far, i32[]."""

    policies: Array
    steps: Array


def beginning(x: Array, capacity: int) -> Former:
    """The first policies x f32[P, D], and room for `capacity`, K, in all."""
    return Former(jnp.broadcast_to(x, (capacity, *x.shape)), jnp.zeros((), jnp.int32))


def drawn(former: Former, every: int, count: int, key: Array) -> Array:
    """Former joint policies f32[count, P, D], all equally likely; one was kept after `every` steps each."""
    kept = jnp.minimum(former.steps // every + 1, len(former.policies))
    return former.policies[jax.random.randint(key, (count,), 0, kept)]


def kept(former: Former, x: Array, every: int) -> Former:
    """The former policies after one step more, which has led to x f32[P, D]."""
    steps = former.steps + 1
    slot = (steps // every) % len(former.policies)
    policies = former.policies.at[slot].set(jnp.where(steps % every == 0, x, former.policies[slot]))
    return Former(policies, steps)
