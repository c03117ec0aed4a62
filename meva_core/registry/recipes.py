"""Recipes: hyper-parameters on record for a game and a learner, each with its source. Imports no jax.

A recipe file (registry.toml, a plugin's own, or `--registry FILE`) is laid out as

    [plugins]
    disabled = ["some_plugin"]

    [defaults]                           # optional: where neither a recipe nor the user says
    value_model = "some_model"           # and explorer
    evaluate = { shaping = { against = "naive" } }  # settings of evaluations

    [recipes.GAME.LEARNER.RECIPE]        # GAME "*": any game that has no recipe of its own
    source = "where the numbers come from"
    base = "default"                     # optional: another recipe of the pair, to start from
    learner = { rate = 25.0 }            # and game, value_model, explorer, fit, evaluate

and may have [reproductions.NAME], see meva_core/studies/reproductions/data.py, and [claims.NAME], see
meva_core/registry/claims.py. What was measured of its claims lies beside it, in claims.toml.
"""

from __future__ import annotations

import functools
import importlib.resources
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs

from meva_core.errors import BadFolder, BadValue, UnknownName, did_you_mean

SECTIONS = ("game", "learner", "value_model", "explorer", "fit", "evaluate")
DEFAULTS = ("value_model", "explorer")
ANY_GAME = "*"
RECORDS = "claims.toml"  # beside a recipe file: what was measured of its claims
DEEPEST = 50  # tables and lists inside one another


@attrs.frozen
class Recipe:
    """name and source for people; sections: name -> hyper-parameters, of those in SECTIONS."""

    name: str
    source: str
    sections: Mapping[str, Mapping[str, Any]]


@attrs.frozen
class RecipeFile:
    """A parsed recipe file."""

    disabled: tuple[str, ...]
    defaults: Mapping[str, str]  # of those in DEFAULTS
    tables: Mapping[str, Mapping[str, Mapping[str, Mapping[str, Any]]]]  # game -> learner -> recipe -> table
    reproductions: Mapping[str, Mapping[str, Any]] = attrs.field(factory=dict)  # name -> table
    claims: Mapping[str, Mapping[str, Any]] = attrs.field(factory=dict)  # name -> table
    records: Mapping[str, Mapping[str, Any]] = attrs.field(factory=dict)  # of claims: name -> table
    evaluations: Mapping[str, Mapping[str, Any]] = attrs.field(factory=dict)  # name -> settings by default


def read(path: Path) -> RecipeFile:
    """Parse and check a recipe file and the records of claims beside it. BadFolder where one cannot be read, BadValue
    where its layout is wrong."""
    file, records = parse(read_toml(path), str(path)), path.with_name(RECORDS)
    return attrs.evolve(file, records=read_records(records)) if records != path and records.is_file() else file


def read_records(path: Path) -> Mapping[str, Mapping[str, Any]]:
    """Tables of a file of records, by the names of their claims. BadFolder where it cannot be read, BadValue where it
    holds anything else."""
    content = read_toml(path)
    _only(content, ("records",), str(path))
    return _tables(content, "records", str(path))


def read_toml(path: Path) -> dict[str, Any]:
    """BadFolder where it cannot be read or is no TOML."""
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
    """TOMLDecodeError where it is none; ValueError where it asks for more than TOML's 64 bits, or for depths that no
    table here has."""
    try:
        content = tomllib.loads(text)
    except RecursionError as error:
        raise ValueError(f"tables or lists nested more than {DEEPEST} deep") from error
    _within_limits(content)
    return content


