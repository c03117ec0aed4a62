"""Reads quantities of runs over the setting that their labels name. Imports no jax."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from meva_core.studies.reproductions.claims import quantity
from meva_core.studies.reproductions.data import Chart
from meva_core.studies.reproductions.labels import Spot, spot


class Number(NamedTuple):
    """A quantity of a row of a run, NaN if there is none, and its standard error. row: the value of the row's
    setting."""

    spot: Spot
    mean: float
    sem: float
    row: float | None


def numbers(chart: Chart, name: str, summaries: Mapping[str, Mapping[str, Any]], *, all_rows: bool) -> list[Number]:
    """A quantity of every run: at the chart's setting `at`, or in all rows. summaries: the content of summary.json by
    run label. Raises BadValue if a run has no such row or quantity."""
    found = []
    for label, summary in summaries.items():
        for at in [row["value"] for row in summary["rows"]] if all_rows else [chart.at]:
            mean, sem, _ = quantity(name, summary, at)
            found.append(Number(spot(label), math.nan if mean is None else mean, sem or 0.0, at))
    return found
