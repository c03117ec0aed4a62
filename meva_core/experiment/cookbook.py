"""The recipes that an experiment looks into: those of its game, its learners and its user, and then everybody's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from meva_core.contracts.components import hyperparameters, part_kinds
from meva_core.registry import discovery, loading, recipes
from meva_core.registry.entries import Offer, Registry
from meva_core.registry.recipes import Played, Recipe, RecipeFile


@attrs.frozen
class Cookbook:
    """The recipes of learners for one game. files: the shipped file, and the user's over it. of_game and of_learners:
    the files of the plugins that offer the game and each learner, None where they have none."""

    registry: Registry
    files: tuple[RecipeFile, ...]
    game: Played
    learners: tuple[Offer, ...]
    of_game: RecipeFile | None
    of_learners: tuple[RecipeFile | None, ...]

    def defaults(self, learner: int) -> dict[str, str]:
        """The defaults for a learner, by its place in `learners`: the shipped ones, over them those of the game's
        plugin and of its own, and over those the user's."""
        shipped, own = recipes.shipped(), (self.of_game, self.of_learners[learner])
        users = (file for file in self.files if file is not shipped)
        return recipes.defaults([shipped, *(file for file in own if file is not None), *users])

    def evaluations(self, learner: int) -> dict[str, dict[str, Any]]:
        """Settings of evaluations by default, for a learner by its place in `learners`; who says so goes as for
        `defaults`."""
        shipped, own = recipes.shipped(), (self.of_game, self.of_learners[learner])
        users = (file for file in self.files if file is not shipped)
        return recipes.evaluations([shipped, *(file for file in own if file is not None), *users])

    def where(self, learner: str, name: str) -> list[RecipeFile]:
        """The files that say what a recipe is. A plugin that takes no part adds recipes, and changes none."""
        own = (file for file in (self.of_game, *self.of_learners) if file is not None)
        near = [*own, *self.files]
        if name in recipes.names(near, self.game, learner):
            return near
        return [*discovery.recipe_files(self.registry), *near]

    def has(self, learner: Offer, name: str) -> bool:
        """True if there is such a recipe."""
        return name in recipes.names(self.where(learner.name, name), self.game, learner.name)

    def find(self, learner: Offer, name: str) -> Recipe | None:
        """A learner's recipe for the game. None for a missing default; raises UnknownName for any other, and BadValue
        where the recipe is for parts that the learner does not have."""
        cls = loading.load(learner)
        per_payoff = {h.name: h.default for h in hyperparameters(cls) if h.per_payoff}
        return recipes.find(self.where(learner.name, name), self.game, learner.name, name, per_payoff, part_kinds(cls))


def cookbook(registry: Registry, files: Sequence[RecipeFile], game: Offer, learners: Sequence[Offer]) -> Cookbook:
    """The recipes of learners for a game. Raises BadPlugin where a file of their plugins cannot be read."""
    of_learners = tuple(learner.recipes() for learner in learners)
    return Cookbook(registry, tuple(files), as_played(game), tuple(learners), game.recipes(), of_learners)


def as_played(game: Offer) -> Played:
    """A game as recipes know it."""
    cls: Any = loading.load(game)
    return Played(game.name, cls.family, float(cls.payoff_scale))