def parse_setting(text: str, expected: str) -> tuple[str, Any]:
    """`learner.rate=1.5` -> ("learner.rate", 1.5): a TOML value, or else plain text. Raises BadValue, which says what
    was `expected`, where it is neither."""
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
    """Check the layout; BadValue says where it is wrong."""
    _only(content, ("plugins", "defaults", "recipes", "reproductions", "claims"), where)
    plugins = _table(content.get("plugins", {}), f"{where}: plugins")
    _only(plugins, ("disabled",), f"{where}: plugins")
    disabled = plugins.get("disabled", [])
    if not isinstance(disabled, list) or not all(isinstance(name, str) for name in disabled):
        raise BadValue(f"expected a list of plugin names, got {disabled!r} @ {where}: plugins.disabled")
    defaults = dict(_table(content.get("defaults", {}), f"{where}: defaults"))
    evaluations = _tables(defaults, "evaluate", f"{where}: defaults")
    defaults.pop("evaluate", None)
    _only(defaults, DEFAULTS, f"{where}: defaults")
    for name, value in defaults.items():
        if not isinstance(value, str):
            raise BadValue(f"expected a name, got {value!r} @ {where}: defaults.{name}")
    games = _table(content.get("recipes", {}), f"{where}: recipes")
    for game, learners in games.items():
        for learner, recipes in _table(learners, f"{where}: recipes.{game}").items():
            for name, recipe in _table(recipes, f"{where}: recipes.{game}.{learner}").items():
                path = f"{where}: recipes.{game}.{learner}.{name}"
                _only(_table(recipe, path), ("source", "base", *SECTIONS), path)
                for section in SECTIONS:
                    _table(recipe.get(section, {}), f"{path}.{section}")
                for text in ("source", "base"):
                    if not isinstance(recipe.get(text, ""), str):
                        raise BadValue(f"expected text, got {recipe[text]!r} @ {path}.{text}")
    reproductions, claims = (_tables(content, key, where) for key in ("reproductions", "claims"))
    return RecipeFile(tuple(disabled), defaults, games, reproductions, claims, evaluations=evaluations)


@functools.cache
def shipped() -> RecipeFile:
    """The registry.toml that comes with the project."""
    package = Path(str(importlib.resources.files("meva_core")))
    # Installed, it lies inside the package; in an editable install, beside it.
    inside = package / "registry.toml"
    return read(inside if inside.exists() else package.parent / "registry.toml")


def defaults(files: Iterable[RecipeFile]) -> dict[str, str]:
    """Of all files, the last one's say."""
    return {name: value for file in files for name, value in file.defaults.items()}


def evaluations(files: Iterable[RecipeFile]) -> dict[str, dict[str, Any]]:
    """Settings of evaluations by default, by their names; the last file's say."""
    merged: dict[str, dict[str, Any]] = {}
    for file in files:
        for name, settings in file.evaluations.items():
            merged[name] = {**merged.get(name, {}), **settings}
    return merged


def of_package(where: str) -> RecipeFile:
    """A plugin's own file, "package:file.toml". BadFolder where there is none."""
    package, _, name = where.partition(":")
    try:
        folder = importlib.resources.files(package)
    except ModuleNotFoundError as error:
        raise BadFolder(f"expected recipes at {where!r} (package:file.toml), got no such package") from error
    return read(Path(str(folder / name)))


def names(files: Iterable[RecipeFile], game: str, learner: str) -> list[str]:
    """Recipes there are for a pair, those for any game included."""
    return list(dict.fromkeys(name for g in (game, ANY_GAME) for f in files for name in _pair(f, g, learner)))


def find(files: Iterable[RecipeFile], game: str, learner: str, name: str) -> Recipe | None:
    """The recipe of this name, from the last file that has it; for any game where the game has none of its own.

    None for a missing `default`; UnknownName for any other that is missing.
    """
    files = list(files)
    for g in (game, ANY_GAME):
        merged = {n: table for f in files for n, table in _pair(f, g, learner).items()}
        if name in merged:
            return _resolve(merged, name, f"recipes.{g}.{learner}", ())
    if name == "default":
        return None
    known = {*names(files, game, learner), "default"}
    raise UnknownName(f"unknown recipe {name!r} for {learner} on {game}{did_you_mean(name, known)}")


def _resolve(tables: Mapping[str, Mapping[str, Any]], name: str, path: str, seen: tuple[str, ...]) -> Recipe:
    if name in seen:
        raise BadValue(
            f"expected recipes to end somewhere, got a circle of bases {' -> '.join((*seen, name))} @ {path}"
        )
    if name not in tables:
        raise UnknownName(f"unknown base {name!r} @ {path}{did_you_mean(name, tables)}")
    table = tables[name]
    sections = {section: dict(table.get(section, {})) for section in SECTIONS}
    if "base" in table:
        base = _resolve(tables, table["base"], path, (*seen, name)).sections
        sections = {section: {**base[section], **sections[section]} for section in SECTIONS}
    return Recipe(name, table.get("source", "no source given"), sections)


def _pair(file: RecipeFile, game: str, learner: str) -> Mapping[str, Mapping[str, Any]]:
    return file.tables.get(game, {}).get(learner, {})


def _tables(content: Mapping[str, Any], key: str, where: str) -> Mapping[str, Mapping[str, Any]]:
    """A table of tables by name; {} where there is none."""
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
