"""The outputs of a policy along an episode.

Shapes: D numbers per policy, A actions, O numbers per observation, T steps.
"""

from __future__ import annotations

import jax
from jax import Array

from meva_core.contracts import Policy


def logits_along(policy: Policy, x: Array, observations: Array) -> Array:
    """Logits of the actions f32[T, A] of the numbers x f32[D] that see f32[T, O], with memory from step to step."""
    if not policy.memory_size:
        nothing = policy.begin(x)
        return jax.vmap(lambda seen: policy.act(x, nothing, seen)[0])(observations)

    def step(memory: Array, seen: Array) -> tuple[Array, Array]:
        logits, after = policy.act(x, memory, seen)
        return after, logits

    return jax.lax.scan(step, policy.begin(x), observations)[1]
