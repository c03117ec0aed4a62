"""Convergence: lengths of the players' steps along a match."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meva_core.contracts import Answer, Evaluation, component
from meva_core.evaluate import looked_at
from meva_core.report import tables
from meva_core.report.statistics import number
from meva_core.report.tables import Grid


@component
class Convergence(Evaluation):
    """Mean length of a player's step, the first, the 10th, ..., the last, and the share of matches that settled: from
    how the matches ended, so nothing more is computed.

    In a row of summary.json:
      convergence       [{step, length}]: mean length of the players' steps, the first, the 10th, ..., the last
    """

    def rows(self, answer: Answer, seen: Any) -> list[dict[str, Any]]:
        means = seen.lengths.mean(axis=(0, 2))
        steps = looked_at(seen.steps)
        return [
            {"convergence": [{"step": step, "length": number(m)} for step, m in zip(steps, row, strict=True)]}
            for row in means
        ]

    def tables(self, summary: Mapping[str, Any]) -> list[Grid]:
        heads = [f"step {at['step']}" for at in summary["rows"][0]["convergence"]]

        def cells(row: Mapping[str, Any]) -> list[str]:
            lengths = [_tiny(at["length"]) for at in row["convergence"]]
            return [*lengths, f"{100 * row['settled']:.0f} %"]

        caption = "convergence: mean length of a player's step, and matches whose payoffs settled"
        return [tables.per_setting(summary, caption, [*heads, "settled"], cells)]


def _tiny(value: float | None) -> str:
    """A length with two significant digits, since lengths fall by orders of magnitude; "-" for None."""
    return "-" if value is None else f"{value:.2g}"
