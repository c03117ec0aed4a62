"""Reads quantities of runs over the setting that their labels name. Imports no jax."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from meva_core.studies.reproductions.claims import quantity
from meva_core.studies.reproductions.data import Chart
from meva_core.studies.reproductions.labels import Spot, spot


class Number(NamedTuple):
    """A quantity of a row of a run, and its standard error, NaN where there is none. row: the value of the row's
    setting."""

    spot: Spot
    mean: float
    sem: float
    row: float


def numbers(
    chart: Chart, name: str, summaries: Mapping[str, Mapping[str, Any] | None], *, all_rows: bool
) -> list[Number]:
    """A quantity of every run: at the chart's setting `at`, or in all rows.

    summaries: the content of summary.json by run label, None for a run that diverged; its numbers are NaN. Raises
    BadValue if a run has no such row or quantity.
    """
    told = next(filter(None, summaries.values()), None)
    rows = [row["value"] for row in told["rows"]] if told and all_rows else [chart.at]
    found = []
    for label, summary in summaries.items():
        for at in [row["value"] for row in summary["rows"]] if summary and all_rows else rows:
            mean, sem, _ = quantity(name, summary, at)
            found.append(Number(spot(label), *(math.nan if each is None else each for each in (mean, sem, at))))
    return found
