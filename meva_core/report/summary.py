"""Builds summary.json, which holds everything in the tables in machine-readable form.

    schema              4
    hash                hash of the experiment; equal hashes mean equal numbers (on one machine with equal versions)
    game, learner       names; opponents: names, empty in self-play; recipe, source
    policy              name of the policies of all players, or names by seat, "mlp and gru"; only if they are not the
                        game's own
    players             labels of the learner and the opponents: names, with differing hyper-parameters if players share
                        a name (meva_core/experiment/labels.py)
    payoff_range        widest range of a player's payoffs in this game: the unit of tolerances
    seeds               seeds that the numbers are over; diverged: [{seed, loop, quantity}], seeds that are left out
    setting             {name, label, symbol, own: the learner's own value} of the setting in which the rows differ, or
                        null if there is one row
    evaluations         names of the evaluations of the run
    rows                one per value of the setting, or a single one:
      value             value of the setting, or null
      payoffs           per seat, a statistic: the matches as composed
      self_play         a statistic over all seats, if one learner takes them; else null
      seats             in a game that is not symmetric, for each seat "1", "2", ... of a learner that takes several:
                        {payoff: a statistic} and the evaluations' numbers for that seat; else {}
      policies          per seat, entry name -> {mean, low, high}: mean and quartiles over seeds and matches, in
                        readable units (probabilities if a policy holds logits)
      outcomes          name -> a statistic of the game's outcome shares (player 1's action first)
      diverged          share of the matches that ended with payoffs that are not finite
      settled           share of the matches in which no payoff moved by more than 0.003 % of its range over the last
                        100 steps
    fits                per fitted learner: {learner: its label, loops, final: metric -> per seed}
    seconds             {fit, evaluate}

Evaluations add entries to the rows and to the top level, which the docstrings of their modules document (`meva show
evaluation NAME`).

A statistic is {mean, sem, ci_low, ci_high, iqm, over, per_seed}: mean, standard error, 95 % bootstrap interval of the
mean and interquartile mean (`meva_core/report/statistics.py`). With several seeds they are over the seeds' means
(over = "seeds"); with one seed, over its matches (over = "pairs"). A number that is not finite is null. Summaries of
older versions have no interval and no interquartile mean.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from meva_core.contracts.evaluation import Evaluation
from meva_core.evaluate import Seen
from meva_core.experiment import labels
from meva_core.experiment.experiment import Experiment
from meva_core.report.merging import clash, merged, refuse, third_parties_last
from meva_core.report.numbers import Numbers
from meva_core.report.statistics import number, spreads, statistic
from meva_core.storage import run_folder

SCHEMA = run_folder.SUMMARY
LAST = ("fits", "seconds")  # of the summary, after what evaluations add


def summarise(result: Numbers) -> dict[str, Any]:
    """Build the content of summary.json; the module's docstring documents the layout."""
    found, answers = of_matches(result.experiment, result.seen), result.seen.answers
    whole = merged(
        result.checked,
        "whole(answer, seen)",
        lambda name, evaluation: evaluation.whole(answers[name], result.seen),
        taken=(*found, *LAST),
    )
    for name, evaluation in third_parties_last(result.checked):
        for row, added in zip(found["rows"], evaluation.rows(answers[name], result.seen), strict=True):
            _add(row, added, evaluation)
    return {
        **found,
        "diverged": [{"seed": d.seed, "loop": d.loop, "quantity": d.quantity} for d in result.diverged],
        "evaluations": list(result.evaluations),
        **whole,
        "fits": [
            {
                "learner": history.name,
                "loops": next(iter(history.metrics.values())).shape[1] if history.metrics else 0,
                "final": {name: [number(v) for v in m[:, -1]] for name, m in history.metrics.items() if m.size},
            }
            for history in result.histories
        ],
        "seconds": {name: round(seconds, 2) for name, seconds in result.seconds.items()},
    }


def of_matches(experiment: Experiment, seen: Seen) -> dict[str, Any]:
    """The part of a summary that needs only the matches, without evaluations."""
    swept = not math.isnan(seen.values[0])
    return {
        "schema": SCHEMA,
        "hash": experiment.hash,
        "game": experiment.game.name,
        **({"policy": of_policies} if (of_policies := labels.of_policies(experiment)) else {}),
        "learner": experiment.learner.name,
        "opponents": [opponent.name for opponent in experiment.opponents],
        "players": labels.of(experiment),
        "recipe": experiment.recipe,
        "source": experiment.source,
        "payoff_range": number(seen.payoff_range.max()),
        "seeds": list(seen.seeds),
        "diverged": [],
        "setting": {"name": seen.setting, "label": seen.label, "symbol": seen.symbol, "own": seen.own_value}
        if swept
        else None,
        "evaluations": [],
        "rows": [_row(seen, v, value if swept else None) for v, value in enumerate(seen.values)],
    }


def _row(seen: Seen, v: int, value: float | None) -> dict[str, Any]:
    """The results of the matches of a row."""
    payoffs = seen.payoffs[:, v]
    apart = seen.own if not seen.symmetric and len(seen.own) > 1 else []
    return {
        "value": value,
        "payoffs": [statistic(payoffs[..., seat]) for seat in range(payoffs.shape[-1])],
        "self_play": statistic(payoffs.mean(axis=-1)) if len(seen.own) == len(seen.seats) else None,
        "seats": {str(seat + 1): {"payoff": statistic(payoffs[..., seat])} for seat in apart},
        "policies": spreads(seen.entries[:, v], seen.entry_names),
        "outcomes": {name: statistic(shares[:, v]) for name, shares in seen.outcomes.items()},
        "diverged": number(1 - np.isfinite(payoffs).all(axis=-1).mean()),
        "settled": number(seen.settled[:, v].mean()),
    }


def _add(row: dict[str, Any], added: Mapping[str, Any], evaluation: Evaluation) -> None:
    """Add the entries of an evaluation to a row, and those for its seats to the row's seats."""
    what = "rows(answer, seen)"
    for name, value in added.items():
        if name == "seats" and (seats := row.get("seats")):
            if not isinstance(value, Mapping) or not all(
                seat in seats and isinstance(more, Mapping) for seat, more in value.items()
            ):
                refuse(evaluation, f"seats of {what}", f"a dictionary for each of the seats {', '.join(seats)}", value)
            for seat, more in value.items():
                _add(seats[seat], more, evaluation)
        elif name in row:
            clash(evaluation, what, name)
        else:
            row[name] = value
