"""The outputs of a policy along an episode, and how far they are from another's.

Shapes: D numbers per policy, A actions, O numbers per observation, T steps, B episodes.
"""

from __future__ import annotations

import jax
from jax import Array

from meva_core.contracts import Policy
from meva_core.ops import kl_divergence


def logits_along(policy: Policy, x: Array, observations: Array, memory: Array | None = None) -> Array:
    """Logits of the actions f32[T, A] of the numbers x f32[D] that see f32[T, O], with memory from step to step.

    memory f32[H]: with which they begin; None to begin afresh.
    """
    if not policy.memory_size:
        nothing = policy.begin(x)
        return jax.vmap(lambda seen: policy.act(x, nothing, seen)[0])(observations)

    def step(memory: Array, seen: Array) -> tuple[Array, Array]:
        logits, after = policy.act(x, memory, seen)
        return after, logits

    return jax.lax.scan(step, policy.begin(x) if memory is None else memory, observations)[1]


def divergence_along(policy: Policy, old: Array, new: Array, observations: Array) -> Array:
    """The divergence KL(old || new) f32[B, T] between what the numbers `old` and `new` f32[D] of a policy do at every
    step, given the observations f32[B, T, O] until then; `old` is held constant. Longer rows are cut.

    Source: Kullback & Leibler (1951), On Information and Sufficiency.
    """
    size = policy.policy_size
    held = jax.lax.stop_gradient(old)[:size]

    def one(seen: Array) -> Array:
        return kl_divergence(logits_along(policy, held, seen), logits_along(policy, new[:size], seen))

    return jax.vmap(one)(observations)
