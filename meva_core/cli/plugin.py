"""The command `meva plugin`: lists installed plugins, checks their contracts, and writes a new one."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from meva_core.cli import completion
from meva_core.contracts import hooks
from meva_core.errors import in_short
from meva_core.registry import discovery, entries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meva_core.registry.entries import Offer, Plugin, Registry

FAILED = 1
WRITTEN = (*hooks.KINDS, *hooks.FORMS)  # plugins of which there is a template


@click.group("plugin", short_help="List, check and write plugins.")
def plugin_group() -> None:
    """List, check and write plugins.

    MEVA_BLOCK=NAME,NAME switches plugins off for one command; [plugins] disabled in a registry file switches them
    off permanently.
    """


@plugin_group.command("list")
def list_command() -> None:
    """Show every plugin. Prints its distribution, and what it offers or why it is left out."""
    registry = discovery.installed()
    for plugin in registry.plugins:
        click.secho(plugin.name, bold=True, nl=False)
        click.echo(f"  ({plugin.distribution} {plugin.version})")
        click.echo(click.wrap_text(plugin.fault or _counts(registry, plugin), 80, "  ", "  "))


@plugin_group.command("check")
@click.argument("names", nargs=-1, required=True, metavar="NAME...", shell_complete=completion.entries)
@click.option(
    "--game",
    "games",
    multiple=True,
    metavar="NAME",
    help="Game on which learners and value models are checked; repeat for several "
    "[default: the plugin's own games, and one bundled game of each kind].",
)
def check_command(names: tuple[str, ...], games: tuple[str, ...]) -> int:
    """Check that installed entries keep their contracts. Runs the conformance kit.

    NAME is an entry (or PLUGIN:ENTRY), or a plugin or a distribution, which stands for all of its entries. Learners
    that take estimates of payoffs, and value models, are also checked in episodes of a game.

    \b
    meva plugin check my_game
    meva plugin check my_learner --game ipd --game public_goods
    """
    from meva_core.testing import installed

    registry = discovery.installed()
    wanted = [each for name in names for each in _listed(installed.named(registry, name))]
    for game in games:
        registry.find("game", game)
    wanted = list(dict.fromkeys(wanted))
    with installed.quickly():
        passed = [_check(registry, each, games) for each in wanted]
    click.echo(f"{sum(passed)} of {len(passed)} keep their contracts")
    return 0 if all(passed) else FAILED


@plugin_group.command("new")
@click.argument("name")
@click.option("--kind", metavar="KIND", required=True, help=f"What the plugin offers: {', '.join(WRITTEN)}.")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="New folder [default: NAME].")
def new_command(name: str, kind: str, out: Path | None) -> None:
    """Write a working plugin with a test. It is ready to install, and a starting point for your own."""
    from meva_core.registry import scaffold

    form = kind.replace("-", "_") if kind.replace("-", "_") in hooks.FORMS else entries.check_kind(kind)
    written = scaffold.write(discovery.installed(), name, form, out)
    folder = next(iter(written.values())).parent
    click.echo(f"written to {folder}: {'  '.join(written)}\n\nnext:")
    click.echo(f"  pip install -e {folder}\n  pytest {folder}")


def _counts(registry: Registry, plugin: Plugin) -> str:
    offers = [o for o in registry.offers if (o.plugin, o.distribution) == (plugin.name, plugin.distribution)]
    counts = Counter(offer.kind for offer in offers)
    labels = {kind: (hooks.plural_label if n > 1 else hooks.kind_label)(kind) for kind, n in counts.items()}
    return ", ".join(f"{n} {labels[kind]}" for kind, n in counts.items()) or "nothing"


def _listed(offers: list[Offer] | Plugin) -> Sequence[Offer | Plugin]:
    return offers if isinstance(offers, list) else [offers]


def _check(registry: Registry, each: Offer | Plugin, games: tuple[str, ...]) -> bool:
    """Check one entry and print a line; returns True if it passed. Any exception that the entry raises is a failure."""
    from meva_core.testing import installed

    if isinstance(each, entries.Plugin):
        click.echo(f"FAILED  {each}: {each.fault}")
        return False
    what, began = f"{hooks.kind_label(each.kind)} {each.name}", time.monotonic()
    try:
        on = ", ".join(name.rpartition(":")[2] for name in installed.check(registry, each, games))
    except (Exception, SystemExit) as error:
        why = in_short(error).removeprefix("AssertionError: ").removeprefix(f"{each}: ")
        click.echo(f"FAILED  {what}: {why}")
        return False
    click.echo(f"ok  {what}{' on ' if on else ''}{on} ({time.monotonic() - began:.1f} s)")
    return True
