"""Fits the recipes of claims, a few seeds in each run, and counts the fits for which the claims hold."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import jax
import tomli_w

from meva_core import evaluate
from meva_core.compute import devices
from meva_core.compute.progress import Overview, Progress
from meva_core.contracts import Executor, default_jobs
from meva_core.contracts.machine import gpus
from meva_core.errors import BadValue, Diverged
from meva_core.experiment import resolve
from meva_core.experiment.compose import compose
from meva_core.experiment.cookbook import cookbook
from meva_core.ops import batching
from meva_core.registry.claims import Claim, Record, parse_records
from meva_core.registry.entries import Registry
from meva_core.registry.recipes import RecipeFile, read_records
from meva_core.storage import files as disk
from meva_core.storage import run_folder as folders
from meva_core.studies import claims_report as report
from meva_core.studies import executing, reproductions
from meva_core.studies.batch import FITS, RUNS
from meva_core.studies.jobs import Making, RunJob, finished

TOGETHER = 10  # seeds per run, which share a compiled program and a folder that is reused
LIBRARIES = ("meva", "jax")  # a record holds their versions


@attrs.frozen
class Measuring(Making):
    """A run on a number of devices, as a task."""

    devices: int

    def do(self, progress: Progress) -> str | None:
        """Execute the run. Returns None, or the reason for no result if all seeds diverged."""
        devices.prepare(count=self.devices)
        return super().do(progress)


def device_counts(wanted: list[int] | None, jobs: int | None = None) -> list[int]:
    """The numbers of devices to fit on: by default 1 and the number that a run uses, or all accelerators.

    jobs: number of runs at a time; several share out the GPUs, and this process leaves them to others. Raises BadValue
    for more devices than this machine, or each job, has, and for several numbers on accelerators.
    """
    devices.prepare()
    shared = gpus()
    if shared:
        accelerators = max(1, len(shared) // (jobs or 1))
    else:
        accelerators = 0 if jax.default_backend() == "cpu" else len(jax.devices())
    most = accelerators or devices.cores()
    counts = wanted or ([most] if accelerators else sorted({1, min(most, len(batching.used()))}))
    if max(counts) > most:
        whose = f"each of {jobs} jobs" if shared and (jobs or 1) > 1 else "this machine"
        raise BadValue(f"expected 1 to {most} for --devices, the number of devices of {whose}, got {max(counts)}")
    if accelerators:
        if len(counts) > 1:  # one process may hold them all, so that no other process can use them
            raise BadValue(f"expected one number for --devices on accelerators, got {len(counts)}")
        if (jobs or len(shared) // counts[0]) > 1:
            devices.leave_gpus()
        devices.prepare(count=None if devices.have_left() else counts[0])
    return counts


def count_of_workers(wanted: list[int] | None) -> list[int]:
    """The number of devices of an executor's workers: by default 1. Raises BadValue for several numbers, since a worker
    keeps the devices that it has."""
    devices.leave_gpus()
    if wanted is not None and len(wanted) > 1:
        raise BadValue(f"expected one number for --devices with --executor, that of each worker, got {len(wanted)}")
    return wanted or [1]


def record_of(registry: Registry, files: Sequence[RecipeFile], claim: Claim) -> str:
    """The hash that a record of the claim stores (`Claim.of`). Raises MevaError if the recipe is missing."""
    learners = [registry.find("learner", name) for name in (claim.learner, *claim.opponents)]
    book = cookbook(registry, files, registry.find("game", claim.game), learners)
    return claim.of(book.where(book.learners[0].name, claim.recipe), book.game)


def planned(registry: Registry, files: Sequence[RecipeFile], claim: Claim, seeds: range) -> list[RunJob]:
    """The runs of a claim, composed and checked against it. Raises MevaError on bad input, before any fit starts."""
    return [_planned(registry, files, claim, seeds[n : n + TOGETHER]) for n in range(0, len(seeds), TOGETHER)]


def _planned(registry: Registry, files: Sequence[RecipeFile], claim: Claim, seeds: range) -> RunJob:
    experiment = resolve.resolve(
        registry,
        files,
        game=claim.game,
        learner=claim.learner,
        opponents=claim.opponents,
        recipe=claim.recipe,
        overrides={**claim.overrides, "fit.seed": seeds[0], "fit.seeds": len(seeds)},
    )
    composition = compose(experiment)
    job = RunJob.of(experiment, composition, evaluate.plan(experiment, composition))
    for criterion in claim.holds:
        reproductions.check_asked(criterion.quantity, criterion.at, job.rows, claim.name)
    return job


def measure(
    wanted: Sequence[tuple[Claim, Sequence[RunJob], str]],
    *,
    seeds: range,
    counts: Sequence[int],
    record: Path | None,
    out: Path,
    jobs: int | None,
    executor: Executor | None = None,
    overview: Overview,
) -> None:
    """Count the fits for which each claim holds. Each claim has its own folder in `out`; all share the runs there.

    wanted: claims, each with its runs and the hash of its record (`record_of`). counts: numbers of devices. record: a
    file for the records, or None; records of other machines and numbers of devices stay in it.

    Raises Diverged, after everything else is counted and written, if all fits of a claim diverged on some number of
    devices, so that it could not be recorded.
    """
    without_record: list[str] = []
    records = parse_records(read_records(record), str(record)) if record is not None and record.exists() else {}
    if record is not None:
        _write_records(record, records)  # an error here comes before any fit starts
    with overview:
        for claim, runs, of in wanted:
            overview.print(f"{claim.name}  {claim.says}", style="bold")
            counted = {count: out / f"{count}-devices" for count in counts}
            for count, folder in counted.items():
                _make(claim, runs, count, folder.resolve(), jobs, executor, overview)
            summary = _write(claim, seeds, runs, counted, out / claim.name, overview)
            if record is not None:
                new = _records(of, summary, runs, counted)
                without_record += [_title(claim, count) for count in counts if count not in new]
                for one in new.values():
                    others = [each for each in records.get(claim.name, []) if not one.replaces(each)]
                    records[claim.name] = [*others, one]
                _write_records(record, records)
    if without_record:
        raise Diverged(f"expected a fit that did not diverge, to record {' and '.join(without_record)}, got none")


def _title(claim: Claim, count: int) -> str:
    return f"{claim.name} on {count} device{'s' * (count > 1)}"


def _make(
    claim: Claim,
    runs: Sequence[RunJob],
    count: int,
    out: Path,
    jobs: int | None,
    executor: Executor | None,
    overview: Overview,
) -> None:
    """Execute the runs that are not finished, on `count` devices.

    They run in other processes if this process uses another number of devices.
    """
    makings = []
    for run in runs:
        folder, seeds = out / RUNS / run.hash, run.experiment.seeds
        if not finished(folder, run.hash):
            title = f"{claim.name}, seeds {seeds[0]} to {seeds[-1]}, on {count}"
            makings.append(Measuring(title, run, folder, out / FITS, count))
    if len(makings) < len(runs):
        overview.print(f"  on {count}: {len(runs) - len(makings)} of {len(runs)} runs finished before")
    overview.titles = [making.title for making in makings]
    if executor is None:
        jobs = jobs or max(1, default_jobs() // count)
    apart = count != len(batching.used())
    tasks = executing.do_all(makings, executor, jobs, overview, out, apart=apart)
    with contextlib.closing(tasks) as results:
        for n, why in results:
            overview.ended(n, why)


def _write(
    claim: Claim, seeds: range, runs: Sequence[RunJob], counted: Mapping[int, Path], out: Path, overview: Overview
) -> dict[str, Any]:
    """Print the results of all runs, by number of devices, and write them to the folder `out`."""
    summaries = {
        count: [folders.read_summary(path) if finished(path, run.hash) else None for run, path in _paths(runs, folder)]
        for count, folder in counted.items()
    }
    content = report.summary(claim, seeds, summaries)
    out.mkdir(parents=True, exist_ok=True)
    disk.write_json(out / "summary.json", content)
    disk.write(out / "claims.csv", report.as_csv(content))
    for line in report.lines(content):
        overview.print(f"  {line}")
    overview.print(f"  written to {out}\n")
    return content


def _paths(runs: Sequence[RunJob], folder: Path) -> list[tuple[RunJob, Path]]:
    return [(run, folder / RUNS / run.hash) for run in runs]


def _records(
    of: str, content: Mapping[str, Any], runs: Sequence[RunJob], counted: Mapping[int, Path]
) -> dict[int, Record]:
    """A record for each number of devices on which a run is finished. content: that of summary.json."""
    records = {}
    for result in content["results"]:
        count = result["devices"]
        if paths := [path for run, path in _paths(runs, counted[count]) if finished(path, run.hash)]:
            records[count] = _record(of, content, result, paths)
    return records


def _record(of: str, content: Mapping[str, Any], result: Mapping[str, Any], paths: Sequence[Path]) -> Record:
    """The record of an entry of `results` in summary.json, with the machine and the versions of its finished runs in
    `paths`, and the date of the last run."""
    provenance = [folders.recorded(path) for path in paths]
    last = max((path / "summary.json").stat().st_mtime for path in paths)
    return Record(
        **attrs.asdict(report.count_of(result)),
        of=of,
        date=datetime.date.fromtimestamp(last),
        machine=" and ".join(dict.fromkeys(str(run.get("machine", "another machine")) for run in provenance)),
        seed=content["seeds"][0],
        versions={name: provenance[-1]["versions"][name] for name in LIBRARIES},
    )


def _write_records(path: Path, records: Mapping[str, Sequence[Record]]) -> None:
    """Write records in the order of their names. Raises BadFolder or Unwritable if the file cannot be written."""
    tables = {name: [attrs.asdict(each) for each in of_claim] for name, of_claim in sorted(records.items())}
    text = tomli_w.dumps({"records": tables})
    try:
        disk.write(
            path, f"# Counts of `meva claims --record` for the claims in the recipe file next to this one.\n{text}"
        )
    except OSError as error:
        raise disk.refused(error, f"expected a file that can be written for --record, got {path}") from error
