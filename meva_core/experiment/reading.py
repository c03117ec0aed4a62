"""Reads experiments from files or from plain tables. Names are looked up here, once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs

from meva_core.contracts import conversion
from meva_core.errors import BadFolder, BadValue, did_you_mean
from meva_core.experiment import versions
from meva_core.experiment.choice import Choice, read_choice, read_learner
from meva_core.experiment.experiment import (
    DEFAULT,
    SCHEMA,
    EvaluateSettings,
    Experiment,
    FitSettings,
    opponent_path,
    unless_self_play,
)
from meva_core.registry import loading, recipes
from meva_core.registry.entries import Registry
from meva_core.registry.toml_reading import read_toml

KEYS = ("schema", "recipe", "source", "opponents", *recipes.SECTIONS)  # every other key is a part of learners


def read(registry: Registry, path: Path) -> Experiment:
    """Read an experiment from its TOML file; its hash is the hash of the file's content. Raises BadFolder if another
    version of meva wrote the file in another schema, and the errors of `from_plain`."""
    plain = read_toml(path)
    check_schema(plain, path)
    plain.pop("run", None)  # versions and hash of the run that wrote the file
    return from_plain(registry, plain, str(path))


def check_schema(plain: Mapping[str, Any], path: Path) -> None:
    """Raise BadFolder if the content of the experiment.toml at `path` has another schema, with the version of meva that
    wrote it."""
    if plain.get("schema") != SCHEMA:
        raise BadFolder(versions.of_another(SCHEMA, plain.get("schema"), path, plain))


def from_plain(registry: Registry, plain: Mapping[str, Any], where: str) -> Experiment:
    """Check everything that can be checked without building: names, types, missing and unknown keys. Raises BadValue,
    UnknownName if an entry is not installed, and BadPlugin if two plugins offer a name that has no origin."""
    shared = {key: table for key, table in plain.items() if key not in KEYS}  # tables of parts
    for key, table in shared.items():
        if not isinstance(table, Mapping) or not recipes.names_part(key):
            raise BadValue(f"unknown key {key!r} @ {where}{did_you_mean(key, KEYS)}")
    if plain.get("schema") != SCHEMA:
        raise BadValue(f"expected schema {SCHEMA}, got {plain.get('schema')!r} @ {where}")
    for key in ("game", "learner"):
        if key not in plain:
            raise BadValue(f"expected a table [{key}], got none @ {where}")
    opponents = plain.get("opponents", [])
    if not isinstance(opponents, list):
        raise BadValue(f"expected a list of tables, got {opponents!r} @ {where}: opponents")
    evaluate, evaluations = _evaluate(registry, plain.get("evaluate", {}))
    learner = read_learner(registry, plain["learner"], shared, "learner")
    paths = [opponent_path(len(opponents), n) for n in range(len(opponents))]
    rivals = tuple(read_learner(registry, o, shared, path) for o, path in zip(opponents, paths, strict=True))
    for part in shared:
        if not any(part in player.parts for player in (learner, *rivals)):
            raise BadValue(f"expected a learner with a part {part} for [{part}], got none @ {where}")
    return Experiment(
        game=read_choice(registry, "game", plain["game"], "game"),
        learner=learner,
        opponents=unless_self_play(learner, rivals),
        fit=_settings(FitSettings, plain.get("fit", {}), "fit"),
        evaluate=evaluate,
        evaluations=evaluations,
        recipe=conversion.convert(plain.get("recipe", "default"), str, "recipe"),
        source=conversion.convert(plain.get("source", ""), str, "source"),
    )


def _settings(cls: type, plain: Any, path: str) -> Any:
    if not isinstance(plain, Mapping):
        raise BadValue(f"expected a table, got {plain!r} @ {path}")
    return conversion.construct(cls, conversion.structure(cls, plain, path), path)


def _evaluate(registry: Registry, plain: Any) -> tuple[EvaluateSettings, tuple[Choice, ...]]:
    """Read the table [evaluate]: its own settings, and a table for each evaluation that runs."""
    if not isinstance(plain, Mapping):
        raise BadValue(f"expected a table, got {plain!r} @ evaluate")
    tables = {name: table for name, table in plain.items() if isinstance(table, Mapping)}
    numbers = {name: value for name, value in plain.items() if name not in tables}
    check_evaluate_settings(registry, numbers)
    settings = _settings(EvaluateSettings, numbers, "evaluate")
    for name in settings.asked:
        if name not in tables and name != DEFAULT:
            raise BadValue(f"expected a table [evaluate.{name}] for this evaluation, got none @ evaluate.asked")
    chosen = [
        read_choice(registry, "evaluation", {"name": name, **tables[name]}, f"evaluate.{name}") for name in tables
    ]
    return settings, tuple(chosen)


def check_evaluate_settings(registry: Registry, names: Iterable[str]) -> None:
    """Raise BadValue for a setting that now belongs to an evaluation; the message names that evaluation."""
    own = [field.name for field in attrs.fields(EvaluateSettings)]
    for name in names:
        if name in own:
            continue
        for offer in registry.of_kind("evaluation"):
            now = loading.load(offer).formerly.get(name)
            if now is not None:
                raise BadValue(f"evaluate.{name} is now evaluate.{offer.name}.{now}: use that instead")
        evaluations = [offer.name for offer in registry.of_kind("evaluation")]
        raise BadValue(f"unknown hyper-parameter evaluate.{name}{did_you_mean(name, [*own, *evaluations])}")
