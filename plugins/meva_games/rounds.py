"""The rules of the iterated games, played round by round.

Shapes: O states that a player distinguishes, which are also all N observations; A actions.
"""

from typing import Any

import jax.numpy as jnp
from jax import Array

from meva_core.contracts import component, part


@component
class Rounds:
    """The rounds of an iterated game: a player sees the state that its policy distinguishes, as a row of the identity
    matrix, the start first."""

    exact: Any = part()

    @property
    def num_players(self) -> int:
        """P."""
        return self.exact.num_players

    @property
    def num_actions(self) -> int:
        """A."""
        return max(getattr(self.exact, "actions", (2,)))

    @property
    def observation_size(self) -> int:
        """O."""
        return self.exact.policy_size // (self.num_actions if hasattr(self.exact, "actions") else 1)

    @property
    def observations(self) -> Array:
        """All observations, f32[N, O]."""
        return jnp.eye(self.observation_size)
