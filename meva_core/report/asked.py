"""The evaluations of a stored run, as its experiment.toml records them: with their plugins and their settings."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from meva_core.contracts.evaluation import Evaluation
from meva_core.errors import BadFolder, MevaError, Remark
from meva_core.experiment.choice import read_choice
from meva_core.experiment.experiment import SCHEMA
from meva_core.experiment.parts import build
from meva_core.registry import discovery
from meva_core.registry.entries import Registry
from meva_core.registry.toml_reading import read_toml
from meva_core.report.checked import checked
from meva_core.report.merging import above, without_faults


def of_folder(folder: Path, summary: Mapping[str, Any]) -> dict[str, Evaluation]:
    """Evaluations of the run in a folder, by name. summary: the content of its summary.json.

    If there is no experiment.toml that can be read, they have the settings by default.
    """
    try:
        plain = read_toml(folder / "experiment.toml")
    except BadFolder:
        plain = {}
    return of_run(summary, plain)


def of_run(summary: Mapping[str, Any], plain: Mapping[str, Any]) -> dict[str, Evaluation]:
    """Evaluations of a stored run by name, to draw it again. plain: the content of its experiment.toml.

    An evaluation is left out with a `Remark` if its plugin is no longer installed, or no longer has its settings.
    """
    registry, tables = discovery.installed(), _tables(plain)
    if "evaluations" not in summary:  # an older version did not write the names
        names = [offer.name for offer in registry.of_kind("evaluation")]
        return {name: each for name, each in _built(registry, names, {}).items() if _finds_its_own(each, summary)}
    return _built(registry, summary["evaluations"], tables)


def shown(evaluations: Mapping[str, Evaluation], make: Callable[[Mapping[str, Evaluation]], Any]) -> Any:
    """The result of `make` for the evaluations of a stored run that keep their contracts.

    The others, and those that build on them, are left out, each with a `Remark`.
    """
    result, faults = without_faults(evaluations, make)
    for name, fault in faults.items():
        _remark(name, fault)
        for other in above({name: evaluation.builds_on for name, evaluation in evaluations.items()}, [name]):
            _remark(other, f"it builds on {name}")
    return result


def _remark(name: str, why: object) -> None:
    warnings.warn(f"evaluation {name} is not shown: {why}", Remark, stacklevel=3)


def _tables(plain: Mapping[str, Any]) -> Mapping[str, Any]:
    """The tables of evaluations in an experiment.toml; {} if an older version wrote it, with other settings."""
    evaluate = plain.get("evaluate")
    return evaluate if plain.get("schema") == SCHEMA and isinstance(evaluate, Mapping) else {}


def _built(registry: Registry, names: list[str], tables: Mapping[str, Any]) -> dict[str, Evaluation]:
    evaluations: dict[str, Evaluation] = {}
    for name in names:
        path = f"evaluate.{name}"
        try:
            choice = read_choice(registry, "evaluation", {"name": name, **tables.get(name, {})}, path)
            evaluations[name] = checked(name, build(choice, path), choice.offer)
        except MevaError as error:
            _remark(name, error)
    return evaluations


def _finds_its_own(evaluation: Evaluation, summary: Mapping[str, Any]) -> bool:
    """True if a summary holds the numbers that an evaluation shows."""
    try:
        return any([evaluation.columns(summary), evaluation.first_tables(summary), evaluation.tables(summary)])
    except (KeyError, TypeError, AttributeError, IndexError, MevaError):
        return False
