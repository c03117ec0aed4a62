"""Reproductions: what a publication reports, as data: runs to make, claims to hold them against. Imports no jax.

In a recipe file (registry.toml, a plugin's own, or `--registry FILE`):

    [reproductions.NAME]
    title = "what it is"
    source = "where it was published"
    picture = "basins"                   # of the runs, drawn together: one of PICTURES
    runs_of = "OTHER"                    # the same runs as of another reproduction; or else
    [reproductions.NAME.runs.LABEL]      # in the order of the rows of the picture
    game = "logistic"
    learner = "lola"                     # and opponents = [...], recipe = "..."
    set = { "evaluate.values" = [1.0] }  # as --set
    quick = { "fit.seeds" = 1 }          # over `set`, with --quick
    [[reproductions.NAME.claims]]
    says = "what the publication says"
    run = "LABEL"
    at = 1.0                             # the row's setting, where there are several
    quantity = "self_play"               # of a row of summary.json, dotted; "basins.B" is a share
    published = -1.0                     # with `within` (or 2 standard errors); or at_least, at_most;
                                         # or above = "LABEL" (at the same setting, or its only one); or rising = true
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs

from meva_core.errors import BadValue, UnknownName, did_you_mean
from meva_core.recipes import RecipeFile

PICTURES = ("payoffs", "basins", "trajectories", "contours")
KINDS = ("published", "at_least", "at_most", "above", "rising")  # what a claim can compare with
SEMS = 2.0  # standard errors by which a number may differ from a published one, where the claim says nothing


@attrs.frozen(kw_only=True)
class Run:
    """What `meva-run` would be asked."""

    label: str
    game: str
    learner: str
    opponents: tuple[str, ...] = ()
    recipe: str = "default"
    overrides: Mapping[str, Any] = attrs.field(factory=dict)
    quick: Mapping[str, Any] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Claim:
    """What is published about one quantity of one run; exactly one of KINDS is given."""

    says: str
    run: str
    quantity: str
    at: float | None = None
    published: float | None = None
    within: float | None = None
    at_least: float | None = None
    at_most: float | None = None
    above: str | None = None
    rising: bool | None = None


@attrs.frozen(kw_only=True)
class Reproduction:
    """A figure or table of a publication."""

    name: str
    title: str
    source: str
    picture: str
    runs: tuple[Run, ...]
    claims: tuple[Claim, ...]


@attrs.frozen(kw_only=True)
class Verdict:
    """A claim and what was found: ours and its standard error (None where there is none), what was expected in
    words, ours less the published number, and whether the claim holds (None where ours is no number)."""

    claim: Claim
    ours: float | None
    sem: float | None
    expected: str
    difference: float | None
    holds: bool | None


def names(files: Iterable[RecipeFile]) -> list[str]:
    """In order."""
    return list(dict.fromkeys(name for file in files for name in file.reproductions))


def find(files: Iterable[RecipeFile], name: str) -> Reproduction:
    """From the last file that has it. UnknownName; BadValue where its layout is wrong."""
    tables = {name: table for file in files for name, table in file.reproductions.items()}
    table = _named(tables, name)
    runs = _named(tables, table["runs_of"]) if "runs_of" in table else table
    return _parse(name, {key: value for key, value in table.items() if key != "runs_of"}, runs.get("runs", {}))


def _named(tables: Mapping[str, Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    if name not in tables:
        raise UnknownName(f"unknown reproduction {name!r}{did_you_mean(name, tables)}")
    return tables[name]


def verdicts(asked: Reproduction, summaries: Mapping[str, dict[str, Any]]) -> list[Verdict]:
    """Every claim, given the content of each run's summary.json by the run's label."""
    return [_verdict(claim, summaries) for claim in asked.claims]


def check(asked: Reproduction, settings: Mapping[str, Sequence[float]]) -> None:
    """BadValue where a claim is about a setting that its run will not have: by label, (nan,) of a run of one row
    without a setting."""
    for claim in asked.claims:
        for label in (claim.run, *([claim.above] if claim.above else [])):
            if not claim.rising:
                _index(claim.at, [None if math.isnan(value) else value for value in settings[label]], label)


def _verdict(claim: Claim, summaries: Mapping[str, dict[str, Any]]) -> Verdict:
    if claim.rising:
        return _rising(claim, summaries[claim.run]["rows"])
    ours, sem = _quantity(claim.quantity, _row(summaries[claim.run], claim.at))
    difference, expected, holds = None, "", None
    if claim.published is not None:
        within = claim.within if claim.within is not None else SEMS * (sem or 0.0)
        expected = f"{claim.published:g}" + (f" ± {claim.within:g}" if claim.within is not None else "")
        difference = None if ours is None else ours - claim.published
        holds = None if difference is None else abs(difference) <= within
    elif claim.above is not None:
        other, _ = _quantity(claim.quantity, _row(summaries[claim.above], claim.at))
        expected = f"above {claim.above}" + ("" if other is None else f", {other:.3g}")
        holds = None if ours is None or other is None else ours > other
    elif claim.at_least is not None:
        expected, holds = f"at least {claim.at_least:g}", None if ours is None else ours >= claim.at_least
    elif claim.at_most is not None:
        expected, holds = f"at most {claim.at_most:g}", None if ours is None else ours <= claim.at_most
    return Verdict(claim=claim, ours=ours, sem=sem, expected=expected, difference=difference, holds=holds)


def _rising(claim: Claim, rows: list[dict[str, Any]]) -> Verdict:
    """From setting to setting, but for two standard errors of the step."""
    found = [_quantity(claim.quantity, row) for row in rows]
    numbers = [(mean, sem or 0.0) for mean, sem in found if mean is not None]
    holds = None
    if len(numbers) == len(found):
        steps = itertools.pairwise(numbers)
        holds = all(after - before >= -SEMS * math.hypot(sem, earlier) for (before, earlier), (after, sem) in steps)
    return Verdict(claim=claim, ours=found[-1][0], sem=found[-1][1], expected="rising", difference=None, holds=holds)


def _row(summary: dict[str, Any], at: float | None) -> dict[str, Any]:
    rows = summary["rows"]
    return rows[_index(at, [row["value"] for row in rows], summary["learner"])]


def _index(at: float | None, values: Sequence[float | None], run: str) -> int:
    """Of the setting; of the only one, where `at` does not say or the run has no settings."""
    if len(values) == 1 and (at is None or values[0] is None):
        return 0
    for n, value in enumerate(values):
        if at is not None and value is not None and math.isclose(value, at):
            return n
    there = ", ".join(f"{value:g}" for value in values if value is not None)
    raise BadValue(f"expected a claim about run {run} to be at one of its settings {there}, got at = {at}")


def _quantity(path: str, row: dict[str, Any]) -> tuple[float | None, float | None]:
    """Mean and standard error; of basins the share of the starts."""
    found: Any = row
    for name in path.split("."):
        if not isinstance(found, Mapping) or name not in found:
            raise BadValue(f"expected a quantity of a row of summary.json, got {path!r}")
        found = found[name]
    if isinstance(found, Mapping) and "cells" in found:
        mean, sem, of = found["cells"]["mean"], found["cells"]["sem"], found["of"]
        return mean / of, None if sem is None else sem / of
    if not isinstance(found, Mapping) or "mean" not in found:
        raise BadValue(f"expected a quantity with a mean, got {path!r}")
    return found["mean"], found.get("sem")


def _parse(name: str, table: Mapping[str, Any], of_runs: Mapping[str, Any]) -> Reproduction:
    where = f"reproductions.{name}"
    runs = tuple(_run(label, run, f"{where}.runs.{label}") for label, run in of_runs.items())
    claims = []
    for n, claim in enumerate(table.get("claims", [])):
        path = f"{where}.claims[{n}]"
        made = _made(Claim, claim, path)
        if sum(getattr(made, kind) is not None for kind in KINDS) != 1:
            raise BadValue(f"expected exactly one of {', '.join(KINDS)} @ {path}")
        for label in filter(None, (made.run, made.above)):
            if label not in (run.label for run in runs):
                raise BadValue(f"unknown run {label!r}{did_you_mean(label, [run.label for run in runs])} @ {path}")
        claims.append(made)
    rest = {key: value for key, value in table.items() if key not in ("runs", "claims")}
    whole = {"picture": PICTURES[0], **rest, "name": name, "runs": runs, "claims": tuple(claims)}
    found = _made(Reproduction, whole, where)
    if found.picture not in PICTURES:
        raise BadValue(f"expected one of {', '.join(PICTURES)}, got {found.picture!r} @ {where}.picture")
    if not runs:
        raise BadValue(f"expected at least one run @ {where}.runs")
    return found


def _run(label: str, table: Mapping[str, Any], where: str) -> Run:
    content = dict(table)
    if "set" in content:
        content["overrides"] = content.pop("set")
    if "opponents" in content:
        content["opponents"] = tuple(content["opponents"])
    return _made(Run, {**content, "label": label}, where)


# What each field may hold, by its annotation.
_TOML: dict[str, tuple[Any, str]] = {
    "str": (str, "text"),
    "str | None": (str, "text"),
    "float | None": ((int, float), "a number"),
    "bool | None": (bool, "true"),
    "Mapping[str, Any]": (dict, "a table"),
}


def _made(cls: type, content: Mapping[str, Any], where: str) -> Any:
    types = {field.name: str(field.type) for field in attrs.fields(cls)}
    for key, value in content.items():
        if key not in types:
            raise BadValue(f"unknown key {key!r}{did_you_mean(key, types)} @ {where}")
        expected, what = _TOML.get(types[key], (object, ""))
        if not isinstance(value, expected) or (isinstance(value, bool) and expected is not bool):
            raise BadValue(f"expected {what}, got {value!r} @ {where}.{key}")
    try:
        return cls(**content)
    except TypeError as error:
        raise BadValue(f"{error} @ {where}") from error
