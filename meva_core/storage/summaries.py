"""Statistics in summary.json, by their dotted names. Imports no jax."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

OF_COUNTS = ("mean", "sem", "ci_low", "ci_high", "iqm")  # numbers of a statistic that have the unit of its samples


def named(table: Mapping[str, Any], above: str = "") -> dict[str, Mapping[str, Any]]:
    """Statistics and counts of cells in a row's nested tables, by dotted name."""
    statistics: dict[str, Mapping[str, Any]] = {}
    for name, value in table.items():
        if not isinstance(value, Mapping):
            continue
        if "mean" in value or "cells" in value:
            statistics[above + name] = value
        else:
            statistics |= named(value, f"{above}{name}.")
    return statistics


def as_share(statistic: Mapping[str, Any]) -> Mapping[str, Any]:
    """The statistic of a share for a count of cells, {cells: a statistic, of: their number}; others are unchanged."""
    if "cells" not in statistic:
        return statistic
    cells, of = statistic["cells"], statistic["of"]
    shares = {name: _over(cells[name], of) for name in OF_COUNTS if name in cells}
    return {**cells, **shares, "per_seed": [_over(number, of) for number in cells.get("per_seed", ())]}


def is_statistic(value: Any) -> bool:
    """True for what `report.statistics.statistic` returns; only statistics over seeds need `per_seed`."""
    if not isinstance(value, Mapping) or not {"mean", "sem", "over"} <= value.keys():
        return False
    seeds = value.get("per_seed", []) if value["over"] != "seeds" else value.get("per_seed")
    numbers = [value.get(name) for name in (*OF_COUNTS, "digits")]
    numbers += seeds if isinstance(seeds, list) else [()]
    return value["over"] in ("seeds", "pairs") and all(map(_is_number, numbers))


def has_each_seed(found: Mapping[str, Any], seeds: int) -> bool:
    """True if a statistic, or a count of cells, has one number for each of its seeds, or numbers for none of them."""
    values = found.get("cells", found).get("per_seed")
    return not values or (isinstance(values, list) and len(values) == seeds)


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))


def _over(number: float | None, of: int) -> float | None:
    return None if number is None else number / of
