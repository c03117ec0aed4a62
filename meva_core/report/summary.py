"""summary.json: everything in the tables, machine-readable.

    schema              1
    hash                of the experiment: equal hashes, equal numbers (on one machine and one set of versions)
    game, learner       names; opponents: names, empty in self-play; recipe, source
    seeds               those the numbers are over; diverged: [{seed, loop, quantity}] those left out
    setting             {name, label} of what the rows differ in, or null where there is one row
    rows                one per setting:
      value             of the setting, or null
      payoffs           per seat, a statistic: the matches as composed
      self_play         a statistic over all seats, where one learner takes them; else null
      best_response     {ours, theirs}: our policy held fixed, another seat replaced by its best response to it,
                        averaged over our seats and the responders
      against           {learner, ours, theirs}: learner in seat 1, the learner to be shaped elsewhere; or null
      policies          per seat, what its entries are called -> {mean, low, high}: over seeds and matches, as people
                        read them (probabilities where a policy holds logits), low and high the quartiles
      outcomes          name -> a statistic of the game's outcome shares (player 1's action first)
      diverged          share of the matches that ended with payoffs that are not finite
      settled           share of the matches in which no payoff moved by 1e-4 over the last 100 steps
      basins            outcome -> {cells: a statistic, of: number of starts}, where the game is surveyed
    fits                per fitted learner: {learner, loops, final: metric -> per seed}
    seconds             {fit, evaluate}

A statistic is {mean, sem, over, per_seed}: with several seeds, mean and standard error over the seeds' means
(over = "seeds"); with one, over its matches (over = "pairs"). A number that is not finite is null.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from meva_core.ops import mean_and_sem

if TYPE_CHECKING:
    from meva_core.report.result import Result

SCHEMA = 1


def summarise(result: Result) -> dict[str, Any]:
    """As this module's docstring has it."""
    experiment, survey = result.experiment, result.survey
    swept = not math.isnan(survey.values[0])
    return {
        "schema": SCHEMA,
        "hash": experiment.hash,
        "game": experiment.game.name,
        "learner": experiment.learner.name,
        "opponents": [opponent.name for opponent in experiment.opponents],
        "recipe": experiment.recipe,
        "source": experiment.source,
        "seeds": result.seeds,
        "diverged": [{"seed": d.seed, "loop": d.loop, "quantity": d.quantity} for d in result.diverged],
        "setting": {"name": survey.setting, "label": survey.label} if swept else None,
        "rows": [_row(result, v, value if swept else None) for v, value in enumerate(survey.values)],
        "fits": [
            {
                "learner": history.name,
                "loops": next(iter(history.metrics.values())).shape[1] if history.metrics else 0,
                "final": {name: [_number(v) for v in m[:, -1]] for name, m in history.metrics.items() if m.size},
            }
            for history in result.histories
        ],
        "seconds": {name: round(seconds, 2) for name, seconds in result.seconds.items()},
    }


def statistic(samples: np.ndarray) -> dict[str, Any]:
    """Of samples f32[S, N]: over seeds where there are several, else over the one seed's samples."""
    per_seed = samples.mean(axis=1)
    several = len(per_seed) > 1
    mean, sem = mean_and_sem(per_seed if several else samples[0])
    return {
        "mean": _number(mean),
        "sem": _number(sem),
        "over": "seeds" if several else "pairs",
        "per_seed": [_number(value) for value in per_seed],
    }


def _row(result: Result, v: int, value: float | None) -> dict[str, Any]:
    survey = result.survey
    payoffs = survey.payoffs[:, v]
    own = [seat for seat, player in enumerate(result.seats) if player == 0]
    ours, theirs = _responses(survey.response[:, v], own)
    row: dict[str, Any] = {
        "value": value,
        "payoffs": [statistic(payoffs[..., seat]) for seat in range(payoffs.shape[-1])],
        "self_play": statistic(payoffs.mean(axis=-1)) if len(own) == len(result.seats) else None,
        "best_response": {"ours": statistic(ours), "theirs": statistic(theirs)},
        "against": None,
        "policies": _policies(survey.entries[:, v], result.entry_names),
        "outcomes": {name: statistic(shares[:, v]) for name, shares in survey.outcomes.items()},
        "diverged": _number(1 - np.isfinite(payoffs).all(axis=-1).mean()),
        "settled": _number(survey.settled[:, v].mean()),
        "basins": {},
    }
    if survey.shaped is not None:
        shaped = survey.shaped[:, v]
        row["against"] = {
            "learner": result.experiment.evaluate.against,
            "ours": statistic(shaped[..., 0]),
            "theirs": statistic(shaped[..., 1:].mean(axis=-1)),
        }
    for name, cells in survey.basins.items():
        counts = cells[:, v].reshape(cells.shape[0], 1, -1).sum(axis=-1).astype(float)
        row["basins"][name] = {"cells": statistic(counts), "of": int(cells[0, v].size)}
    return row


def _policies(entries: np.ndarray, names: tuple[str, ...]) -> list[dict[str, dict[str, float | None]]]:
    """Of f32[S, N, P, D]."""
    flat = entries.reshape(-1, *entries.shape[-2:]).astype(float)
    quartiles = np.quantile(flat, [0.25, 0.75], axis=0)
    return [
        {
            name: {
                "mean": _number(flat[:, seat, d].mean()),
                "low": _number(quartiles[0, seat, d]),
                "high": _number(quartiles[1, seat, d]),
            }
            for d, name in enumerate(names)
        }
        for seat in range(flat.shape[1])
    ]


def _responses(response: np.ndarray, own: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """From f32[S, N, responder, P] our and the responders' payoffs, f32[S, N], averaged over who meets whom."""
    players = response.shape[-1]
    pairs = [(seat, other) for seat in own for other in range(players) if other != seat]
    ours = np.mean([response[:, :, other, seat] for seat, other in pairs], axis=0)
    theirs = np.mean([response[:, :, other, other] for _, other in pairs], axis=0)
    return ours, theirs


def _number(value: Any) -> float | None:
    value = float(value)
    return value if math.isfinite(value) else None
