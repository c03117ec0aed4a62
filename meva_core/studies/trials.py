"""The trials of a search: the run of each one, and its result."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from meva_core import evaluate
from meva_core.errors import BadCombination, BadValue
from meva_core.evaluate import Plan
from meva_core.experiment import experiment as experiments
from meva_core.experiment import resolve
from meva_core.experiment.compose import compose
from meva_core.experiment.composition import Composition
from meva_core.experiment.experiment import Experiment
from meva_core.registry.entries import Registry
from meva_core.registry.recipes import RecipeFile
from meva_core.report.quantities import of_evaluations
from meva_core.studies import reproductions
from meva_core.studies.jobs import RunJob
from meva_core.studies.searches import Numbers, Search

RECIPE = "recipe"  # the label of the run that changes nothing
Values = Mapping[str, Any]  # of hyper-parameters, by their names in --set


@attrs.frozen(kw_only=True)
class Trial:
    """A trial and its result.

    hash: that of its run, None if its values do not fit together. why: the reason why it counts as the worst, None if
    it has a number.
    """

    label: str
    values: Values
    hash: str | None
    why: str | None = None


@attrs.frozen(kw_only=True)
class Planner:
    """Builds the runs of trials.

    seeds: those of every run. asked: names of the evaluations that they run; None for those that the file sets. sweep:
    the learner's hyper-parameter that is the setting of their row; None for the rows that the file sets, or if there is
    none.
    """

    registry: Registry
    files: Sequence[RecipeFile]
    search: Search
    seeds: tuple[int, ...] = ()
    asked: tuple[str, ...] | None = None
    sweep: str | None = None

    def experiment(self, values: Values) -> Experiment:
        """The experiment of a trial. Raises MevaError for values that are wrong."""
        run, asked = self.search.run, {} if self.asked is None else {"evaluate.asked": list(self.asked)}
        experiment = resolve.resolve(
            self.registry, self.files, game=run.game, learner=run.learner, opponents=run.opponents, recipe=run.recipe,
            overrides={**asked, **run.overrides, **values}, sampled=run.sampled,
        )  # fmt: skip
        if self.sweep is None:
            return experiment
        at = self.search.ranking.at
        row = float(experiment.learner.settings[self.sweep] if at is None else at)
        return attrs.evolve(experiment, evaluate=attrs.evolve(experiment.evaluate, values=(row,)))

    def numbers(self, values: Values) -> dict[str, Any]:
        """The searched hyper-parameters of a trial, by name in --set; of the recipe too, as far as it has them."""
        if values.keys() == self.search.ranges.keys():
            return dict(values)
        own = experiments.dotted(self.experiment(values).to_plain())
        found = {path: own.get(path, own.get(path.removeprefix("learner."))) for path in self.search.ranges}
        return {path: value for path, value in {**found, **values}.items() if value is not None}

    def composed(self, values: Values) -> tuple[Experiment, Composition, Plan]:
        """The experiment of a trial, its composition and its plan. Raises MevaError for values that are wrong."""
        experiment = self.experiment(values)
        composition = compose(experiment)
        return experiment, composition, evaluate.plan(experiment, composition)

    def job(self, values: Values) -> RunJob:
        """The job of a trial. Raises BadCombination for values that do not fit together."""
        return RunJob.of(*self.composed(values))


def planner(registry: Registry, files: Sequence[RecipeFile], search: Search) -> Planner:
    """The planner of a search whose values are known to be right: each was composed at the ends of its range.

    Raises MevaError if a value is wrong, if the runs lack the quantity to rank by, or if no values fit together.
    """
    first = {path: values.ends[0] for path, values in search.ranges.items()}
    ends = [first, *({**first, path: end} for path, values in search.ranges.items() for end in values.ends[1:])]
    plain, refused = Planner(registry=registry, files=files, search=search), []
    for values in ends:
        try:
            found = _lighter(plain, *plain.composed(values))
            break
        except BadCombination as error:  # other values may fit together
            refused.append(error)
    else:
        raise refused[0]
    for values in ends:
        with contextlib.suppress(BadCombination):
            found.job(values)
    return found


def _lighter(plain: Planner, experiment: Experiment, composition: Composition, plan: Plan) -> Planner:
    """The planner of runs with one row, and only with the evaluations that the ranking needs or the file names."""
    search, rows = plain.search, RunJob.of(experiment, composition, plan).rows
    ranking, overrides = search.ranking, search.run.overrides
    rows_set = "evaluate.values" in overrides
    for quantity in (wanted := (ranking.quantity, *ranking.beside)):
        reproductions.check_asked(quantity, ranking.at, rows, "trial", rising=not rows_set)
    sweep = None if plan.sweep is None else plan.sweep.name
    if f"learner.{sweep}" in search.ranges and (rows_set or ranking.at is not None):
        what = "evaluate.values in set" if rows_set else "at in [rank]"
        raise BadValue(f"expected no {what} if learner.{sweep} is searched, since it would replace the searched number")
    asked = None
    if "evaluate.asked" not in overrides:
        named = {path.split(".")[1] for path in overrides if path.startswith("evaluate.")}
        of_each = of_evaluations(composition, plan)
        asked = tuple(name for name, own in of_each.items() if name in named or not set(wanted).isdisjoint(own))
    types = experiments.dotted(experiment.to_plain())
    return attrs.evolve(
        plain,
        search=attrs.evolve(
            search, ranges={path: _typed(path, values, types) for path, values in search.ranges.items()}
        ),
        seeds=tuple(experiment.seeds),
        asked=asked,
        sweep=None if rows_set else sweep,
    )


def _typed(path: str, values: Any, numbers: Mapping[str, Any]) -> Any:
    """The range of a hyper-parameter that is a real number, also if the file gives its ends as whole numbers."""
    own = numbers.get(path, numbers.get(path.removeprefix("learner.")))
    if isinstance(values, Numbers) and values.whole and isinstance(own, float):
        return attrs.evolve(values, low=float(values.low), high=float(values.high), whole=False)
    return values


def number(summary: Mapping[str, Any], search: Search) -> float | None:
    """The mean that ranks a run; None if it is not finite. summary: the content of its summary.json."""
    [place] = reproductions.ranked(search.ranking, {"": dict(summary)})
    return place.ours


def reason_against(summary: Mapping[str, Any], search: Search) -> str | None:
    """The reason why a finished run counts as the worst; None if it has a number over all its seeds."""
    if diverged := summary["diverged"]:
        return f"{len(diverged)} of {len(summary['seeds']) + len(diverged)} seeds diverged"
    return "its payoffs diverged" if number(summary, search) is None else None
