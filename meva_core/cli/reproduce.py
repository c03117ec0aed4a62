"""`meva reproduce`."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from meva_core.errors import INTERRUPTED, BadValue

if TYPE_CHECKING:
    from meva_core.cli.jobs import Job, Making
    from meva_core.cli.overview import Overview
    from meva_core.reproductions import Reproduction


@click.command("reproduce", short_help="Make what a publication reports anew.")
@click.argument("names", nargs=-1, metavar="NAME...")
@click.option("--all", "everything", is_flag=True, help="All there are.")
@click.option("--quick", is_flag=True, help="Fewer seeds and points, shorter fits: the picture in minutes.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("reproductions"),
    show_default=True,
    metavar="DIR",
    help="A folder per reproduction; runs/ and fits/ are used again.",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    metavar="N",
    help="Runs made at a time, each in a process of its own [default: one per core, at most 8; on a GPU one].",
)
@click.option(
    "--registry", "registry_file", type=click.Path(path_type=Path), metavar="FILE", help="Reproductions of your own."
)
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def reproduce_command(
    names: tuple[str, ...],
    everything: bool,
    quick: bool,
    out: Path,
    jobs: int | None,
    registry_file: Path | None,
    quiet: bool,
) -> int:
    """Make what a publication reports anew, and say how close it came.

    \b
    meva reproduce figure-2b
    meva reproduce --all --quick

    Asked again, it goes on where it was stopped: finished runs are only read.
    """
    from meva_core import devices, reproductions, runner, workers
    from meva_core.cli.jobs import planned
    from meva_core.cli.overview import Overview

    devices.prepare()
    known, files = runner.plugins(registry_file)
    there = reproductions.names(files)
    if everything == bool(names):
        raise BadValue(f"expected names, or --all, one of the two: there are {', '.join(there)}")
    asked = [reproductions.find(files, name) for name in (there if everything else dict.fromkeys(names))]
    wanted = [(one, planned(known, files, one, quick, registry_file)) for one in asked]
    makings = _missing(wanted, out, registry_file)
    jobs = min(jobs or workers.default_jobs(), max(1, len(makings)))
    overview = Overview([making.title for making in makings], quiet=quiet)
    try:
        with overview, contextlib.closing(workers.do_all(makings, jobs, overview.row)) as results:
            _follow(wanted, makings, results, overview, lambda one, hashes: _write(one, quick, hashes, out, overview))
    except KeyboardInterrupt:
        click.echo("stopped; the same command goes on from here", err=True)
        return INTERRUPTED
    return 0


def _missing(
    wanted: Sequence[tuple[Reproduction, Mapping[str, Job]]], out: Path, registry_file: Path | None
) -> list[Making]:
    """What is to be made; what several ask for, once."""
    from meva_core.cli.jobs import Making

    found: dict[str, Making] = {}
    for one, jobs in wanted:
        for label, job in jobs.items():
            folder = out / "runs" / job.hash
            if job.hash not in found and not (folder / "report.html").is_file():  # which is written last
                found[job.hash] = Making(f"{one.name} {label}", job, folder, out / "fits", registry_file)
    return list(found.values())


def _follow(
    wanted: Sequence[tuple[Reproduction, Mapping[str, Job]]],
    makings: Sequence[Making],
    results: Iterator[tuple[int, str | None]],
    overview: Overview,
    write: Callable[[Reproduction, dict[str, str]], None],
) -> None:
    """Write each reproduction, in the order asked, as soon as all that it needs is there."""
    pending = {making.job.hash for making in makings}
    lost: set[str] = set()
    for one, jobs in wanted:
        overview.print(f"{one.name}  {one.title} ({one.source})", style="bold")
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
    from meva_core import reproductions
    from meva_core.report import page, reproduction
    from meva_core.report.folder import read_summary, write_atomically

    folders = {label: out / "runs" / hash for label, hash in hashes.items()}
    out = out / asked.name
    out.mkdir(parents=True, exist_ok=True)
    told = {label: read_summary(folder) for label, folder in folders.items()}
    lost = {run.label: None for run in asked.runs if run.label not in told}
    places = reproductions.ranked(asked.ranking, {**told, **lost}) if asked.ranking else []
    found = reproduction.summary(asked, quick, hashes, reproductions.verdicts(asked, told), places)
    write_atomically(out / "summary.json", json.dumps(found, indent=1, allow_nan=False) + "\n")
    write_atomically(out / "claims.csv", reproduction.as_csv(found))
    reproduction.draw(asked, folders, out / "figures", found)
    write_atomically(out / "report.html", page.of_reproduction(out))
    for line in reproduction.lines(found):
        overview.print(line)
    overview.print(f"  {reproduction.held(found)}; written to {out / 'report.html'}\n")
