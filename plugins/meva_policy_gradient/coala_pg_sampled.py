"""COALA-PG from episodes. Shapes: P players, D numbers per policy, G meta-episodes, B copies, L steps of a
meta-episode, A actions."""

from __future__ import annotations

from typing import Any

import jax
from jax import Array

from meva_core.contracts import component, one_of, static
from meva_core.match import Settled
from meva_policy_gradient import seen as seeing
from meva_policy_gradient.over_meta_episodes import OverMetaEpisodes
from meva_policy_gradient.seen import Seen


@component
class COALAPGSampled(Settled, OverMetaEpisodes):
    """Plays one policy whose memory lasts from episode to episode, while the others learn from these; a policy
    gradient that knows of their learning has found it.

    In every inner episode of a meta-episode, B copies of the policy play the same others at the same time, and these
    learn from all B episodes at once. So what a copy does now changes what all copies get later, but only by the share
    1/B. The return of an action is therefore

        (own rewards until the end of the inner episode) / B + mean over all copies of the rewards after it,

    `returns = "coala"`, which makes the gradient unbiased. For comparison, `unaware` counts only the own copy's
    rewards, at any time: what the action does to the other copies is missing. `m_fos` does not divide the present
    episode by B, as sampled M-FOS, where the present outweighs all learning of the others.

    A fit plays `batch_size` meta-episodes per loop, and passes over them as PPO does, through all of their steps; a
    critic with memory learns the own copy's return. The share `naive_share` of the meta-episodes is played with naive
    learners, who begin anew; the others with another member of the population, where nobody learns and returns are
    `unaware`. Every member learns; in a match, seat i plays member i mod K. Against other learners, these take the
    place of naive learners, from the starts of the match, and there is one member.

    It is meant for policies with memory (`--policy gru`). Advantages are standardised, so the unit of payoffs has no
    effect. The form that differentiates exact payoffs is `coala_pg`.

    References:
        Meulemans et al. (2025), Multi-agent Cooperation through Learning-Aware Policy Gradients, ICLR, equations 5 and
        6 and algorithm 1;
        Schulman et al. (2017), Proximal Policy Optimization Algorithms, equation 7.
    """

    returns: str = static(default="coala", doc="what an action is paid", check=one_of("coala", "unaware", "m_fos"))

    remembers = True

    def first(self, x: Array, key: Array) -> Array:
        """The policies x f32[P, D] themselves."""
        return x

    def size(self, seat: int) -> int:
        return self.game.policies[seat].policy_size

    def log_policy(self, seat: int, own: Array, seen: Seen) -> Array:
        return seeing.log_policy(self.game.policies[seat], own, seen)

    def divided_by_passes(self, batch: Any) -> Any:
        """All copies of all meta-episodes in one batch [G B, ...]."""
        return jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), batch)

    def shared(self, others_learn: bool) -> bool:
        return others_learn and self.returns != "unaware"

    @property
    def divided(self) -> bool:
        return self.returns != "m_fos"
