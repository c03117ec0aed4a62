"""The command `meva search`."""

from __future__ import annotations

import functools
from pathlib import Path

import click

from meva_core.cli.options import of_many_runs


@click.command("search", short_help="Search the hyper-parameters that are best.")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@click.option("--quick", is_flag=True, help="Apply the changes that the file lists under quick.")
@of_many_runs("searches", "search")
def search_command(
    file: Path, quick: bool, out: Path, jobs: int | None, executor: str | None, registry_file: Path | None, quiet: bool
) -> int:
    """Search the hyper-parameters of a game and a learner that are best by a number.

    FILE is a TOML file with the game, the learner, the number to rank by, and a range for each hyper-parameter. Its
    layout is documented in meva_core/studies/searches.py; an example is examples/searches/lola.toml. Optuna proposes
    the trials: pip install "meva[search]".

    \b
    meva search examples/searches/lola.toml
    meva search examples/searches/lola.toml --quick

    Trials run one after the other in one process, so that those that differ in rates only share their compiled
    programs. If the file says batch = N, N trials are proposed, and can run, at a time.

    If it was stopped, run the same command again: finished runs are only read, and the proposals are the same.
    """
    from meva_core.cli import overview
    from meva_core.studies import searching

    make = functools.partial(
        searching.search, file, quick=quick, out=out, jobs=jobs, executor=executor, registry_file=registry_file
    )
    return overview.show(lambda screen: make(overview=screen), quiet=quiet)
