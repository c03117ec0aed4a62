"""A match of a tournament, with the fits that it needs.

Shapes: S seeds (fits), N trials, P = 2 players.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np
from jax import Array

from meva_core import evaluate as evaluation
from meva_core import fitting, runner
from meva_core import match as matching
from meva_core.compute.progress import Progress
from meva_core.contracts.protocols import Learner
from meva_core.match import Fitted, Held, Match
from meva_core.ops import programs, stacked
from meva_core.studies import played_meetings
from meva_core.studies.meetings import Meeting, Met
from meva_core.studies.tournament_settings import Tournament

Kept = dict[str, tuple[list[Fitted], list[int]]]  # fits by hash: players, and the seeds that did not diverge


def play(
    settings: Tournament,
    meeting: Meeting,
    fits: Path,
    progress: Progress,
    kept: Kept,
    unfinished: Path | None = None,
) -> Met:
    """Fit the learners of a match, and play it.

    fits: the folder where fits are stored and reused, one folder per hash. kept: the fits that this process has read
    already; new ones are added. unfinished: the folder where matches of games that are played have their checkpoints
    until they are over.
    """
    for needed in (f[0] for f in meeting.fits if f is not None):
        if needed.fit_hash not in kept:
            kept[needed.fit_hash] = runner.fitted(needed, fits / needed.fit_hash, progress)
    if not meeting.certain or meeting.plan.questions:
        progress.status(f"{meeting.row} against {meeting.column}")
    return _play(settings, meeting, kept, progress, unfinished)


def _play(settings: Tournament, meeting: Meeting, kept: Kept, progress: Progress, unfinished: Path | None) -> Met:
    match, seeds = _match(settings, meeting, kept)
    if meeting.sampled:
        place = None if unfinished is None else unfinished / meeting.name
        return played_meetings.play(meeting, match, seeds, progress, place)
    found = played_meetings.evaluated(meeting, match, seeds, progress)
    if meeting.still:
        return Met(meeting=meeting, payoffs=_still(meeting), seeds=(settings.seed,), evaluated=found)
    payoffs = programs.call(_payoffs(settings.trials, settings.steps), match, fitting.seed_keys(seeds))
    return Met(meeting=meeting, payoffs=np.asarray(payoffs), seeds=tuple(seeds), evaluated=found)


def _match(settings: Tournament, meeting: Meeting, kept: Kept) -> tuple[Match, list[int]]:
    """The match, every leaf [S, ...], and its seeds: those that diverged in no fit. On a computed game, rules without
    parameters do the same for every seed, so they have one; if the other player is fitted, they play every fit."""
    fitted = [kept[f[0].fit_hash] for f in meeting.fits if f is not None]
    alone = range(settings.seed, settings.seed + (settings.seeds if meeting.sampled else 1))
    seeds = list(alone) if not fitted else [s for s in fitted[0][1] if all(s in lost[1] for lost in fitted)]
    players = []
    for n, fit_place in enumerate(meeting.fits):
        if fit_place is None:
            players.append(stacked([Fitted(learner=_shared(meeting.players[n]))] * len(seeds)))
        else:
            of_fit, survivors = kept[fit_place[0].fit_hash]
            rows = np.array([survivors.index(seed) for seed in seeds])
            players.append(jax.tree.map(lambda leaf, rows=rows: leaf[rows], of_fit[fit_place[1]]))
    game = stacked([meeting.composition.game] * len(seeds))
    return Match(game=game, players=tuple(players), seats=meeting.composition.seats), seeds


def _shared(learner: Learner) -> Learner:
    """A learner that plays the same; all with constant policies get one class, to share one compiled program."""
    policies = learner.held()
    return learner if policies is None else Held(policies=policies)


def _still(meeting: Meeting) -> np.ndarray:
    """Payoffs f32[1, 1, P] of a match in which no player changes its policy."""
    players = tuple(Fitted(learner=_shared(player)) for player in meeting.players)
    match = Match(game=meeting.composition.game, players=players, seats=meeting.composition.seats)
    return np.asarray(_at_the_start(match))[None, None]


@jax.jit
def _at_the_start(match: Match) -> Array:
    return match.game.payoff(matching.start(match, jax.random.key(0)))


@functools.cache
def _payoffs(trials: int, steps: int) -> Callable[[Match, Array], Array]:
    """A compiled function from matches and keys [S] to payoffs f32[S, N, P].

    Every match starts from the same joint policies, so that differences come from the learners only.
    """

    def one(args: tuple[Match, Array]) -> Array:
        match, key = args
        return evaluation.matches(match, jax.random.fold_in(key, evaluation.streams.TOURNAMENT), trials, steps).payoffs

    return jax.jit(lambda match, keys: jax.lax.map(one, (match, keys)))
