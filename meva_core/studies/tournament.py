"""Tournaments: every learner plays every learner. Learnt rules are fitted against the rule that they play.

Shapes: S seeds (fits), N trials, P = 2 players.
"""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax import Array

from meva_core import evaluate as evaluation
from meva_core import fitting, runner
from meva_core import match as matching
from meva_core.compute import compilation_cache, devices
from meva_core.compute.progress import Progress
from meva_core.contracts import conversion
from meva_core.contracts.protocols import Learner
from meva_core.errors import BadValue
from meva_core.experiment import compose, local
from meva_core.match import Fitted, Held, Match
from meva_core.ops import stacked
from meva_core.registry import attribution
from meva_core.studies import played_meetings, standings
from meva_core.studies.entrants import Entrant
from meva_core.studies.meetings import Meeting, Met, meetings, settled
from meva_core.studies.scores import Scores
from meva_core.studies.tournament_settings import Tournament


@attribution.named()
def tournament(
    game: Any,
    learners: Sequence[Any],
    *,
    policy: Any = None,
    sampled: bool = False,
    trials: int | None = None,
    steps: int | None = None,
    seed: int = 0,
    seeds: int = 5,
    recipe: str = "tournament",
    evaluate: Sequence[str] = (),
    set: Mapping[str, Any] | None = None,
    registry_file: str | Path | None = None,
    progress: Progress | None = None,
) -> Scores:
    """Let every learner play every learner; what `meva tournament` does, without a folder.

    game: a name, or a class or object of your own. learners: texts as after --learners, ["naive", "tit_for_tat",
    "lola:look_ahead_rate=50"], or classes and objects. policy: what the players' numbers mean, also a name, a class or
    an object; None for the game's own policies. sampled: play the game in episodes, from which learners learn; a game
    without exact payoffs is always played, and so is one that a learner of episodes plays. trials, steps: None for 1024
    and 300, or 4 and 200 in games that are played. evaluate: names of evaluations of what each learner has become in
    its matches with itself, ["best_response"]. `set` changes hyper-parameters by learner, {"lola.variant": "taylor"}.
    Raises MevaError on bad input.

    >>> import meva_core as meva
    >>> scores = meva.tournament("ipd", ["tit_for_tat", "always_defect"], trials=1, steps=1)
    >>> scores.labels
    ('tit_for_tat', 'always_defect')
    >>> scores.payoffs.round(2).tolist()  # the row's against the column
    [[-1.0, -2.04], [-1.92, -2.0]]
    """
    devices.prepare()
    numbers = {"seed": seed, "seeds": seeds}
    if not isinstance(learners, (list, tuple)) or not learners:
        raise BadValue(f"expected a list of learners, got {learners!r}")
    overrides = local.check_overrides(set)
    local.check_paths(registry_file=registry_file)
    registry, files = runner.plugins(registry_file)
    cast = local.cast(registry, game, learners[0], list(learners[1:]), {}, policy)
    registry = cast.registry
    of_game = {path: value for path, value in cast.overrides.items() if path.startswith(("game.", "policy."))}
    settings = Tournament(
        games=(cast.game,),
        learners=tuple(_entrants(cast, learners)),
        recipe=conversion.convert(recipe, str, "recipe"),
        sampled=conversion.convert(sampled, bool, "sampled"),
        evaluate=conversion.convert(evaluate, tuple[str, ...], "evaluate"),
        overrides={**of_game, **overrides},
        trials=conversion.convert(trials, int | None, "trials"),
        steps=conversion.convert(steps, int | None, "steps"),
        **{name: conversion.convert(number, int, name) for name, number in numbers.items()},
    )
    settings = settled(registry, files, settings)
    planned = meetings(registry, files, settings)
    cast.check_games(compose.build(planned[0].experiment.game, "game"))
    with tempfile.TemporaryDirectory() as fits:
        met = list(play(settings, planned, Path(fits), progress or Progress(), lambda meeting: None))
    return Scores(standings.summary(settings, met))


def _entrants(cast: local.Cast, learners: Sequence[Any]) -> Iterator[str | Entrant]:
    """Yield texts unchanged; classes and objects as entrants with the class name, numbered from the second on."""
    labels: list[str] = []
    paths = ["learner", *(["opponent"] if len(learners) == 2 else [f"opponent.{n}" for n in range(1, len(learners))])]
    for learner, name, path in zip(learners, [cast.learner, *cast.opponents], paths, strict=True):
        if isinstance(learner, str):
            yield learner
            continue
        label = (learner if isinstance(learner, type) else type(learner)).__name__
        labels.append(label)
        again = labels.count(label)
        own = {key[len(path) + 1 :]: value for key, value in cast.overrides.items() if key.startswith(f"{path}.")}
        yield Entrant(label if again == 1 else f"{label} {again}", name, own)


def play(
    settings: Tournament,
    planned: Sequence[Meeting],
    fits: Path,
    progress: Progress,
    done: Callable[[Meeting], Met | None],
    unfinished: Path | None = None,
) -> Iterator[Met]:
    """Fit the learners and play one match after the other.

    done: returns the stored result of a match, or None. fits: the folder where fits are stored and reused, one folder
    per hash. unfinished: the folder where matches of games that are played have their checkpoints until they are over.
    """
    compilation_cache.ready()
    kept: dict[str, tuple[list[Fitted], list[int]]] = {}
    for meeting in planned:
        met = done(meeting)
        if met is None:
            for needed in (f[0] for f in meeting.fits if f is not None):
                if needed.fit_hash not in kept:
                    kept[needed.fit_hash] = runner.fitted(needed, fits / needed.fit_hash, progress)
            if not meeting.certain or meeting.plan.questions:
                progress.status(f"{meeting.row} against {meeting.column}")
            met = _play(settings, meeting, kept, progress, unfinished)
        yield met


def _play(
    settings: Tournament,
    meeting: Meeting,
    kept: Mapping[str, tuple[list[Fitted], list[int]]],
    progress: Progress,
    unfinished: Path | None,
) -> Met:
    match, seeds = _match(settings, meeting, kept)
    if meeting.sampled:
        place = None if unfinished is None else unfinished / meeting.name
        return played_meetings.play(meeting, match, seeds, progress, place)
    found = played_meetings.evaluated(meeting, match, seeds, progress)
    if meeting.still:
        return Met(meeting=meeting, payoffs=_still(meeting), seeds=(settings.seed,), evaluated=found)
    payoffs = _payoffs(settings.trials, settings.steps)(match, fitting.seed_keys(seeds))  # type: ignore[arg-type]
    return Met(meeting=meeting, payoffs=np.asarray(payoffs), seeds=tuple(seeds), evaluated=found)


def _match(
    settings: Tournament, meeting: Meeting, kept: Mapping[str, tuple[list[Fitted], list[int]]]
) -> tuple[Match, list[int]]:
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
