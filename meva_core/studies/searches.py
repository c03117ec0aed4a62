"""Searches: the hyper-parameters of one game and learner that are best by a quantity. Imports no jax.

The layout of a search file, NAME.toml:

    title = "what is asked"
    game = "ipd"
    learner = "meva"                 # and opponents = [...], recipe = "...", sampled = true
    set = { "fit.seeds" = 3 }        # for every trial, as --set; "policy.name" = "mlp" is --policy mlp
    quick = { "fit.seeds" = 1, trials = 8 }   # overrides `set`, and the number of trials, with --quick
    notes = ["what a reader should know"]

    [rank]
    quantity = "best_response.ours"  # in a row of summary.json, dotted; "basins.B" is a share
    at = 0.95                        # the row's setting; by default the learner's own
    highest = true                   # true if more is better, else false. The mean over seeds counts
    beside = ["self_play"]           # other quantities to show

    [search]
    trials = 40                      # the number of settings to try, besides the recipe's own
    seed = 0                         # of the proposals; by default 0. Seeds of fits are fit.seed and fit.seeds
    sampler = "tpe"                  # tree-structured Parzen estimator, the default; or "random"
    batch = 1                        # trials that are proposed at a time, and can run at a time
    "learner.optimiser_rate" = { from = 1e-4, to = 1e-2, scale = "log" }
    "learner.loops" = { from = 100, to = 400 }     # whole numbers, if the hyper-parameter is one
    "learner.schedule" = ["constant", "cosine"]

Trials run the evaluations that [rank] needs, and those that `set` names. Their matches have one row, at the setting
`at`. Both can be changed in `set`, as evaluate.asked and evaluate.values.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from meva_core.errors import BadValue
from meva_core.registry import toml_tables
from meva_core.registry.toml_reading import read_toml
from meva_core.studies.reproductions import PlannedRun, Ranking

SAMPLERS = ("tpe", "random")
_KEYS = ("title", "game", "learner", "opponents", "recipe", "sampled", "set", "quick", "notes", "rank", "search")
_SCALES = ("linear", "log")
_OWN = ("trials", "seed", "sampler", "batch")  # keys of [search] that are no hyper-parameters
_DIGITS = 4  # of proposed numbers, so that a table and a recipe show what was run


@attrs.frozen
class Numbers:
    """The numbers from `low` to `high`, both included. log: proposed on a logarithmic scale. whole: whole numbers."""

    low: float
    high: float
    log: bool = False
    whole: bool = False

    @property
    def ends(self) -> tuple[Any, ...]:
        """The values to check before any trial."""
        return self.low, self.high

    def proposed(self, number: float) -> float:
        """The number in a few digits, within the range."""
        return number if self.whole else min(max(float(f"{number:.{_DIGITS}g}"), self.low), self.high)


@attrs.frozen
class Choices:
    """Some values, of any type."""

    values: tuple[Any, ...]

    @property
    def ends(self) -> tuple[Any, ...]:
        """The values to check before any trial."""
        return self.values


Range = Numbers | Choices


@attrs.frozen(kw_only=True)
class Search:
    """A search file. run: the game and the players. ranges: the values of each searched hyper-parameter, by its name in
    --set. batch: number of trials that are proposed at a time."""

    name: str
    title: str
    run: PlannedRun
    ranking: Ranking
    ranges: Mapping[str, Range]
    trials: int
    seed: int = 0
    sampler: str = SAMPLERS[0]
    batch: int = 1
    notes: tuple[str, ...] = ()
    text: str = ""

    def label(self, numbers: Mapping[str, Any]) -> str:
        """Values as text, "rate=0.5 variant=exact"."""
        return " ".join(
            f"{name}={shown(numbers[path])}" for path, name in shorts(list(self.ranges)).items() if path in numbers
        )


def shorts(paths: Sequence[str]) -> dict[str, str]:
    """The name of each hyper-parameter without its section, if that is enough to tell it."""
    last = [path.rpartition(".")[2] for path in paths]
    return {path: path if last.count(name) > 1 else name for path, name in zip(paths, last, strict=True)}


def shown(value: Any) -> str:
    """A value of a hyper-parameter as text."""
    return f"{value:g}" if isinstance(value, float) else str(value).lower() if isinstance(value, bool) else str(value)


def read(path: Path, *, quick: bool = False) -> Search:
    """Read a search file, named after it. quick: apply the changes that it lists under `quick`.

    Raises BadFolder if the file cannot be read, BadValue if its layout is wrong.
    """
    content, where = read_toml(path), str(path)
    toml_tables.only_keys(content, _KEYS, where)
    for key in ("game", "learner", "rank", "search"):
        if key not in content:
            raise BadValue(f"expected {key} in {path}, got none")
    rank = toml_tables.table(content["rank"], f"{where}: rank")
    if "highest" not in rank:  # a search for the wrong end would look like a result
        raise BadValue(f"expected highest = true or highest = false, got neither @ {where}: rank")
    name = path.stem
    if not re.fullmatch(r"\w[\w. +-]*", name):
        raise BadValue(f"expected a file name of letters, digits, - and _, since a folder gets it, got {path.name!r}")
    shared, of_quick = (dict(toml_tables.table(content.get(key, {}), f"{where}: {key}")) for key in ("set", "quick"))
    settings = dict(toml_tables.table(content["search"], f"{where}: search"))
    if quick:
        settings |= {key: of_quick.pop(key) for key in ("trials",) if key in of_quick}
        shared |= of_quick
    players = {key: content[key] for key in ("game", "learner", "opponents", "recipe", "sampled") if key in content}
    own = {key: value for key, value in settings.items() if key in _OWN}
    ranges = {key: _range(key, value, where) for key, value in settings.items() if key not in _OWN}
    search = toml_tables.record(
        _Content, {"title": name, **{k: content[k] for k in ("title", "notes") if k in content}, **own}, where
    )
    _check(search, ranges, shared, where)
    return Search(
        name=name,
        run=toml_tables.record(PlannedRun, {"label": name, **players, "overrides": shared}, where),
        ranking=toml_tables.record(Ranking, rank, f"{where}: rank"),
        ranges=ranges,
        text=path.read_text(encoding="utf-8"),
        **attrs.asdict(search),
    )


@attrs.frozen(kw_only=True)
class _Content:
    """The plain values of a search file, with their types."""

    title: str
    trials: int
    seed: int = 0
    sampler: str = SAMPLERS[0]
    batch: int = 1
    notes: tuple[str, ...] = ()


def _check(content: _Content, ranges: Mapping[str, Range], shared: Mapping[str, Any], where: str) -> None:
    """Raise BadValue for numbers of [search] that are out of range, and for paths that `set` has too."""
    for key, least in (("trials", 1), ("batch", 1), ("seed", 0)):
        if not least <= getattr(content, key) < 2**31:
            raise BadValue(f"expected {least} or more, got {getattr(content, key)} @ {where}: search.{key}")
    if content.sampler not in SAMPLERS:
        raise BadValue(f"expected one of {', '.join(SAMPLERS)}, got {content.sampler!r} @ {where}: search.sampler")
    if not ranges:
        raise BadValue(
            f'expected hyper-parameters in [search], "learner.NAME" = {{ from = 1, to = 2 }}, got none @ {where}'
        )
    for path in ranges:
        if path in shared:
            raise BadValue(f"expected {path} either in set or in search, got both @ {where}")


def _range(path: str, value: Any, where: str) -> Range:
    where = f"{where}: search.{path}"
    section, dot, _ = path.partition(".")
    if not dot and isinstance(value, Mapping):
        raise BadValue(
            f'expected a name in quotes, "{path}.NAME" = ..., or one of {", ".join(_OWN)}, got {path} @ {where}'
        )
    if not dot:
        toml_tables.only_keys({path: value}, _OWN, where)
    if section in ("fit", "evaluate"):
        raise BadValue(f"expected hyper-parameters of the game or the players, got {path}: put it in set @ {where}")
    if isinstance(value, list):
        if len(value) < 2 or any(value.count(each) > 1 for each in value):
            raise BadValue(f"expected two or more values that differ, got {value!r} @ {where}")
        return Choices(tuple(value))
    if not isinstance(value, Mapping):
        raise BadValue(f"expected {{ from = LOW, to = HIGH }} or a list of values, got {value!r} @ {where}")
    toml_tables.only_keys(value, ("from", "to", "scale"), where)
    for key in ("from", "to"):
        number = value.get(key)
        if isinstance(number, bool) or not isinstance(number, (int, float)) or not math.isfinite(number):
            raise BadValue(f"expected a number for {key}, got {number!r} @ {where}")
    low, high, scale = value["from"], value["to"], value.get("scale", _SCALES[0])
    if scale not in _SCALES:
        raise BadValue(f"expected one of {', '.join(_SCALES)}, got {scale!r} @ {where}.scale")
    if not low < high:
        raise BadValue(f"expected from < to, got from = {low} and to = {high} @ {where}")
    if scale == "log" and low <= 0:
        raise BadValue(f'expected from > 0 for scale = "log", got {low} @ {where}')
    return Numbers(low, high, log=scale == "log", whole=isinstance(low, int) and isinstance(high, int))
