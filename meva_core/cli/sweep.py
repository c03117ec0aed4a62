"""The command `meva sweep`."""

from __future__ import annotations

import functools
from pathlib import Path

import click

from meva_core.cli.options import of_many_runs


@click.command("sweep", short_help="Run a learner at many settings, and rank them.")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@click.option("--quick", is_flag=True, help="Apply the changes that the file lists under quick.")
@of_many_runs("sweeps", "sweep")
def sweep_command(
    file: Path, quick: bool, out: Path, jobs: int | None, executor: str | None, registry_file: Path | None, quiet: bool
) -> int:
    """Run one game and learner at many settings, and rank them by a number.

    FILE is a TOML file with the game, the learner, the number to rank by, and named settings or a grid. Its layout is
    documented in meva_core/studies/sweeps.py; an example is examples/sweeps/schedule.toml.

    \b
    meva sweep examples/sweeps/schedule.toml
    meva sweep examples/sweeps/schedule.toml --quick

    If it was stopped, run the same command again: finished runs are only read.
    """
    from meva_core import runner
    from meva_core.cli import overview
    from meva_core.studies import batch, executing, sweeps
    from meva_core.studies.jobs import planned

    sweep = sweeps.read(file)
    backend = executing.chosen(executor)
    executing.prepare(jobs, backend)
    registry, files = runner.plugins(registry_file)
    wanted = [(sweep, planned(registry, files, sweep, quick, registry_file))]
    make = functools.partial(batch.make, wanted, quick=quick, out=out, jobs=jobs, executor=backend)
    return overview.show(lambda screen: make(overview=screen), quiet=quiet)
