"""Settings of evaluations that depend on the rest of an experiment."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from meva_core.contracts import conversion
from meva_core.errors import BadValue
from meva_core.experiment.choice import Choice
from meva_core.experiment.cookbook import cookbook
from meva_core.experiment.experiment import Experiment
from meva_core.registry import loading
from meva_core.registry.entries import Registry
from meva_core.registry.recipes import RecipeFile


@attrs.frozen
class About:
    """The information about an experiment that `Evaluation.settle` receives.

    rate: the number that the learner's steps are proportional to (`Learner.paced_by`), in its recipe (or the class's
    default), before overrides; None if there is none. of_recipe: a function from a learner that an evaluation names to
    its hyper-parameters, from its default recipe for the game.
    """

    learner: Choice
    opponents: tuple[Choice, ...]
    rate: float | None
    of_recipe: Callable[[Choice], Mapping[str, Any]]


def settled(registry: Registry, files: Sequence[RecipeFile], experiment: Experiment, rate: float | None) -> Experiment:
    """The experiment, with the evaluation settings that depend on the rest of it filled in. rate: `About.rate`."""

    def of_recipe(choice: Choice) -> Mapping[str, Any]:
        own = cookbook(registry, files, experiment.game.offer, [choice.offer]).find(choice.offer, "default")
        return conversion.structure(loading.load(choice.offer), own.sections["learner"] if own else {}, choice.name)

    about, choices = About(experiment.learner, experiment.opponents, rate, of_recipe), []
    for choice in experiment.evaluations:
        cls = loading.load(choice.offer)
        settings = cls.settle(choice.settings, choice.named, about)
        if not choice.offer.bundled:
            _check_settled(choice, cls, settings)
        choices.append(attrs.evolve(choice, settings=settings))
    return attrs.evolve(experiment, evaluations=tuple(choices))


def _check_settled(choice: Choice, cls: type, settings: Any) -> None:
    """Raise BadPlugin unless `settle` of a third party returns all of the evaluation's settings, with their types."""
    what = "settle(settings, named, about)"
    if not isinstance(settings, Mapping) or settings.keys() != choice.settings.keys():
        raise choice.offer.fault(f"{what}: expected values of {', '.join(choice.settings)}, got {settings!r:.120}")
    try:
        conversion.structure(cls, settings, what)
    except BadValue as error:
        raise choice.offer.fault(str(error)) from error
