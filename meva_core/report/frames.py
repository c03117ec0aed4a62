"""Results as data frames of pandas and datasets of xarray, which are imported when they are used.

Shapes: S seeds, V rows, N pairs, P players, D numbers per policy, E entries per policy.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from meva_core.errors import BadValue, optional
from meva_core.experiment import labels
from meva_core.report import tidy
from meva_core.report.numbers import Numbers
from meva_core.report.summary import summarise
from meva_core.storage.kept_fit import MATCHES

IN_ARRAYS = (tidy.PAYOFF, "self_play")  # means over pairs of numbers that a dataset has for every pair


def of(per: Any, tables: Mapping[str, Callable[[], Any]]) -> Any:
    """The table that is named `per`. tables: functions that make them. Raises BadValue if there is no such table."""
    if not isinstance(per, str) or per not in tables:
        raise BadValue(f"expected {' or '.join(map(repr, tables))} for per, got {per!r}")
    return tables[per]()


def table(columns: Sequence[str], records: Sequence[Mapping[str, Any]]) -> Any:
    """A data frame of records. A column without any text holds numbers, NaN for None; seats are whole numbers or NA."""
    pandas = optional("pandas")
    content = {name: [record[name] for record in records] for name in columns}
    frame = pandas.DataFrame(content, columns=list(columns))
    for name, cells in content.items():
        if not any(isinstance(cell, str) for cell in cells) and any(cell is None for cell in cells):
            frame[name] = pandas.array(cells, dtype="Int64") if name == "seat" else np.array(cells, float)
    return frame


def of_matches(result: Numbers) -> Any:
    """A data frame with one line for each match and seat."""
    pandas, seen = optional("pandas"), result.seen
    shape = result.payoffs.shape
    seed, row, pair, seat = (index.ravel() for index in np.indices(shape))

    def of_match(values: np.ndarray) -> np.ndarray:
        return np.broadcast_to(values[..., None], shape).ravel()

    players = tidy.in_seats(labels.of(result.experiment), shape[-1])
    return pandas.DataFrame(
        {
            "seed": np.array(result.seeds)[seed],
            "setting": seen.setting if _swept(result) else None,
            "at": np.array(seen.values)[row],
            "pair": pair,
            "seat": seat + 1,
            "player": np.array(players)[seat],
            "payoff": result.payoffs.ravel(),
            "settled": of_match(seen.settled),
            **{f"outcomes.{name}": of_match(shares) for name, shares in seen.outcomes.items()},
            **{f"policy.{name}": seen.entries[..., e].ravel() for e, name in enumerate(seen.entry_names)},
        }
    )


def dataset(result: Numbers) -> Any:
    """The dataset that `Result.to_xarray` documents."""
    xarray, seen = optional("xarray"), result.seen
    matches = ("seed", "setting", "pair")
    coordinates: dict[str, Any] = {
        "seed": result.seeds,
        "pair": np.arange(result.payoffs.shape[2]),
        "seat": np.arange(result.payoffs.shape[3]) + 1,
        "player": ("seat", tidy.in_seats(labels.of(result.experiment), result.payoffs.shape[3])),
        "entry": list(seen.entry_names),
    }
    if _swept(result):
        coordinates["setting"] = ("setting", list(seen.values), {"name": seen.setting, "long_name": seen.label})
    content: dict[str, Any] = {
        "payoffs": ((*matches, "seat"), result.payoffs),
        "policies": ((*matches, "seat", "number"), result.policies),
        "entries": ((*matches, "seat", "entry"), seen.entries),
        "settled": (matches, seen.settled),
    }
    if seen.outcomes:
        coordinates["outcome"] = list(seen.outcomes)
        content["outcomes"] = (("outcome", *matches), np.stack(list(seen.outcomes.values())))
    experiment = result.experiment
    about = {"game": experiment.game.name, "learner": experiment.learner.name, "recipe": experiment.recipe}
    return xarray.Dataset(
        {**content, **_quantities(result), **_metrics(result)}, coordinates, {**about, "hash": experiment.hash}
    )


def _swept(result: Numbers) -> bool:
    """True if the rows of a run differ in a setting."""
    return not math.isnan(result.seen.values[0])


def _quantities(result: Numbers) -> dict[str, Any]:
    """The evaluations' quantities by seed and row: name -> dimensions and array."""
    shape = result.payoffs.shape
    variables: dict[str, Any] = {}
    for row, lines in enumerate(tidy.per_row(summarise(result))):
        for line in lines:
            name, seat = line["quantity"], line["seat"]
            if name in IN_ARRAYS or name.startswith("outcomes.") or line["value"] is None:
                continue
            index, sizes = (result.seeds.index(line["seed"]), row), {"seed": shape[0], "setting": shape[1]}
            if seat is not None:
                index, name, sizes = (*index, seat - 1), f"seats.{name}", {**sizes, "seat": shape[3]}
            _, array = variables.setdefault(name, (tuple(sizes), np.full(tuple(sizes.values()), np.nan)))
            array[index] = line["value"]
    return variables


def _metrics(result: Numbers) -> dict[str, Any]:
    """Metrics of the fits, and payoffs along matches that are played, of the result's seeds: name -> dimensions and
    array."""
    of_fits: dict[str, np.ndarray] = {}
    of_matches: dict[str, np.ndarray] = {}
    for history in result.histories:
        own = [list(history.seeds).index(seed) for seed in result.seeds]
        played = history.player == MATCHES
        above = history.player if played else f"fit.{history.player}"
        metrics = of_matches if played else of_fits
        metrics |= {f"{above}.{name}": values[own] for name, values in history.metrics.items()}
    return {**_padded("loop", of_fits), **_padded("step", of_matches)}


def _padded(over: str, metrics: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Metrics f32[S, L] as variables over seeds and `over`; shorter ones end in NaN."""
    longest = max((values.shape[1] for values in metrics.values()), default=0)
    return {
        name: (
            ("seed", over),
            np.pad(values.astype(float), ((0, 0), (0, longest - values.shape[1])), constant_values=np.nan),
        )
        for name, values in metrics.items()
    }
