"""A player who does what was done to it. Shapes: P players, D numbers per policy, B episodes, T steps."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array

from meva_core.contracts import EpisodeLearner, Episodes, component, part
from meva_core.errors import BadCombination


@component
class Copycat(EpisodeLearner):
    """Plays, in the episodes of a step, the last action with the probability with which the others took it in the
    episodes before, whatever it sees: in the prisoner's dilemma, it cooperates as often as they did.

    It adapts by a rule, so the best that anybody can do against it is known: with payoffs -1, -2, 0 and -3, someone who
    cooperates with probability c gets -2 + 2 y - c where it cooperates with probability y, and so will lead it to
    cooperate if payoffs of the next step count for more than half as much as those of this one.

    It needs games of two actions between tables. Raises BadCombination for others.
    """

    game: Any = part()

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        rules, tables = self.game.rules, any(policy.tabular for policy in self.game.policies)
        if rules.num_actions != 2 or rules.exact is None or not tables:
            raise BadCombination(
                f"expected a game of two actions and tables as policies for a copycat, got {type(rules).__name__}: try "
                "an iterated game with --policy table in its seat"
            )

    def learn(self, params: Any, state: Any, x: Array, episodes: Episodes, key: Array) -> tuple[Array, Any]:
        taken = jnp.sum(episodes.actions * episodes.alive[..., None], axis=(0, 1)) / jnp.sum(episodes.alive)  # f32[P]
        others = (jnp.sum(taken) - taken) / (len(taken) - 1)
        exact = self.game.rules.exact
        rows = exact.from_entries(jnp.broadcast_to(others[:, None], (len(taken), len(exact.entry_names))))
        return jnp.zeros_like(x).at[:, : rows.shape[1]].set(rows) - x, state
