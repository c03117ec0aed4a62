"""Builds the summary of a search; `search_report` documents it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from meva_core.studies import found_recipe, reproductions, search_report
from meva_core.studies.searches import Choices, Range
from meva_core.studies.trials import RECIPE, Planner, Trial

SCHEMA = 1


def summary(
    planner: Planner, trials: Sequence[Trial], summaries: Mapping[str, Any], registry_file: Path | None
) -> dict[str, Any]:
    """Build the content of summary.json. summaries: those of the runs with a number, by hash."""
    search, first = planner.search, dict[Any, Trial]()
    for trial in sorted(trials, key=lambda trial: trial.label == RECIPE):  # after equal trials
        run = trial.hash or str(trial.values)
        first.setdefault((run, trial.label == RECIPE), trial)
    of_label = {trial.label: trial for trial in first.values()}
    told = {label: summaries.get(trial.hash or "") for label, trial in of_label.items()}
    ranked = reproductions.ranked(search.ranking, told)
    order = [place.run for place in ranked if place.run != RECIPE]
    places = [
        {
            "rank": order.index(place.run) + 1 if place.run in order and place.ours is not None else None,
            "run": place.run,
            "hash": of_label[place.run].hash,
            "values": planner.numbers(of_label[place.run].values),
            "ours": place.ours,
            "sem": place.sem,
            "seeds": list(place.seeds),
            "worst": place.worst,
            "beside": place.beside,
            "why": of_label[place.run].why,
        }
        for place in ranked
    ]
    best = next((place for place in places if place["rank"] == 1), None)
    return {
        "schema": SCHEMA,
        "name": search.name,
        "title": search.title,
        "notes": list(search.notes),
        "game": search.run.game,
        "learner": search.run.learner,
        "quantity": search.ranking.quantity,
        "at": search.ranking.at,
        "highest": search.ranking.highest,
        "sampler": search.sampler,
        "seed": search.seed,
        "trials": search.trials,
        "seeds": list(planner.seeds),
        "ranges": {path: _range(values) for path, values in search.ranges.items()},
        "runs": {place["run"]: place["hash"] for place in places if place["ours"] is not None},
        "places": places,
        "recipe": RECIPE if RECIPE in of_label else None,
        "best": None if best is None else _best(planner, best, registry_file),
        "differences": reproductions.differences(ranked),
    }


def _range(values: Range) -> Any:
    if isinstance(values, Choices):
        return list(values.values)
    return {"from": values.low, "to": values.high, "scale": "log" if values.log else "linear"}


def _best(planner: Planner, place: Mapping[str, Any], registry_file: Path | None) -> dict[str, Any]:
    search, values = planner.search, place["values"]
    source = (
        f"meva search {search.name}: {place['run']} of {search.trials}, by {search.ranking.quantity}, chosen on "
        f"{search_report.of_seeds(planner.seeds)}"
    )
    recipe = found_recipe.table(planner, values, source)
    exact = found_recipe.is_exact(planner, values, recipe)
    return {
        "run": place["run"],
        "hash": place["hash"],
        "values": values,
        "recipe": recipe,
        "exact": exact,
        "command": found_recipe.command(planner, values, exact=exact, registry_file=registry_file),
    }
