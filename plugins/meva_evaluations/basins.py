"""Basins of attraction: the starts from which learners reach each outcome.

For games of two players whose policies are one number each. Shapes: G starts along each axis.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from meva_core import match as matching
from meva_core.contracts import Evaluation, between, component, not_negative, static
from meva_core.contracts.evaluation import Answer, Asking, Panel
from meva_core.errors import BadCombination
from meva_core.evaluate import outcome_names
from meva_core.match import Match
from meva_core.ops import over_batch
from meva_core.report import tables
from meva_core.report.statistics import statistic
from meva_core.report.tables import Grid

TRAJECTORIES = 24  # number of trajectories in every row
LANDSCAPE = 101  # points along each axis of the payoffs in figures
POINTS = 60  # most points of a trajectory on the page


def grid(low: float, high: float, size: int) -> Array:
    """Joint policies f32[G, G, 2, 1]: player 2's number grows along the first axis, player 1's along the second."""
    axis = jnp.linspace(low, high, size)
    second, first = jnp.meshgrid(axis, axis, indexing="ij")
    return jnp.stack([first, second], axis=-1)[..., None]


def basins(match: Match, starts: Array, key: Array, num_steps: int) -> dict[str, Array]:
    """Basins bool[G, G] by outcome: True for each of the starts f32[G, G, 2, 1] whose match ends in this outcome.

    A match ends in an outcome if the outcome's share is above one half; NaN is not.
    """

    def one(x: Array) -> dict[str, Array]:
        ended = matching.play(match, x, key, num_steps).x
        return {name: share > 0.5 for name, share in match.game.outcomes(ended).items()}

    found = over_batch(one, starts.reshape(-1, *starts.shape[2:]))
    return {name: cells.reshape(starts.shape[:2]) for name, cells in found.items()}


def unstable(match: Match, starts: Array, found: dict[str, Array], key: Array, num_steps: int, nudge: float) -> Array:
    """Unstable cells bool[G, G]: True for starts that end elsewhere if both numbers move by `nudge`, up or down.

    starts f32[G, G, 2, 1]; found: their basins. Rounding decides how unstable starts end. To find them, set `nudge` far
    above the precision and far below the distance between starts.
    """
    changed = jnp.zeros(starts.shape[:2], bool)
    for corner in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
        moved = basins(match, starts + nudge * jnp.array(corner, starts.dtype)[:, None], key, num_steps)
        for name, cells in found.items():
            changed |= cells != moved[name]
    return changed


@component
class Basins(Evaluation):
    """From where on a grid over the game's plane players reach which outcome, and trajectories from fresh starts.

    It applies to games with a plane (`Game.plane`): two players whose policies are one number. For each seed and row,
    the answer contains the cells of every outcome, bool[G, G], trajectories f32[M, T, P, D], and the unstable cells,
    bool[G, G], or None without a nudge; and once for all seeds, the plane and the payoffs f32[L, L, P] over it.

    In a row of summary.json:
      basins            outcome -> {cells: a statistic, of: number of starts}
      unstable          {by, cells: a statistic, of, starts: [[a, b], ...] of the first seed}: starts of the grid that
                        end in another outcome when they are moved by `by`; only if `nudge` is above 0
    """

    grid: int = static(default=29, doc="starts along each axis of the grid", check=between(2, 1000))
    steps: int = static(default=200, doc="steps from each start", check=between(1, 10**7))
    nudge: float = static(
        default=0.0,
        doc="if above 0, mark starts that end in another outcome when they are moved by this much",
        check=not_negative,
    )

    stream = 2**32 - 3  # on record
    small: ClassVar = {"grid": 3, "steps": 4}
    says = "surveying basins"
    formerly = {"grid": "grid", "grid_steps": "steps", "nudge": "nudge"}  # noqa: RUF012

    def lacks(self, composition: Any, seeds: int) -> str:
        """The lack of a plane. Raises BadCombination for a nudge on such a game, where it has no effect."""
        if composition.game.plane is not None:
            return ""
        lacking = "a game with a plane of two numbers to survey"
        if self.nudge:
            raise BadCombination(f"expected {lacking} for evaluate.basins.nudge, got a game without one: leave it out")
        return lacking

    def plan(self, composition: Any) -> None:
        least = 10 * float(np.finfo(np.float32).eps) * max(map(abs, composition.game.plane))
        if 0 < self.nudge < least and not composition.float64:
            raise BadCombination(
                f"expected evaluate.basins.nudge of {least:.1g} or more in single precision, got {self.nudge:g}: "
                "set evaluate.float64=true for less"
            )

    def quantities(self, composition: Any) -> tuple[str, ...]:
        names = tuple(f"basins.{name}" for name in outcome_names(composition.game))
        return (*names, "unstable") if self.nudge else names

    def ask(self, match: Any, key: Array, asking: Asking, *inputs: Array) -> Any:
        low, high = match.game.plane
        starts = grid(low, high, self.grid)
        key, start_key = jax.random.split(key)
        found = basins(match, starts, key, self.steps)
        some = jax.vmap(lambda k: matching.start(match, k))(jax.random.split(start_key, TRAJECTORIES))
        paths = jax.vmap(lambda x: matching.trajectory(match, x, key, self.steps))(some)
        moved = unstable(match, starts, found, key, self.steps, self.nudge) if self.nudge else None
        return found, paths, moved

    def ask_once(self, game: Any, match: Any, keys: Array, asking: Asking) -> Any:
        low, high = game.plane
        return np.array(game.plane), jax.jit(jax.vmap(jax.vmap(game.payoff)))(grid(low, high, LANDSCAPE))

    def rows(self, answer: Answer, seen: Any) -> list[dict[str, Any]]:
        return [self._row(answer, v, seen) for v in range(len(seen.values))]

    def _row(self, answer: Answer, v: int, seen: Any) -> dict[str, Any]:
        found, _, moved = answer.each
        row: dict[str, Any] = {"basins": {}}
        for name in outcome_names(seen.game):
            cells = found[name][:, v]
            counts = cells.reshape(len(cells), 1, -1).sum(axis=-1).astype(float)
            row["basins"][name] = {"cells": statistic(counts), "of": int(cells[0].size)}
        if moved is not None:
            cells = moved[:, v]
            low, high = seen.game.plane
            axis = np.linspace(low, high, cells.shape[-1])
            row["unstable"] = {
                "by": self.nudge,
                "cells": statistic(cells.reshape(len(cells), 1, -1).sum(axis=-1).astype(float)),
                "of": int(cells[0].size),
                "starts": [[round(float(axis[c]), 6), round(float(axis[r]), 6)] for r, c in np.argwhere(cells[0])],
            }
        return row

    def arrays(self, answer: Answer) -> dict[str, Any]:
        found, paths, _ = answer.each
        plane, landscape = answer.once
        cells = {f"basin {name}": found[name] for name in found}
        return {"plane": plane, "landscape": landscape, "trajectories": paths, **cells}

    def first_tables(self, summary: Mapping[str, Any]) -> list[Grid]:
        return [_table(summary)] if summary["rows"][0]["basins"] else []

    def tables(self, summary: Mapping[str, Any]) -> list[Grid]:
        return [_unstable(summary)] if summary["rows"][0].get("unstable") else []

    def compared(self, row: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
        return {
            f"starts to {name}, of {basin['of']}": {**basin["cells"], "digits": 1}
            for name, basin in row["basins"].items()
        }

    def figures(self, summary: Mapping[str, Any], arrays: Mapping[str, Any]) -> Mapping[str, Any]:
        from meva_evaluations import planes  # matplotlib

        return planes.of_run(summary, arrays)

    def captions(self) -> Mapping[str, str]:
        return {
            "basins": "Where starts of the grid end, row by row: white in the outcome on every seed, black on none.",
            "trajectories": "Trajectories of learning from fresh starts (open) to their ends (filled).",
            "contours": "Payoffs over both policies, and where trajectories of learning come to rest.",
        }

    def pictures(self) -> Mapping[str, Any]:
        from meva_evaluations import planes  # matplotlib

        return planes.PICTURES

    def panels(self, summary: Mapping[str, Any], arrays: Mapping[str, Any]) -> list[Panel]:
        script = (resources.files("meva_evaluations") / "basins.js").read_text(encoding="utf-8")
        return [Panel(script=script, rows=_drawn(arrays))]


def _table(summary: Mapping[str, Any]) -> Grid:
    heads: list[str] = []
    for name, basin in summary["rows"][0]["basins"].items():
        heads += [f"{name}, of {basin['of']}", "share", tables.BY_SEED]

    def cells(row: Mapping[str, Any]) -> list[str]:
        shown: list[str] = []
        for basin in row["basins"].values():
            mean, sem, of = basin["cells"]["mean"], basin["cells"]["sem"], basin["of"]
            error = "" if sem is None else f" ±{sem:.0f}"
            seeds = " ".join(f"{count:.0f}" for count in basin["cells"]["per_seed"])
            shown += [f"{mean:.0f}{error}", f"{100 * mean / of:.1f} %", seeds]
        return shown

    caption = "starts of the grid that end in an outcome"
    return tables.per_setting(summary, caption, heads, cells, (tables.BY_SEED,))


def _unstable(summary: Mapping[str, Any]) -> Grid:
    first = summary["rows"][0]["unstable"]

    def cells(row: Mapping[str, Any]) -> list[str]:
        listed = "; ".join(f"{a:.3g}, {b:.3g}" for a, b in row["unstable"]["starts"])
        return [tables.statistic(row["unstable"]["cells"], digits=0), listed or "none"]

    caption = f"starts that end elsewhere when moved by {first['by']:g}, of {first['of']}"
    which = f"which, on seed {summary['seeds'][0]}"
    return tables.per_setting(summary, caption, ["number", which], cells, (which,))


def _drawn(arrays: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Data that the page draws, for each row.

    They are the share of the seeds that end in each outcome, cell by cell, and a few points of each of the first seed's
    trajectories. Points of a trajectory that are not finite are left out.
    """
    paths = arrays["trajectories"][0, ..., 0]
    kept = np.unique(np.linspace(0, paths.shape[2] - 1, POINTS).astype(int))
    drawn = np.round(paths[:, :, kept].astype(float), 2)
    names = [name for name in arrays if name.startswith("basin ")]
    return [
        {
            "range": np.asarray(arrays["plane"]).tolist(),
            "basins": {
                name.removeprefix("basin "): np.round(arrays[name][:, v].mean(axis=0), 3).tolist() for name in names
            },
            "paths": [path[np.isfinite(path).all(axis=1)].tolist() for path in drawn[v]],
        }
        for v in range(len(drawn))
    ]
