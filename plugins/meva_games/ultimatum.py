"""The ultimatum game."""

import jax
import jax.numpy as jnp
from jax import Array

from meva_core.contracts import Game, component
from meva_games.memory_one import of_both_actions, to_logits


@component
class Ultimatum(Game):
    """One-shot: player 1 offers half of 10 (with probability p) or 2 of it; player 2 accepts what is fair, and what
    is unfair with probability q, else both get nothing. Policies are the logits of p and q:

        f1 = 5 p + 8 (1 - p) q,   f2 = 5 p + 2 (1 - p) q.

    With naive learning, player 2 learns to accept anything, and player 1 to offer little. Policies start from N(0, 1).

    References:
        Willi et al. (2022), COLA: Consistent Learning with Opponent-Learning Awareness, ICML (the "balanced" game).

    Examples:
        >>> [round(float(payoff), 3) for payoff in Ultimatum().payoff(jnp.zeros((2, 1)))]  # p = q = 1/2
        [4.5, 3.0]
    """

    policy_size = 1
    symmetric = False
    plane = (-4.0, 4.0)

    @property
    def entry_names(self) -> tuple[str, ...]:
        return ("P(fair offer), P(accept unfair)",)

    def entries(self, x: Array) -> Array:
        return jax.nn.sigmoid(x)

    def from_entries(self, entries: Array) -> Array:
        return to_logits(entries)

    def to_logits(self, x: Array) -> Array:
        return of_both_actions(x)

    @property
    def payoff_range(self) -> Array:
        return jnp.array([8.0, 5.0])  # from nothing to the most that each can get

    def init(self, key: Array) -> Array:
        return jax.random.normal(key, (2, 1))

    def payoff(self, x: Array) -> Array:
        fair, accepts = jax.nn.sigmoid(x[:, 0])
        return jnp.array([5.0, 5.0]) * fair + jnp.array([8.0, 2.0]) * (1 - fair) * accepts

    def outcomes(self, x: Array) -> dict[str, Array]:
        """Probabilities of the three possible outcomes."""
        fair, accepts = jax.nn.sigmoid(x[:, 0])
        return {"fair": fair, "unfair": (1 - fair) * accepts, "refused": (1 - fair) * (1 - accepts)}
