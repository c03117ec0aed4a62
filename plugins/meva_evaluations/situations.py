"""Situations: the choices of policies with memory after an outcome that lasted.

Shapes: S seeds, V rows, N pairs, P players, D numbers per policy, E entries.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from typing import Any, ClassVar

import jax
from jax import Array

from meva_core.contracts import (
    Answer,
    Asking,
    Evaluation,
    GivesLogits,
    Panel,
    Playable,
    Sampled,
    between,
    component,
    static,
)
from meva_core.report import tables
from meva_core.report.statistics import spreads
from meva_core.sampling import choice_names, logits_after, probabilities_after


@component
class Situations(Evaluation):
    """Probabilities of actions after the same outcome in each of the last rounds, for policies that remember.

    It applies to policies with memory, which are no tables: what they do depends on all rounds. So each is told an
    episode in which one outcome, such as (own) D and (other's) C, happens `rounds` times in a row, and is then asked
    for its probabilities; `start` is the first round. A policy without memory needs one round. The game is an iterated
    one, or a sampled one that names its observations (`observation_names`).

    The answer contains the probabilities f32[S, V, N, P, E], in the order of the exact game's `entries`, or else of
    `choice_names`.

    In summary.json:
      situation_rounds  the number of rounds
    In a row of summary.json:
      situations        per seat, entry name -> {mean, low, high}, like `policies`: the probability after the outcome
                        that the name states
    """

    rounds: int = static(default=5, doc="rounds with the same outcome before the question", check=between(1, 10**4))

    small: ClassVar = {"rounds": 2}
    says = "asking policies what they do"

    def lacks(self, composition: Any, seeds: int) -> str:
        game = composition.game
        if isinstance(game, Sampled) and any(policy.memory_size for policy in game.policies):
            exact = game.rules.exact
            fits = bool(game.rules.observation_names) if exact is None else _gives_logits(exact)
            return "" if fits else "an iterated game, or one that names its observations"
        return "policies with memory"

    def inputs(self, ended: Any, answers: Mapping[str, Answer]) -> tuple[Array, ...]:
        return (ended.x,)

    def ask(self, match: Any, key: Array, asking: Asking, *inputs: Array) -> Array:
        (x,), game = inputs, match.game
        exact = game.rules.exact

        def one(x: Array) -> Array:
            if exact is None:
                return probabilities_after(game.rules, game.players, x, self.rounds)
            return exact.entries(exact.from_logits(logits_after(game.rules, game.players, x, self.rounds)))

        return jax.vmap(one)(x)

    def rows(self, answer: Answer, seen: Any) -> list[dict[str, Any]]:
        rules = seen.game.rules
        names = choice_names(rules) if rules.exact is None else rules.exact.entry_names
        return [{"situations": spreads(answer.each[:, v], names)} for v in range(len(seen.values))]

    def whole(self, answer: Answer, seen: Any) -> dict[str, Any]:
        return {"situation_rounds": self.rounds}

    def panels(self, summary: Mapping[str, Any], arrays: Mapping[str, Any]) -> list[Panel]:
        package = resources.files("meva_evaluations")
        script, style = ((package / f"situations.{kind}").read_text(encoding="utf-8") for kind in ("js", "css"))
        return [Panel(script=script, style=style, rows=_shown(summary), shows_policies=True)]


def _gives_logits(exact: Any) -> bool:
    """True if an exact game says how its policies act."""
    return isinstance(exact, Playable) and isinstance(exact, GivesLogits)


def _shown(summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Data for the page, for each row."""
    about = {"seats": tables.seats(summary), "rounds": summary["situation_rounds"]}
    return [{**about, "bars": [_bars(seat) for seat in row["situations"]]} for row in summary["rows"]]


def _bars(seat: Mapping[str, Mapping[str, float | None]]) -> dict[str, list[float]]:
    """Mean and quartiles by name; a probability that is not finite, of a match that diverged, is drawn as 0."""
    return {name: [round(found[key] or 0.0, 4) for key in ("mean", "low", "high")] for name, found in seat.items()}
