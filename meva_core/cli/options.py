"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click


def of_many_runs(out: str, kind: str) -> Callable[[Callable], Callable]:
    """A decorator that adds the options of commands with many runs. out: default folder. kind: noun for the help."""
    options = (
        click.option(
            "--out",
            type=click.Path(path_type=Path),
            default=Path(out),
            show_default=True,
            metavar="DIR",
            help=f"A folder per {kind}; runs/ and fits/ are used again.",
        ),
        click.option(
            "--jobs",
            type=click.IntRange(min=1),
            metavar="N",
            help="Runs made at a time, each in a process of its own [default: one per core, at most 8; on a GPU one].",
        ),
        click.option(
            "--registry",
            "registry_file",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="Recipes, and reproductions, of your own.",
        ),
        click.option("--quiet", is_flag=True, help="Print nothing but errors."),
    )

    def add(command: Callable) -> Callable:
        for option in reversed(options):
            command = option(command)
        return command

    return add
