"""Claims about the quality of recipes, and records of measurements that support them, as data. Imports no jax.

In a recipe file (registry.toml, a plugin's own, or `--registry FILE`):

    [claims.NAME]
    says = "what a good fit does"
    game = "logistic"
    learner = "meva"                     # and opponents = [...], recipe = "..."
    set = { "evaluate.values" = [0.95] } # only [evaluate]: a claim is about the recipe's own numbers
    [[claims.NAME.holds]]                # bounds on each fit; all must hold
    quantity = "basins.B"                # dotted name in a row of summary.json; "basins.B" is a share
    at = 0.95                            # the setting of the row, if there are several rows
    at_least = 1.0                       # or at_most

`meva claims` counts the fits that meet a claim, and writes records: one for each kind of machine and number of devices,
in claims.toml, next to the recipe file:

    [[records.NAME]]
    of = "1f0c..."                       # hash of claim and recipe: after a change the record is ignored
    date = 2026-11-26
    machine = "x86-64 CPU, 2 cores"
    devices = 1
    seed = 1000                          # the first seed
    fits = 60
    count = 58                           # number of fits that meet the claim
    at_least = 89                        # percent: the lower end of the 95 % Wilson interval
    versions = { meva = "1.0.0", jax = "0.10.2" }
"""

from __future__ import annotations

import datetime
import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs

from meva_core.errors import BadValue, UnknownName, did_you_mean
from meva_core.registry import recipes
from meva_core.registry.recipes import RECORDS, Played, RecipeFile
from meva_core.registry.toml_tables import record

OF_EVALUATION = "evaluate."


@attrs.frozen(kw_only=True)
class Criterion:
    """A bound on one quantity of a fit's row, at a setting: at least or at most a number."""

    quantity: str
    at: float | None = None
    at_least: float | None = None
    at_most: float | None = None

    def holds(self, found: float | None) -> bool:
        """True if there is a number and it is within the bound."""
        if found is None:
            return False
        return found >= self.at_least if self.at_least is not None else found <= self.at_most  # type: ignore[operator]

    def worst(self, numbers: Sequence[float]) -> float:
        """The worst of the numbers: the smallest for a lower bound, the largest for an upper bound."""
        return min(numbers) if self.at_least is not None else max(numbers)


