"""Reads experiments from files or from plain tables. Names are looked up here, once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from meva_core.contracts import conversion
from meva_core.errors import BadFolder, BadValue, did_you_mean
from meva_core.experiment import drafts, evaluations, versions
from meva_core.experiment.choice import Choice, read_choice, read_learner
from meva_core.experiment.experiment import (
    SCHEMA,
    Experiment,
    FitSettings,
    opponent_path,
    unless_self_play,
)
from meva_core.registry import recipes, toml_tables
from meva_core.registry.entries import Registry
from meva_core.registry.toml_reading import read_toml
from meva_core.sampling import Rollouts

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
    table = plain.get("evaluate", {})
    evaluate, chosen = evaluations.read(registry, table)
    evaluations.check_asked(registry, evaluate, chosen, table)
    policy, by_seat = _policies(registry, plain["policy"]) if "policy" in plain else (None, {})
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
        evaluations=tuple(chosen),
        policy=policy,
        by_seat=by_seat,
        sample=_sample(plain["sample"]) if "sample" in plain else None,
        recipe=conversion.convert(plain.get("recipe", "default"), str, "recipe"),
        source=conversion.convert(plain.get("source", ""), str, "source"),
    )


def _policies(registry: Registry, plain: Any) -> tuple[Choice, dict[int, Choice]]:
    """The policy of all seats, and those of single seats, from the table [policy] and the tables [policy.SEAT]."""
    table = toml_tables.table(plain, "policy")
    seats = {name: own for name, own in table.items() if drafts.is_seat(name)}
    every = {name: value for name, value in table.items() if name not in seats}
    own = {int(seat): read_choice(registry, "policy", own, f"policy.{seat}") for seat, own in seats.items()}
    return read_choice(registry, "policy", every, "policy"), own


def _sample(plain: Any) -> dict[str, Any]:
    """The hyper-parameters of a game that is played, from the table [sample]; composition supplies the rest."""
    return conversion.structure(Rollouts, toml_tables.table(plain, "sample"), "sample", fixed=("alike",))


def _settings(cls: type, plain: Any, path: str) -> Any:
    return conversion.construct(cls, conversion.structure(cls, toml_tables.table(plain, path), path), path)
