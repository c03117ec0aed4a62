"""The kinds of components: finds the kind of a value, and raises one-line errors for values of another kind."""

from __future__ import annotations

from typing import Any

from meva_core import contracts
from meva_core.contracts.components import is_component
from meva_core.contracts.hooks import KINDS
from meva_core.errors import BadValue

_FORMS = {name: form for kind in KINDS.values() for name, form in kind.forms.items()}
# Contracts by the names of kinds and of their other forms, a kind's own first.
PROTOCOLS: dict[str, type] = {
    name: getattr(contracts, each.protocol)
    for kind, of_kind in KINDS.items()
    for name, each in {kind: of_kind, **of_kind.forms}.items()
}
# Attributes that are optional in a class without the contract as its base.
OPTIONAL = {"by_default_if_played", "learn", "learns_from", "paced_by", "small"}


def of(cls: type) -> str | None:
    """The kind whose methods a class has, in any of its forms; None if there is no such kind."""
    return next((kind for kind in KINDS if not lacking(form(kind, cls), cls)), None)


def form(kind: str, cls: type) -> str:
    """The form of a kind whose methods a class has, "sampled_game"; the kind itself if it has those of no other."""
    if not lacking(kind, cls):
        return kind
    return next((name for name in KINDS[kind].forms if not lacking(name, cls)), _form_of_bases(kind, cls))


def _form_of_bases(kind: str, cls: type) -> str:
    """The form of a kind whose contract is a base of a class that lacks one of its methods."""
    return next((name for name in KINDS[kind].forms if PROTOCOLS[name] in cls.__mro__), kind)


def lacking(form: str, cls: type) -> list[str]:
    """Methods of a kind, or of one of its other forms, that a class does not have."""
    protocol, must = PROTOCOLS[form], (_FORMS[form] if form in _FORMS else KINDS[form]).own
    own = [name for name in must if getattr(cls, name, None) in (None, getattr(protocol, name))]
    if protocol in cls.__mro__ or must:
        return own
    wanted = (name for name in vars(protocol) if not name.startswith("_") and name not in OPTIONAL)
    return [name for name in wanted if not hasattr(cls, name)]


def check(kind: str, value: Any, where: str = "") -> None:
    """Raise BadValue unless `value` is an object of this kind, in the form of its own contract, and an instance of a
    component class."""
    _check(kind, type(value), value, where)


def check_class(kind: str, cls: type, where: str = "") -> None:
    """Raise BadValue unless `cls` is a component class of this kind, in any of its forms."""
    _check(form(kind, cls), cls, cls, where)


def check_any(kind: str, value: Any, where: str = "") -> None:
    """Raise BadValue unless `value` is an object of this kind, in any of its forms."""
    _check(form(kind, type(value)), type(value), value, where)


def _check(form: str, cls: type, value: Any, where: str) -> None:
    place, spoken = f" @ {where}" if where else "", form.replace("_", " ")
    if not lacking(form, cls):
        if not is_component(cls):
            raise BadValue(
                f"expected a component, got {cls.__name__}, a plain class: write @component (meva_core.contracts) "
                f"above it{place}"
            )
        return
    if PROTOCOLS[form] in cls.__mro__:
        raise BadValue(f"expected a method {lacking(form, cls)[0]} of {spoken} {cls.__name__}, got none{place}")
    others = KINDS[form].forms if form in KINDS else {}
    instead = next((f": {other.instead}" for name, other in others.items() if not lacking(name, cls)), "")
    spoken = f"an exact {spoken}" if instead else article(spoken)
    raise BadValue(f"expected {spoken}, got {describe(value)}{instead}{place}")


def describe(value: Any) -> str:
    """A value in a few words: a class by its name, a component by its kind and name."""
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if (kind := of(type(value))) is not None:
        return f"{article(form(kind, type(value)).replace('_', ' '))} ({type(value).__name__})"
    shown = " ".join(repr(value).split())
    return "None" if value is None else f"{shown[:80]} ({type(value).__name__})"


def article(spoken: str) -> str:
    """A kind with its article, "an evaluation"."""
    return f"{'an' if spoken[0] in 'aeiou' else 'a'} {spoken}"
