"""Recipes: recorded hyper-parameters for a game and a learner, each with its source. Imports no jax.

A recipe file (registry.toml, a plugin's own, or `--registry FILE`) is laid out as

    [plugins]
    disabled = ["some_plugin"]

    [defaults]                           # optional: used if neither a recipe nor the user sets a value
    KIND = "some_entry"                  # for learners' parts of this kind, whatever their names
    evaluate = { shaping = { against = "naive" } }  # settings of evaluations, also of some that do not run

    [recipes.GAME.LEARNER.RECIPE]
    source = "where the numbers come from"
    base = "default"                     # optional: another recipe of the pair, which this one changes
    learner = { rate = 25.0 }            # and game, fit, evaluate
    critic = { width = 64 }              # and each other part that the learner has

GAME is a game, a family of games ("iterated"), or "*" (any game). The first of the three that has a recipe of the name
is used, and `base` is looked up in the same order. In a family's recipe, hyper-parameters that are per payoff are
multiplied by the game's `payoff_scale`, including those that come from the class's defaults. If a recipe does not set
`evaluate.best_response.rate`, this is the recipe's learning rate.

A file may have [reproductions.NAME], or list files of them, studies = ["reproductions/NAME.toml"] (see
meva_core/studies/reproductions/data.py), and [claims.NAME] (see meva_core/registry/claims.py). Records of its claims
are in claims.toml next to it.

A plugin's own file has no [plugins], and its [defaults] apply to experiments with a game or a learner of that plugin.
"""

from __future__ import annotations

import difflib
import functools
import importlib.resources
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from meva_core.contracts.hooks import PARTS
from meva_core.errors import BadFolder, BadValue, UnknownName, did_you_mean

SECTIONS = ("game", "learner", "fit", "evaluate")  # and one for every part of a learner
_TAKEN = ("name", "from", "rivals", "schema", "recipe", "source", "base", "opponent", "opponents", "run", *SECTIONS)
ANY_GAME = "*"
RECORDS = "claims.toml"  # next to a recipe file: records of its claims
DEEPEST = 50  # levels of nested tables and lists


