"""The command `meva compare`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from meva_core.errors import BadFolder, BadValue


@click.command("compare", short_help="Show finished runs side by side.")
@click.argument("folders", metavar="DIR DIR...", type=click.Path(path_type=Path), nargs=-1)
@click.option(
    "--csv",
    "csv_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="New file for all numbers of all runs, one number per line.",
)
def compare_command(folders: tuple[Path, ...], csv_file: Path | None) -> None:
    """Show finished runs side by side: how their experiments differ, and their numbers.

    \b
    meva compare runs/ipd-lola-... runs/ipd-meva-...
    meva compare runs/* --csv numbers.csv
    """
    _check_folders(folders)
    if csv_file is not None and csv_file.exists():
        raise BadFolder(f"expected a new file for --csv, got {csv_file}, which exists: choose another name")

    from meva_core.cli.screen import console
    from meva_core.report import comparison

    runs = [comparison.read(folder) for folder in folders]
    screen = console()
    if csv_file is not None:
        _write(csv_file, comparison.as_csv(runs))
    screen.print(comparison.drawn(comparison.compare(runs), screen.width))
    if csv_file is not None:
        screen.print(f"\nwritten to {csv_file}", markup=False)


def _check_folders(folders: Sequence[Path]) -> None:
    if len(folders) < 2:
        came = f"one, {folders[0]}" if folders else "none"
        raise BadValue(f"expected the folders of two or more runs, got {came}; see meva compare --help")
    seen: dict[Path, Path] = {}
    for folder in folders:
        first = seen.setdefault(folder.resolve(), folder)
        if first is not folder:
            also = "twice" if str(first) == str(folder) else f"and {folder}, the same folder"
            raise BadValue(f"expected each run's folder once, got {first} {also}: leave one out")


def _write(path: Path, text: str) -> None:
    from meva_core.storage import files

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write(path, text)
    except OSError as error:
        raise files.refused(error, f"expected a file that can be written for --csv, got {path}") from error
