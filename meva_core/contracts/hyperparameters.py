"""The fields of components: hyper-parameters and parts of a class, and the values that an object holds."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from typing import Any

import attrs
import jax
import numpy as np

from meva_core.contracts.hooks import PARTS
from meva_core.contracts.protocols import Learner
from meva_core.contracts.validators import Check


@attrs.frozen
class Hyperparameter:
    """One hyper-parameter of a component class: its name, type, default, meaning and check."""

    name: str
    type: Any
    default: Any  # attrs.NOTHING if there is none
    doc: str
    check: Check | None
    per_payoff: bool = False
    names: str = ""  # the kind of component that its value names

    @property
    def required(self) -> bool:
        """True if there is no default, so the user must give a value."""
        return self.default is attrs.NOTHING


def hyperparameters(cls: type) -> tuple[Hyperparameter, ...]:
    """Leaves and statics of a component class, in order of definition."""
    hints = typing.get_type_hints(cls)
    return tuple(
        Hyperparameter(
            f.name,
            hints.get(f.name, Any),
            f.default,
            *(f.metadata[key] for key in ("doc", "check", "per_payoff", "names")),
        )
        for f in attrs.fields(cls)
        if f.metadata.get("kind") in ("leaf", "static")
    )


def pace(learner: type) -> Hyperparameter | None:
    """The hyper-parameter that the steps of a learner's class are proportional to (`Learner.paced_by`), if any."""
    name = getattr(learner, "paced_by", Learner.paced_by)
    return next((h for h in hyperparameters(learner) if h.name == name), None)


def parts(cls: type) -> tuple[str, ...]:
    """Names of the fields that hold other components."""
    return tuple(f.name for f in attrs.fields(cls) if f.metadata.get("kind") == "part")


def part_kinds(cls: type) -> dict[str, str]:
    """The parts of a class that users choose, in order of definition: name -> the kind of component that it takes."""
    fields = {f.name: f.metadata["of_kind"] or f.name for f in attrs.fields(cls) if f.metadata.get("kind") == "part"}
    return {name: kind for name, kind in fields.items() if kind in PARTS}


def settings(self: Any) -> dict[str, Any]:
    """The hyper-parameters of a component as a plain dictionary."""
    return {h.name: getattr(self, h.name) for h in hyperparameters(type(self))}


def copies(self: Any) -> int | None:
    """The number S of components that are stacked in one, every leaf [S, ...], as for fits of several seeds. None for a
    single component, and for one without a leaf that is a plain number, since its shapes do not tell."""
    hints = typing.get_type_hints(type(self))
    for field in attrs.fields(type(self)):
        value, hint = getattr(self, field.name), hints.get(field.name)
        one_number = set(typing.get_args(hint) or (hint,)) <= {float, int, type(None)}
        if field.metadata["kind"] == "leaf" and (one_number or isinstance(value, tuple)):
            for number in jax.tree.leaves(value):
                return number.shape[0] if isinstance(number, (jax.Array, np.ndarray)) and number.ndim else None
    return None


def as_plain(value: Any) -> Any:
    """A hyper-parameter's value for TOML, JSON and screens: numbers, strings, lists, tables; a function as its name."""
    if isinstance(value, (jax.Array, np.ndarray, np.generic)):
        return np.asarray(value).tolist()
    if isinstance(value, (tuple, list)):
        return [as_plain(v) for v in value]
    if isinstance(value, Mapping):
        return {k: as_plain(v) for k, v in value.items()}
    if callable(value):
        return f"{value.__module__}:{value.__qualname__}" if hasattr(value, "__qualname__") else repr(value)
    return value
