"""The evaluations of a finished run, from the names in its summary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meva_core.contracts.evaluation import Evaluation
from meva_core.errors import MevaError
from meva_core.registry import discovery, loading
from meva_core.registry.entries import Registry


def of_summary(summary: Mapping[str, Any]) -> dict[str, Evaluation]:
    """Evaluations by name, to draw a stored run; those whose plugin is not installed are left out."""
    known = discovery.installed()
    if "evaluations" not in summary:  # an older version did not write the names
        everything = {offer.name: _made(known, offer.name) for offer in known.of_kind("evaluation")}
        return {name: each for name, each in everything.items() if each is not None and _finds_its_own(each, summary)}
    found = {name: _made(known, name) for name in summary["evaluations"]}
    return {name: each for name, each in found.items() if each is not None}


def _made(known: Registry, name: str) -> Evaluation | None:
    try:
        return loading.load(known.find("evaluation", name))()
    except (MevaError, TypeError):
        return None


def _finds_its_own(evaluation: Evaluation, summary: Mapping[str, Any]) -> bool:
    """True if a summary holds the numbers that an evaluation shows."""
    try:
        evaluation.columns(summary)
        return bool([*evaluation.first_tables(summary), *evaluation.tables(summary)] or evaluation.columns(summary))
    except (KeyError, TypeError, AttributeError, IndexError):
        return False
