"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from meva_core.cli import completion


def of_many_runs(out: str, kind: str, work: str = "runs") -> Callable[[Callable], Callable]:
    """A decorator that adds the options of commands with many runs.

    out: default folder. kind: noun for the help. work: what each process does, in the help's words.
    """
    options = (
        click.option(
            "--out",
            type=click.Path(path_type=Path),
            default=out,
            show_default=True,
            metavar="DIR",
            help=f"Folder for the results, with a subfolder for each {kind}; its runs/ and fits/ are reused.",
        ),
        click.option(
            "--jobs",
            type=click.IntRange(min=1),
            metavar="N",
            help=f"Number of {work} at a time, each in its own process "
            "[default: one per GPU, else per core, at most 8].",
        ),
        click.option(
            "--executor",
            metavar="WHERE",
            shell_complete=completion.of("executor"),
            help="Machines that compute the runs (see: meva list executor), with settings if need be, "
            "dask:scheduler=tcp://HOST:8786 [default: processes, of this machine].",
        ),
        click.option(
            "--registry",
            "registry_file",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="File with your own recipes and reproductions.",
        ),
        click.option("--quiet", is_flag=True, help="Print nothing but errors."),
    )

    def add(command: Callable) -> Callable:
        for option in reversed(options):
            command = option(command)
        return command

    return add
