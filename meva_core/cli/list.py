"""`meva list`."""

from __future__ import annotations

import click

from meva_core import registry
from meva_core.errors import UnknownName, did_you_mean


@click.command("list", short_help="Show all games, learners and so on.")
@click.argument("kind", required=False)
def list_command(kind: str | None) -> None:
    """Show every game, learner, value model and explorer, and who offers it.

    KIND is one of game, learner, value_model, explorer.
    """
    if kind is not None and kind not in registry.KINDS:
        raise UnknownName(f"unknown kind {kind!r}{did_you_mean(kind, registry.KINDS)}")
    known = registry.installed()
    for n, each in enumerate(registry.KINDS if kind is None else (kind,)):
        offers = known.of_kind(each)
        if n:
            click.echo()
        click.secho(f"{each.replace('_', ' ')}s", bold=True)
        width = max((len(offer.name) for offer in offers), default=0)
        for offer in offers:
            click.echo(f"  {offer.name:<{width}}  {offer.entry.summary}")
            click.secho(f"  {'':<{width}}  {offer.plugin} ({offer.distribution})", dim=True)
