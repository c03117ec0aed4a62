"""The recipes that an experiment uses: those of its game, its learners and its user, then those of other plugins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from meva_core.contracts.hyperparameters import hyperparameters, part_kinds
from meva_core.registry import discovery, loading, recipes
from meva_core.registry.entries import Offer, Registry
from meva_core.registry.recipes import Played, Recipe, RecipeFile


@attrs.frozen
class Cookbook:
    """The recipes of learners for one game.

    files: the shipped file, then the user's file, which takes precedence. of_game and of_learners: the files of the
    plugins that offer the game and each learner; None for a plugin without one.
    """

    registry: Registry
    files: tuple[RecipeFile, ...]
    game: Played
    learners: tuple[Offer, ...]
    of_game: RecipeFile | None
    of_learners: tuple[RecipeFile | None, ...]

    def defaults(self, learner: int) -> dict[str, str]:
        """The defaults for a learner, by its place in `learners`. The files of the game's plugin and of the learner's
        plugin take precedence over the shipped file, and the user's file over all of them."""
        shipped, own = recipes.shipped(), (self.of_game, self.of_learners[learner])
        users = (file for file in self.files if file is not shipped)
        return recipes.defaults([shipped, *(file for file in own if file is not None), *users])

    def evaluations(self, learner: int) -> dict[str, dict[str, Any]]:
        """Default settings of evaluations for a learner, by its place in `learners`; the order of precedence is that of
        `defaults`."""
        shipped, own = recipes.shipped(), (self.of_game, self.of_learners[learner])
        users = (file for file in self.files if file is not shipped)
        return recipes.evaluations([shipped, *(file for file in own if file is not None), *users])

    def where(self, learner: str, name: str) -> list[RecipeFile]:
        """The files that define a recipe. Plugins that take no part can only add recipes, not change any."""
        own = (file for file in (self.of_game, *self.of_learners) if file is not None)
        near = [*own, *self.files]
        if name in recipes.names(near, self.game, learner):
            return near
        return [*discovery.recipe_files(self.registry), *near]

    def has(self, learner: Offer, name: str) -> bool:
        """True if there is such a recipe."""
        return name in recipes.names(self.where(learner.name, name), self.game, learner.name)

    def find(self, learner: Offer, name: str) -> Recipe | None:
        """A learner's recipe for the game; None if the default recipe is missing. Raises UnknownName if any other
        recipe is missing, and BadValue if the recipe sets parts that the learner does not have."""
        cls = loading.load(learner)
        per_payoff = {h.name: h.default for h in hyperparameters(cls) if h.per_payoff}
        return recipes.find(self.where(learner.name, name), self.game, learner.name, name, per_payoff, part_kinds(cls))


def cookbook(registry: Registry, files: Sequence[RecipeFile], game: Offer, learners: Sequence[Offer]) -> Cookbook:
    """The recipes of learners for a game. Raises BadPlugin if a recipe file of their plugins cannot be read."""
    of_learners = tuple(learner.recipes() for learner in learners)
    return Cookbook(registry, tuple(files), as_played(game), tuple(learners), game.recipes(), of_learners)


def as_played(game: Offer) -> Played:
    """The description of a game that recipes are matched with."""
    cls: Any = loading.load(game)
    return Played(game.name, cls.family, float(cls.payoff_scale))
