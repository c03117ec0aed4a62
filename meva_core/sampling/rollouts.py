"""Payoffs that are estimated from a batch of episodes. Shapes: P players, D numbers per policy, T steps, B episodes."""

from __future__ import annotations

import attrs
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer

from meva_core.contracts import Episodes, between, component, one_of, static
from meva_core.errors import BadCombination
from meva_core.ops import mean_of_others
from meva_core.sampling.play import play
from meva_core.sampling.played import PlayedGame


@component
class Rollouts(PlayedGame):
    """A game whose payoffs are means over a batch of episodes, which are drawn anew with every key.

    With stopping `geometric`, every step ends an episode with probability 1 - discount, and each step until then has
    the weight 1 - discount: the expected payoff is that of an infinite game, up to the share discount^horizon of the
    episodes, which are longer than the horizon.
    """

    episodes: int = static(
        default=64, doc="B, episodes per step of a match, and per estimate of payoffs", check=between(1, 10**7)
    )
    shown: int | None = static(
        default=None,
        doc="episodes behind the payoffs, outcomes and frequencies that a run shows; unset: as many as `episodes`",
        check=between(1, 10**7),
    )
    stopping: str = static(
        default="horizon",
        doc="end of an episode: after all steps, or after each with probability 1 - discount",
        check=one_of("horizon", "geometric"),
    )

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        discount = self.rules.discount
        if self.stopping == "geometric" and not isinstance(discount, Tracer) and np.any(np.asarray(discount) >= 1):
            raise BadCombination(
                "expected a discount below 1 for stopping = 'geometric', where every step ends an episode with "
                f"probability 1 - discount, got {discount}: use stopping = 'horizon'"
            )

    @property
    def notes(self) -> tuple[str, ...]:  # type: ignore[override]
        many = f", and {self.shown} for what is shown" if self.shown and self.exact is None else ""
        return (
            *self.rules.notes,
            f"{self.episodes} episodes of {self.steps} steps for every estimate of payoffs{many}",
        )

    def play(self, x: Array, key: Array, memories: tuple | None = None) -> Episodes:
        continues = self.rules.discount if self.stopping == "geometric" else 1.0
        keys = jax.random.split(key, self.episodes)

        def one(key: Array, memories: tuple | None) -> Episodes:
            return play(self.rules, self.players, x, key, self.steps, continues, memories)

        return jax.vmap(one)(keys, memories)

    def play_shown(self, x: Array, key: Array) -> Episodes:
        return attrs.evolve(self, episodes=self.shown or self.episodes).play(x, key)

    def weights(self, alive: Array) -> Array:
        return (1 - self.rules.discount) * alive if self.stopping == "geometric" else super().weights(alive)

    def shares(self, episodes: Episodes) -> Array:
        count = len(episodes.alive)  # which another game of the same rules may have played
        return jnp.full((count,), 1 / count, episodes.alive.dtype)

    def baselines(self, episodes: Episodes, returns: Array) -> Array:
        return mean_of_others(returns, episodes.alive[..., None])
