"""The command `meva claims`."""

from __future__ import annotations

import functools
from pathlib import Path

import click

from meva_core.cli.options import of_many_runs
from meva_core.errors import BadValue


def parse_counts(context: click.Context, parameter: click.Parameter, value: str | None) -> list[int] | None:
    """Parse the numbers of devices after --devices; None without the option. Raises BadValue for other texts."""
    if value is None:
        return None
    counts = [int(text) for text in value.split(",") if text.strip().isdecimal()]
    if len(counts) != value.count(",") + 1 or 0 in counts:
        raise BadValue(f"expected numbers of devices for --devices, as in 1,2, got {value!r}")
    return list(dict.fromkeys(counts))


@click.command("claims", short_help="Count the fits for which a claim about a recipe holds.")
@click.argument("names", nargs=-1, metavar="[NAME...]")
@click.option(
    "--fits",
    type=click.IntRange(1, 2**16),
    default=60,
    show_default=True,
    metavar="N",
    help="Number of fits, each with its own seed.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**31 - 2**17),
    default=2000,
    show_default=True,
    metavar="N",
    help="First seed. No recipe was chosen on the default seed or a higher one.",
)
@click.option(
    "--devices",
    "counts",
    callback=parse_counts,
    metavar="N,...",
    help="Numbers of devices to count on, one after the other [default: 1, and as many as a run uses].",
)
@click.option(
    "--record",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Add the counts to this file, which keeps those of other machines. Runs and pages quote the claims.toml next "
    "to a recipe file.",
)
@of_many_runs("claims", "claim")
def claims_command(
    names: tuple[str, ...],
    fits: int,
    seed: int,
    counts: list[int] | None,
    record: Path | None,
    out: Path,
    jobs: int | None,
    executor: str | None,
    registry_file: Path | None,
    quiet: bool,
) -> int:
    """Count the fits for which a claim about a recipe holds.

    NAME is a claim of a recipe file (meva_core/registry/claims.py documents its layout); by default, all claims are
    counted.

    \b
    meva claims
    meva claims NAME --fits 10 --devices 1

    If it was stopped, run the same command again: finished fits are only read.
    """
    from meva_core import runner
    from meva_core.cli import overview
    from meva_core.registry import claims, discovery
    from meva_core.studies import executing, measuring

    backend = executing.chosen(executor)
    counts = measuring.device_counts(counts, jobs) if backend is None else measuring.count_of_workers(counts)
    registry, files = runner.plugins(registry_file)
    all_files = [*discovery.recipe_files(registry), *files]
    selection = [claims.find(all_files, name) for name in dict.fromkeys(names or claims.names(all_files))]
    seeds = range(seed, seed + fits)
    wanted = [
        (claim, measuring.planned(registry, files, claim, seeds), measuring.record_of(registry, files, claim))
        for claim in selection
    ]
    make = functools.partial(
        measuring.measure, wanted, seeds=seeds, counts=counts, record=record, out=out, jobs=jobs,
        executor=backend,
    )  # fmt: skip
    return overview.show(lambda screen: make(overview=screen), quiet=quiet)
