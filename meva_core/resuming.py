"""What may be different where a run is gone on with: nothing that decides its fit, but that it may be longer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from meva_core import checkpoint, keeping, resolving
from meva_core import experiment as experiments
from meva_core.compose import Composition, compose
from meva_core.errors import BadValue
from meva_core.experiment import Experiment
from meva_core.registry import Registry


def revised(known: Registry, out: Path, overrides: Mapping[str, Any]) -> Experiment:
    """The experiment in `out` with some hyper-parameters changed: how it is evaluated, or a longer fit. BadValue
    where that would be another fit."""
    was = experiments.read(known, out / "experiment.toml")
    now = resolving.revised(known, was, overrides)
    check(now, was.of_fit, compose(known, now), out)
    return now


def check(experiment: Experiment, there: Mapping[str, Any], composition: Composition, out: Path) -> None:
    """`there`: what decided the fit that `out` holds, as plain tables. BadValue lists what is different."""
    longer = _extended_by(composition)
    found = differences(there, experiment.of_fit)
    if longer in found and found[longer][0] < found[longer][1]:
        del found[longer]
    if not found:
        return
    listed = ", ".join(f"{path} = {_shown(here)} (was {_shown(was)})" for path, (was, here) in found.items())
    hint = f"; only {longer} may be raised" if longer else "; no schedule here allows more loops"
    raise BadValue(
        f"expected the hyper-parameters that the fit in {out} was begun with, got {listed}: "
        f"put them back, or begin a run of its own{hint}"
    )


def check_folder(experiment: Experiment, composition: Composition, out: Path) -> None:
    """The same for all fits that `out` holds checkpoints of."""
    for player in composition.players:
        there = checkpoint.experiment_of(out / keeping.CHECKPOINTS / player.path)
        if there is not None:
            check(experiment, there, composition, out)


def differences(there: Any, here: Any, path: str = "") -> dict[str, tuple[Any, Any]]:
    """Dotted paths of what is not the same in two plain tables, with the values, None for what is missing."""
    first, second = _as_table(there), _as_table(here)
    if first is None or second is None:
        return {} if there == here else {path: (there, here)}
    found: dict[str, tuple[Any, Any]] = {}
    for key in dict.fromkeys([*first, *second]):
        inner = f"{path}.{key}" if path else str(key)
        found |= differences(first.get(key), second.get(key), inner)
    return found


def _as_table(value: Any) -> Mapping[str, Any] | None:
    """A table, or a list of tables as one from numbers that begin at 1."""
    if isinstance(value, list) and value and all(isinstance(item, Mapping) for item in value):
        return {str(n): item for n, item in enumerate(value, 1)}
    return value if isinstance(value, Mapping) else None


def _extended_by(composition: Composition) -> str | None:
    """The one hyper-parameter that makes the fit longer and nothing else, dotted."""
    built = composition.rehearse()
    fitted = [(p.path, one.training) for p, one in zip(composition.players, built, strict=True) if one.training]
    if len(fitted) != 1:  # of several, one may have been fitted against the other
        return None
    path, training = fitted[0]
    return f"{path}.{training.extended_by}" if training.extended_by else None


def _shown(value: Any) -> str:
    return "unset" if value is None else repr(value)
