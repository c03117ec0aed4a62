"""Reciprocity: matches in which all players come to play like tit-for-tat.

Shapes: S seeds, V rows, N matches, D numbers per policy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from meva_core import match as matching
from meva_core.contracts import Answer, Asking, Evaluation, Game, between, component, static
from meva_core.ops import over_batch
from meva_core.report import tables
from meva_core.report.statistics import statistic
from meva_core.report.tables import Grid

RETALIATION = ("P(C|DD)", "P(C|CD)")  # the own action first
COOPERATION = {"CC": 1.0, "DC": 0.5, "CD": 0.5}  # share of players who cooperate, by outcome


@component
class Reciprocity(Evaluation):
    """The share of matches in which both players are like tit-for-tat after some step, or before the first: after DD
    and CD both cooperate with a probability below `below`, and the discounted share of cooperation is above `above`.

    For iterated games of two players with the actions C and D. In the contribution game, and wherever CC and DD pay as
    much together as CD and DC, the share of cooperation is how far the mean payoff has come from DD's to CC's.

    In a row of summary.json:
      reciprocity       {share, share_at_the_end, cooperation}, statistics over matches: of those in which both are like
                        tit-for-tat after some step, and after the last; and the share of cooperation after the last

    References:
        Zhao et al. (2022), Proximal Learning with Opponent-Learning Awareness, NeurIPS, figure 3 and the authors' code
        (0.65 and 0.8).
    """

    below: float = static(
        default=0.65, doc="probability of cooperation after DD and CD that counts as retaliation", check=between(0, 1)
    )
    above: float = static(default=0.8, doc="share of cooperation that counts as cooperation", check=between(0, 1))

    by_default = False
    says = "looking for reciprocity along matches"

    def lacks(self, composition: Any, seeds: int) -> str:
        game = composition.game
        outcomes = jax.eval_shape(lambda key: game.outcomes(game.init(key)), jax.random.key(0))
        fits = game.num_players == 2 and {*RETALIATION} <= {*game.entry_names} and {*COOPERATION} <= {*outcomes}
        return "" if fits else "an iterated game of two players with the actions C and D"

    def quantities(self, composition: Any) -> tuple[str, ...]:
        return tuple(f"reciprocity.{name}" for name in ("share", "share_at_the_end", "cooperation"))

    def ask(self, match: Any, key: Array, asking: Asking, *inputs: Array) -> dict[str, Array]:
        def one(key: Array) -> dict[str, Array]:
            start_key, play_key = jax.random.split(key)
            xs = matching.trajectory(match, matching.start(match, start_key), play_key, asking.steps)
            cooperation = jax.vmap(lambda x: cooperation_of(match.game, x))(xs)
            retaliation = jax.vmap(lambda x: jnp.all(retaliation_of(match.game, x) < self.below))(xs)
            alike = (retaliation & (cooperation > self.above)).astype(xs.dtype)
            return {"share": jnp.max(alike), "share_at_the_end": alike[-1], "cooperation": cooperation[-1]}

        return over_batch(one, jax.random.split(key, asking.pairs))

    def rows(self, answer: Answer, seen: Any) -> list[dict[str, Any]]:
        return [
            {"reciprocity": {name: statistic(found[:, v]) for name, found in answer.each.items()}}
            for v in range(len(seen.values))
        ]

    def tables(self, summary: Mapping[str, Any]) -> list[Grid]:
        def cells(row: Mapping[str, Any]) -> list[str]:
            return [tables.statistic(found) for found in row["reciprocity"].values()]

        heads = ["like tit-for-tat\nat some step", "like it\nat the end", "cooperation\nat the end"]
        return [tables.per_setting(summary, "reciprocity: shares of matches, and of cooperation", heads, cells)]


def cooperation_of(game: Game, x: Array) -> Array:
    """The discounted share of cooperation between the policies x f32[2, D], f32[]."""
    shares = game.outcomes(x)
    return jnp.asarray(sum(weight * shares[name] for name, weight in COOPERATION.items()))


def retaliation_of(game: Game, x: Array) -> Array:
    """Probabilities of cooperation after which tit-for-tat defects, of both policies of x f32[2, D], f32[2, 2]."""
    return game.entries(x)[:, jnp.array([game.entry_names.index(name) for name in RETALIATION])]
