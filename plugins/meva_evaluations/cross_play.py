"""Cross-play: payoffs of independent fits against each other, to see if their conventions agree.

Shapes: S fits or seeds, V rows, N matches, P players, D numbers per policy.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from meva_core.contracts import Answer, Asking, Evaluation, Game, Sampled, component
from meva_core.evaluate import matches, streams
from meva_core.match import Fitted, Match
from meva_core.ops import mean_and_sem, programs
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


def cross_play_of_policies(game: Game, x: Array, key: Array) -> Array:
    """Payoffs f32[S, S, N, P] of policies x f32[S, N, P, D], which learn no more: in match n, seat 1 of seed i's match
    n against the other seats of seed j's.

    Payoffs of a game that is played are exact if they can be; else each is the mean over fresh episodes. Pure; safe
    under jit.
    """
    keys = jax.random.split(key, (len(x), *x.shape[:2]))

    def pair(first: Array, others: Array, keys: Array) -> Array:
        return jax.vmap(lambda x, key: _payoff(game, x, key))(others.at[:, 0].set(first[:, 0]), keys)

    def against_all(row: tuple[Array, Array]) -> Array:
        return jax.lax.map(lambda column: pair(row[0], *column), (x, row[1]))

    return jax.lax.map(against_all, (x, keys))


def _payoff(game: Game, x: Array, key: Array) -> Array:
    if isinstance(game, Sampled):
        return game.sample(x, key) if game.exact is None else game.exact.payoff(x)
    return game.payoff(x)


@component
class CrossPlay(Evaluation):
    """Payoffs f32[S, S] of fit i in seat 1 against fit j elsewhere, at the learner's own setting, where several fits
    play themselves.

    Learners without a fit take part where games are played: then the policies that they have learnt by the end of the
    matches of one seed meet those of another, and nobody learns any more.

    In summary.json, next to the rows:
      cross_play        {seeds, value, payoffs, sems}: fit i in seat 1 against fit j elsewhere, at the value of the
                        learner's setting; sems: standard errors over the matches of each pair
    """

    says = "playing fits against each other"

    def lacks(self, composition: Any, seeds: int) -> str:
        learns = composition.rehearse()[0].training is not None or isinstance(composition.game, Sampled)
        return "" if len(composition.players) == 1 and learns and seeds > 1 else "self-play of several fits"

    def ask_once(self, game: Any, match: Any, keys: Array, asking: Asking) -> Any:
        if len(keys) == 1:  # the other fits diverged
            return None
        if match.players[0].params is None:
            found = programs.call(_payoffs_of_policies, game, asking.ended.x, keys[0])[..., 0]
            return found.mean(axis=3), found
        counts = {"pairs": min(asking.pairs, FEWER), "steps": asking.steps}
        found = programs.call(_payoffs, match, keys[0], **counts)[..., 0]
        return found.mean(axis=2), found

    def whole(self, answer: Answer, seen: Any) -> dict[str, Any]:
        """Content of summary.json: of policies, those of the row of the learner's own value, or else of the last."""
        (means, found), value = answer.once, seen.own_value
        if means.ndim == 3:  # policies of every row; fits are the learner's own in any case
            row = seen.values.index(value) if value in seen.values else -1
            means, found, value = means[row], found[row], number(seen.values[row])
        payoffs = [[number(payoff) for payoff in row] for row in means]
        sems = [[number(mean_and_sem(pair)[1]) for pair in row] for row in found]
        return {"cross_play": {"seeds": list(seen.seeds), "value": value, "payoffs": payoffs, "sems": sems}}

    def tables(self, summary: Mapping[str, Any]) -> list[Grid]:
        cross, setting, unit = summary["cross_play"], summary["setting"], tables.unit(summary)
        at = f" at {tables.symbol(setting)} = {cross['value']:g}" if setting and cross["value"] is not None else ""
        names = [f"seed {seed}" for seed in cross["seeds"]]
        sems = cross.get("sems") or [[None] * len(names)] * len(names)  # older runs have none
        cells = [
            [unit.statistic({"mean": payoff, "sem": sem}) for payoff, sem in zip(*row, strict=True)]
            for row in zip(cross["payoffs"], sems, strict=True)
        ]
        rows = [[name, *row] for name, row in zip(names, cells, strict=True)]
        caption = f"cross-play{at}: payoff of the row's fit, in seat 1, against the column's"
        return [Grid(caption, ["", *names], rows, ("",), stubs=1)]


@partial(jax.jit, static_argnames=("pairs", "steps"))
def _payoffs(match: Any, key: Array, *, pairs: int, steps: int) -> Array:
    """Payoffs f32[S, S, N, P] of `cross_play`, for the players of the match."""
    game = jax.tree.map(lambda leaf: leaf[0], match.game)
    return cross_play(game, match.players[0], jax.random.fold_in(key, streams.MATCHES), pairs, steps)


@jax.jit
def _payoffs_of_policies(game: Game, x: Array, key: Array) -> Array:
    """Payoffs f32[V, S, S, N, P] of `cross_play_of_policies`, for policies f32[S, V, N, P, D]."""
    key = jax.random.fold_in(key, streams.of("cross_play", None))
    return jax.lax.map(lambda x: cross_play_of_policies(game, x, key), jnp.swapaxes(x, 0, 1))
