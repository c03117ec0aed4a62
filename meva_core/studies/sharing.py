"""Fits and matches of the tournaments of a study, as tasks that several processes share.

A tournament is then a task that comes after its fits and matches, and writes its files.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import attrs

from meva_core.compute.progress import Progress
from meva_core.compute.tasks import Task
from meva_core.errors import Diverged
from meva_core.studies import tournament_folder
from meva_core.studies.jobs import Job, Making, TournamentJob
from meva_core.studies.tournament_folder import Fitting, Playing
from meva_core.studies.tournament_settings import Tournament


@attrs.frozen
class Part(Task):
    """A fit or a match of a tournament of a study, in the tournament's folder."""

    title: str
    task: Fitting | Playing
    tournament: Tournament
    folder: Path
    registry_file: Path | None

    @property
    def alone(self) -> frozenset[str]:  # type: ignore[override]
        """The hash of the fit, or the file of the match."""
        return self.task.alone

    @property
    def needs(self) -> frozenset[str]:  # type: ignore[override]
        """The hashes of the fits that a match uses."""
        return self.task.needs

    def do(self, progress: Progress) -> None:
        """Fit or play, or go on from the last checkpoint."""
        tournament_folder.begin(self.folder, self.tournament, self.registry_file, progress)
        # Without its fit, the tournament has no result: the task that writes its files says so.
        with contextlib.suppress(Diverged):
            self.task.do(progress)


def tasks(makings: Iterable[Making]) -> list[Making | Part]:
    """The tasks of several processes: before each tournament the fits, each once, and the matches that it lacks."""
    shared: list[Making | Part] = []
    fits: set[str] = set()
    for making in makings:
        parts = _parts(making)
        shared += [part for part in parts if fits.isdisjoint(part.alone)]
        fits.update(*(part.needs for part in parts))
        shared.append(attrs.evolve(making, needs=frozenset().union(*(part.alone for part in parts))))
    return shared


def count(jobs: Iterable[Job]) -> int:
    """The number of fits, matches and runs of these jobs, finished or not."""
    return sum(len(job.fits) + len(job.planned) if isinstance(job, TournamentJob) else 1 for job in jobs)


def _parts(making: Making) -> Sequence[Part]:
    job = making.job
    if not isinstance(job, TournamentJob):
        return ()
    of_game = f"{job.tournament.games[0]}: "  # the title of the job says which game
    missing = tournament_folder.tasks(job.tournament, job.planned, making.folder, making.fits, Progress())
    return [
        Part(
            f"{making.title}: {task.title.removeprefix(of_game)}",
            task,
            job.tournament,
            making.folder,
            job.registry_file,
        )
        for task in missing
    ]
