"""Checks on resume: the training hyper-parameters must be unchanged, except that training may be extended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from meva_core.errors import BadValue
from meva_core.experiment import experiment as experiments
from meva_core.experiment import reading, resolve
from meva_core.experiment.compose import compose
from meva_core.experiment.composition import Composition
from meva_core.experiment.experiment import Experiment
from meva_core.registry.entries import Registry
from meva_core.registry.recipes import RecipeFile
from meva_core.storage import checkpoint, kept_fit


def revised(registry: Registry, files: Sequence[RecipeFile], out: Path, overrides: Mapping[str, Any]) -> Experiment:
    """The experiment in `out` with some hyper-parameters changed: its evaluation, or a longer fit. Raises BadValue if
    the changes would alter the fit in any other way."""
    was = reading.read(registry, out / "experiment.toml")
    now = resolve.revised(registry, files, was, overrides)
    check(now, was.of_fit, compose(now), out)
    return now


def check(experiment: Experiment, stored: Mapping[str, Any], composition: Composition, out: Path) -> None:
    """Raise BadValue that lists the differences, unless the experiment has the fit that `out` holds, or a longer one.

    stored: everything that decided the stored fit, as plain tables.
    """
    longer, hint = _longer(composition)
    changes = differences(stored, experiment.of_fit)
    if longer in changes and changes[longer][0] < changes[longer][1]:
        del changes[longer]
    if not changes:
        return
    listed = ", ".join(f"{path} = {_shown(here)} (was {_shown(was)})" for path, (was, here) in changes.items())
    raise BadValue(
        f"expected the hyper-parameters with which the fit in {out} was started, got {listed}: "
        f"restore them, or start a new run{hint}"
    )


def check_folder(experiment: Experiment, composition: Composition, out: Path) -> None:
    """Run `check` for every fit that `out` holds checkpoints of."""
    for fit in composition.fits:
        stored = checkpoint.experiment_of(out / kept_fit.CHECKPOINTS / composition.path_of(fit))
        if stored is not None:
            check(experiment, stored, composition, out)


def differences(stored: Mapping[str, Any], here: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Values that differ between two experiments, by dotted name; None stands for a missing one."""
    was, now = experiments.dotted(stored), experiments.dotted(here)
    names = dict.fromkeys([*was, *now])
    return {name: (was.get(name), now.get(name)) for name in names if was.get(name) != now.get(name)}


def _longer(composition: Composition) -> tuple[str | None, str]:
    """Dotted name of the one hyper-parameter that makes the fit longer and nothing else, or None; and a clause about
    it."""
    built = composition.rehearse()
    fitted = [(p.path, one.training) for p, one in zip(composition.players, built, strict=True) if one.training]
    if not fitted:
        return None, ""
    path, training = fitted[0]
    if len(fitted) > 1 or not training.extended_by:
        return None, "; this fit cannot be made longer: a schedule, or a second fit, depends on its length"
    return f"{path}.{training.extended_by}", f"; only {path}.{training.extended_by} may be raised"


def _shown(value: Any) -> str:
    return "unset" if value is None else repr(value)
