"""The command `meva reproduce`."""

from __future__ import annotations

import functools
from pathlib import Path

import click

from meva_core.cli.options import of_many_runs
from meva_core.errors import BadValue


@click.command("reproduce", short_help="Reproduce published results.")
@click.argument("names", nargs=-1, metavar="NAME...")
@click.option("--all", "everything", is_flag=True, help="All reproductions.")
@click.option("--quick", is_flag=True, help="Use fewer seeds and points, and shorter fits: the pictures take minutes.")
@of_many_runs("reproductions", "reproduction")
def reproduce_command(
    names: tuple[str, ...],
    everything: bool,
    quick: bool,
    out: Path,
    jobs: int | None,
    registry_file: Path | None,
    quiet: bool,
) -> int:
    """Reproduce published results, and show claim by claim how close they come.

    \b
    meva reproduce figure-2b
    meva reproduce --all --quick

    If it was stopped, run the same command again: finished runs are only read.
    """
    from meva_core import runner
    from meva_core.cli import overview
    from meva_core.compute import devices
    from meva_core.registry import discovery
    from meva_core.studies import batch, reproductions
    from meva_core.studies.jobs import planned

    devices.prepare()
    known, files = runner.plugins(registry_file)
    files = [*discovery.recipe_files(known), *files]
    there = reproductions.names(files)
    if everything == bool(names):
        got = "both" if everything else "neither"
        raise BadValue(f"expected names or --all, got {got}: the names are {', '.join(there)}")
    asked = [reproductions.find(files, name) for name in (there if everything else dict.fromkeys(names))]
    wanted = [(one, planned(known, files, one, quick, registry_file)) for one in asked]
    make = functools.partial(batch.make, wanted, quick=quick, out=out, jobs=jobs, registry_file=registry_file)
    return overview.show(lambda screen: make(overview=screen), quiet=quiet)
