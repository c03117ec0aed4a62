"""Matches of a tournament on a game that is played, and the evaluation of the players of any match.

Shapes: S seeds, N trials, P players, D numbers per policy.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from meva_core import evaluate, fitting, runner
from meva_core.compute.progress import Progress
from meva_core.contracts import streams
from meva_core.errors import Diverged
from meva_core.match import Match
from meva_core.ops import over_batch
from meva_core.sampling.played import PlayedGame
from meva_core.studies.meetings import Meeting, Met


def play(meeting: Meeting, match: Match, seeds: Sequence[int], progress: Progress, place: Path | None) -> Met:
    """Play a match of which every leaf begins [S]. It has checkpoints in the folder `place`, and is resumed there.

    The payoffs are exact if they can be. Otherwise each is the mean over fresh episodes, so that their standard error
    over seeds or trials contains that of the episodes. If every seed diverges, they are NaN, with a warning.
    """
    try:
        ended = _ended(meeting, match, seeds, progress, place)
    except Diverged as error:
        progress.warn(f"{meeting.row} against {meeting.column}: {error}")
        shape = (len(seeds), meeting.plan.settings.pairs, meeting.game_played.num_players)
        return Met(meeting=meeting, payoffs=np.full(shape, np.nan), seeds=tuple(seeds))
    payoffs, measures = _looked_at(meeting.game_played, ended.x[:, 0], fitting.seed_keys(seeds))
    found = [np.asarray(array) for array in (payoffs, *measures.values())]
    if meeting.certain:
        found = [array[:1, :1] for array in found]
    names = evaluate.outcome_names(meeting.game_played)
    shares = dict(zip(measures, found[1:], strict=True))
    return Met(
        meeting=meeting,
        payoffs=found[0],
        seeds=tuple(seeds[: len(found[0])]),
        measures={name: shares[name] for name in names},
        evaluated=evaluated(meeting, match, seeds, progress, ended),
    )


def evaluated(
    meeting: Meeting, match: Match, seeds: Sequence[int], progress: Progress, ended: Any = None
) -> dict[str, Any]:
    """The row of summary.json that the evaluations of a match's players make; {} if none is asked.

    ended: the ends of the matches (`evaluate.Ended`, every leaf [S, 1, N, ...]); None to play them first. Raises the
    error of an evaluation that breaks its contract.
    """
    if not meeting.plan.questions:
        return {}
    seen = evaluate.ask(
        meeting.game_played,
        match,
        fitting.seed_keys(seeds),
        meeting.plan,
        tuple(seeds),
        status=progress.status,
        ended=ended,
    )
    for fault in seen.faults.values():
        raise fault
    row: dict[str, Any] = {}
    for question in meeting.plan.questions:
        if (answer := seen.answers.get(question.name)) is not None:
            row |= question.evaluation.rows(answer, seen)[0]
    return row


def _ended(meeting: Meeting, match: Match, seeds: Sequence[int], progress: Progress, place: Path | None) -> Any:
    """The ends of the matches, every leaf [S, 1, N, ...]."""
    if meeting.still:  # nobody moves: the end is the start
        pairs, row = meeting.plan.settings.pairs, jnp.array(meeting.plan.values)
        return evaluate.played(match, fitting.seed_keys(seeds), row, setting=None, pairs=pairs, steps=0)
    return runner.played(meeting.experiment, match, meeting.plan, tuple(seeds), place, progress)[0]


@jax.jit
def _looked_at(game: PlayedGame, x: Array, keys: Array) -> tuple[Array, dict[str, Array]]:
    """Payoffs f32[S, N, P] and measures f32[S, N] of x f32[S, N, P, D]; keys [S]."""

    def of_seed(args: tuple[Array, Array]) -> Any:
        x, key = args
        own = jax.random.split(jax.random.fold_in(key, streams.TOURNAMENT), len(x))
        return over_batch(game.look, x, own)

    return jax.lax.map(of_seed, (x, keys))
