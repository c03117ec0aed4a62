"""Shaping: payoffs of a learner against another one that learns by its own rule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from jax import Array

from meva_core.contracts import Answer, Asking, Column, Evaluation, Learner, component, positive, static
from meva_core.errors import BadCombination, BadValue
from meva_core.evaluate import matches
from meva_core.report.statistics import statistic
from meva_evaluations.versus import against, facing


@component
class Shaping(Evaluation):
    """Payoffs f32[S, V, N, P] of fresh matches with the learner in seat 1 and the learner to be shaped elsewhere, in
    self-play alone.

    The learner to be shaped has no fitted parameters. Its learning rate, if it has one, is `rate`; if that is unset,
    the learner's rate; if the learner has none, the rate of its own recipe for the game.

    In a row of summary.json:
      against           {learner, ours, theirs}: name of the learner to be shaped, payoffs of seat 1 and of the others
    """

    against: str | None = static(default=None, doc="learner to be shaped; unset: none", names="learner")
    rate: float | None = static(
        default=None,
        doc="its learning rate; unset: the rate of the learner that shapes it, or else of its own recipe",
        check=positive,
    )

    by_default_if_played = False
    stream = 2**32 - 4  # on record
    formerly = {"against": "against", "against_rate": "rate"}  # noqa: RUF012

    @property
    def says(self) -> str:
        return f"playing against {self.against}"

    @classmethod
    def settle(cls, settings: Mapping[str, Any], named: Mapping[str, Any], about: Any) -> Mapping[str, Any]:
        lent = settings["rate"] or np.any(about.learner.settings.get("rate", 0.0))
        if lent or settings["against"] is None or about.opponents:
            return settings
        return {**settings, "rate": about.of_recipe(named["against"]).get("rate")}

    def lacks(self, composition: Any, seeds: int) -> str:
        if self.against is None:
            return "a learner to be shaped (evaluate.shaping.against)"
        return (
            "" if self.plan(composition) is not None else f"self-play of a learner that can play against {self.against}"
        )

    def plan(self, composition: Any) -> Learner | None:
        """The learner to be shaped, with its rate. None outside self-play.

        None also if it is the learner itself, or if the two cannot meet. Raises BadValue if it needs a fit, or if
        `rate` is set and it has none.
        """
        name = self.against
        if name is None or len(composition.players) > 1 or composition.is_first(name):
            return None
        learner = composition.rehearse()[0]
        rate = self.rate or getattr(learner, "rate", 0.0)
        shaped = composition.another(name, "evaluate.shaping.against", **({"rate": rate} if np.any(rate) else {}))
        if self.rate is not None and not hasattr(shaped, "rate"):
            raise BadValue(f"expected no evaluate.shaping.rate with {name}, which has no rate, got {self.rate:g}")
        try:
            facing(learner, (shaped,) * (composition.game.num_players - 1))
        except BadCombination:
            return None
        return shaped

    def quantities(self, composition: Any) -> tuple[str, ...]:
        return ("against.ours", "against.theirs")

    def ask(self, match: Any, key: Array, asking: Asking, *inputs: Array) -> Any:
        shaping = against(match.game, match.players[0], asking.planned)
        return matches(shaping, key, asking.pairs, asking.steps).payoffs

    def rows(self, answer: Answer, seen: Any) -> list[dict[str, Any]]:
        return [
            {
                "against": {
                    "learner": self.against,
                    "ours": statistic(shaped[..., 0]),
                    "theirs": statistic(shaped[..., 1:].mean(axis=-1)),
                }
            }
            for shaped in (answer.each[:, v] for v in range(len(seen.values)))
        ]

    def columns(self, summary: Mapping[str, Any]) -> list[Column]:
        name = summary["rows"][0]["against"]["learner"]
        heads = {"ours": (f"ours vs\n{name}", "ours"), "theirs": (f"{name}'s", f"the {name} one's")}
        return [
            Column(
                head=head,
                panel=f"against a {name} learner",
                line=line,
                cell=lambda row, key=key: row["against"][key],
                # Only seat 1 plays against the learner to be shaped.
                of_seat=lambda row, seat, key=key: row["against"][key] if seat == "1" else None,
            )
            for key, (head, line) in heads.items()
        ]

    def compared(self, row: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
        name = row["against"]["learner"]
        return {f"ours vs {name}": row["against"]["ours"], f"{name}'s": row["against"]["theirs"]}
