"""Papers to cite for a run: settled by its experiment, and stored in its folder as references.bib."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from meva_core.errors import BadValue, MevaError, Remark
from meva_core.experiment.choice import parts_of, read_name
from meva_core.experiment.experiment import DEFAULT, Experiment
from meva_core.registry import bibtex, discovery, toml_reading
from meva_core.registry.entries import Offer, Registry
from meva_core.storage.run_folder import REFERENCES


def of(experiment: Experiment) -> dict[str, str] | None:
    """Papers to cite for an experiment: citation key -> BibTeX, of the game, the learners, their parts, and the
    evaluations that the user asked for.

    None, with a warning (Remark), if an entry's references cannot be read.
    """
    picked = [evaluation for evaluation in experiment.evaluations if evaluation.name in experiment.evaluate.asked]
    return _or_warn(lambda: bibtex.papers(choice.offer for choice in (*experiment.cast, *picked)))


def of_folder(folder: Path, entries: Callable[[Registry, Path], Iterable[Offer]] | None = None) -> dict[str, str]:
    """Papers to cite for the run in a folder: those in its references.bib, or else those of the entries it names.

    entries: finds these entries; by default those of a run. Empty, with a warning (Remark), if a plugin is not
    installed.
    """
    if (papers := stored(folder)) is not None:
        return papers
    find = entries or in_run
    return _or_warn(lambda: bibtex.papers(find(discovery.installed(), folder))) or {}


def stored(folder: Path) -> dict[str, str] | None:
    """The papers in a folder's references.bib; None if there is no such file, or it cannot be read."""
    try:
        return bibtex.entries((folder / REFERENCES).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def in_run(registry: Registry, folder: Path) -> list[Offer]:
    """Entries of the game, the learners, their parts, and the evaluations that the run in `folder` names.

    Only names are read from its experiment.toml, so that any version of meva may have written it. Raises MevaError if
    it cannot be read, or a plugin of the run is not installed.
    """
    plain = toml_reading.read_toml(folder / "experiment.toml")
    rivals = plain.get("opponents", [])
    players = [plain.get("learner"), *(rivals if isinstance(rivals, list) else [])]
    return [
        _entry(registry, "game", plain.get("game"), "game"),
        *(offer for player in players for offer in _player(registry, player, plain)),
        *_evaluations(registry, plain.get("evaluate")),
    ]


def _player(registry: Registry, table: Any, shared: Mapping[str, Any]) -> list[Offer]:
    """A learner and its parts, each from a table inside the learner's, or else from the shared tables."""
    learner, tables = _entry(registry, "learner", table, "learner"), {**shared, **table}
    parts = {name: kind for name, kind in parts_of(learner).items() if name in tables}
    return [learner, *(_entry(registry, kind, tables[name], name) for name, kind in parts.items())]


def _evaluations(registry: Registry, evaluate: Any) -> list[Offer]:
    """Evaluations that the user asked for."""
    if not isinstance(evaluate, Mapping) or not isinstance(names := evaluate.get("asked", []), list):
        return []
    tables = {name: table for name, table in evaluate.items() if isinstance(table, Mapping) and name in names}
    return [
        _entry(registry, "evaluation", {"name": name, **table}, f"evaluate.{name}")
        for name, table in tables.items()
        if name != DEFAULT
    ]


def _entry(registry: Registry, kind: str, table: Any, path: str) -> Offer:
    if not isinstance(table, Mapping) or not isinstance(table.get("name"), str):
        raise BadValue(f"expected a table with a name, got {table!r} @ {path}")
    return read_name(registry, kind, table, path).offer


def _or_warn(papers: Callable[[], dict[str, str]]) -> dict[str, str] | None:
    try:
        return papers()
    except MevaError as error:
        warnings.warn(f"papers to cite are left out: {error}", Remark, stacklevel=3)
        return None
