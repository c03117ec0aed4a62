"""Shaper. Shapes: P players, D numbers per policy, B episodes, H numbers of memory."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from meva_core.contracts import between, check_source, component, leaf
from meva_shapers.evolved import Evolved


@component
class Shaper(Evolved):
    """Plays one policy with a memory that lasts from episode to episode, while the others learn from these.

    So it can tell how far they have come, and change what it does, although its own numbers never move. Where others
    learn from B episodes at once, each of the B copies of the policy has a memory of its own; `averaging` mixes into
    each the mean over all, before the next episodes begin. It is meant for policies with memory (`--policy gru`); with
    tables it is the Good Shepherd from episodes.

    The fit finds it by evolution strategies. All members of a population, in antithetic pairs around the present
    policy, play the same lifetimes: `co_players` fresh opponents, who take `steps` steps. Their ranks make the gradient
    that Adam climbs. The others are the rivals of the match; in self-play, they are naive learners with learning rate
    `rate`. In a symmetric game all seats share one policy.

    References:
        Khan et al. (2024), Scaling Opponent Shaping to High Dimensional Games, AAMAS (Shaper, and its averaging);
        Salimans et al. (2017), Evolution Strategies as a Scalable Alternative to Reinforcement Learning.
    """

    averaging: float = leaf(
        default=0.0, doc="share of the mean over all episodes in what each copy remembers", check=between(0, 1)
    )

    remembers = True
    learns_from = "episodes"

    def __attrs_post_init__(self) -> None:
        check_source(self, self.game)

    def carry(self, memory: Array) -> Array:
        return averaged(memory, self.averaging)


def averaged(memory: Array, share: Array | float) -> Array:
    """The memory f32[B, H] with this share replaced by its mean over the B episodes.

    Source: Khan et al. (2024), section 4.2, with share 1/2.

    >>> averaged(jnp.array([[0.0], [4.0]]), share=0.5).tolist()
    [[1.0], [3.0]]
    """
    return (1 - share) * memory + share * jnp.mean(memory, axis=0)
