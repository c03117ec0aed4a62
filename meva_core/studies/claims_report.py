"""Files and tables that `meva claims` writes for a claim.

summary.json   {schema, name, says, game, learner, opponents, recipe, set, seeds, results: a dict per number of devices:
               {devices, fits, count, at_least (percent: the lower end of the 95 % Wilson interval), holds: per seed,
               quantities: [{quantity, at, at_least, at_most, count, mean, quartiles, worst, per_seed}]}}
claims.csv     one line per seed and number of devices
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import numpy as np
from rich.text import Text

from meva_core.registry.claims import Claim, Count, Criterion
from meva_core.report.tables import Drawn, Grid, number, plain
from meva_core.studies.reproductions.claims import quantity

SCHEMA = 1
HEADS = ["quantity", "needed", "hold", "mean", "worst", "quartiles", "", ""]


def summary(claim: Claim, seeds: Sequence[int], runs: Mapping[int, Sequence[dict[str, Any] | None]]) -> dict[str, Any]:
    """The content of summary.json. runs: by number of devices, the summary of each run, None if it diverged."""
    return {
        "schema": SCHEMA,
        "name": claim.name,
        "says": claim.says,
        "game": claim.game,
        "learner": claim.learner,
        "opponents": list(claim.opponents),
        "recipe": claim.recipe,
        "set": dict(claim.overrides),
        "seeds": list(seeds),
        "results": [_result(claim, seeds, devices, summaries) for devices, summaries in runs.items()],
    }


def _result(claim: Claim, seeds: Sequence[int], devices: int, runs: Sequence[dict[str, Any] | None]) -> dict[str, Any]:
    numbers = {criterion: _per_seed(criterion, seeds, runs) for criterion in claim.holds}
    holds = [all(c.holds(values[n]) for c, values in numbers.items()) for n in range(len(seeds))]
    return {
        **attrs.asdict(count(devices, holds)),
        "holds": holds,
        "quantities": [_quantity(criterion, values) for criterion, values in numbers.items()],
    }


def count(devices: int, holds: Sequence[bool]) -> Count:
    """Count the fits for which the claim holds, with a lower bound on their percentage.

    The bound is the lower end of the 95 % Wilson interval (Wilson, 1927, Probable inference).
    """
    from scipy.stats import binomtest  # this import takes a second

    low = binomtest(sum(holds), len(holds)).proportion_ci(0.95, method="wilson").low
    return Count(devices=devices, fits=len(holds), count=sum(holds), at_least=round(100 * low))


def _per_seed(criterion: Criterion, seeds: Sequence[int], runs: Sequence[dict[str, Any] | None]) -> list[float | None]:
    """The quantity for every seed, None if the seed diverged."""
    values: dict[int, float | None] = {}
    for run in runs:
        if run is not None:
            values |= zip(run["seeds"], quantity(criterion.quantity, run, criterion.at).seeds, strict=True)
    return [values.get(seed) for seed in seeds]


def _quantity(criterion: Criterion, values: Sequence[float | None]) -> dict[str, Any]:
    numbers = [value for value in values if value is not None]
    return {
        **attrs.asdict(criterion),
        "count": sum(map(criterion.holds, values)),
        "mean": float(np.mean(numbers)) if numbers else None,
        "quartiles": np.quantile(numbers, [0.25, 0.5, 0.75]).tolist() if numbers else None,
        "worst": criterion.worst(numbers) if numbers else None,
        "per_seed": list(values),
    }


def as_csv(summary: Mapping[str, Any]) -> str:
    """Build the text of claims.csv from the content of summary.json."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    heads = [_called(each).replace("\n", " ") for each in summary["results"][0]["quantities"]]
    writer.writerow(["devices", "seed", "holds", *heads])
    for result in summary["results"]:
        for n, seed in enumerate(summary["seeds"]):
            numbers = [each["per_seed"][n] for each in result["quantities"]]
            writer.writerow([result["devices"], seed, result["holds"][n], *numbers])
    return text.getvalue()


def lines(summary: Mapping[str, Any]) -> list[str]:
    """Format the counts and the quantities for a screen of 80 columns."""
    text: list[str] = []
    for result in summary["results"]:
        rows = [_row(each) for each in result["quantities"]]
        text += plain(Text(str(count_of(result))), Drawn(Grid("", HEADS, rows, tuple(HEADS[:1])))).splitlines()
    return text


def count_of(result: Mapping[str, Any]) -> Count:
    """The count in one entry of `results` in summary.json."""
    return Count(**{field.name: result[field.name] for field in attrs.fields(Count)})


def _row(each: Mapping[str, Any]) -> list[str]:
    needed = f">= {each['at_least']:g}" if each["at_least"] is not None else f"<= {each['at_most']:g}"
    quartiles = each["quartiles"] or (None, None, None)
    numbers = [number(value, 3) for value in (each["mean"], each["worst"], *quartiles)]
    return [_called(each), needed, str(each["count"]), *numbers]


def _called(each: Mapping[str, Any]) -> str:
    return each["quantity"] + ("" if each["at"] is None else f"\nat {each['at']:g}")
