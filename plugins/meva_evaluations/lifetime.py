"""Lifetimes: mean payoffs over all steps of a match. Shapes: S seeds, V rows, N pairs, P players."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from meva_core import match as matching
from meva_core.contracts import Answer, Asking, Column, Evaluation, component
from meva_core.ops.batching import over_batch
from meva_core.report.statistics import statistic


@component
class Lifetime(Evaluation):
    """Mean payoffs f32[S, V, N, P] over all steps of fresh matches, as composed: what learners are fitted for that
    shape others while these learn, and what Lu et al. (2022, Model-Free Opponent Shaping) report.

    The policies after each of the `evaluate.steps` steps count alike; those of the start do not.

    In a row of summary.json:
      lifetime          {ours, theirs}: statistics of the seats of the first learner, and of the others, or null
    """

    by_default = False
    says = "playing matches for the means over their steps"

    def quantities(self, composition: Any) -> tuple[str, ...]:
        return ("lifetime.ours", "lifetime.theirs") if len(composition.players) > 1 else ("lifetime.ours",)

    def ask(self, match: Any, key: Array, asking: Asking, *inputs: Array) -> Array:
        def one(key: Array) -> Array:
            start_key, play_key = jax.random.split(key)
            played = matching.play(match, matching.start(match, start_key), play_key, asking.steps)
            return jnp.mean(played.payoffs[1:], axis=0)

        return over_batch(one, jax.random.split(key, asking.pairs))

    def rows(self, answer: Answer, seen: Any) -> list[dict[str, Any]]:
        own = list(seen.own)
        others = [seat for seat in range(len(seen.seats)) if seat not in own]

        def mean(row: Any, seats: list[int]) -> dict[str, Any] | None:
            return statistic(row[..., seats].mean(axis=-1)) if seats else None

        each = (answer.each[:, v] for v in range(len(seen.values)))
        return [{"lifetime": {"ours": mean(row, own), "theirs": mean(row, others)}} for row in each]

    def columns(self, summary: Mapping[str, Any]) -> list[Column]:
        first = summary["rows"][0]["lifetime"]

        def column(name: str) -> Column:
            return Column(
                head=f"{name} over\nall steps",
                panel="over all steps",
                line=name,
                cell=lambda row: row["lifetime"][name],
            )

        return [column(name) for name, found in first.items() if found is not None]

    def compared(self, row: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
        return {f"{name} over all steps": found for name, found in row["lifetime"].items() if found is not None}
