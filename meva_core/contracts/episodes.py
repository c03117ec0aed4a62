"""Episodes: what happened in a game that was played.

Shapes: P players, A actions, O numbers per observation, H numbers of memory, T steps per episode, B episodes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from jax import Array


class Episodes(NamedTuple):
    """An episode, or with B in front of every shape many of them.

    observations f32[T, P, O]: what every player sees before it acts. actions i32[T, P]. rewards f32[T, P].
    log_probs f32[T, P]: log-probability of every action taken, differentiable in the policies.
    alive f32[T]: 1 until the episode ends, then 0. final f32[P, O]: what the players see after the last step.
    memories: per seat, the memory f32[H] of its policy when the episode has ended; () if it began without any.
    """

    observations: Array
    actions: Array
    rewards: Array
    log_probs: Array
    alive: Array
    final: Array
    memories: tuple = ()
