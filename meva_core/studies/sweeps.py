"""Sweeps: one game and learner at many settings, ranked by a quantity. Imports no jax.

The layout of a sweep file, NAME.toml:

    title = "what is asked"
    game = "ipd"
    learner = "meva"                 # and opponents = [...], recipe = "..."
    set = { "fit.seeds" = 10 }       # for every run, as --set; "policy.name" = "mlp" is --policy mlp
    quick = { "fit.seeds" = 2 }      # overrides `set`, with --quick
    notes = ["what a reader should know"]

    [rank]
    quantity = "best_response.ours"  # in a row of summary.json, dotted; "basins.B" is a share
    at = 0.95                        # the row's setting, if there are several rows
    highest = true                   # true if more is better
    beside = ["self_play"]           # other quantities to show

    [settings.LABEL]                 # one run each; an empty table is the recipe itself
    "learner.optimiser_rate" = 3e-3

    [grid]                           # one more run for every combination
    "learner.mixing" = ["sum", "convex"]
    "learner.loops" = [100, 200]
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from meva_core.errors import BadValue
from meva_core.registry import toml_tables
from meva_core.registry.toml_reading import read_toml
from meva_core.studies.reproductions import Reproduction, parse

_OF_RUNS = ("game", "learner", "opponents", "recipe", "quick")
_KEYS = ("title", "notes", "set", "rank", "settings", "grid", *_OF_RUNS)


def read(path: Path) -> Reproduction:
    """Read a sweep file: runs by label with their ranking, named after the file.

    Raises BadFolder if the file cannot be read, BadValue if its layout is wrong.
    """
    content = read_toml(path)
    toml_tables.only_keys(content, _KEYS, str(path))
    for key in ("game", "learner", "rank"):
        if key not in content:
            raise BadValue(f"expected {key} in {path}, got none")
    every = {key: content[key] for key in _OF_RUNS if key in content}
    settings = _settings(content, path)
    shared = _section(content, "set", path)
    runs = {label: {**every, "set": {**shared, **overrides}} for label, overrides in settings.items()}
    table = {
        "title": content.get("title", path.stem),
        "source": "",
        "picture": "ranking",
        "notes": content.get("notes", []),
        "ranking": _section(content, "rank", path),
    }
    return parse(path.stem, table, runs, str(path))


def _settings(content: Mapping[str, Any], path: Path) -> dict[str, Mapping[str, Any]]:
    settings = dict(toml_tables.tables(content, "settings", str(path)))
    for label, overrides in _combinations(_section(content, "grid", path), path):
        if label in settings:
            raise BadValue(f"expected labels that differ, got {label!r} twice @ {path}")
        settings[label] = overrides
    if not settings:
        raise BadValue(f"expected [settings.LABEL] or [grid] in {path}, got neither")
    return settings


def _section(content: Mapping[str, Any], key: str, path: Path) -> Mapping[str, Any]:
    return toml_tables.table(content.get(key, {}), f"{path}: {key}")


def _combinations(grid: Mapping[str, Any], path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every combination of the grid's values, with its label: "mixing=sum loops=100"."""
    for name, values in grid.items():
        if not isinstance(values, list) or not values:
            raise BadValue(f"expected a list of values, got {values!r} @ {path}: grid.{name}")
    shorts = [name.rpartition(".")[2] for name in grid]
    names = [name if shorts.count(short) > 1 else short for name, short in zip(grid, shorts, strict=True)]
    for values in itertools.product(*grid.values()) if grid else ():
        overrides = dict(zip(grid, values, strict=True))
        yield " ".join(f"{name}={_shown(value)}" for name, value in zip(names, values, strict=True)), overrides


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value).lower() if isinstance(value, bool) else str(value)