@attrs.frozen(kw_only=True)
class Claim:
    """A claim about the fits of a recipe. holds: criteria that each fit must meet."""

    name: str
    says: str
    game: str
    learner: str
    opponents: tuple[str, ...] = ()
    recipe: str = "default"
    overrides: Mapping[str, Any] = attrs.field(factory=dict)
    holds: tuple[Criterion, ...]

    def of(self, files: Iterable[RecipeFile], game: Played) -> str:
        """Twelve hexadecimal digits, a hash of the claim (without name and words) and of the numbers of its recipes.

        A record belongs to the claim with the same hash. game: the claim's. Raises UnknownName if a recipe is missing.
        """
        files = list(files)
        has = {name: self.recipe in recipes.names(files, game, name) for name in self.opponents}
        played = [(self.learner, self.recipe), *((name, self.recipe if has[name] else "default") for name in has)]
        found = [recipes.find(files, game, learner, recipe) for learner, recipe in played]
        numbers = [
            {**recipe.sections, **({"payoff_scale": game.payoff_scale} if recipe.of_family else {})}
            for recipe in found
            if recipe is not None
        ]
        asked = {key: value for key, value in attrs.asdict(self).items() if key not in ("name", "says")}
        text = json.dumps([asked, numbers], sort_keys=True, separators=(",", ":"), default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


@attrs.frozen(kw_only=True)
class Count:
    """The number of fits that meet a claim, on a number of devices.

    at_least: percent of all fits, the lower end of the 95 % Wilson interval.
    """

    devices: int
    fits: int
    count: int
    at_least: int

    def __str__(self) -> str:
        """Text for a screen: "58 of 60 fits on 1 device, at least 89 %"."""
        devices = f"{self.devices} device{'s' * (self.devices > 1)}"
        return f"{self.count} of {self.fits} fits on {devices}, at least {self.at_least} %"


@attrs.frozen(kw_only=True)
class Record(Count):
    """A count of fits that meet a claim, with date, machine and versions.

    of: `Claim.of` at the time of the count. seed: the first of consecutive seeds.
    """

    of: str
    date: datetime.date
    machine: str
    seed: int
    versions: Mapping[str, Any]

    def __str__(self) -> str:
        """Text for a screen: "58 of 60 fits on 1 device, at least 89 % (2026-11-26, x86-64 CPU, 2 cores)"."""
        return f"{super().__str__()} ({self.date}, {self.machine})"

    def replaces(self, other: Record) -> bool:
        """True if the other record is of an older claim or recipe, or of the same machine and number of devices."""
        return self.of != other.of or (self.machine, self.devices) == (other.machine, other.devices)


def names(files: Iterable[RecipeFile]) -> list[str]:
    """Names of all claims, in order."""
    return list(dict.fromkeys(name for file in files for name in file.claims))


def find(files: Iterable[RecipeFile], name: str) -> Claim:
    """A claim, from the last file that has it. Raises UnknownName if none has, BadValue if its layout is wrong."""
    tables = {name: table for file in files for name, table in file.claims.items()}
    if name not in tables:
        raise UnknownName(f"unknown claim {name!r}{did_you_mean(name, tables)}")
    return parse(name, tables[name], f"claims.{name}")


def parse(name: str, table: Mapping[str, Any], where: str) -> Claim:
    """A claim from its table. Raises BadValue, which says at which place in `where` the layout is wrong."""
    if not re.fullmatch(r"[A-Za-z][\w.-]*", name):
        raise BadValue(f"expected a name that can be a folder's (letters, digits, - and _), got {name!r} @ {where}")
    content = {**table, "name": name}
    if "set" in content:
        content["overrides"] = content.pop("set")
    given = content.get("holds", [])
    if not isinstance(given, list) or not given:
        raise BadValue(f"expected a list of tables [[{where}.holds]], got {given or 'none'} @ {where}")
    content["holds"] = tuple(_criterion(each, f"{where}.holds[{n}]") for n, each in enumerate(given))
    claim = record(Claim, content, where)
    for path in claim.overrides:
        if not path.startswith(OF_EVALUATION):
            raise BadValue(
                f"expected evaluate.NAME, since a claim is about a recipe as it stands, got {path!r} @ {where}"
            )
    return claim


def check(file: RecipeFile) -> None:
    """Raise BadValue if the layout of a claim of the file, or of a record of its claims, is wrong."""
    for name in file.claims:
        find([file], name)
    parse_records(file.records, RECORDS)


def _criterion(table: Any, where: str) -> Criterion:
    found = record(Criterion, table, where)
    if (found.at_least is None) == (found.at_most is None):
        raise BadValue(f"expected either at_least or at_most @ {where}")
    return found


def parse_records(tables: Mapping[str, Any], where: str) -> dict[str, list[Record]]:
    """Records by the names of their claims. Raises BadValue if the layout is wrong."""
    return {name: _records(content, f"{where}: records.{name}") for name, content in tables.items()}


def _records(content: Any, where: str) -> list[Record]:
    if isinstance(content, Mapping):
        raise BadValue(
            f"expected a list of tables [[records.NAME]], got a single table: count again with meva claims "
            f"--record, into a new file @ {where}"
        )
    if not isinstance(content, list):
        raise BadValue(f"expected a list of tables [[records.NAME]], got {content!r} @ {where}")
    return [_record(each, f"{where}[{n}]") for n, each in enumerate(content)]


def _record(table: Any, where: str) -> Record:
    read = record(Record, table, where)
    if not (read.devices >= 1 and 0 <= read.count <= read.fits and 0 <= read.at_least <= 100):
        raise BadValue(
            f"expected a count of fits and a percentage, got {read.count} of {read.fits}, {read.at_least} % @ {where}"
        )
    return read


def measured(
    files: Iterable[RecipeFile], game: Played, learner: str, recipe: str, opponents: Sequence[str] = ()
) -> list[str]:
    """Sentences on the records of a recipe, one for each claim about it.

    A claim without records, or whose records are older than a change of claim or recipe, has none. Raises BadValue if a
    record is damaged.
    """
    files = list(files)
    tables = {name: content for file in files for name, content in file.records.items()}
    recipe_of = (game.name, learner, recipe, tuple(opponents))
    sentences = []
    for claim in (find(files, name) for name in names(files) if name in tables):
        if (claim.game, claim.learner, claim.recipe, claim.opponents) != recipe_of:
            continue
        records = parse_records({claim.name: tables[claim.name]}, RECORDS)[claim.name]
        of = claim.of(files, game)
        if valid := [str(record) for record in records if record.of == of]:
            sentences.append(f"{claim.says}: {'; '.join(valid)}")
    return sentences
