"""Jobs of a reproduction or a sweep: runs and tournaments, each of which any process can execute."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs

from meva_core import evaluate, runner
from meva_core.compute.progress import Progress
from meva_core.compute.tasks import Task
from meva_core.contracts import conversion
from meva_core.errors import BadCombination, BadFolder, BadValue, Diverged
from meva_core.evaluate import Plan
from meva_core.experiment import experiment as experiments
from meva_core.experiment import resolve
from meva_core.experiment.compose import compose
from meva_core.experiment.composition import Composition
from meva_core.experiment.experiment import Experiment
from meva_core.registry.entries import Registry
from meva_core.registry.recipes import RecipeFile
from meva_core.report.quantities import quantities
from meva_core.storage import locks
from meva_core.storage.run_folder import read_summary
from meva_core.studies import meetings, reproductions, tournament_folder
from meva_core.studies.meetings import Meeting
from meva_core.studies.reproductions import PlannedRun, Reproduction, Rows
from meva_core.studies.tournament_settings import Tournament

# Settings of tournaments that `set` has without a dot, with their types.
OF_TOURNAMENTS: dict[str, Any] = {"seed": int, "seeds": int, "trials": int, "steps": int, "recipe": str}
OF_TOURNAMENTS |= {"sampled": bool, "evaluate": tuple[str, ...]}


@attrs.frozen
class RunJob:
    """A run as `meva-run` does it.

    fits: hashes of the fits that it needs. rows: the settings and quantities of its summary.
    """

    experiment: Experiment
    fits: frozenset[str]
    rows: Rows

    @classmethod
    def of(cls, experiment: Experiment, composition: Composition, plan: Plan) -> RunJob:
        """Build the job of an experiment from its composition and its evaluation plan."""
        fitted = any(player.training is not None for player in composition.rehearse())
        settings = tuple(None if math.isnan(value) else value for value in plan.values)
        rows = Rows(settings, quantities(composition, plan))
        return cls(experiment, frozenset({experiment.fit_hash} if fitted else ()), rows)

    @property
    def hash(self) -> str:
        """A hash of everything that determines the results."""
        return self.experiment.hash

    def make(self, folder: Path, fits: Path, progress: Progress) -> None:
        """Run in `folder`, resuming if it exists; wait if another process is already running it."""
        with locks.alone(folder, wait=progress.status, pulse=progress.pulse):
            if finished(folder, self.hash):
                return
        runner.run_experiment(self.experiment, out=folder, fits=fits, progress=progress)


@attrs.frozen
class TournamentJob:
    """A tournament as `meva tournament` plays it.

    planned: its matches. hash: of everything that determines the results. fits: hashes of the fits that it needs. rows:
    the quantities of its summary.
    """

    tournament: Tournament
    planned: tuple[Meeting, ...]
    hash: str
    fits: frozenset[str]
    rows: Rows
    registry_file: Path | None

    def make(self, folder: Path, fits: Path, progress: Progress) -> None:
        """Run in `folder`, resuming if it exists; wait if another process is already running it."""
        with locks.alone(folder, wait=progress.status, pulse=progress.pulse):
            if finished(folder, self.hash):
                return
            if not (folder / "tournament.toml").is_file():
                tournament_folder.create(folder, self.tournament, self.registry_file)
            tournament_folder.make(self.tournament, self.planned, folder, fits, progress)


Job = RunJob | TournamentJob


def finished(folder: Path, hash: str) -> bool:
    """True if the folder holds the page, which is written last, and a readable summary of this job."""
    if not (folder / "report.html").is_file():
        return False
    try:
        return read_summary(folder).get("hash", hash) == hash  # the summary of a tournament has no hash
    except BadFolder:
        return False


@attrs.frozen
class Making(Task):
    """A job and its folder, as a task. fits: the folder of stored fits. needs: what other tasks do for this job."""

    title: str
    job: Job
    folder: Path
    fits: Path
    needs: frozenset[str] = attrs.field(default=frozenset(), kw_only=True)

    @property
    def alone(self) -> frozenset[str]:  # type: ignore[override]
        """Hashes of the fits that no other task may compute at the same time."""
        return frozenset() if self.needs else self.job.fits

    def do(self, progress: Progress) -> str | None:
        """Execute the job. Returns None, or the reason for no result if all seeds diverged."""
        try:
            self.job.make(self.folder, self.fits, progress)
        except Diverged as error:
            return str(error)
        return None


def planned(
    registry: Registry, files: Sequence[RecipeFile], study: Reproduction, quick: bool, registry_file: Path | None
) -> dict[str, Job]:
    """Every job of a reproduction, by label. Raises MevaError on bad input, before any fit starts.

    All experiments are composed, and the claims and the ranking are checked against them.
    """
    jobs: dict[str, Job] = {}
    for run in study.runs:
        overrides = {**run.overrides, **(run.quick if quick else {})}
        if run.learners:
            jobs[run.label] = _tournament(registry, files, run, overrides, registry_file)
        else:
            jobs[run.label] = _run(registry, files, study, run, overrides)
    reproductions.check(study, {label: job.rows for label, job in jobs.items()})
    return jobs


def _run(
    registry: Registry, files: Sequence[RecipeFile], study: Reproduction, run: PlannedRun, overrides: dict[str, Any]
) -> RunJob:
    experiment = resolve.resolve(
        registry, files, game=run.game, learner=run.learner, opponents=run.opponents, recipe=run.recipe,
        overrides=overrides, sampled=run.sampled,
    )  # fmt: skip
    composition = compose(experiment)
    plan = evaluate.plan(experiment, composition)
    offered = {name for q in plan.questions for name in q.evaluation.pictures()}
    if study.picture not in (*reproductions.PICTURES, *offered):
        raise BadCombination(
            f"expected runs with the picture {study.picture} for {study.name}, got {run.game} in run {run.label}, "
            f"which has {', '.join((*reproductions.PICTURES, *offered))}"
        )
    return RunJob.of(experiment, composition, plan)


def _tournament(
    registry: Registry,
    files: Sequence[RecipeFile],
    run: PlannedRun,
    overrides: dict[str, Any],
    registry_file: Path | None,
) -> TournamentJob:
    """The job of a tournament: overrides without a dot are its own settings, the rest are hyper-parameters."""
    numbers = {key: value for key, value in overrides.items() if "." not in key}
    others = {key: value for key, value in overrides.items() if "." in key}
    for key in numbers:
        if key not in OF_TOURNAMENTS:
            raise BadValue(f"expected {', '.join(OF_TOURNAMENTS)} or LEARNER.NAME in set, got {key!r}")
    own = {key: conversion.convert(value, OF_TOURNAMENTS[key], f"set.{key}") for key, value in numbers.items()}
    tournament = Tournament(games=(run.game,), learners=run.learners, overrides=others, **own)
    tournament = meetings.settled(registry, files, tournament)
    planned = meetings.meetings(registry, files, tournament)
    fits = frozenset(needed[0].fit_hash for meeting in planned for needed in meeting.fits if needed is not None)
    cells = [f"{row}.{column}" for row in tournament.labels for column in tournament.labels]
    rows = Rows((None,), (*cells, *_numbers(planned)))
    decisive = {"trials": tournament.trials, "steps": tournament.steps, "meetings": [one.hashes for one in planned]}
    own = None if registry_file is None else registry_file.resolve()  # workers may have other current folders
    return TournamentJob(tournament, tuple(planned), experiments.hash_of(decisive), fits, rows, own)


def _numbers(planned: Sequence[Meeting]) -> Iterator[str]:
    """Names of the numbers of matches of one game, other than payoffs, as claims name them."""
    measures = evaluate.outcome_names(planned[0].game_played) if planned[0].sampled else []
    for meeting in planned:
        yield from (f"{meeting.row}.{meeting.column}.{name}" for name in measures)
        for question in meeting.plan.questions:
            yield from (f"{meeting.row}.{name}" for name in question.evaluation.quantities(meeting.composition))
