"""Payoffs that opponents can earn against a policy (zero-determinant view, Press & Dyson, 2012).

Shapes: N opponents, M pairs, D numbers per policy; two players.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from meva_core import match as matching
from meva_core.contracts import Answer, Asking, Evaluation, Game, Learner, Sampled, between, component, static
from meva_core.errors import BadCombination
from meva_core.match import Match
from meva_core.ops import over_batch
from meva_core.report import tables
from meva_core.report.statistics import number, statistic
from meva_core.report.tables import Grid
from meva_evaluations.versus import against

FEWER = 32  # most matches, since each costs more than a match of `evaluate.matches`

SNAPSHOTS = (0, 3, 10, 30, 100, 300, 1000, 3000, 10000)  # steps of a match after which polytopes are computed


class Polytope(NamedTuple):
    """Payoffs against a policy, and all payoffs that the game allows.

    payoffs f32[N, 2], player 1 first: of the policy against each opponent. feasible f32[M, 2]: of all pairs of the
    game's candidates for best responses; M is 0 if the game lists none. In memory-one games the candidates are all
    deterministic policies, and the convex hull of feasible contains every payoff.
    """

    payoffs: Array
    feasible: Array


def polytope(game: Game, policy: Array, opponents: Array, *, seat: int = 0) -> Polytope:
    """Payoffs of a policy f32[D] in `seat` against opponents f32[N, D] in the other.

    An extortionate policy's payoffs lie on a line. Raises BadCombination unless the game has two players.
    """
    if game.num_players != 2:
        raise BadCombination(f"expected a game of two players for a polytope, got one with {game.num_players}")

    def payoff(own: Array, other: Array) -> Array:
        return game.payoff(jnp.stack([own, other] if seat == 0 else [other, own]))

    x = jnp.stack([policy, policy])
    first, second = (game.best_response(x, s) for s in (0, 1))
    feasible = jnp.zeros((0, 2))
    if first is not None and second is not None:
        every = jax.vmap(lambda a: jax.vmap(lambda b: game.payoff(jnp.stack([a, b])))(second))(first)
        feasible = every.reshape(-1, 2)
    return Polytope(jax.vmap(lambda other: payoff(policy, other))(opponents), feasible)


class OverTraining(NamedTuple):
    """Polytopes of player 1's policy after each of T snapshots of one match; two players.

    payoffs f32[T, 2]: of the match. cloud f32[T, N, 2]: payoffs of the policy against N opponents. slope f32[T]: the
    opponents' gain when the policy gains 1, along the cloud's longest axis; between 0 and 1 for an extortionate policy,
    which gains more than they do. straightness f32[T]: the share of the cloud's variance along that axis; 1 on a line.
    """

    payoffs: Array
    cloud: Array
    slope: Array
    straightness: Array


def over_training(match: Match, x: Array, key: Array, opponents: Array, num_steps: int) -> OverTraining:
    """Polytopes along a match from x, f32[2, D], at the `snapshots` of `num_steps`.

    opponents f32[N, D] play in seat 2. Pure. Raises BadCombination unless the game has two players.
    """
    xs = matching.trajectory(match, x, key, num_steps)[jnp.array(snapshots(num_steps))]
    cloud = jax.vmap(lambda x: polytope(match.game, x[0], opponents).payoffs)(xs)
    apart = cloud - jnp.mean(cloud, axis=1, keepdims=True)
    variances, axes = jnp.linalg.eigh(jnp.einsum("tni,tnj->tij", apart, apart, precision="highest"))  # the longest last
    return OverTraining(
        payoffs=jax.vmap(match.game.payoff)(xs),
        cloud=cloud,
        slope=axes[:, 1, 1] / axes[:, 0, 1],
        straightness=variances[:, 1] / jnp.sum(variances, axis=1),
    )


def snapshots(num_steps: int) -> list[int]:
    """Steps of a match of `num_steps` after which polytopes are computed."""
    return [step for step in SNAPSHOTS if step <= num_steps]


@component
class PayoffPolytope(Evaluation):
    """Payoffs of the learner's policy against random opponents, along matches against the learner to be shaped: how
    they come to lie on a line, as those of an extortionate policy do.

    The answer contains an `OverTraining` of M matches for each seed and row; and once for all seeds, the payoffs
    f32[F, 2] of all pairs of the game's candidates for best responses (`Polytope.feasible`).

    In a row of summary.json:
      extortion         {slope, straightness, over_training}: statistics of the longest axis of the payoffs of our
                        policy and random opponents, after the last of the `snapshots`: slope: their gain when we gain
                        1; straightness: the share of the variance along the axis; over_training: means at every
                        snapshot, [{step, slope, straightness, payoffs: of both players}]
    """

    opponents: int = static(
        default=256, doc="number of random opponents of the learner's policy", check=between(1, 10**6)
    )
    builds_on = ("shaping",)
    by_default = False
    stream = 2**32 - 8  # on record
    small: ClassVar = {"opponents": 8}
    says = "computing polytopes of payoffs"
    formerly = {"polytope": "opponents"}  # noqa: RUF012

    def lacks(self, composition: Any, seeds: int) -> str:
        if isinstance(composition.game, Sampled):
            return "a game whose payoffs are computed"
        return "" if composition.game.num_players == 2 else "a game of two players"

    def plan(self, composition: Any) -> Learner | None:
        return composition.evaluations["shaping"].plan(composition)

    def quantities(self, composition: Any) -> tuple[str, ...]:
        return ("extortion.slope", "extortion.straightness")

    def ask(self, match: Any, key: Array, asking: Asking, *inputs: Array) -> OverTraining:
        shaping = against(match.game, match.players[0], asking.planned)
        key, opponents_key = jax.random.split(key)
        opponents = jax.vmap(lambda k: match.game.init(k)[1])(jax.random.split(opponents_key, self.opponents))

        def one(key: Array) -> OverTraining:
            start_key, play_key = jax.random.split(key)
            return over_training(shaping, matching.start(shaping, start_key), play_key, opponents, asking.steps)

        return over_batch(one, jax.random.split(key, min(asking.pairs, FEWER)))

    def ask_once(self, game: Any, match: Any, keys: Array, asking: Asking) -> Array:
        x = game.init(keys[0])
        return polytope(game, x[0], x[1:]).feasible

    def rows(self, answer: Answer, seen: Any) -> list[dict[str, Any]]:
        return [{"extortion": self._row(answer.each, v, seen.steps)} for v in range(len(seen.values))]

    def _row(self, found: OverTraining, v: int, steps: int) -> dict[str, Any]:
        last = {name: statistic(getattr(found, name)[:, v, :, -1]) for name in ("slope", "straightness")}
        along = [
            {
                "step": step,
                "slope": number(found.slope[:, v, :, t].mean()),
                "straightness": number(found.straightness[:, v, :, t].mean()),
                "payoffs": [number(found.payoffs[:, v, :, t, p].mean()) for p in range(2)],
            }
            for t, step in enumerate(snapshots(steps))
        ]
        return {**last, "over_training": along}

    def arrays(self, answer: Answer) -> dict[str, Any]:
        """Arrays of the first seed's first match: cloud f32[V, T, N, 2] and met f32[V, T, 2]; feasible f32[F, 2]."""
        found = answer.each
        return {"cloud": found.cloud[0, :, 0], "met": found.payoffs[0, :, 0], "feasible": answer.once}

    def tables(self, summary: Mapping[str, Any]) -> list[Grid]:
        unit = tables.unit(summary)

        def found(row: Mapping[str, Any]) -> list[list[str]]:
            return [
                [
                    f"{at['step']}",
                    tables.number(at["slope"], 3),
                    tables.number(at["straightness"], 3),
                    *map(unit.number, at["payoffs"]),
                ]
                for at in row["extortion"]["over_training"]
            ]

        name = summary["rows"][0]["against"]["learner"]
        heads = ["step", "their gain per ours", "straightness", "ours", f"{name}'s"]
        caption = f"extortion along matches against {name}: payoffs of our policy and random opponents, as a line"
        return [tables.lines(summary, caption, heads, found)]

    def figures(self, summary: Mapping[str, Any], arrays: Mapping[str, Any]) -> Mapping[str, Any]:
        from meva_evaluations import clouds  # matplotlib

        return {"polytope": clouds.figure(summary, arrays, tables.title(summary))}

    def captions(self) -> Mapping[str, str]:
        return {
            "polytope": "Payoffs of the learner's policy against random opponents, along a match; the ring is the "
            "match itself, the grey area all that the game allows."
        }

    def pictures(self) -> Mapping[str, Any]:
        from meva_evaluations import clouds  # matplotlib

        return {"polytope": clouds.of_runs}
