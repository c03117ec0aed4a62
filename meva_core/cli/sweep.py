"""`meva sweep`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("sweep", short_help="Run a learner at many settings, and rank them.")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@click.option("--quick", is_flag=True, help="With what the file has for quick.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("sweeps"),
    show_default=True,
    metavar="DIR",
    help="A folder per sweep; runs/ and fits/ are used again.",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    metavar="N",
    help="Runs made at a time, each in a process of its own [default: one per core, at most 8; on a GPU one].",
)
@click.option(
    "--registry", "registry_file", type=click.Path(path_type=Path), metavar="FILE", help="Recipes of your own."
)
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def sweep_command(file: Path, quick: bool, out: Path, jobs: int | None, registry_file: Path | None, quiet: bool) -> int:
    """Run one game and learner at many settings, and rank them by a number.

    FILE is TOML: game, learner, what to rank by, and settings by name or a grid of them. Its layout, and one to begin
    with: meva_core/sweeps.py and examples/sweeps/schedule.toml.

    \b
    meva sweep examples/sweeps/schedule.toml
    meva sweep examples/sweeps/schedule.toml --quick

    Asked again, it goes on where it was stopped: finished runs are only read.
    """
    from meva_core import devices, runner, sweeps
    from meva_core.cli import making
    from meva_core.cli.jobs import planned

    asked = sweeps.read(file)
    devices.prepare()
    known, files = runner.plugins(registry_file)
    wanted = [(asked, planned(known, files, asked, quick, registry_file))]
    return making.make(wanted, quick=quick, out=out, jobs=jobs, registry_file=registry_file, quiet=quiet)
