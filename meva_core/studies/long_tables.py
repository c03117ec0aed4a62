"""Tournaments, reproductions and sweeps as long tables in data frames."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meva_core.report import frames, tidy
from meva_core.studies import standings


def of_tournament(per: Any, summary: Mapping[str, Any]) -> Any:
    """The lines of a tournament's seeds.csv, per "seed", or of its statistics.csv, per "quantity".

    summary: the content of summary.json. Raises BadValue for another `per`, and MissingLibrary without pandas.
    """
    return frames.of(
        per,
        {
            "quantity": lambda: frames.table(standings.PER_QUANTITY, standings.per_quantity(summary)),
            "seed": lambda: frames.table(standings.PER_SEED, standings.per_seed(summary)),
        },
    )


def of_runs(per: Any, summaries: Mapping[str, Mapping[str, Any]]) -> Any:
    """The lines of the same files of several runs, or of several tournaments, with their labels in a column `run`.

    summaries: the content of summary.json by label. Raises BadValue for another `per`, and MissingLibrary without
    pandas.
    """
    places = tidy if all("rows" in summary for summary in summaries.values()) else standings
    return frames.of(
        per,
        {
            "quantity": lambda: _labelled(places.PER_QUANTITY, places.per_quantity, summaries),
            "seed": lambda: _labelled(places.PER_SEED, places.per_seed, summaries),
        },
    )


def _labelled(columns: Any, lines: Any, summaries: Mapping[str, Mapping[str, Any]]) -> Any:
    records = [{"run": label, **line} for label, summary in summaries.items() for line in lines(summary)]
    return frames.table(("run", *columns), records)
