"""The kinds of components: finds the kind of a value, and raises one-line errors for values of another kind."""

from __future__ import annotations

from typing import Any

from meva_core import contracts
from meva_core.contracts.components import is_component
from meva_core.contracts.hooks import KINDS
from meva_core.errors import BadValue

PROTOCOLS: dict[str, type] = {name: getattr(contracts, kind.protocol) for name, kind in KINDS.items()}
OPTIONAL = {
    "learn",
    "learns_from",
    "paced_by",
    "small",
}  # attributes that are optional in a class without the contract as its base


def of(cls: type) -> str | None:
    """The kind whose methods a class has; None if there is no such kind."""
    return next((kind for kind in PROTOCOLS if not lacking(kind, cls)), None)


def lacking(kind: str, cls: type) -> list[str]:
    """Methods of a kind that a class does not have."""
    protocol, must = PROTOCOLS[kind], KINDS[kind].own
    own = [name for name in must if getattr(cls, name, None) in (None, getattr(protocol, name))]
    if protocol in cls.__mro__ or must:
        return own
    wanted = (name for name in vars(protocol) if not name.startswith("_") and name not in OPTIONAL)
    return [name for name in wanted if not hasattr(cls, name)]


def check(kind: str, value: Any, where: str = "") -> None:
    """Raise BadValue unless `value` is an object of this kind, an instance of a component class."""
    _check(kind, type(value), value, where)


def check_class(kind: str, cls: type, where: str = "") -> None:
    """Raise BadValue unless `cls` is a component class of this kind."""
    _check(kind, cls, cls, where)


def _check(kind: str, cls: type, value: Any, where: str) -> None:
    place, spoken = f" @ {where}" if where else "", kind.replace("_", " ")
    if not lacking(kind, cls):
        if not is_component(cls):
            raise BadValue(
                f"expected a component, got {cls.__name__}, a plain class: write @component (meva_core.contracts) "
                f"above it{place}"
            )
        return
    if PROTOCOLS[kind] in cls.__mro__:
        raise BadValue(f"expected a method {lacking(kind, cls)[0]} of {spoken} {cls.__name__}, got none{place}")
    raise BadValue(f"expected {article(spoken)}, got {describe(value)}{place}")


def describe(value: Any) -> str:
    """A value in a few words: a class by its name, a component by its kind and name."""
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if (kind := of(type(value))) is not None:
        return f"{article(kind.replace('_', ' '))} ({type(value).__name__})"
    shown = " ".join(repr(value).split())
    return "None" if value is None else f"{shown[:80]} ({type(value).__name__})"


def article(spoken: str) -> str:
    """A kind with its article, "an evaluation"."""
    return f"{'an' if spoken[0] in 'aeiou' else 'a'} {spoken}"
