"""summary.json: everything in the tables, machine-readable.

    schema              3
    hash                of the experiment: equal hashes, equal numbers (on one machine and one set of versions)
    game, learner       names; opponents: names, empty in self-play; recipe, source
    players             labels of the learner and the opponents: names, and where players of one name differ, in what
                        (meva_core/experiment/labels.py)
    payoff_range        how far apart the players' payoffs are in this game, the widest: the unit of tolerances
    seeds               those the numbers are over; diverged: [{seed, loop, quantity}] those left out
    setting             {name, label} of what the rows differ in, or null where there is one row
    rows                one per setting:
      value             of the setting, or null
      payoffs           per seat, a statistic: the matches as composed
      self_play         a statistic over all seats, where one learner takes them; else null
      best_response     {ours, theirs}: our policy held fixed, another seat replaced by its best response to it,
                        averaged over our seats and the responders; agreement: how certain that is, the mean share of
                        the ascents that ended with as much as the best one, 1 where the game knows all candidates
      seats             in a game that is not symmetric, for each seat of a learner that takes several, "1", "2", ...:
                        {payoff: a statistic, best_response, exploitability} of that seat alone; else {}
      against           {learner, ours, theirs}: learner in seat 1, the learner to be shaped elsewhere; or null
      policies          per seat, what its entries are called -> {mean, low, high}: over seeds and matches, as people
                        read them (probabilities where a policy holds logits), low and high the quartiles
      outcomes          name -> a statistic of the game's outcome shares (player 1's action first)
      diverged          share of the matches that ended with payoffs that are not finite
      settled           share of the matches in which no payoff moved by more than 0.003 % of its range over the last
                        100 steps
      basins            outcome -> {cells: a statistic, of: number of starts}, where the game is surveyed
      unstable          {by, cells: a statistic, of, starts: [[a, b], ...] of the first seed}: starts of the grid that
                        end elsewhere when moved `by` so much; or null
      rests             [{x, own, away, modulus, stable, share}] in a game with a plane, on the first seed: where its
                        trajectories come to rest, the game's own equilibrium nearby and how far away that is, the
                        largest modulus of the eigenvalues of a step's Jacobian there, stable true, false or null (a
                        modulus of 1, as on a line of rests), and whose share ended there
      exploitability    {gain, loss}: by how much a best response to us raises the responder's payoff, lowers ours
      extortion         {slope, straightness}: statistics of the longest axis of the payoffs of our policy and random
                        opponents at the end of matches against the learner to be shaped: what they gain where we gain
                        1, and the share of the variance along it; and over_training: [{step, slope, straightness,
                        payoffs: of both}], means; where a polytope is asked for, or null
      convergence       [{step, length}]: mean length of the players' steps, the first, the 10th, ..., the last
      errors            {value, early, late, td, angle}: of the learnt meta-value V along the trajectories of
                        play, statistics of absolute errors against the true discounted sum, over 100 states, the
                        first 10, and 10 after 500 steps; of the temporal difference of 10 steps; and degrees between
                        V's own gradients and those of the true sum, through all players' steps, where either is not
                        0; or {}
      regions           outcome (or elsewhere) -> {error, share}: absolute error of V where more than half of the play
                        ends in it, a statistic over the seeds that came there, and the share of the states; or {}
    cross_play          {seeds, value, payoffs}: of fit i in seat 1 against fit j elsewhere, at the setting of the
                        learner itself; or null
    fits                per fitted learner: {learner: its label, loops, final: metric -> per seed}
    seconds             {fit, evaluate}

A statistic is {mean, sem, over, per_seed}: with several seeds, mean and standard error over the seeds' means
(over = "seeds"); with one, over its matches (over = "pairs"). A number that is not finite is null.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from meva_core.evaluate import looked_at, snapshots
from meva_core.experiment import labels
from meva_core.ops import mean_and_sem
from meva_core.report.numbers import Numbers
from meva_core.storage import run_folder

SCHEMA = run_folder.SUMMARY
AT_REST = 1e-3  # the largest number of a step where something is said to rest
APART = 0.05  # rests nearer than this are one
NEUTRAL = 1e-3  # a modulus that is 1 but for this says neither stable nor not


def summarise(result: Numbers) -> dict[str, Any]:
    """Build the content of summary.json, whose layout this module's docstring has."""
    experiment, survey = result.experiment, result.survey
    swept = not math.isnan(survey.values[0])
    return {
        "schema": SCHEMA,
        "hash": experiment.hash,
        "game": experiment.game.name,
        "learner": experiment.learner.name,
        "opponents": [opponent.name for opponent in experiment.opponents],
        "players": labels.of(experiment),
        "recipe": experiment.recipe,
        "source": experiment.source,
        "payoff_range": _number(survey.payoff_range.max()),
        "seeds": result.seeds,
        "diverged": [{"seed": d.seed, "loop": d.loop, "quantity": d.quantity} for d in result.diverged],
        "setting": {"name": survey.setting, "label": survey.label} if swept else None,
        "rows": [_row(result, v, value if swept else None) for v, value in enumerate(survey.values)],
        "cross_play": _cross_play(result),
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
    return _statistic(list(samples))


def _known(samples: np.ndarray) -> dict[str, Any]:
    """The same, leaving out what is NaN, and seeds of which nothing is known."""
    return _statistic([row[~np.isnan(row)] for row in samples])


def _statistic(samples: list[np.ndarray]) -> dict[str, Any]:
    """Of samples per seed, of which there may be none."""
    means = [row.mean() if row.size else None for row in samples]
    several = len(means) > 1
    mean, sem = mean_and_sem(np.array([m for m in means if m is not None]) if several else samples[0])
    return {
        "mean": _number(mean),
        "sem": _number(sem),
        "over": "seeds" if several else "pairs",
        "per_seed": [None if m is None else _number(m) for m in means],
    }


def _row(result: Numbers, v: int, value: float | None) -> dict[str, Any]:
    survey = result.survey
    payoffs = survey.payoffs[:, v]
    own = [seat for seat, player in enumerate(result.seats) if player == 0]
    response, agreement = survey.response[:, v], survey.agreement[:, v]
    row: dict[str, Any] = {
        "value": value,
        "payoffs": [statistic(payoffs[..., seat]) for seat in range(payoffs.shape[-1])],
        "self_play": statistic(payoffs.mean(axis=-1)) if len(own) == len(result.seats) else None,
        "best_response": _best_response(response, agreement, own),
        "seats": {} if result.symmetric or len(own) == 1 else _seats(response, agreement, payoffs, own),
        "against": None,
        "policies": _policies(survey.entries[:, v], result.entry_names),
        "outcomes": {name: statistic(shares[:, v]) for name, shares in survey.outcomes.items()},
        "extortion": None if survey.polytope is None else _extortion(survey.polytope, v, result),
        "exploitability": _exploitability(response, payoffs, own),
        "convergence": _convergence(survey.lengths[:, v], result.experiment.evaluate.steps),
        "errors": {
            name: (_known if name == "angle" else statistic)(errors[:, v]) for name, errors in survey.errors.items()
        },
        "regions": _regions({name: sums[:, v] for name, sums in survey.regions.items()}),
        "diverged": _number(1 - np.isfinite(payoffs).all(axis=-1).mean()),
        "settled": _number(survey.settled[:, v].mean()),
        "basins": {},
        "unstable": None,
        "rests": [] if survey.rests is None else _rests(survey, v),
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
    if survey.unstable is not None and survey.plane is not None:
        moved = survey.unstable[:, v]
        axis = np.linspace(*survey.plane, moved.shape[-1])
        row["unstable"] = {
            "by": result.experiment.evaluate.nudge,
            "cells": statistic(moved.reshape(len(moved), 1, -1).sum(axis=-1).astype(float)),
            "of": int(moved[0].size),
            "starts": [[round(float(axis[c]), 6), round(float(axis[r]), 6)] for r, c in np.argwhere(moved[0])],
        }
    return row


def _seats(response: np.ndarray, agreement: np.ndarray, payoffs: np.ndarray, own: list[int]) -> dict[str, Any]:
    """Seat by seat, from f32[S, N, responder, P], f32[S, N, responder] and f32[S, N, P]."""
    return {
        str(seat + 1): {
            "payoff": statistic(payoffs[..., seat]),
            "best_response": _best_response(response, agreement, [seat]),
            "exploitability": _exploitability(response, payoffs, [seat]),
        }
        for seat in own
    }


def _best_response(response: np.ndarray, agreement: np.ndarray, own: list[int]) -> dict[str, Any]:
    """From f32[S, N, responder, P] and f32[S, N, responder]; averaged over who meets whom."""
    ours, theirs = _responses(response, own)
    responders = [seat for seat in range(agreement.shape[-1]) if own != [seat]]
    certain = _number(agreement[..., responders].mean())
    return {"ours": statistic(ours), "theirs": statistic(theirs), "agreement": certain}


def _cross_play(result: Numbers) -> dict[str, Any] | None:
    cross = result.survey.cross
    if cross is None:
        return None
    own = result.experiment.learner.settings.get(result.survey.setting)
    payoffs = [[_number(payoff) for payoff in row] for row in cross]
    return {"seeds": result.seeds, "value": own if isinstance(own, float) else None, "payoffs": payoffs}


def _exploitability(response: np.ndarray, payoffs: np.ndarray, own: list[int]) -> dict[str, Any]:
    """Of f32[S, N, responder, P] and f32[S, N, P]; averaged over who meets whom."""
    changes = response - payoffs[:, :, None, :]
    ours, theirs = _responses(changes, own)
    return {"gain": statistic(theirs), "loss": statistic(-ours)}


def _convergence(lengths: np.ndarray, steps: int) -> list[dict[str, Any]]:
    """Of f32[S, N, T]."""
    means = lengths.mean(axis=(0, 1))
    return [{"step": step, "length": _number(m)} for step, m in zip(looked_at(steps), means, strict=True)]


def _regions(regions: dict[str, np.ndarray]) -> dict[str, Any]:
    """Of sums and numbers of errors, f32[S, N, 2] each."""
    total = sum(sums[..., 1].sum() for sums in regions.values())
    found = {}
    for name, sums in regions.items():
        errors, states = sums.sum(axis=1).T
        means = [np.array([error / count] if count else []) for error, count in zip(errors, states, strict=True)]
        found[name] = {"error": _statistic(means), "share": _number(states.sum() / total)}
    return found


def _extortion(found: Any, v: int, result: Numbers) -> dict[str, Any]:
    steps = snapshots(result.experiment.evaluate.steps)
    told: dict[str, Any] = {name: statistic(getattr(found, name)[:, v, :, -1]) for name in ("slope", "straightness")}
    told["over_training"] = [
        {
            "step": step,
            "slope": _number(found.slope[:, v, :, t].mean()),
            "straightness": _number(found.straightness[:, v, :, t].mean()),
            "payoffs": [_number(found.payoffs[:, v, :, t, p].mean()) for p in range(2)],
        }
        for t, step in enumerate(steps)
    ]
    return told


def _rests(survey: Any, v: int) -> list[dict[str, Any]]:
    """The distinct ones in or near the plane, those of most trajectories first."""
    rests = survey.rests._make(array[0, v] for array in survey.rests)
    ends = survey.trajectories[0, v, :, -1]
    low, high = survey.plane
    found: list[dict[str, Any]] = []
    for m, x in enumerate(rests.x):
        near = np.isfinite(x).all() and low - 1 <= x.min() and x.max() <= high + 1
        still = rests.speed[m] <= AT_REST and np.isfinite(rests.jacobian[m]).all()
        if not near or not still or any(np.abs(x.ravel() - f["x"]).max() < APART for f in found):
            continue
        own = rests.own[m].ravel()
        modulus = float(np.abs(np.linalg.eigvals(rests.jacobian[m])).max())
        found.append(
            {
                "x": [float(number) for number in x.ravel()],
                "own": [_number(number) for number in own],
                "away": _number(np.abs(own - x.ravel()).max()),
                "modulus": _number(modulus),
                "stable": None if abs(modulus - 1) < NEUTRAL else modulus < 1,
                "share": float(np.mean(np.abs(ends[..., 0] - x.ravel()).max(axis=-1) < APART)),
            }
        )
    return sorted(found, key=lambda rest: -rest["share"])


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
