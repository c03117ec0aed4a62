"""The command `meva reproduce`."""

from __future__ import annotations

import functools
from pathlib import Path

import click

from meva_core.cli import completion
from meva_core.cli.options import of_many_runs
from meva_core.errors import BadValue


@click.command("reproduce", short_help="Reproduce published results.")
@click.argument("names", nargs=-1, metavar="NAME...", shell_complete=completion.reproductions)
@click.option("--all", "take_all", is_flag=True, help="All reproductions.")
@click.option("--quick", is_flag=True, help="Use fewer seeds and points, and shorter fits: the pictures take minutes.")
@of_many_runs("reproductions", "reproduction", "runs, or fits and matches of tournaments,")
def reproduce_command(
    names: tuple[str, ...],
    take_all: bool,
    quick: bool,
    out: Path,
    jobs: int | None,
    executor: str | None,
    registry_file: Path | None,
    quiet: bool,
) -> int:
    """Reproduce published results, and show claim by claim how close they come.

    \b
    meva reproduce figure-2b
    meva reproduce --all --quick

    If it was stopped, run the same command again: finished runs, fits and matches are only read.
    """
    from meva_core import runner
    from meva_core.cli import overview
    from meva_core.registry import discovery
    from meva_core.studies import batch, executing, reproductions
    from meva_core.studies.jobs import planned

    backend = executing.chosen(executor)
    executing.prepare(jobs, backend)
    registry, files = runner.plugins(registry_file)
    known = [*discovery.recipe_files(registry), *files]  # of these only `files` decide for runs of other plugins
    all_names = reproductions.names(known)
    if take_all == bool(names):
        got = "both" if take_all else "neither"
        raise BadValue(f"expected names or --all, got {got}: the names are {', '.join(all_names)}")
    selection = [reproductions.find(known, name) for name in (all_names if take_all else dict.fromkeys(names))]
    wanted = [(one, planned(registry, files, one, quick, registry_file)) for one in selection]
    make = functools.partial(batch.make, wanted, quick=quick, out=out, jobs=jobs, executor=backend)
    return overview.show(lambda screen: make(overview=screen), quiet=quiet)
