"""Reproductions: the results of a publication as data, with the runs to make and the claims to check. Imports no jax.

A reproduction is a table in a recipe file (registry.toml, a plugin's own, or `--registry FILE`). It can also have its
own file NAME.toml, which a recipe file lists among its studies; that file omits the leading reproductions.NAME:

    [reproductions.NAME]
    title = "a title"
    source = "where it was published"
    picture = "basins"                   # picture of the runs: one of PICTURES, or one that an evaluation offers
    notes = ["notes for the reader"]
    runs_of = "OTHER"                    # use the runs of another reproduction; or else:
    [reproductions.NAME.every]           # shared by all runs; a run can replace an entry
    [reproductions.NAME.runs.LABEL]      # in the order of the picture's rows
    game = "logistic"
    learner = "lola"                     # and opponents = [...], recipe = "..."; or, for a tournament,
    learners = ["naive", "lola"]
    sampled = true                       # like --sampled; of a tournament in `set`
    set = { "evaluate.values" = [1.0] }  # like --set; a tournament also accepts its own
                                         # settings: seed, seeds, trials, steps, recipe, sampled, evaluate
    quick = { "fit.seeds" = 1 }          # with --quick, these replace entries of `set`
    [reproductions.NAME.runs.LABEL.published]  # tournaments only: one claim per cell
    naive = { lola = -1.377 }            # the row's payoff against the column; also published_sem = { naive = 0.01 }
    [[reproductions.NAME.claims]]
    says = "the statement of the publication"
    run = "LABEL"
    at = 1.0                             # the row's setting, if there are several
    quantity = "self_play"               # dotted name in a summary.json row; "basins.B" is a share. In a tournament,
                                         # "naive.lola" is a cell, "naive.lola.CC" a measure of this match, and
                                         # "naive.best_response.ours" what an evaluation says of naive
    published = -1.0                     # optionally with published_sem or within; or else at_least, at_most,
                                         # above = "LABEL" (at the same setting or its only one), or rising = true
    [reproductions.NAME.ranking]         # compares the runs with each other
    quantity = "errors.td"
    at = 0.95
    highest = false                      # true if a higher number is better
    published = { LABEL = 0.05 }         # ranked next to our numbers
    beside = ["self_play"]               # other quantities to show
    [reproductions.NAME.chart]           # for the pictures lines and maps, whose runs have labels "LINE, SETTING VALUE"
    quantities = ["self_play"]           # a line of panels for each, with a panel for each setting
    says = ["payoff in self-play"]       # what each is, in words; by default its name
    at = 0.95                            # lines: the row's setting, if there are several; maps show all rows
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from meva_core.errors import BadValue, UnknownName, did_you_mean
from meva_core.registry.recipes import RecipeFile
from meva_core.registry.toml_reading import read_toml
from meva_core.registry.toml_tables import record
from meva_core.registry.toml_tables import table as toml_table
from meva_core.studies import entrants
from meva_core.studies.reproductions.labels import settings

PICTURES = ("payoffs", "heat-maps", "ranking", "lines", "maps")  # evaluations offer more
CHARTS = ("lines", "maps")  # pictures that need a table `chart`
KINDS = ("published", "at_least", "at_most", "above", "rising")  # fields that hold the expected value of a claim


@attrs.frozen(kw_only=True)
class PlannedRun:
    """A run with the arguments of `meva-run`; with `learners`, a tournament with the published cells in `published`."""

    label: str
    game: str
    learner: str = ""
    learners: tuple[str, ...] = ()
    published: Mapping[str, Any] = attrs.field(factory=dict)
    published_sem: Mapping[str, Any] = attrs.field(factory=dict)
    opponents: tuple[str, ...] = ()
    recipe: str = "default"
    sampled: bool = False
    overrides: Mapping[str, Any] = attrs.field(factory=dict)
    quick: Mapping[str, Any] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Claim:
    """A published statement about one quantity of one run; exactly one of the fields in KINDS is set."""

    says: str
    run: str
    quantity: str
    at: float | None = None
    published: float | None = None
    published_sem: float | None = None
    within: float | None = None
    at_least: float | None = None
    at_most: float | None = None
    above: str | None = None
    rising: bool | None = None


@attrs.frozen(kw_only=True)
class Ranking:
    """A ranking of the runs by a quantity, with the published numbers for comparison."""

    quantity: str
    at: float | None = None
    highest: bool = False
    published: Mapping[str, Any] = attrs.field(factory=dict)
    beside: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Chart:
    """Quantities of all runs over a setting that their labels name."""

    quantities: tuple[str, ...]
    says: tuple[str, ...] = ()
    at: float | None = None

    @property
    def panels(self) -> dict[str, str]:
        """The quantities, by what they are in words."""
        return dict(zip(self.says or self.quantities, self.quantities, strict=True))


@attrs.frozen(kw_only=True)
class Reproduction:
    """A figure or table of a publication."""

    name: str
    title: str
    source: str
    picture: str
    runs: tuple[PlannedRun, ...]
    claims: tuple[Claim, ...]
    ranking: Ranking | None = None
    chart: Chart | None = None
    notes: tuple[str, ...] = ()


def names(files: Iterable[RecipeFile]) -> list[str]:
    """Names of the reproductions in the recipe files, in order and without duplicates."""
    return list(dict.fromkeys(name for file in files for name in (*file.studies, *file.reproductions)))


def find(files: Iterable[RecipeFile], name: str) -> Reproduction:
    """The reproduction `name`, from the last recipe file that has it.

    Raises UnknownName if no file has it, BadFolder if its own file cannot be read, and BadValue if its layout is wrong.
    """
    where_to_look = {name: file for file in files for name in names([file])}
    table, where = _named(where_to_look, name), f"reproductions.{name}"
    if not isinstance(shared := table.get("runs_of", name), str):
        raise BadValue(f"expected a name, got {shared!r} @ {where}.runs_of")
    of = _named(where_to_look, shared)
    every = toml_table(of.get("every", {}), f"reproductions.{shared}.every")
    runs = {
        label: _over(every, run, f"reproductions.{shared}.runs.{label}")
        for label, run in toml_table(of.get("runs", {}), f"reproductions.{shared}.runs").items()
    }
    rest = {key: value for key, value in table.items() if key not in ("runs_of", "every")}
    return parse(name, rest, runs, where)


def _over(every: Mapping[str, Any], run: Any, where: str) -> dict[str, Any]:
    """Merge a run's table over the shared table `every`; `set` and `quick` are merged entry by entry."""
    run = toml_table(run, where)
    shared = [key for key in ("set", "quick") if key in every and key in run]
    both = {key: {**toml_table(every[key], f"every.{key}"), **toml_table(run[key], f"{where}.{key}")} for key in shared}
    return {**every, **run, **both}