@attrs.frozen
class Recipe:
    """A recipe after its bases are merged.

    name, source: for display. sections: name -> hyper-parameters, with all of SECTIONS and some of the learner's parts.
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


@attrs.frozen
class RecipeFile:
    """A parsed recipe file."""

    disabled: tuple[str, ...]
    defaults: Mapping[str, str]  # kind of a part -> entry
    tables: Mapping[str, Mapping[str, Mapping[str, Mapping[str, Any]]]]  # game -> learner -> recipe -> table
    reproductions: Mapping[str, Mapping[str, Any]] = attrs.field(factory=dict)  # name -> table
    studies: Mapping[str, Path] = attrs.field(factory=dict)  # reproductions in their own files: name -> file
    claims: Mapping[str, Mapping[str, Any]] = attrs.field(factory=dict)  # name -> table
    records: Mapping[str, Any] = attrs.field(factory=dict)  # name of a claim -> tables of its records
    evaluations: Mapping[str, Mapping[str, Any]] = attrs.field(factory=dict)  # name -> default settings


def read(path: Path) -> RecipeFile:
    """Parse and check a recipe file and the records of its claims.

    Raises BadFolder if a file cannot be read, BadValue if its layout is wrong.
    """
    file, records = parse(read_toml(path), str(path)), path.with_name(RECORDS)
    file = attrs.evolve(file, studies={name: path.parent / study for name, study in file.studies.items()})
    return attrs.evolve(file, records=read_records(records)) if records != path and records.is_file() else file


def read_records(path: Path) -> Mapping[str, Any]:
    """The content of a file of records, by the names of their claims.

    Raises BadFolder if the file cannot be read, BadValue if it contains anything else.
    """
    content = read_toml(path)
    _only(content, ("records",), str(path))
    return _table(content.get("records", {}), f"{path}: records")


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file. Raises BadFolder if it cannot be read or is not TOML."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:  # a ValueError: the text's encoding, or a path that no file can have
        reason = getattr(error, "strerror", None) or ("not UTF-8 text" if isinstance(error, UnicodeError) else error)
        raise BadFolder(f"expected a readable TOML file at {path}, got: {reason}") from error
    try:
        return parse_toml(text)
    except ValueError as error:
        raise BadFolder(f"expected TOML in {path}, got: {error}") from error


def parse_toml(text: str) -> dict[str, Any]:
    """Parse TOML. Raises TOMLDecodeError if the text is not TOML.

    Raises ValueError for integers of more than 64 bits, and for nesting deeper than `DEEPEST`.
    """
    try:
        content = tomllib.loads(text)
    except RecursionError as error:
        raise ValueError(f"tables or lists nested more than {DEEPEST} deep") from error
    _within_limits(content)
    return content


def parse_setting(text: str, expected: str) -> tuple[str, Any]:
    """`learner.rate=1.5` -> ("learner.rate", 1.5). A value that is not TOML is plain text.

    Raises BadValue, which says what was `expected`, if the path or the value is missing; also for values out of limits.
    """
    path, equals, value = text.partition("=")
    if not equals or not path.strip() or not value.strip():
        raise BadValue(f"expected {expected}, got {text!r}")
    try:
        found = parse_toml(f"value = {value}")
    except tomllib.TOMLDecodeError:
        found = {}
    except ValueError as error:
        raise BadValue(f"expected a value, got {error} @ {path.strip()}") from error
    return path.strip(), found["value"] if len(found) == 1 else value.strip()


def _within_limits(value: Any, depth: int = 0) -> None:
    if depth > DEEPEST:
        raise ValueError(f"tables or lists nested more than {DEEPEST} deep")
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise ValueError("a whole number of more than 64 bits")
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _within_limits(inner, depth + 1)


def parse(content: Mapping[str, Any], where: str) -> RecipeFile:
    """Build a RecipeFile from the content of a file. Raises BadValue, which says where the layout is wrong."""
    _only(content, ("plugins", "defaults", "recipes", "reproductions", "studies", "claims"), where)
    plugins = _table(content.get("plugins", {}), f"{where}: plugins")
    _only(plugins, ("disabled",), f"{where}: plugins")
    disabled = plugins.get("disabled", [])
    if not isinstance(disabled, list) or not all(isinstance(name, str) for name in disabled):
        raise BadValue(f"expected a list of plugin names, got {disabled!r} @ {where}: plugins.disabled")
    defaults = dict(_table(content.get("defaults", {}), f"{where}: defaults"))
    evaluations = _tables(defaults, "evaluate", f"{where}: defaults")
    defaults.pop("evaluate", None)
    _only(defaults, PARTS, f"{where}: defaults")
    for name, value in defaults.items():
        if not isinstance(value, str):
            raise BadValue(f"expected a name, got {value!r} @ {where}: defaults.{name}")
    games = _table(content.get("recipes", {}), f"{where}: recipes")
    for game, learners in games.items():
        for learner, recipes in _table(learners, f"{where}: recipes.{game}").items():
            for name, recipe in _table(recipes, f"{where}: recipes.{game}.{learner}").items():
                path = f"{where}: recipes.{game}.{learner}.{name}"
                _check_recipe(_table(recipe, path), path)
    reproductions, claims = (_tables(content, key, where) for key in ("reproductions", "claims"))
    studies = content.get("studies", [])
    if not isinstance(studies, list) or not all(isinstance(study, str) for study in studies):
        raise BadValue(f"expected a list of files, got {studies!r} @ {where}: studies")
    files = {Path(study).stem: Path(study) for study in studies}
    return RecipeFile(tuple(disabled), defaults, games, reproductions, files, claims, evaluations=evaluations)


def _check_recipe(recipe: Mapping[str, Any], path: str) -> None:
    texts = ("source", "base")
    for key, value in recipe.items():
        if key in texts:
            if not isinstance(value, str):
                raise BadValue(f"expected text, got {value!r} @ {path}.{key}")
        elif key in SECTIONS or names_part(key):
            _table(value, f"{path}.{key}")
        else:
            _only({key: value}, (*texts, *SECTIONS), path)


def names_part(name: str) -> bool:
    """True if a learner's part may have this name.

    It must be an identifier, and neither equal nor similar to a key with another meaning in experiments and recipes.
    """
    return name.isidentifier() and not difflib.get_close_matches(name, _TAKEN, n=1, cutoff=0.8)


@functools.cache
def shipped() -> RecipeFile:
    """The registry.toml that comes with the project."""
    room = Path(__file__).parent
    # A normal install has it in this room, an editable install next to the package.
    inside = room / "shipped" / "registry.toml"
    return read(inside if inside.exists() else room.parents[1] / "registry.toml")


def defaults(files: Iterable[RecipeFile]) -> dict[str, str]:
    """Defaults of all files; the last file wins."""
    return {name: value for file in files for name, value in file.defaults.items()}


def evaluations(files: Iterable[RecipeFile]) -> dict[str, dict[str, Any]]:
    """Default settings of evaluations, by their names; the last file wins."""
    merged: dict[str, dict[str, Any]] = {}
    for file in files:
        for name, settings in file.evaluations.items():
            merged[name] = {**merged.get(name, {}), **settings}
    return merged


def of_package(where: str) -> RecipeFile:
    """A plugin's own recipe file, "package:file.toml"; cached until the file changes.

    Raises BadFolder if it cannot be read, BadValue if its layout is wrong or it disables plugins.
    """
    path = package_file(where)
    try:
        there = path.stat()
    except (OSError, ValueError):
        return read(path)  # its error says what is wrong
    return _of_plugin(path, there.st_mtime_ns, there.st_size)


def package_file(where: str) -> Path:
    """The path of a file in a package, "package:file.toml". Raises BadFolder if there is no such package."""
    package, _, name = where.partition(":")
    try:
        folder = importlib.resources.files(package)
    except ModuleNotFoundError as error:
        raise BadFolder(f"expected a file at {where!r} (package:file), got no such package") from error
    return Path(str(folder / name))


@functools.lru_cache(maxsize=64)
def _of_plugin(path: Path, changed: int, size: int) -> RecipeFile:
    """The recipe file at `path`; `changed` and `size` are part of the cache's key. Raises BadFolder and BadValue."""
    file = read(path)
    if file.disabled:
        raise BadValue(
            f"expected no plugins.disabled in a plugin's own recipe file {path}, got {', '.join(file.disabled)}: only "
            "users switch plugins off, with MEVA_BLOCK or --registry FILE"
        )
    return file


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
                _only(found.sections, (*SECTIONS, *parts), f"{level.path}.{name}")
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
        found = {section: dict(given.get(section, {})) for section in (*SECTIONS, *given)}
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


def _tables(content: Mapping[str, Any], key: str, where: str) -> Mapping[str, Mapping[str, Any]]:
    """A table of tables by name; {} if there is none."""
    tables = _table(content.get(key, {}), f"{where}: {key}")
    return {name: _table(table, f"{where}: {key}.{name}") for name, table in tables.items()}


def _table(value: Any, path: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise BadValue(f"expected a table, got {value!r} @ {path}")
    return value


def _only(table: Mapping[str, Any], known: tuple[str, ...], path: str) -> None:
    for key in table:
        if key not in known:
            raise BadValue(f"unknown key {key!r}{did_you_mean(key, known)} @ {path}")
