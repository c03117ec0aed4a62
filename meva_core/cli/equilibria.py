"""The command `meva equilibria`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from meva_core.cli.run import parse_settings
from meva_core.errors import BadValue


@click.command("equilibria", short_help="Find Nash equilibria of a tournament or a game.")
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@click.option("--game", metavar="NAME", help="Game of a tournament with several; or, without DIR, any game.")
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="game.NAME=VALUE",
    callback=parse_settings,
    help="Set a hyper-parameter of the game, without DIR.",
)
def equilibria_command(folder: Path | None, game: str | None, overrides: dict[str, Any]) -> None:
    """Find Nash equilibria, with nashpy (pip install "meva[nashpy]"): of a finished tournament, as the game of
    which learner to bring; or of a game, between its policies that never toss a coin.

    All equilibria without mixing are found. With more than 6 choices, or if payoffs are tied, some of those with mixing
    may be missing; a line below the table says so.

    \b
    meva equilibria runs/tournament-...
    meva equilibria --game ipd --set game.discount=0.3
    """
    settings = {name.removeprefix("game."): value for name, value in overrides.items() if name.startswith("game.")}
    if folder is None and game is None:
        raise BadValue("expected the folder of a tournament, or --game NAME; see meva equilibria --help")
    if overrides and (folder is not None or len(settings) < len(overrides)):
        raise BadValue("expected --set game.NAME=VALUE with --game and without a folder; see meva equilibria --help")

    from meva_core.bridges.equilibria import of_policies, of_tournament
    from meva_core.cli.screen import console
    from meva_core.experiment import make

    result = of_policies(make.make("game", game, **settings)) if folder is None else of_tournament(folder, game)
    screen = console()
    screen.print(result.table())
    if result.note:
        screen.print(result.note, style="dim", markup=False)
