"""The evaluations that a finished run was asked, from the names in its summary."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import Any

from meva_core.contracts.evaluation import Evaluation
from meva_core.errors import BadPlugin, MevaError
from meva_core.registry import discovery, loading


def of_summary(summary: Mapping[str, Any]) -> dict[str, Evaluation]:
    """Evaluations by name, to draw what stands in the folder; those whose plugin is not installed are left out."""
    known, found = discovery.installed(), {}
    for name in summary.get("evaluations", []):
        with contextlib.suppress(MevaError, TypeError):
            found[name] = loading.load(known.find("evaluation", name))()
    return found


def checked_rows(name: str, evaluation: Evaluation, rows: Any, count: int) -> list[dict[str, Any]]:
    """The rows that an evaluation adds to a summary. Raises BadPlugin where they are not so many dictionaries of what
    JSON holds: texts, finite numbers or None, lists and dictionaries."""
    try:
        if not isinstance(rows, list) or len(rows) != count or not all(isinstance(row, dict) for row in rows):
            raise TypeError(f"expected a list of {count} dictionaries, got {str(rows)[:80]}")
        json.dumps(rows, allow_nan=False)
    except (TypeError, ValueError) as error:
        home = f"{type(evaluation).__module__}:{type(evaluation).__qualname__}"
        offers = [offer for offer in discovery.installed().of_kind("evaluation") if offer.entry.factory == home]
        what = f"rows(answer, seen): {error}"
        raise offers[0].fault(what) if offers else BadPlugin(f"evaluation {name} ({home}): {what}") from error
    return rows
