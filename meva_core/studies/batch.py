"""Runs reproductions and sweeps, several runs at a time, and writes a joint report of each."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from meva_core import runner
from meva_core.compute.progress import Overview, Progress, as_progress
from meva_core.contracts import Executor, default_jobs
from meva_core.errors import BadValue
from meva_core.experiment import local
from meva_core.registry import attribution, discovery
from meva_core.storage import files, locks
from meva_core.storage.run_folder import read_summary
from meva_core.studies import (
    executing,
    following,
    long_tables,
    pages,
    reproduction_report,
    reproductions,
    sharing,
    sweeps,
)
from meva_core.studies.jobs import Job, Making, finished, planned
from meva_core.studies.reproductions import Reproduction
from meva_core.studies.sharing import Part

if TYPE_CHECKING:
    import pandas

RUNS, FITS = "runs", "fits"
WRITTEN = "tables and page"  # what is left of a tournament after its matches
Wanted = Sequence[tuple[Reproduction, Mapping[str, Job]]]


@attrs.frozen(repr=False)
class Study:
    """The result of a reproduction or a sweep; its repr is the lines that the command prints.

    summary: the content of summary.json. folder: the folder of that file, of the figures and of the page.
    """

    summary: dict[str, Any]
    folder: Path

    def to_pandas(self, per: str = "quantity") -> pandas.DataFrame:
        """A long table of all runs, whose labels are in the column `run`, with a line for each of what `per` names.

        "quantity": quantity, row of the run and seat, with the statistics over seeds; the lines of the runs'
        statistics.csv. "seed": the same and seed; the lines of seeds.csv (`report.tidy` documents the columns of both,
        and `studies.standings` those of tournaments). The runs are read from their folders.

        Raises BadValue for another `per`, BadFolder if a run's folder is missing, and MissingLibrary if pandas is not
        installed: `pip install "meva[pandas]"`.
        """
        runs = self.folder.parent / RUNS
        return long_tables.of_runs(
            per, {label: read_summary(runs / hash) for label, hash in self.summary["runs"].items()}
        )

    def __repr__(self) -> str:
        return "\n".join(reproduction_report.lines(self.summary))


@attribution.named()
def sweep(
    file: str | Path,
    *,
    quick: bool = False,
    out: str | Path = "sweeps",
    jobs: int | None = None,
    executor: Any = None,
    registry_file: str | Path | None = None,
    progress: Progress | bool | None = None,
    overview: Overview | None = None,
) -> Study:
    """Run one game and learner at many settings, and rank them; what `meva sweep` does.

    file: TOML (`studies.sweeps` documents the layout). Finished runs in `out` are only read. jobs: number of runs at a
    time, by default 1; with several, each has its own process. executor: other machines that compute the runs, as after
    --executor, or an object; None for this one. progress: True prints lines; overview: a screen of your own instead.
    Raises MevaError on bad input.
    """
    if not isinstance(file, (str, os.PathLike)):
        raise BadValue(f"expected the path of a sweep's file, got {file!r}")
    study = sweeps.read(Path(file))
    return _study([study], quick, out, jobs, executor, registry_file, progress, overview)[0]


@attribution.named()
def reproduce(
    *names: str,
    quick: bool = False,
    out: str | Path = "reproductions",
    jobs: int | None = None,
    executor: Any = None,
    registry_file: str | Path | None = None,
    progress: Progress | bool | None = None,
    overview: Overview | None = None,
) -> list[Study]:
    """Reproduce the results of publications, and compare them with the reported numbers; what `meva reproduce` does.

    Finished runs in `out` are only read. jobs: number of runs, and of fits and matches of tournaments, at a time, by
    default 1; with several, each has its own process. executor: other machines that compute them, as after --executor,
    or an object; None for this one. progress: True prints lines; overview: a screen of your own instead. Raises
    MevaError on bad input.
    """
    if not names or not all(isinstance(name, str) for name in names):
        raise BadValue(f"expected names of reproductions, got {', '.join(map(repr, names)) or 'none'}")
    local.check_paths(registry_file=registry_file)
    registry, own = runner.plugins(registry_file)
    files = [*discovery.recipe_files(registry), *own]
    found = [reproductions.find(files, name) for name in names]
    return _study(found, quick, out, jobs, executor, registry_file, progress, overview)


def _study(
    studies: Sequence[Reproduction],
    quick: bool,
    out: str | Path,
    jobs: int | None,
    executor: Any,
    registry_file: str | Path | None,
    progress: Progress | bool | None,
    overview: Overview | None,
) -> list[Study]:
    local.check_paths(out=out, registry_file=registry_file)
    told = as_progress(progress)
    screen = following.as_overview(overview, told)
    backend, jobs = executing.chosen(executor), executing.count(jobs)
    if jobs is None and backend is None:
        jobs = 1
    executing.prepare(jobs, backend)
    registry, files = runner.plugins(registry_file)
    own = None if registry_file is None else Path(registry_file)
    wanted = [(one, planned(registry, files, one, quick, own)) for one in studies]
    summaries = make(wanted, quick=quick, out=Path(out), jobs=jobs, executor=backend, overview=screen)
    told.over()
    return [Study(summary, Path(out) / one.name) for one, summary in zip(studies, summaries, strict=True)]


def make(
    wanted: Wanted,
    *,
    quick: bool,
    out: Path,
    jobs: int | None,
    executor: Executor | None = None,
    overview: Overview,
) -> list[dict[str, Any]]:
    """Run each reproduction or sweep, and write its report to its own folder in `out`.

    The folders runs/ and fits/ in `out` are shared and reused. Returns the content of every summary.json. Raises
    BadValue if a reproduction has the name of one of those two folders."""
    for one, _ in wanted:
        if one.name in (RUNS, FITS):
            raise BadValue(f"expected a name other than {RUNS} and {FITS}, the shared folders, got {one.name!r}")
    makings = _missing(wanted, out)
    every = {job.hash: job for _, jobs_of_one in wanted for job in jobs_of_one.values()}
    if executor is None:  # what is finished counts: rounding depends on the number
        jobs = min(jobs or default_jobs(), max(1, sharing.count(every.values())))
    tasks = makings if executor is None and jobs == 1 else sharing.tasks(makings)
    overview.titles = [task.title for task in tasks]
    summaries: list[dict[str, Any]] = []

    def write(one: Reproduction, hashes: dict[str, str]) -> None:
        summaries.append(_write(one, quick, hashes, out, overview))

    with overview, contextlib.closing(executing.do_all(tasks, executor, jobs, overview, out)) as results:
        _follow(wanted, tasks, results, overview, write)
    return summaries


def _missing(wanted: Wanted, out: Path) -> list[Making]:
    """Jobs that are not finished yet, each once."""
    tasks: dict[str, Making] = {}
    out = out.resolve()  # workers may have other current folders
    for one, jobs in wanted:
        for label, job in jobs.items():
            folder = out / RUNS / job.hash
            if job.hash not in tasks and not finished(folder, job.hash):
                title = one.name if label == one.name else f"{one.name} {label}"
                tasks[job.hash] = Making(title, job, folder, out / FITS)
    return list(tasks.values())


def _follow(
    wanted: Wanted,
    tasks: Sequence[Making | Part],
    results: Iterator[tuple[int, str | None]],
    overview: Overview,
    write: Callable[[Reproduction, dict[str, str]], None],
) -> None:
    """Write each reproduction, in the order of `wanted`, as soon as its jobs are over."""
    unfinished = {task.job.hash for task in tasks if isinstance(task, Making)}
    pending = set(unfinished)
    lost: set[str] = set()
    for one, jobs in wanted:
        overview.print(f"{one.name}  {one.title}" + (f" ({one.source})" if one.source else ""), style="bold")
        hashes = {label: job.hash for label, job in jobs.items()}
        for label, hash in hashes.items():
            if hash not in unfinished:
                overview.print(f"  {label}: finished before")
        while not pending.isdisjoint(hashes.values()):
            n, why = next(results)
            task = tasks[n]
            overview.ended(n, why, WRITTEN if task.needs and isinstance(task, Making) else "")
            if isinstance(task, Making):
                pending.remove(task.job.hash)
                if why is not None:
                    lost.add(task.job.hash)
        write(one, {label: hash for label, hash in hashes.items() if hash not in lost})


def _write(study: Reproduction, quick: bool, hashes: dict[str, str], out: Path, overview: Overview) -> dict[str, Any]:
    folders = {label: out / RUNS / hash for label, hash in hashes.items()}
    out = out / study.name
    with locks.alone(out, wait=overview.print):
        return _written(study, quick, hashes, folders, out, overview)


def _written(
    study: Reproduction, quick: bool, hashes: dict[str, str], folders: dict[str, Path], out: Path, overview: Overview
) -> dict[str, Any]:
    summaries = {label: read_summary(folder) for label, folder in folders.items()}
    lost = {run.label: None for run in study.runs if run.label not in summaries}
    places = reproductions.ranked(study.ranking, {**summaries, **lost}) if study.ranking else []
    content = reproduction_report.summary(study, quick, hashes, reproductions.verdicts(study, summaries), places)
    files.write_json(out / "summary.json", content)
    files.write(out / "claims.csv", reproduction_report.as_csv(content))
    if content["ranking"]:
        files.write(out / "ranking.csv", reproduction_report.ranking_as_csv(content))
    reproduction_report.draw(study, folders, out / "figures", content)
    files.write(out / "report.html", pages.of_reproduction(out))
    for line in reproduction_report.lines(content):
        overview.print(line)
    overview.print(f"  {reproduction_report.held(content)}; written to {out / 'report.html'}\n")
    return content
