"""What is to be cited for what took part, as its plugins say."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from meva_core import bibtex
from meva_core.errors import BadFolder
from meva_core.registry import Offer, Registry


def papers(offers: Iterable[Offer]) -> dict[str, str]:
    """Citation key -> BibTeX, each key once: the first text counts."""
    found: dict[str, str] = {}
    for offer in offers:
        for key, text in bibtex.entries(offer.entry.bibtex).items():
            found.setdefault(key, text)
    return found


def took_part(known: Registry, folder: Path) -> list[Offer]:
    """In the run or tournament of a folder: games, learners, and of a run their value models and explorers."""
    if (folder / "experiment.toml").is_file():
        return _in_run(known, folder)
    if (folder / "tournament.toml").is_file():
        return _in_tournament(known, folder)
    raise BadFolder(f"expected a folder with an experiment.toml or a tournament.toml, got {folder}")


def _in_run(known: Registry, folder: Path) -> list[Offer]:
    from meva_core import experiment

    run = experiment.read(known, folder / "experiment.toml")
    offers = [known.find("game", run.game.name)]
    for player in (run.learner, *run.opponents):
        offers.append(known.find("learner", player.name))
        offers += [known.find(part, model.name) for part, model in player.models.items()]
    return offers


def _in_tournament(known: Registry, folder: Path) -> list[Offer]:
    from meva_core import tournaments

    asked = tournaments.read(folder).asked
    games = [known.find("game", name) for name in asked.games]
    players = asked.players(known, asked.games[0])
    return games + [known.find("learner", player.name) for player in players]
