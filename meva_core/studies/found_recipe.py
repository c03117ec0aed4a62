"""The recipe that a search found, and the command that tries it on fresh seeds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from meva_core.errors import MevaError
from meva_core.experiment import resolve
from meva_core.experiment.cookbook import cookbook
from meva_core.registry import recipes
from meva_core.studies.search_report import BEST
from meva_core.studies.trials import Planner, Values

NAME = "found"
FRESH_SEED, FRESH_SEEDS = 1000, 10
_OF_SEEDS = ("fit.seed", "fit.seeds")


def numbers(planner: Planner, values: Values) -> dict[str, Any]:
    """Everything that a trial changes in the recipe of its search, by name in --set, without seeds and evaluations."""
    changed = {**planner.search.run.overrides, **values}
    return {path: v for path, v in changed.items() if path not in _OF_SEEDS and not path.startswith("evaluate.")}


def table(planner: Planner, values: Values, source: str) -> dict[str, Any]:
    """The content of a recipe file with the values of a trial, as recipe `NAME`."""
    run, experiment = planner.search.run, planner.experiment(values)
    sections: dict[str, Any] = {}
    for path, value in numbers(planner, values).items():
        section, _, inner = path.partition(".")
        if section == "learner" and "." in inner:  # a part of the learner
            section, _, inner = inner.partition(".")
        *tables, name = (section, *inner.split("."))
        within = sections
        for each in tables:
            within = within.setdefault(each, {})
        within[name] = value
    sections.pop("opponent", None)  # a recipe is of one learner
    book = cookbook(planner.registry, planner.files, experiment.game.offer, [experiment.learner.offer])
    base = {"base": run.recipe} if book.has(experiment.learner.offer, run.recipe) else {}
    return {
        "recipes": {experiment.game.name: {experiment.learner.name: {NAME: {"source": source, **base, **sections}}}}
    }


def is_exact(planner: Planner, values: Values, content: Mapping[str, Any]) -> bool:
    """True if the recipe in `content`, with --registry, gives the fit of the trial. It does not if an opponent's
    numbers differ from its recipe, or if its base is in a file of the user's."""
    run = planner.search.run
    seeds = {path: run.overrides[path] for path in _OF_SEEDS if path in run.overrides}
    try:
        files = [recipes.shipped(), recipes.parse(content, BEST)]
        again = resolve.resolve(
            planner.registry, files, game=run.game, learner=run.learner, opponents=run.opponents, recipe=NAME,
            overrides=seeds, sampled=run.sampled,
        )  # fmt: skip
    except MevaError:
        return False
    return again.fit_hash == planner.experiment(values).fit_hash


def command(planner: Planner, values: Values, *, exact: bool, registry_file: Path | None) -> list[list[str]]:
    """The words of the command that tries a trial on fresh seeds, grouped by option. The word `BEST` stands for the
    path of best.toml. exact: the result of `is_exact`."""
    run, last = planner.search.run, planner.seeds[-1]
    words = [["meva-run"], ["--game", run.game], ["--learner", run.learner]]
    words += [["--opponent", name] for name in run.opponents] + [["--sampled"]] * run.sampled
    if exact:
        words += [["--registry", BEST], ["--recipe", NAME]]
    else:
        words += [["--registry", str(registry_file)]] * (registry_file is not None)
        words += [["--recipe", run.recipe]] * (run.recipe != "default")
        words += [["--set", f"{path}={_value(value)}"] for path, value in numbers(planner, values).items()]
    return [*words, ["--seed", str(max(FRESH_SEED, last + 1))], ["--seeds", str(FRESH_SEEDS)]]


def _value(value: Any) -> str:
    """A value as --set reads it."""
    return value if isinstance(value, str) else json.dumps(value)
