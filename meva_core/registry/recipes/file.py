"""Recipe files: their layout, their content, and where they are. Imports no jax.

A recipe file (registry.toml, a plugin's own, or `--registry FILE`) is laid out as

    [plugins]
    disabled = ["some_plugin"]

    [defaults]                           # optional: used if neither a recipe nor the user sets a value
    KIND = "some_entry"                  # for learners' parts of this kind, whatever their names, or for policies
    evaluate = { NAME = { SETTING = 3 } }  # settings of evaluations, also of some that do not run

    [recipes.GAME.LEARNER.RECIPE]
    source = "where the numbers come from"
    base = "default"                     # optional: another recipe of the pair, which this one changes
    learner = { rate = 25.0 }            # and game, policy, sample, fit, evaluate
    critic = { width = 64 }              # and each other part that the learner has

GAME is a game, a family of games ("iterated"), or "*" (any game). The first of the three that has a recipe of the name
is used, and `base` is looked up in the same order. In a family's recipe, hyper-parameters that are per payoff are
multiplied by the game's `payoff_scale`, including those that come from the class's defaults.

A file may have [reproductions.NAME], or list files of them, studies = ["reproductions/NAME.toml"] (see
meva_core/studies/reproductions/data.py), and [claims.NAME] (see meva_core/registry/claims.py). Records of its claims
are in claims.toml next to it.

A plugin's own file has no [plugins], and its [defaults] apply to experiments with a game or a learner of that plugin.
"""

from __future__ import annotations

import difflib
import functools
import importlib.resources
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs

from meva_core.contracts.hooks import PARTS
from meva_core.errors import BadFolder, BadValue
from meva_core.registry.toml_reading import read_toml
from meva_core.registry.toml_tables import only_keys, table, tables

SECTIONS = ("game", "policy", "sample", "learner", "fit", "evaluate")  # and one for every part of a learner
_TAKEN = ("name", "from", "rivals", "schema", "recipe", "source", "base", "opponent", "opponents", "run", "log")
RECORDS = "claims.toml"  # next to a recipe file: records of its claims


@attrs.frozen
class RecipeFile:
    """A parsed recipe file."""

    disabled: tuple[str, ...]
    defaults: Mapping[str, str]  # kind -> entry
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
    only_keys(content, ("records",), str(path))
    return table(content.get("records", {}), f"{path}: records")


def parse(content: Mapping[str, Any], where: str) -> RecipeFile:
    """Build a RecipeFile from the content of a file. Raises BadValue, which says where the layout is wrong."""
    only_keys(content, ("plugins", "defaults", "recipes", "reproductions", "studies", "claims"), where)
    plugins = table(content.get("plugins", {}), f"{where}: plugins")
    only_keys(plugins, ("disabled",), f"{where}: plugins")
    disabled = plugins.get("disabled", [])
    if not isinstance(disabled, list) or not all(isinstance(name, str) for name in disabled):
        raise BadValue(f"expected a list of plugin names, got {disabled!r} @ {where}: plugins.disabled")
    defaults = dict(table(content.get("defaults", {}), f"{where}: defaults"))
    evaluations = tables(defaults, "evaluate", f"{where}: defaults")
    defaults.pop("evaluate", None)
    only_keys(defaults, PARTS, f"{where}: defaults")
    for name, value in defaults.items():
        if not isinstance(value, str):
            raise BadValue(f"expected a name, got {value!r} @ {where}: defaults.{name}")
    games = table(content.get("recipes", {}), f"{where}: recipes")
    for game, learners in games.items():
        for learner, recipes in table(learners, f"{where}: recipes.{game}").items():
            for name, recipe in table(recipes, f"{where}: recipes.{game}.{learner}").items():
                path = f"{where}: recipes.{game}.{learner}.{name}"
                _check_recipe(table(recipe, path), path)
    reproductions, claims = (tables(content, key, where) for key in ("reproductions", "claims"))
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
            table(value, f"{path}.{key}")
        else:
            only_keys({key: value}, (*texts, *SECTIONS), path)


def names_part(name: str) -> bool:
    """True if a learner's part may have this name.

    It must be an identifier, and neither equal nor similar to a key with another meaning in experiments and recipes.
    """
    return name.isidentifier() and not difflib.get_close_matches(name, (*_TAKEN, *SECTIONS), n=1, cutoff=0.8)


@functools.cache
def shipped() -> RecipeFile:
    """The registry.toml that comes with the project."""
    room = Path(__file__).parents[1]
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
