"""`meva reproduce`."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from meva_core.errors import INTERRUPTED, BadValue

if TYPE_CHECKING:
    from meva_core.cli.jobs import Making, Run, Tournament
    from meva_core.cli.overview import Overview


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
    missing = _missing(wanted, out, registry_file)
    makings = list(missing.values())
    jobs = min(jobs or workers.default_jobs(), max(1, len(makings)))

    lost: dict[str, str] = {}
    overview = Overview(list(missing), quiet=quiet)
    try:
        with overview, contextlib.closing(workers.spread(makings, jobs, overview.row)) as ended:
            asked_for = {making.job.hash for making in makings}
            unmade = set(asked_for)
            for one, made_of in wanted:
                overview.print(f"{one.name}  {one.title} ({one.source})", style="bold")
                for label, job in made_of.items():
                    if job.hash not in asked_for:
                        overview.print(f"  {label}: there already")
                while unmade & {job.hash for job in made_of.values()}:
                    n, why = next(ended)
                    overview.ended(n, why)
                    unmade.remove(makings[n].job.hash)
                    if why is not None:
                        lost[makings[n].job.hash] = why
                hashes = {label: job.hash for label, job in made_of.items() if job.hash not in lost}
                _write(one, quick, {label: out / "runs" / hash for label, hash in hashes.items()}, out, overview)
    except KeyboardInterrupt:
        click.echo("stopped; the same command goes on from here", err=True)
        return INTERRUPTED
    return 0


def _missing(
    wanted: Sequence[tuple[Any, Mapping[str, Run | Tournament]]], out: Path, registry_file: Path | None
) -> dict[str, Making]:
    """What is to be made, by title; what several ask for, once."""
    from meva_core.cli.jobs import Making

    found: dict[str, Making] = {}
    known: set[str] = set()
    for one, jobs in wanted:
        for label, job in jobs.items():
            folder = out / "runs" / job.hash
            if job.hash not in known and not (folder / "report.html").is_file():  # which is written last
                found[f"{one.name} {label}"] = Making(job, folder, out / "fits", registry_file)
            known.add(job.hash)
    return found


def _write(asked: Any, quick: bool, folders: dict[str, Path], out: Path, overview: Overview) -> None:
    from meva_core import reproductions
    from meva_core.report import page, reproduction
    from meva_core.report.folder import read_summary, write_atomically

    out = out / asked.name
    out.mkdir(parents=True, exist_ok=True)
    told = {label: read_summary(folder) for label, folder in folders.items()}
    hashes = {label: folder.name for label, folder in folders.items()}
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
