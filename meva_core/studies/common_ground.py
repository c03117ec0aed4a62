"""The common ground of all matches of a game that is played: the game's numbers, the policies and the episodes.

Recipes are for one learner, and may choose policies and episodes that suit it. In a tournament all learners meet, so
they play with the same ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from meva_core.errors import BadCombination
from meva_core.experiment import experiment as experiments
from meva_core.experiment import resolve
from meva_core.experiment.experiment import Experiment
from meva_core.registry.entries import Registry
from meva_core.registry.recipes import RecipeFile
from meva_core.studies.tournament_settings import Tournament

SECTIONS = ("game", "policy", "sample")


def learners(registry: Registry, settings: Tournament) -> list[str]:
    """Names of the entrants that are learners; the others are strategies of a game."""
    return [entrant.name for entrant in settings.entrants if "learner" in registry.kinds_of(entrant.name)]


def of_recipes(registry: Registry, files: Sequence[RecipeFile], settings: Tournament, game: str) -> dict[str, Any]:
    """The common ground by the recipes, as overrides: each section is that of the first learner whose recipe has it."""
    found: dict[str, Mapping[str, Any]] = {}
    for name in learners(registry, settings):
        tables = resolve.sections(registry, files, game, name, settings.recipe)
        found |= {section: tables[section] for section in SECTIONS if tables.get(section) and section not in found}
    return experiments.dotted(found)


def must_be_played(registry: Registry, files: Sequence[RecipeFile], settings: Tournament, game: str) -> bool:
    """True if a game can only be played, a learner learns from episodes, or a recipe is for episodes."""
    offers = [registry.find("learner", name) for name in learners(registry, settings)]
    if resolve.must_be_played(registry.find("game", game), offers):
        return True
    return any(path.startswith("sample.") for path in of_recipes(registry, files, settings, game))


def check(game: str, matches: Mapping[str, Experiment]) -> None:
    """Raise BadCombination unless all matches, by name, have the same common ground."""
    (first, known), *others = ((name, _numbers(experiment)) for name, experiment in matches.items())
    for name, numbers in others:
        for path in dict.fromkeys((*known, *numbers)):
            here, there = (each.get(path, "none") for each in (known, numbers))
            if here != there:
                raise BadCombination(
                    f"expected the same {path} in all matches of {game}, got {here} in {first} and {there} in {name}: "
                    f"add --set {path}=VALUE"
                )


def _numbers(experiment: Experiment) -> dict[str, Any]:
    plain = experiment.to_plain()
    return experiments.dotted({section: plain[section] for section in SECTIONS if section in plain})
