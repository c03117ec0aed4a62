"""Runs a search: Optuna proposes trials and learns from their results, and the best one becomes a recipe."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from meva_core import runner
from meva_core.compute.progress import Overview, Progress, as_progress
from meva_core.contracts import Executor, conversion, default_jobs
from meva_core.errors import BadCombination, BadValue, Diverged, MevaError
from meva_core.experiment import local
from meva_core.registry import attribution
from meva_core.storage import files, locks
from meva_core.storage.run_folder import read_summary
from meva_core.studies import executing, following, pages, search_report, search_summary, searches, trials
from meva_core.studies.batch import FITS, RUNS, Study
from meva_core.studies.jobs import Making, RunJob, finished
from meva_core.studies.proposals import Proposals
from meva_core.studies.trials import RECIPE, Planner, Trial, Values

DIVERGED = "diverged.json"  # hashes of the runs that ended without a summary, with the reasons


@attrs.frozen(repr=False)
class Searched(Study):
    """The result of a search; its repr is the lines that the command prints.

    summary: the content of summary.json. folder: the folder of that file, of best.toml, of the picture and of the page.
    """

    @property
    def best(self) -> dict[str, Any]:
        """The values of the best trial, by their names in --set."""
        return dict(self.summary["best"]["values"])

    def __repr__(self) -> str:
        return "\n".join(search_report.lines(self.summary, self.folder))


@attribution.named()
def search(
    file: str | Path,
    *,
    quick: bool = False,
    out: str | Path = "searches",
    jobs: int | None = None,
    executor: Any = None,
    registry_file: str | Path | None = None,
    progress: Progress | bool | None = None,
    overview: Overview | None = None,
) -> Searched:
    """Search the hyper-parameters of a game and a learner that are best by a quantity; what `meva search` does.

    file: TOML (`studies.searches` documents the layout). Finished runs in `out` are only read. jobs: number of trials
    at a time, by default those of a batch, at most one per GPU or core; with several, each has its own process.
    executor: other machines that compute the trials, as after --executor, or an object; None for this one. progress:
    True prints lines; overview: a screen of your own instead. Raises MevaError on bad input, and if no trial has a
    result.
    """
    if not isinstance(file, (str, os.PathLike)):
        raise BadValue(f"expected the path of a search's file, got {file!r}")
    local.check_paths(out=out, registry_file=registry_file)
    told = as_progress(progress)
    screen = following.as_overview(overview, told)
    wanted = searches.read(Path(file), quick=conversion.convert(quick, bool, "quick"))
    if wanted.name in (RUNS, FITS):
        raise BadValue(f"expected a name other than {RUNS} and {FITS}, the shared folders, got {wanted.name!r}")
    there, jobs = executing.chosen(executor), executing.count(jobs)
    if wanted.batch == 1 and (there is not None or (jobs or 1) > 1):
        raise BadValue(
            "expected batch = 2 or more in [search] for several jobs or an executor, got 1: the trials of a batch run "
            "at the same time, and the next batch is proposed when their results are known"
        )
    Proposals(wanted)  # says at once if Optuna is missing
    executing.prepare(1 if wanted.batch == 1 else jobs, there)
    registry, recipe_files = runner.plugins(registry_file)
    work = _Work(
        planner=trials.planner(registry, recipe_files, wanted),
        out=Path(out).resolve(),  # workers may have other current folders
        jobs=jobs if there is not None else jobs or min(wanted.batch, default_jobs()),
        executor=there,
        registry_file=None if registry_file is None else Path(registry_file).resolve(),
        overview=screen,
    )
    shown = Path(out) / wanted.name
    with work.overview, locks.alone(work.folder, wait=work.overview.print):
        content = _make(work, shown)
    told.over()
    return Searched(content, shown)


def _make(work: _Work, shown: Path) -> dict[str, Any]:
    """Run all trials and write the report; returns the content of summary.json. shown: the folder, as users name it."""
    wanted, say = work.planner.search, work.overview.print
    say(f"{wanted.name}  {wanted.title}", "bold")
    work.lost |= work.diverged()
    proposals, unchanged, found = Proposals(wanted), work.unchanged(), list[Trial]()
    while len(found) < wanted.trials:
        batch = proposals.ask(min(wanted.batch, wanted.trials - len(found)))
        results = work.do({f"trial {len(found) + n}": values for n, values in enumerate(batch, start=1)})
        proposals.tell([None if trial.hash in (None, *work.lost) else work.number(trial.hash) for trial in results])
        found += results
    content = search_summary.summary(work.planner, [*unchanged, *found], work.summaries, work.registry_file)
    search_report.write(work.folder, wanted, content)
    files.write(work.folder / "report.html", pages.of_search(work.folder))
    if content["best"] is None:
        raise Diverged(
            f"all {wanted.trials} trials failed, the last since: {found[-1].why}; change the ranges in [search]"
        )
    for line in search_report.lines(content, shown):
        say(line)
    say(f"  written to {shown / 'report.html'}\n")
    return content


@attrs.define(kw_only=True)
class _Work:
    """The trials of a search, and what is known of their runs: summaries, or why they count as the worst."""

    planner: Planner
    out: Path
    jobs: int | None
    executor: Executor | None
    registry_file: Path | None
    overview: Overview
    summaries: dict[str, dict[str, Any]] = attrs.field(factory=dict)  # by hash
    lost: dict[str, str] = attrs.field(factory=dict)  # by hash

    @property
    def folder(self) -> Path:
        """The folder of the search, beside those of the runs."""
        return self.out / self.planner.search.name

    def diverged(self) -> dict[str, str]:
        """The stored reasons why runs ended without a summary, by hash; {} if there are none, or if damaged."""
        with contextlib.suppress(OSError, ValueError):
            stored = json.loads((self.folder / DIVERGED).read_text(encoding="utf-8"))
            return {str(hash): str(why) for hash, why in stored.items()} if isinstance(stored, dict) else {}
        return {}

    def unchanged(self) -> list[Trial]:
        """Run the recipe itself, to compare with; [] if it has no value for something that is searched."""
        try:
            self.planner.job({})
        except MevaError:
            return []
        return self.do({RECIPE: {}})

    def do(self, batch: Mapping[str, Values]) -> list[Trial]:
        """Run trials, given by label; those whose results are stored are only read."""
        jobs, refused = dict[str, RunJob](), dict[str, str]()
        for label, values in batch.items():
            try:
                jobs[label] = self.planner.job(values)
            except BadCombination as error:
                refused[label] = str(error)
        titles = {label: f"{label} {self.planner.search.label(values)}".rstrip() for label, values in batch.items()}
        ran = self._run(jobs, titles)
        found = []
        for label, values in batch.items():
            hash = jobs[label].hash if label in jobs else None
            why = refused.get(label) if hash is None else self.lost.get(hash)
            if label not in ran:
                told = f"refused, {why}" if hash is None else f"{self.outcome(hash)}, stored"
                self.overview.print(f"  {titles[label]}: {told}")
            found.append(Trial(label=label, values=values, hash=hash, why=why))
        return found

    def _run(self, jobs: Mapping[str, RunJob], titles: Mapping[str, str]) -> set[str]:
        """Run the jobs whose results are not stored, and read all results. Returns the labels of those that ran."""
        waiting: dict[str, tuple[str, Making]] = {}
        for label, job in jobs.items():
            folder = self.out / RUNS / job.hash
            if not (job.hash in self.lost or finished(folder, job.hash)):
                making = Making(titles[label], job, folder, self.out / FITS)
                waiting.setdefault(job.hash, (label, making))
        makings = [making for _, making in waiting.values()]
        self.overview.titles = [making.title for making in makings]
        results = executing.do_all(makings, self.executor, self.jobs, self.overview, self.out)
        with contextlib.closing(results):
            for n, why in results:
                hash = makings[n].job.hash
                if why is None:
                    self._learn(hash)
                else:
                    self.lost[hash] = why
                    files.write_json(self.folder / DIVERGED, {**self.diverged(), hash: why})
                self.overview.ended(n, None, self.outcome(hash))
        for job in jobs.values():
            if job.hash not in (*self.lost, *self.summaries):
                self._learn(job.hash)
        return {label for label, _ in waiting.values()}

    def _learn(self, hash: str) -> None:
        """Read the result of a finished run."""
        summary = read_summary(self.out / RUNS / hash)
        why = trials.reason_against(summary, self.planner.search)
        if why is None:
            self.summaries[hash] = summary
        else:
            self.lost[hash] = why

    def number(self, hash: str) -> float:
        """The number that ranks a run with a result."""
        found = trials.number(self.summaries[hash], self.planner.search)
        assert found is not None, "else it is lost"
        return found

    def outcome(self, hash: str) -> str:
        """The result of a run, in words."""
        if hash in self.lost:
            return f"counts as the worst, {self.lost[hash]}"
        return f"{self.planner.search.ranking.quantity} {self.number(hash):.4f}"
