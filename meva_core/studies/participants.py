"""Registry entries used by the run or tournament stored in a folder, for citations."""

from __future__ import annotations

from pathlib import Path

from meva_core import runner
from meva_core.errors import BadFolder
from meva_core.registry.entries import Offer, Registry
from meva_core.report import citations
from meva_core.studies import meetings, tournament_settings


def of_folder(registry: Registry, folder: Path) -> list[Offer]:
    """Entries of games, policies, learners and evaluations that are named; for a run also parts of learners.

    Raises BadFolder if the folder holds neither a run nor a tournament, and MevaError if a plugin is not installed.
    """
    if (folder / "experiment.toml").is_file():
        return citations.in_run(registry, folder)
    if (folder / "tournament.toml").is_file():
        begun = tournament_settings.read(folder)
        settings = begun.tournament
        own, files = runner.plugins(begun.registry_file)
        registry = registry if begun.registry_file is None else own
        games = [registry.find("game", name) for name in settings.games]
        policies = [registry.find("policy", name)] if (name := settings.overrides.get("policy.name")) else []
        players = meetings.players(registry, files, settings, settings.games[0])
        evaluations = [registry.find("evaluation", name) for name in settings.evaluate]
        return [*games, *policies, *(registry.find("learner", player.name) for player in players), *evaluations]
    raise BadFolder(f"expected a folder with an experiment.toml or a tournament.toml, got {folder}")