def _named(files: Mapping[str, RecipeFile], name: str) -> Mapping[str, Any]:
    """The table of a reproduction, from its recipe file or read from its own file.

    Raises UnknownName if no recipe file has it.
    """
    if name not in files:
        raise UnknownName(f"unknown reproduction {name!r}{did_you_mean(name, files)}")
    tables = files[name].reproductions
    return tables[name] if name in tables else read_toml(files[name].studies[name])


def parse(name: str, table: Mapping[str, Any], of_runs: Mapping[str, Any], where: str) -> Reproduction:
    """Build a reproduction from its table and the tables of its runs.

    where: the table's dotted name, for error messages. Raises BadValue if the layout is wrong.
    """
    if not re.fullmatch(r"\w[\w. +-]*", name):
        raise BadValue(f"expected a name that can be a folder's (letters, digits, - and _), got {name!r} @ {where}")
    runs = tuple(_run(label, run, f"{where}.runs.{label}") for label, run in of_runs.items())
    labels = [run.label for run in runs]
    claims = [claim for run in runs for claim in _cells(run)]
    if not isinstance(claim_tables := table.get("claims", []), list):
        raise BadValue(f"expected a list of tables, got {claim_tables!r} @ {where}.claims")
    for n, content in enumerate(claim_tables):
        path = f"{where}.claims[{n}]"
        claim = record(Claim, content, path)
        if sum(getattr(claim, kind) is not None for kind in KINDS) != 1 or claim.rising is False:
            raise BadValue(f"expected exactly one of {', '.join(KINDS)} @ {path}")
        _check_labels([label for label in (claim.run, claim.above) if label], labels, path)
        claims.append(claim)
    ranking = None
    if "ranking" in table:
        ranking = record(Ranking, table["ranking"], f"{where}.ranking")
        _check_labels(ranking.published, labels, f"{where}.ranking.published")
        for label, number in ranking.published.items():
            _number(number, f"{where}.ranking.published.{label}")
    chart = None
    if "chart" in table:
        chart = record(Chart, table["chart"], f"{where}.chart")
        if not chart.quantities or (chart.says and len(chart.says) != len(chart.quantities)):
            raise BadValue(f"expected quantities, and as many entries of says, or none, @ {where}.chart")
    rest = {key: value for key, value in table.items() if key not in ("runs", "claims", "ranking", "chart")}
    parts = {"runs": runs, "claims": tuple(claims), "ranking": ranking, "chart": chart}
    whole = {"picture": PICTURES[0], **rest, "name": name, **parts}
    reproduction = record(Reproduction, whole, where)
    if not runs:
        raise BadValue(f"expected at least one run @ {where}.runs")
    if (reproduction.picture == "ranking") > (ranking is not None):
        raise BadValue(f"expected a table [{where}.ranking] for picture ranking, got none @ {where}")
    if (reproduction.picture in CHARTS) > (chart is not None):
        raise BadValue(f"expected a table [{where}.chart] for picture {reproduction.picture}, got none @ {where}")
    if reproduction.picture in CHARTS:
        try:
            found = settings(labels)
        except BadValue as error:
            raise BadValue(f"{error} @ {where}.runs") from error
        if reproduction.picture == "maps" and chart is not None and chart.at is not None:
            raise BadValue(f"expected no chart.at for maps, which show all rows, got {chart.at:g} @ {where}.chart")
        if reproduction.picture == "maps" and len(found) > 1:
            raise BadValue(f"expected runs over one setting for maps, got {' and '.join(found)} @ {where}.runs")
    tournaments = [bool(run.learners) for run in runs]
    if any(tournaments) != (reproduction.picture == "heat-maps") or any(tournaments) != all(tournaments):
        raise BadValue(f"expected runs that are all tournaments and picture heat-maps, or neither, @ {where}")
    return reproduction


