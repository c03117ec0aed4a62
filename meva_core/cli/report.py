"""`meva report`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("report", short_help="Make a folder's page anew.")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def report_command(folder: Path) -> None:
    """Make the page of a finished run, tournament or reproduction anew: DIR/report.html.

    Every run writes one; this is for folders of an older version, or after a page was lost.
    """
    from meva_core.storage import files
    from meva_core.studies import pages

    text = pages.of(folder)
    files.write(folder / "report.html", text)
    click.echo(f"written to {folder / 'report.html'}")
