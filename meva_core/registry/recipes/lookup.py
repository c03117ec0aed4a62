"""Looking a recipe up: the hyper-parameters on record for a game and a learner, merged over its bases.

A recipe is looked for under the game's name, then under the name of its family, then among those for any game. Numbers
of a family's recipe are brought to the game's unit of payoffs. Imports no jax.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import attrs

from meva_core.errors import BadValue, UnknownName, did_you_mean
from meva_core.registry.recipes.file import SECTIONS, RecipeFile
from meva_core.registry.toml_tables import only_keys

ANY_GAME = "*"
EVERY = tuple(section for section in SECTIONS if section not in ("policy", "sample"))


@attrs.frozen
class Recipe:
    """A recipe after its bases are merged.

    name, source: for display. sections: name -> hyper-parameters, with all of EVERY, and policy and the learner's parts
    as far as it sets them.
    of_family: True if some of the numbers come from a recipe of the game's family.
    """

    name: str
    source: str
    sections: Mapping[str, Mapping[str, Any]]
    of_family: bool = False


@attrs.frozen
class Played:
    """A game as recipes see it. payoff_scale: factor for the per-payoff numbers of its family's recipes."""

    name: str
    family: str | None = None
    payoff_scale: float = 1.0

    @property
    def places(self) -> tuple[str, ...]:
        """Keys of its recipes in a recipe file: its own name, its family, any game."""
        return tuple(dict.fromkeys(place for place in (self.name, self.family, ANY_GAME) if place is not None))


def sources(files: Sequence[RecipeFile], learner: str) -> dict[tuple[str, str], str]:
    """Sources of all recipes of a learner, by place (a game, a family of games, or "*") and name, place by place."""
    places = dict.fromkeys(place for file in files for place, learners in file.tables.items() if learner in learners)
    return {
        (place, name): _source(table)
        for place in places
        for file in files
        for name, table in _pair(file, place, learner).items()
    }


def names(files: Iterable[RecipeFile], game: Played, learner: str) -> list[str]:
    """Names of the recipes for a pair, including those for the game's family and for any game."""
    return list(dict.fromkeys(name for place in game.places for f in files for name in _pair(f, place, learner)))


def find(
    files: Iterable[RecipeFile],
    game: Played,
    learner: str,
    name: str,
    per_payoff: Mapping[str, Any] | None = None,
    parts: Collection[str] | None = None,
) -> Recipe | None:
    """The recipe of this name, from the last file that has it. None if `default` is missing.

    If the game has no recipe of this name, the one of its family is used, or else the one for any game.
    per_payoff: hyper-parameters of the learner that are per payoff, with their defaults; without it a family's numbers
    are not scaled. parts: names of the learner's parts. Raises BadValue if the recipe has a section for another part,
    or its bases form a circle; UnknownName if the recipe (other than `default`) or a base is missing.
    """
    files = list(files)
    levels = [
        _Level(
            f"recipes.{place}.{learner}",
            {n: table for f in files for n, table in _pair(f, place, learner).items()},
            game.payoff_scale if place == game.family and place != game.name else None,
        )
        for place in game.places
    ]
    for n, level in enumerate(levels):
        if name in level.tables:
            found = _resolve(levels[n:], name, per_payoff or {}, ())
            if parts is not None:
                only_keys(found.sections, (*SECTIONS, *parts), f"{level.path}.{name}")
            return found
    if name == "default":
        return None
    known = {*names(files, game, learner), "default"}
    raise UnknownName(f"unknown recipe {name!r} for {learner} on {game.name}{did_you_mean(name, known)}")


@attrs.frozen
class _Level:
    """Recipes of a learner in one place, by name. scale: factor for per-payoff numbers; None but for a family."""

    path: str
    tables: Mapping[str, Mapping[str, Any]]
    scale: float | None

    def sections(self, name: str, per_payoff: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """The recipe's own numbers. A family's recipe without a base also gets the scaled defaults of `per_payoff`."""
        table = self.tables[name]
        given = {section: value for section, value in table.items() if section not in ("source", "base")}
        found = {section: dict(given.get(section, {})) for section in (*EVERY, *given)}
        if self.scale is not None:
            unsaid = {} if "base" in table else {n: value for n, value in per_payoff.items() if _is_number(value)}
            said = {**unsaid, **found["learner"]}
            found["learner"] = {n: _times(v, self.scale) if n in per_payoff else v for n, v in said.items()}
        return found


def _resolve(levels: list[_Level], name: str, per_payoff: Mapping[str, Any], seen: tuple[str, ...]) -> Recipe:
    """The recipe `name` of the first level, merged over its base, which is in the same level or a later one."""
    level = levels[0]
    table, sections, of_family = level.tables[name], level.sections(name, per_payoff), level.scale is not None
    if (base := table.get("base")) is not None:
        wider = next((levels[n:] for n in range(1, len(levels)) if base in levels[n].tables), None)
        within = base in level.tables and not (base == name and wider)
        if within and base in (*seen, name):
            told = " -> ".join((*seen, name, base))
            raise BadValue(f"expected a chain of bases that ends, got a circle {told} @ {level.path}")
        if not within and wider is None:
            known = {known for each in levels for known in each.tables}
            raise UnknownName(f"unknown base {base!r} @ {level.path}{did_you_mean(base, known)}")
        below = _resolve(levels if within else wider or [], base, per_payoff, (*seen, name) if within else ())
        keys = dict.fromkeys((*below.sections, *sections))
        sections = {key: {**below.sections.get(key, {}), **sections.get(key, {})} for key in keys}
        of_family = of_family or below.of_family
    return Recipe(name, _source(table), sections, of_family)


def _source(table: Mapping[str, Any]) -> str:
    return table.get("source", "no source given")


def _times(value: Any, factor: float) -> Any:
    """A number, or a list of them, multiplied; anything else unchanged."""
    if isinstance(value, (list, tuple)):
        return [_times(each, factor) for each in value]
    return value * factor if _is_number(value) else value


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _pair(file: RecipeFile, game: str, learner: str) -> Mapping[str, Mapping[str, Any]]:
    return file.tables.get(game, {}).get(learner, {})
