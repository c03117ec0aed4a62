"""Matches of rules without parameters."""

from __future__ import annotations

import jax
from timing import Row, in_turns

import meva_core as meva
from meva_core import evaluate
from meva_core.match import Match

GAMES = {"ipd": 25.0, "imp": 25.0, "chicken": 1.0}
TRIALS, STEPS = 1024, 300


def matches() -> list[Row]:
    """All pairs of naive, LOLA and SOS on three games."""
    rows, total = [], 0.0
    for name, rate in GAMES.items():
        game = meva.make("game", name)
        ahead = {"game": game, "rate": rate, "look_ahead_rate": rate}
        players = [
            meva.Fitted(learner=meva.make("learner", "naive", game=game, rate=rate)),
            meva.Fitted(learner=meva.make("learner", "lola", **ahead)),
            meva.Fitted(learner=meva.make("learner", "sos", **ahead)),
        ]
        play = jax.jit(lambda match, key: evaluate.matches(match, key, TRIALS, STEPS).payoffs)
        pairs = [(a, b) for a in range(3) for b in range(3) if a <= b or not game.symmetric]
        met = [Match(game=game, players=(players[a], players[b]), seats=(0, 1)) for a, b in pairs]
        (seconds,) = in_turns(lambda met=met, play=play: [play(match, jax.random.key(0)) for match in met], repeats=3)
        rows.append(Row("matches", f"{name}, {len(met)} pairs", seconds, "s", f"{TRIALS} trials of {STEPS} steps"))
        total += seconds
    return [*rows, Row("matches", "all three games", total, "s", "after compilation")]


def pairs() -> list[Row]:
    """A table up to 10^5 policy pairs."""
    game = meva.make("game", "ipd")
    match = meva.self_play(game, meva.Fitted(learner=meva.make("learner", "lola", game=game, rate=25.0)))
    rows = []
    for count in (10**3, 10**4, 10**5):
        play = jax.jit(lambda key, count=count: evaluate.matches(match, key, count, 100).payoffs)
        (seconds,) = in_turns(lambda play=play: play(jax.random.key(0)), repeats=3)
        rows.append(Row("pairs", f"{count} pairs", seconds, "s", "lola on the IPD, 100 steps"))
    return rows
