"""The command line: `meva` and `meva-run`, one file per command. Heavy modules are imported inside the commands."""

from __future__ import annotations

import io
import os
import sys
import traceback
import warnings
from collections.abc import Callable
from typing import Any

import click

from meva_core.cli import shells
from meva_core.cli.cite import cite_command
from meva_core.cli.claims import claims_command
from meva_core.cli.compare import compare_command
from meva_core.cli.doctor import doctor_command
from meva_core.cli.equilibria import equilibria_command
from meva_core.cli.export import export_command
from meva_core.cli.list import list_command
from meva_core.cli.plugin import plugin_group
from meva_core.cli.report import report_command
from meva_core.cli.reproduce import reproduce_command
from meva_core.cli.run import run_command
from meva_core.cli.search import search_command
from meva_core.cli.show import show_command
from meva_core.cli.sweep import sweep_command
from meva_core.cli.tournament import tournament_command
from meva_core.cli.verify import verify_command
from meva_core.compute import signals
from meva_core.errors import MevaError, Remark, debugging, one_line, out_of_memory
from meva_core.registry import attribution
from meva_core.registry.discovery import PluginWarning

FAILED = 1


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="meva")
def group() -> None:
    """Learning with learning awareness: compose a game with learners, fit, evaluate."""


group.add_command(run_command)
group.add_command(list_command)
group.add_command(show_command)
group.add_command(cite_command)
group.add_command(tournament_command)
group.add_command(compare_command)
group.add_command(equilibria_command)
group.add_command(export_command)
group.add_command(reproduce_command)
group.add_command(sweep_command)
group.add_command(search_command)
group.add_command(claims_command)
group.add_command(report_command)
group.add_command(verify_command)
group.add_command(plugin_group)
group.add_command(doctor_command)
shells.register()


def main() -> None:
    """Run the command `meva`."""
    _invoke(group)


def run() -> None:
    """Run the command `meva-run`, the same as `meva run`."""
    _invoke(run_command)


def _invoke(command: click.Command) -> None:
    """Run a command and exit. Only here are errors caught, printed in one line and turned into an exit code."""
    warnings.showwarning = _warnings_to_users()
    if isinstance(sys.stdout, io.TextIOWrapper):  # for terminals without γ, and undecodable folder names
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        with signals.heard(), attribution.named():
            code = command.main(standalone_mode=False)
    except MevaError as error:
        if debugging():
            traceback.print_exception(error)
        click.echo(f"error: {one_line(error)}", err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # The reader has closed the pipe (`| head`), so nothing more can be printed.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(FAILED)
    except OSError as error:
        # For example a full disk or a missing permission. This is not a bug of MeVa, and finished results are kept.
        where = f" {error.filename}" if error.filename else ""
        click.echo(f"error: {one_line(f'cannot read or write{where}: {error.strerror or error}')}", err=True)
        sys.exit(FAILED)
    except click.ClickException as error:
        click.echo(f"error: {one_line(error.format_message())}", err=True)
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt) as error:
        click.echo("stopped", err=True)
        sys.exit(signals.exit_code(error))
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
        advice = "use less at a time: a smaller batch_size or width, fewer pairs or seeds, or fewer --jobs"
        click.echo(f"error: {one_line(f'not enough memory ({error}): {advice}')}", err=True)
        sys.exit(FAILED)
    sys.exit(code if isinstance(code, int) else 0)


def _warnings_to_users() -> Callable[..., None]:
    """A `showwarning` that prints each warning about a plugin and each remark once, in one line.

    If jax cannot store compiled programs, it prints one line in total.
    """
    python_shows, cache_warned = warnings.showwarning, False
    printed: set[str] = set()

    def show(message: Warning | str, category: type[Warning], *args: Any, **kwargs: Any) -> None:
        nonlocal cache_warned
        if issubclass(category, (PluginWarning, Remark)):
            if str(message) not in printed:
                printed.add(str(message))
                click.echo(f"warning: {one_line(message)}", err=True)
        elif "persistent compilation cache" not in str(message):
            python_shows(message, category, *args, **kwargs)
        elif not cache_warned:
            cache_warned = True
            click.echo(
                f"warning: compiled programs cannot be stored (the run is slower, but correct): {message}", err=True
            )

    return show
