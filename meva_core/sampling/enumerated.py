"""Payoffs from all episodes that may happen.

Shapes: P players, D numbers per policy, A actions, T steps, B episodes.
"""

from __future__ import annotations

import itertools

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from meva_core.contracts import Episodes, component
from meva_core.errors import BadCombination
from meva_core.sampling.play import unfold
from meva_core.sampling.played import PlayedGame

MOST = 2**16  # episodes; more would take minutes, and gigabytes


@component
class Enumerated(PlayedGame):
    """A game without chance moves of which every estimate is made of all B = A^(P T) episodes that may happen, each
    weighted by its probability: an infinite batch.

    Its samples are equal to the payoffs, and so are their derivatives of every order, so a rule that is right on
    samples does here what it does on the exact game of the same horizon. It serves tests. Raises BadCombination if
    there are more than 2^16 episodes.
    """

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        if (count := self.rules.num_actions ** (self.rules.num_players * self.steps)) > MOST:
            raise BadCombination(
                f"expected at most {MOST} episodes to enumerate, got {count}: use a shorter horizon than {self.steps}"
            )

    def play(self, x: Array, key: Array, memories: tuple | None = None) -> Episodes:
        players, steps = self.num_players, self.steps
        sequences = np.array(list(itertools.product(range(self.rules.num_actions), repeat=players * steps)))
        keys = key, jax.random.split(key, steps)

        def one(actions: Array, memories: tuple | None) -> Episodes:
            return unfold(self.rules, self.players, x, keys, _as_told, actions, memories)

        return jax.vmap(one)(jnp.asarray(sequences.reshape(-1, steps, players)), memories)

    def payoff(self, x: Array) -> Array:
        return self.sample(x, jax.random.key(0))  # which is exact, and at this horizon

    def shares(self, episodes: Episodes) -> Array:
        return jnp.exp(jax.lax.stop_gradient(jnp.sum(episodes.log_probs, axis=(1, 2))))

    def baselines(self, episodes: Episodes, returns: Array) -> Array:
        return jnp.broadcast_to(jnp.einsum("b,btp->tp", self.shares(episodes), returns), returns.shape)


def _as_told(logits: Array, action: Array) -> Array:
    return action
