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

from meva_core import evaluate, fitting, runner
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
from meva_core.studies import standings
from meva_core.studies.entrants import Entrant
from meva_core.studies.meetings import Meeting, Met, Tournament, meetings
from meva_core.studies.scores import Scores


@attribution.named()
def tournament(
    game: Any,
    learners: Sequence[Any],
    *,
    policy: Any = None,
    trials: int = 1024,
    steps: int = 300,
    seed: int = 0,
    seeds: int = 5,
    recipe: str = "tournament",
    set: Mapping[str, Any] | None = None,
    registry_file: str | Path | None = None,
    progress: Progress | None = None,
) -> Scores:
    """Let every learner play every learner; what `meva tournament` does, without a folder.

    game: a name, or a class or object of your own. learners: texts as after --learners, ["naive", "tit_for_tat",
    "lola:look_ahead_rate=50"], or classes and objects. policy: what the players' numbers mean, also a name, a class or
    an object; None for the game's own policies. `set` changes hyper-parameters by learner, {"lola.variant":
    "taylor"}. Raises MevaError on bad input.

    >>> import meva_core as meva
    >>> scores = meva.tournament("ipd", ["tit_for_tat", "always_defect"], trials=1, steps=1)
    >>> scores.labels
    ('tit_for_tat', 'always_defect')
    >>> scores.payoffs.round(2).tolist()  # the row's against the column
    [[-1.0, -2.04], [-1.92, -2.0]]
    """
    devices.prepare()
    numbers = {"trials": trials, "steps": steps, "seed": seed, "seeds": seeds}
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
        overrides={**of_game, **overrides},
        **{name: conversion.convert(number, int, name) for name, number in numbers.items()},
    )
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
) -> Iterator[Met]:
    """Fit the learners and play one match after the other.

    done: returns the stored result of a match, or None. fits: the folder where fits are stored and reused, one folder
    per hash.
    """
    compilation_cache.ready()
    kept: dict[str, tuple[list[Fitted], list[int]]] = {}
    for meeting in planned:
        met = done(meeting)
        if met is None:
            for needed in (f[0] for f in meeting.fits if f is not None):
                if needed.fit_hash not in kept:
                    kept[needed.fit_hash] = runner.fitted(needed, fits / needed.fit_hash, progress)
            if not meeting.still:
                progress.status(f"{meeting.row} against {meeting.column}")
            met = _play(settings, meeting, kept)
        yield met


def _play(settings: Tournament, meeting: Meeting, kept: Mapping[str, tuple[list[Fitted], list[int]]]) -> Met:
    if meeting.still:
        return Met(meeting=meeting, payoffs=_still(meeting), seeds=(settings.seed,))
    fitted = [kept[f[0].fit_hash] for f in meeting.fits if f is not None]
    # Rules without parameters are the same for every seed; if the other player is fitted, they play every fit.
    seeds = [settings.seed] if not fitted else [s for s in fitted[0][1] if all(s in lost[1] for lost in fitted)]
    players = []
    for n, fit_place in enumerate(meeting.fits):
        if fit_place is None:
            players.append(stacked([Fitted(learner=_shared(meeting.players[n]))] * len(seeds)))
        else:
            of_fit, survivors = kept[fit_place[0].fit_hash]
            rows = np.array([survivors.index(seed) for seed in seeds])
            players.append(jax.tree.map(lambda leaf, rows=rows: leaf[rows], of_fit[fit_place[1]]))
    match = Match(
        game=stacked([meeting.composition.game] * len(seeds)),
        players=tuple(players),
        seats=meeting.composition.seats,
    )
    payoffs = _payoffs(settings.trials, settings.steps)(match, fitting.seed_keys(seeds))
    return Met(meeting=meeting, payoffs=np.asarray(payoffs), seeds=tuple(seeds))


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
        return evaluate.matches(match, jax.random.fold_in(key, evaluate.streams.TOURNAMENT), trials, steps).payoffs

    return jax.jit(lambda match, keys: jax.lax.map(one, (match, keys)))
