"""The command `meva report`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("report", short_help="Write the page of a folder again.")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def report_command(folder: Path) -> None:
    """Write the page of a finished run, tournament or reproduction again: DIR/report.html.

    Every run writes this page. Use this command if the page is lost, or if an older version wrote the folder.
    """
    from meva_core.storage import files
    from meva_core.studies import pages

    text = pages.of(folder)
    files.write(folder / "report.html", text)
    click.echo(f"written to {folder / 'report.html'}")
