"""The command `meva doctor`."""

from __future__ import annotations

import shutil
import textwrap

import click


@click.command("doctor", short_help="Describe this installation, and what is wrong with it.")
def doctor_command() -> int:
    """Describe this installation and this machine, and say what is wrong with them.

    Add what it prints to a bug report. The exit code is 1 if something is wrong.
    """
    from meva_core.errors import one_line
    from meva_core.report import diagnosis

    problems: list[str] = []
    for part in diagnosis.parts():
        click.secho(part.title, bold=True)
        for line in part.lines:
            click.echo(_wrapped(one_line(line)))
        problems += part.problems
    click.echo()
    for problem in problems:
        click.echo(f"problem: {one_line(problem)}")
    if not problems:
        click.echo("nothing is wrong")
    return 1 if problems else 0


def _wrapped(line: str) -> str:
    """An indented line, in as many as the screen's width needs. Paths and names stay whole."""
    width = shutil.get_terminal_size().columns
    wrapper = textwrap.TextWrapper(width, initial_indent="  ", subsequent_indent="    ")
    wrapper.break_long_words = wrapper.break_on_hyphens = False
    return wrapper.fill(line)
