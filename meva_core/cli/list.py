"""The command `meva list`."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

import click

from meva_core.contracts import hooks
from meva_core.registry import discovery, entries

WIDTH = 80  # columns of a screen
NARROWEST = 30  # columns of a summary, however long the names are

HELP = f"""Show all entries, kind by kind, each with its plugin.

KIND is one of {", ".join(hooks.KINDS)}.
"""


@click.command("list", short_help="Show all games, learners and so on.", help=HELP)
@click.argument("kinds", nargs=-1, metavar="[KIND]...")
def list_command(kinds: tuple[str, ...]) -> None:
    """Show the entries of some kinds, or of all."""
    together = entries.kind_named(" ".join(kinds))  # "value models" is one kind in two words
    show([together] if together else [entries.check_kind(kind) for kind in kinds] or hooks.KINDS)


def show(kinds: Iterable[str]) -> None:
    """Print every entry of these kinds."""
    registry = discovery.installed()
    for n, kind in enumerate(dict.fromkeys(kinds)):
        offers = registry.of_kind(kind)
        if n:
            click.echo()
        click.secho(hooks.plural_label(kind), bold=True)
        width = max((len(offer.name) for offer in offers), default=0)
        for offer in offers:
            first, *more = textwrap.wrap(offer.entry.summary, max(WIDTH - width - 4, NARROWEST)) or [""]
            click.echo(f"  {offer.name:<{width}}  {first}".rstrip())
            for line in more:
                click.echo(f"  {'':<{width}}  {line}")
            click.secho(f"  {'':<{width}}  {offer.plugin} ({offer.distribution})", dim=True)
