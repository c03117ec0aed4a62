"""Cross-play: payoffs of independent fits against each other, to see if their conventions agree.

Shapes: S fits, N matches, P players.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from meva_core.contracts import Answer, Asking, Evaluation, Game, component
from meva_core.evaluate import matches, streams
from meva_core.match import Fitted, Match
from meva_core.report import tables
from meva_core.report.statistics import number
from meva_core.report.tables import Grid

FEWER = 32  # matches of every pair of fits


def cross_play(game: Game, players: Fitted, key: Array, count: int, num_steps: int) -> Array:
    """Payoffs f32[S, S, N, P] after `num_steps`: fit i in seat 1, fit j in all other seats.

    Every leaf of `players` begins [S] (`ops.stacked`); all are fits of one recipe in self-play. The diagonal is
    self-play. All pairs start from the same joint policies. Pure; safe under jit.
    """
    fits = jnp.arange(jax.tree.leaves(players)[0].shape[0])
    seats = (0, *(1,) * (game.num_players - 1))

    def pair(i: Array, j: Array) -> Array:
        first, rest = (jax.tree.map(lambda leaf, n=n: leaf[n], players) for n in (i, j))
        return matches(Match(game=game, players=(first, rest), seats=seats), key, count, num_steps).payoffs

    return jax.lax.map(lambda i: jax.lax.map(lambda j: pair(i, j), fits), fits)


@component
class CrossPlay(Evaluation):
    """Payoffs f32[S, S] of fit i in seat 1 against fit j elsewhere, at the learner's own setting, where several fits
    play themselves.

    In summary.json, next to the rows:
      cross_play        {seeds, value, payoffs}: fit i in seat 1 against fit j elsewhere, at the learner's own value
    """

    says = "playing fits against each other"

    def lacks(self, composition: Any, seeds: int) -> str:
        fitted = composition.rehearse()[0].training is not None
        return "" if len(composition.players) == 1 and fitted and seeds > 1 else "self-play of several fits"

    def ask_once(self, game: Any, match: Any, keys: Array, asking: Asking) -> Any:
        if len(keys) == 1:  # the other fits diverged
            return None
        found = _payoffs(match, keys[0], pairs=min(asking.pairs, FEWER), steps=asking.steps)
        return found[..., 0].mean(axis=2)

    def whole(self, answer: Answer, seen: Any) -> dict[str, Any]:
        payoffs = [[number(payoff) for payoff in row] for row in answer.once]
        return {"cross_play": {"seeds": list(seen.seeds), "value": seen.own_value, "payoffs": payoffs}}

    def tables(self, summary: Mapping[str, Any]) -> list[Grid]:
        cross, setting, unit = summary["cross_play"], summary["setting"], tables.unit(summary)
        at = f" at {tables.symbol(setting)} = {cross['value']:g}" if setting and cross["value"] is not None else ""
        names = [f"seed {seed}" for seed in cross["seeds"]]
        rows = [[name, *map(unit.number, payoffs)] for name, payoffs in zip(names, cross["payoffs"], strict=True)]
        caption = f"cross-play{at}: payoff of the row's fit, in seat 1, against the column's"
        return [Grid(caption, ["", *names], rows, ("",), stubs=1)]


@partial(jax.jit, static_argnames=("pairs", "steps"))
def _payoffs(match: Any, key: Array, *, pairs: int, steps: int) -> Array:
    """Payoffs f32[S, S, N, P] of `cross_play`, for the players of the match."""
    game = jax.tree.map(lambda leaf: leaf[0], match.game)
    return cross_play(game, match.players[0], jax.random.fold_in(key, streams.MATCHES), pairs, steps)