def _number(value: Any, where: str) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise BadValue(f"expected a number, got {value!r} @ {where}")


def _check_labels(used: Iterable[str], labels: list[str], where: str) -> None:
    for label in used:
        if label not in labels:
            raise BadValue(f"unknown run {label!r}{did_you_mean(label, labels)} @ {where}")


def _cells(run: PlannedRun) -> Iterable[Claim]:
    """One claim for each published cell of a tournament."""
    for row, columns in run.published.items():
        for column, payoff in columns.items():
            yield Claim(
                says=f"{row} against {column} on {run.game}",
                run=run.label,
                quantity=f"{row}.{column}",
                published=payoff,
                published_sem=run.published_sem.get(row),
            )


def _run(label: str, table: Any, where: str) -> PlannedRun:
    content = dict(toml_table(table, where))
    if "set" in content:
        content["overrides"] = content.pop("set")
    run = record(PlannedRun, {**content, "label": label}, where)
    if bool(run.learner) == bool(run.learners):
        raise BadValue(f"expected either a learner, or the learners of a tournament @ {where}")
    if run.learners and (run.opponents or run.recipe != "default" or run.sampled):
        raise BadValue(
            f"expected no opponents, recipe or sampled beside learners: a tournament has them in set @ {where}"
        )
    labels = [entrants.parse(text).label for text in run.learners]
    for row, columns in run.published.items():
        for column, payoff in (columns if isinstance(columns, Mapping) else {"": columns}).items():
            if row not in labels or column not in labels:
                raise BadValue(f"expected cells of {', '.join(labels)}, got {row}.{column} @ {where}.published")
            _number(payoff, f"{where}.published.{row}.{column}")
    for row, sem in run.published_sem.items():
        _number(sem, f"{where}.published_sem.{row}")
    return run
