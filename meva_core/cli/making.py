"""Makes the runs of reproductions and sweeps, several at a time, and writes what they show together."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import click

from meva_core import disk, locks, reproductions, stopping, workers
from meva_core.cli.jobs import Job, Making, finished
from meva_core.cli.overview import Overview
from meva_core.errors import BadValue
from meva_core.report import page, reproduction
from meva_core.report.folder import read_summary
from meva_core.reproductions import Reproduction

RUNS, FITS = "runs", "fits"
Wanted = Sequence[tuple[Reproduction, Mapping[str, Job]]]


def make(wanted: Wanted, *, quick: bool, out: Path, jobs: int | None, registry_file: Path | None, quiet: bool) -> int:
    """Each in a folder of its own in `out`, beside runs/ and fits/, which are used again; the exit code. BadValue where
    it is called like one of these."""
    for one, _ in wanted:
        if one.name in (RUNS, FITS):
            raise BadValue(f"expected another name than {RUNS} or {FITS}, which hold what all share, got {one.name!r}")
    makings = _missing(wanted, out, registry_file)
    every = {job.hash for _, jobs_of_one in wanted for job in jobs_of_one.values()}
    jobs = min(jobs or workers.default_jobs(), max(1, len(every)))  # not how many are left, which rounding depends on
    overview = Overview([making.title for making in makings], quiet=quiet)
    try:
        with overview, contextlib.closing(workers.do_all(makings, jobs, overview.row)) as results:
            _follow(wanted, makings, results, overview, lambda one, hashes: _write(one, quick, hashes, out, overview))
    except KeyboardInterrupt as error:
        click.echo("stopped; the same command goes on from here", err=True)
        return stopping.exit_code(error)
    return 0


def _missing(wanted: Wanted, out: Path, registry_file: Path | None) -> list[Making]:
    """What is to be made; what several ask for, once."""
    found: dict[str, Making] = {}
    for one, jobs in wanted:
        for label, job in jobs.items():
            folder = out / RUNS / job.hash
            if job.hash not in found and not finished(folder, job.hash):
                found[job.hash] = Making(f"{one.name} {label}", job, folder, out / FITS, registry_file)
    return list(found.values())


def _follow(
    wanted: Wanted,
    makings: Sequence[Making],
    results: Iterator[tuple[int, str | None]],
    overview: Overview,
    write: Callable[[Reproduction, dict[str, str]], None],
) -> None:
    """Write each reproduction, in the order asked, as soon as all that it needs is there."""
    pending = {making.job.hash for making in makings}
    lost: set[str] = set()
    for one, jobs in wanted:
        overview.print(f"{one.name}  {one.title}" + (f" ({one.source})" if one.source else ""), style="bold")
        hashes = {label: job.hash for label, job in jobs.items()}
        for label, hash in hashes.items():
            if all(making.job.hash != hash for making in makings):
                overview.print(f"  {label}: there already")
        while not pending.isdisjoint(hashes.values()):
            n, why = next(results)
            overview.ended(n, why)
            pending.remove(makings[n].job.hash)
            if why is not None:
                lost.add(makings[n].job.hash)
        write(one, {label: hash for label, hash in hashes.items() if hash not in lost})


def _write(asked: Reproduction, quick: bool, hashes: dict[str, str], out: Path, overview: Overview) -> None:
    folders = {label: out / RUNS / hash for label, hash in hashes.items()}
    out = out / asked.name
    with locks.alone(out, wait=overview.print):
        _written(asked, quick, hashes, folders, out, overview)


def _written(
    asked: Reproduction, quick: bool, hashes: dict[str, str], folders: dict[str, Path], out: Path, overview: Overview
) -> None:
    told = {label: read_summary(folder) for label, folder in folders.items()}
    lost = {run.label: None for run in asked.runs if run.label not in told}
    places = reproductions.ranked(asked.ranking, {**told, **lost}) if asked.ranking else []
    found = reproduction.summary(asked, quick, hashes, reproductions.verdicts(asked, told), places)
    disk.write_json(out / "summary.json", found)
    disk.write(out / "claims.csv", reproduction.as_csv(found))
    if found["ranking"]:
        disk.write(out / "ranking.csv", reproduction.ranking_as_csv(found))
    reproduction.draw(asked, folders, out / "figures", found)
    disk.write(out / "report.html", page.of_reproduction(out))
    for line in reproduction.lines(found):
        overview.print(line)
    overview.print(f"  {reproduction.held(found)}; written to {out / 'report.html'}\n")
