"""Tournaments, from Python: every learner plays every learner."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from meva_core import runner
from meva_core.compute import compilation_cache, devices
from meva_core.compute.progress import Overview, Progress, as_progress
from meva_core.contracts import conversion
from meva_core.errors import BadValue
from meva_core.experiment import compose, local
from meva_core.registry import attribution
from meva_core.storage import locks
from meva_core.studies import (
    executing,
    following,
    standings,
    tournament_folder,
    tournament_matches,
    tournament_settings,
)
from meva_core.studies.entrants import Entrant
from meva_core.studies.meetings import meetings, settled
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
    out: str | Path | None = None,
    resume: bool = False,
    jobs: int | None = None,
    executor: Any = None,
    progress: Progress | bool | None = None,
    overview: Overview | None = None,
) -> Scores:
    """Let every learner play every learner, as `meva tournament` does. Writes a folder only if `out` names one.

    game: a name, or a class or object of your own. learners: texts as after --learners, ["naive", "tit_for_tat",
    "lola:look_ahead_rate=50"], or classes and objects. policy: what the players' numbers mean, also a name, a class or
    an object; None for the game's own policies. sampled: play the game in episodes, from which learners learn; a game
    without exact payoffs is always played, and so is one that a learner of episodes plays. trials, steps: None for 1024
    and 300, or 4 and 200 in games that are played. evaluate: names of evaluations of what each learner has become in
    its matches with itself, ["best_response"]. `set` changes hyper-parameters by learner, {"lola.variant": "taylor"}.

    Without `resume`, `out` must be new; with it, the matches that `out` holds already are only read. jobs: number of
    matches and fits at a time, each in its own process; None for one after the other, on all cores. executor: other
    machines that compute them, as after --executor, or an object; None for this one. Both need `out`, and classes that
    other processes can import. progress: True prints a line for each match; overview: a screen for several at a time.
    Raises MevaError on bad input.

    >>> import meva_core as meva
    >>> scores = meva.tournament("ipd", ["tit_for_tat", "always_defect"], trials=1, steps=1)
    >>> scores.labels
    ('tit_for_tat', 'always_defect')
    >>> scores.payoffs.round(2).tolist()  # the row's against the column
    [[-1.0, -2.04], [-1.92, -2.0]]
    """
    local.check_paths(registry_file=registry_file, out=out)
    jobs, backend = executing.count(jobs), executing.chosen(executor)
    resume, told = conversion.convert(resume, bool, "resume"), as_progress(progress)
    screen = following.as_overview(overview, told)
    for name, given in {"resume": resume, "jobs": jobs, "executor": backend}.items():
        if given and out is None:
            raise BadValue(f"expected out=FOLDER with {name}, got none")
    begun = tournament_settings.begun(out) if resume and out is not None else None
    executing.prepare(jobs or 1, backend, None if begun is None else devices.recorded(begun))
    numbers = {"seed": seed, "seeds": seeds}
    if not isinstance(learners, (list, tuple)) or not learners:
        raise BadValue(f"expected a list of learners, got {learners!r}")
    overrides = local.check_overrides(set)
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
    if out is None:
        with tempfile.TemporaryDirectory() as fits:
            compilation_cache.ready()
            kept: tournament_matches.Kept = {}
            met = [tournament_matches.play(settings, meeting, Path(fits), told, kept) for meeting in planned]
        told.over()
        return Scores(standings.summary(settings, met))
    if backend is not None or (jobs or 1) > 1:
        cast.check_importable()
    folder, own = Path(out), None if registry_file is None else Path(registry_file)
    fits = folder / "fits"
    if begun is None:
        tournament_folder.check_new(folder)
    else:
        fits = tournament_folder.check_same(folder, settings, own, told.warn).fits
    with locks.alone(folder):
        if begun is None:
            tournament_folder.create(folder, settings, own, jobs=jobs, executor=backend)
        content = tournament_folder.make(
            settings, planned, folder, fits, told, jobs=jobs, executor=backend, overview=screen
        )
    told.over()
    return Scores(content)


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
