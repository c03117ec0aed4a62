"""Recipes: recorded hyper-parameters for a game and a learner, each with its source.

`file` documents the layout of recipe files and reads them; `lookup` finds the recipe for a game and a learner.
"""

from meva_core.registry.recipes.file import (
    RECORDS,
    SECTIONS,
    RecipeFile,
    defaults,
    evaluations,
    names_part,
    of_package,
    package_file,
    parse,
    read,
    read_records,
    shipped,
)
from meva_core.registry.recipes.lookup import ANY_GAME, Played, Recipe, find, names, sources

__all__ = [
    "ANY_GAME",
    "RECORDS",
    "SECTIONS",
    "Played",
    "Recipe",
    "RecipeFile",
    "defaults",
    "evaluations",
    "find",
    "names",
    "names_part",
    "of_package",
    "package_file",
    "parse",
    "read",
    "read_records",
    "shipped",
    "sources",
]
