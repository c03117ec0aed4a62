"""Jobs of a reproduction or a sweep: runs and tournaments, each of which any process can execute."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs

from meva_core import evaluate, runner
from meva_core.compute.progress import Progress
from meva_core.contracts import conversion
from meva_core.errors import BadCombination, BadFolder, BadValue, Diverged
from meva_core.evaluate import Plan
from meva_core.experiment import experiment as experiments
from meva_core.experiment import resolve
from meva_core.experiment.compose import Composition, compose
from meva_core.experiment.experiment import Experiment
from meva_core.registry.entries import Registry
from meva_core.registry.recipes import RecipeFile
from meva_core.report.quantities import quantities
from meva_core.storage import locks
from meva_core.storage.run_folder import read_summary
from meva_core.studies import meetings, reproductions, tournament_folder
from meva_core.studies.meetings import Tournament
from meva_core.studies.reproductions import Reproduction, Rows, Run


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
        with locks.alone(folder, wait=progress.said):
            if finished(folder, self.hash):
                return
        runner.run_experiment(self.experiment, out=folder, fits=fits, progress=progress)


@attrs.frozen
class TournamentJob:
    """A tournament as `meva tournament` plays it.

    fits: hashes of the fits that it needs. meetings: the hashes of each match. rows: the quantities of its summary.
    """

    asked: Tournament
    fits: frozenset[str]
    meetings: tuple[tuple[str, ...], ...]
    rows: Rows
    registry_file: Path | None

    @property
    def hash(self) -> str:
        """A hash of everything that determines the results."""
        numbers = {"trials": self.asked.trials, "steps": self.asked.steps}
        return experiments.hash_of({**numbers, "meetings": [list(hashes) for hashes in self.meetings]})

    def make(self, folder: Path, fits: Path, progress: Progress) -> None:
        """Run in `folder`, resuming if it exists; wait if another process is already running it."""
        with locks.alone(folder, wait=progress.said):
            if finished(folder, self.hash):
                return
            if not (folder / "tournament.toml").is_file():
                tournament_folder.create(folder, self.asked, self.registry_file)
            planned = meetings.meetings(*runner.plugins(self.registry_file), self.asked)
            tournament_folder.make(self.asked, planned, folder, fits, progress)


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
class Making:
    """A job and its folder, a task for `processes.do_all`. fits: the folder of stored fits."""

    title: str
    job: Job
    folder: Path
    fits: Path
    registry_file: Path | None

    @property
    def alone(self) -> frozenset[str]:
        """Hashes of the fits that no other task may compute at the same time."""
        return self.job.fits

    def do(self, progress: Progress) -> str | None:
        """Execute the job. Returns None, or the reason for no result if all seeds diverged."""
        try:
            self.job.make(self.folder, self.fits, progress)
        except Diverged as error:
            return str(error)
        return None


def planned(
    known: Registry, files: Sequence[RecipeFile], asked: Reproduction, quick: bool, registry_file: Path | None
) -> dict[str, Job]:
    """Every job of a reproduction, by label. Raises MevaError on bad input, before any fit starts.

    All experiments are composed, and the claims and the ranking are checked against them.
    """
    found: dict[str, Job] = {}
    for run in asked.runs:
        overrides = {**run.overrides, **(run.quick if quick else {})}
        if run.learners:
            found[run.label] = _tournament(known, files, run, overrides, registry_file)
        else:
            found[run.label] = _run(known, files, asked, run, overrides)
    reproductions.check(asked, {label: job.rows for label, job in found.items()})
    return found


def _run(
    known: Registry, files: Sequence[RecipeFile], asked: Reproduction, run: Run, overrides: dict[str, Any]
) -> RunJob:
    experiment = resolve.resolve(
        known, files, game=run.game, learner=run.learner, opponents=run.opponents, recipe=run.recipe,
        overrides=overrides,
    )  # fmt: skip
    composition = compose(experiment)
    plan = evaluate.plan(experiment, composition)
    offered = {name for q in plan.questions for name in q.evaluation.pictures()}
    if asked.picture not in (*reproductions.PICTURES, *offered):
        raise BadCombination(
            f"expected runs with the picture {asked.picture} for {asked.name}, got {run.game} in run {run.label}, "
            f"which has {', '.join((*reproductions.PICTURES, *offered))}"
        )
    return RunJob.of(experiment, composition, plan)


def _tournament(
    known: Registry, files: Sequence[RecipeFile], run: Run, overrides: dict[str, Any], registry_file: Path | None
) -> TournamentJob:
    """The job of a tournament: overrides without a dot are its own settings, the rest are hyper-parameters."""
    numbers = {key: value for key, value in overrides.items() if "." not in key}
    others = {key: value for key, value in overrides.items() if "." in key}
    types = {field.name: type(field.default) for field in attrs.fields(Tournament)}
    for key, value in numbers.items():
        if types.get(key) not in (int, str):
            raise BadValue(f"expected seed, seeds, trials, steps, recipe or LEARNER.NAME in set, got {key!r}")
        conversion.convert(value, types[key], f"set.{key}")
    asked = Tournament(games=(run.game,), learners=run.learners, overrides=others, **numbers)
    planned = meetings.meetings(known, files, asked)
    fits = frozenset(needed[0].fit_hash for meeting in planned for needed in meeting.fits if needed is not None)
    rows = Rows((None,), tuple(f"{row}.{column}" for row in asked.labels for column in asked.labels))
    return TournamentJob(asked, fits, tuple(tuple(meeting.hashes) for meeting in planned), rows, registry_file)
