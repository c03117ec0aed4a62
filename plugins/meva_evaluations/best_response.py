"""Best responses: payoffs of a learner against its best response, and exploitability."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from jax import Array

from meva_core.contracts import Answer, Asking, Column, Evaluation, Sampled, between, component, positive, static
from meva_core.evaluate import of_each_match, streams
from meva_core.report import tables
from meva_core.report.statistics import number, statistic
from meva_core.report.tables import Grid


@component
class BestResponse(Evaluation):
    """Payoffs where one player is replaced by its best response to the others' last policies, ours and the responder's;
    and exploitability, what that changes.

    Best responses are exact in games that list all candidates; in others gradient ascent finds them
    (`meva_core.evaluate`). The answer contains payoffs f32[S, V, N, P, P], where the axis before the last is the
    responder, and how certain each best response is, f32[S, V, N, P].

    In a row of summary.json:
      best_response     {ours, theirs, agreement}: payoffs with our policy fixed and another seat replaced by its best
                        response, averaged over our seats and the responders; agreement: how certain that is, the mean
                        share of the ascents that ended with as much as the best one, 1 if the game lists all candidates
      exploitability    {gain, loss}: how much a best response to us raises the responder's payoff, and lowers ours
    """

    steps: int = static(
        default=100, doc="gradient steps of a best response, if the game lists no exact ones", check=between(1, 10**7)
    )
    restarts: int = static(default=8, doc="random restarts of such a best response", check=between(1, 10**5))
    rate: float | None = static(
        default=None,
        doc="learning rate of such a best response; unset: the number that the learner's steps are proportional to, in "
        "its recipe, or else 1",
        check=positive,
    )

    stream = streams.RESPONSES
    small: ClassVar = {"steps": 4, "restarts": 2}
    says = "finding best responses"
    formerly = {"response_steps": "steps", "response_restarts": "restarts", "response_rate": "rate"}  # noqa: RUF012

    def lacks(self, composition: Any, seeds: int) -> str:
        exact = not isinstance(composition.game, Sampled) or composition.game.exact is not None
        return "" if exact else "a game with exact payoffs"

    @classmethod
    def settle(cls, settings: Mapping[str, Any], named: Mapping[str, Any], about: Any) -> Mapping[str, Any]:
        return {**settings, "rate": settings["rate"] or about.rate or 1.0}

    def quantities(self, composition: Any) -> tuple[str, ...]:
        names = ("best_response.ours", "best_response.theirs", "exploitability.gain", "exploitability.loss")
        own = composition.players[0].seats
        apart = [] if composition.game.symmetric or len(own) < 2 else own
        return (*names, *(f"seats.{seat + 1}.{name}" for seat in apart for name in names))

    def inputs(self, ended: Any, answers: Mapping[str, Answer]) -> tuple[Array, ...]:
        return (ended.x,)

    def ask(self, match: Any, key: Array, asking: Asking, *inputs: Array) -> Any:
        (x,) = inputs
        return of_each_match(match.game, x, key, steps=self.steps, restarts=self.restarts, rate=self.rate or 1.0)

    def rows(self, answer: Answer, seen: Any) -> list[dict[str, Any]]:
        responses, agreements = answer.each
        found = []
        for v in range(len(seen.values)):
            response, agreement, payoffs = responses[:, v], agreements[:, v], seen.payoffs[:, v]
            row: dict[str, Any] = _of_seats(response, agreement, payoffs, seen.own)
            if not seen.symmetric and len(seen.own) > 1:
                row["seats"] = {str(seat + 1): _of_seats(response, agreement, payoffs, [seat]) for seat in seen.own}
            found.append(row)
        return found

    def columns(self, summary: Mapping[str, Any]) -> list[Column]:
        heads = {"ours": ("ours vs best\nresponse", "ours"), "theirs": ("best\nresponse's", "the best response's")}
        return [
            Column(
                head=head,
                panel="against its best response",
                line=line,
                cell=lambda row, name=name: row["best_response"][name],
                of_seat=lambda row, seat, name=name: row["seats"][seat]["best_response"][name],
            )
            for name, (head, line) in heads.items()
        ]

    def notes(self, summary: Mapping[str, Any]) -> list[str]:
        agreement = min(row["best_response"]["agreement"] or 0.0 for row in summary["rows"])
        if agreement == 1:
            return []
        return [
            f"best responses are found by ascent: {100 * agreement:.0f} % of the starts or more agree on the best one"
        ]

    def tables(self, summary: Mapping[str, Any]) -> list[Grid]:
        return [_exploitability(summary), *([_by_seed(summary)] if len(summary["seeds"]) > 1 else [])]

    def compared(self, row: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
        apart = {f"seat {seat}: ": one["best_response"] for seat, one in row["seats"].items()}
        found = {}
        for seat, response in (apart or {"": row["best_response"]}).items():
            found[f"{seat}ours vs best response"] = response["ours"]
            found[f"{seat}best response's"] = response["theirs"]
        return found


def _of_seats(response: np.ndarray, agreement: np.ndarray, payoffs: np.ndarray, own: list[int]) -> dict[str, Any]:
    """Statistics of a row, averaged over pairs of our seats and responders.

    response f32[S, N, responder, P], agreement f32[S, N, responder], payoffs f32[S, N, P].
    """
    ours, theirs = _averaged(response, own)
    our_change, their_change = _averaged(response - payoffs[:, :, None, :], own)
    responders = [seat for seat in range(agreement.shape[-1]) if own != [seat]]
    certain = number(agreement[..., responders].mean())
    return {
        "best_response": {"ours": statistic(ours), "theirs": statistic(theirs), "agreement": certain},
        "exploitability": {"gain": statistic(their_change), "loss": statistic(-our_change)},
    }


def _averaged(response: np.ndarray, own: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Our payoffs and the responders', f32[S, N] each, averaged over pairs of our seats and responders.

    response f32[S, N, responder, P].
    """
    players = response.shape[-1]
    pairs = [(seat, other) for seat in own for other in range(players) if other != seat]
    ours = np.mean([response[:, :, other, seat] for seat, other in pairs], axis=0)
    theirs = np.mean([response[:, :, other, other] for _, other in pairs], axis=0)
    return ours, theirs


def _exploitability(summary: Mapping[str, Any]) -> Grid:
    unit = tables.unit(summary)

    def cells(found: Mapping[str, Any]) -> list[str]:
        return [unit.statistic(found["exploitability"][name]) for name in ("gain", "loss")]

    heads, caption = ["the best response's gain", "our loss by it"], "exploitability: what a best response changes"
    return tables.per_row_or_seat(summary, caption, heads, cells)


def _by_seed(summary: Mapping[str, Any]) -> Grid:
    unit = tables.unit(summary)

    def cells(found: Mapping[str, Any]) -> list[str]:
        return [unit.number(payoff) for payoff in found["best_response"]["ours"]["per_seed"]]

    heads, caption = [f"seed {s}" for s in summary["seeds"]], "our payoff against the best response, seed by seed"
    return tables.per_row_or_seat(summary, caption, heads, cells)
