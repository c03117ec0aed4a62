"""Learnt policies: probabilities of actions that players have come to.

Shapes: S seeds, V rows, N pairs, P players, E entries.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meva_core.contracts import Answer, Evaluation, component
from meva_core.report.statistics import statistic

DIGITS = 3  # decimals of a probability, whatever the unit of payoffs


@component
class LearntPolicy(Evaluation):
    """The entries of a player's last policy (`Game.entries`), averaged over its seats: in the iterated prisoner's
    dilemma, the probabilities of cooperation at the start and after each outcome, its own action first.

    A page of a run shows such numbers as bars; here they have standard errors, and tournaments and claims can name
    them. Nothing is computed for it.

    In a row of summary.json:
      learnt_policy     entry name -> statistic
    """

    by_default = False

    def quantities(self, composition: Any) -> tuple[str, ...]:
        return tuple(f"learnt_policy.{name}" for name in composition.game.entry_names)

    def rows(self, answer: Answer, seen: Any) -> list[dict[str, Any]]:
        entries = seen.entries[..., list(seen.own), :].mean(axis=-2)  # f32[S, V, N, E]
        return [
            {"learnt_policy": {name: statistic(entries[:, v, :, e]) for e, name in enumerate(seen.entry_names)}}
            for v in range(len(seen.values))
        ]

    def compared(self, row: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
        return {name: {**found, "digits": DIGITS} for name, found in row["learnt_policy"].items()}
