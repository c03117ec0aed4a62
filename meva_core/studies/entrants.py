"""Entrants of a tournament: learners with their own settings, and named strategies of the game. Imports no jax.

An entrant has the form [LABEL=]NAME[:PATH=VALUE]..., and commas separate entrants:

    naive                                    a learner with its recipe
    lola:look_ahead_rate=50:variant=taylor   a learner with some hyper-parameters changed
    slow=naive:rate=5                        the same, with its own label
    tit_for_tat                              a strategy of the game
    extortion:factor=2                       a strategy, and a hyper-parameter of the learner that plays it

A value is TOML, or else plain text, as after --set. Commas and colons inside brackets, braces or quotes belong to the
value: lola:rate=[10.0, 20.0]. If a learner and a strategy have the same name, it means the learner.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import attrs
import tomli_w

from meva_core.contracts.capabilities import PlaysStrategies
from meva_core.contracts.hyperparameters import as_plain
from meva_core.errors import BadPlugin, BadValue, UnknownName, did_you_mean
from meva_core.registry import loading
from meva_core.registry.entries import Registry, setting_after
from meva_core.registry.toml_reading import parse_setting

FORM = "[LABEL=]NAME[:PATH=VALUE]... in --learners"
_OPENS = {"[": "]", "{": "}", '"': '"', "'": "'"}
_LABEL = re.compile(r"[\w][\w .+-]*")


@attrs.frozen
class Entrant:
    """A participant of a tournament.

    label: its name in tables and files. name: a learner, or a strategy of the game. settings: hyper-parameters that
    differ from its recipe.
    """

    label: str
    name: str
    settings: Mapping[str, Any] = attrs.field(factory=dict)


def split(text: str) -> list[str]:
    """Split a text at the commas between entrants; empty parts are left out. Raises BadValue for an open bracket."""
    return [each for each in (part.strip() for part in _split(text, ",")) if each]


def parse(text: str) -> Entrant:
    """Parse a text such as `lola:rate=50` to an entrant. Raises BadValue if the text has another form."""
    first, *rest = _split(text.strip(), ":")
    label, equals, first = first.rpartition("=") if "=" in first else ("", "", first)
    names = [first.strip()]
    while rest and "=" not in rest[0]:  # plugin:name
        names.append(rest.pop(0).strip())
    if not all(names) or (equals and not _LABEL.fullmatch(label.strip())):
        raise BadValue(f"expected {FORM}, got {text!r}")
    settings = dict(parse_setting(each, FORM) for each in rest)
    return Entrant(label.strip() if equals else text.strip(), ":".join(names), settings)


def as_text(entrant: Entrant) -> str:
    """The text that `parse` reads as this entrant; settings that are None are left out, and functions are names."""
    own = {path: as_plain(value) for path, value in entrant.settings.items() if value is not None}
    return f"{entrant.label}={entrant.name}" + "".join(f":{path}={_toml(value)}" for path, value in own.items())


def _toml(value: Any) -> str:
    """A number, a text or a list as TOML in one line."""
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return tomli_w.dumps({"value": value}).removeprefix("value = ").strip()


def as_learner(
    registry: Registry, entrant: Entrant, game: str, strategies: Iterable[str], policy: str | None = None
) -> Entrant:
    """Turn an entrant that names a strategy of the game into the learner that plays this strategy.

    policy: name of the policies of all players; None for the game's own. An entrant that names a learner is returned
    unchanged. Raises UnknownName if the name is neither, BadValue if a setting without a value follows it.
    """
    if "learner" in registry.kinds_of(entrant.name):
        return entrant
    strategies = list(strategies)
    if entrant.name in strategies and (found := strategist(registry)) is not None:
        learner, setting = found
        return Entrant(entrant.label, learner, {setting: entrant.name, **entrant.settings})
    learners = [offer.name for offer in registry.of_kind("learner")]
    if setting := setting_after(entrant.name, {*learners, *strategies}):
        raise BadValue(f"expected {FORM}, got {entrant.name!r}: {setting} has no =VALUE")
    hint = did_you_mean(entrant.name, [*learners, *strategies], most=40)
    if not strategies and policy is not None:
        raise UnknownName(
            f"unknown learner {entrant.name!r}{hint}; strategies of {game} are tables, got --policy {policy}: leave "
            "it out"
        )
    if not strategies:
        raise UnknownName(f"unknown learner {entrant.name!r}{hint}; {game} names no strategies")
    raise UnknownName(f"unknown learner or strategy of {game} {entrant.name!r}{hint}")


def strategist(registry: Registry) -> tuple[str, str] | None:
    """The learner that plays strategies, and its hyper-parameter that names one; None if there is no such learner."""
    for offer in registry.of_kind("learner"):
        try:
            factory = loading.load(offer)
        except BadPlugin:  # a faulty learner that no entrant names
            continue
        if isinstance(factory, PlaysStrategies) and factory.plays_strategies is not None:
            return offer.name, factory.plays_strategies
    return None


def _split(text: str, separator: str) -> list[str]:
    """Split at separators outside brackets and quotes. Raises BadValue if a bracket or a quote is not closed."""
    parts, awaited = [""], ""
    for character in text:
        if character == separator and not awaited:
            parts.append("")
            continue
        parts[-1] += character
        if awaited and character == awaited[-1]:
            awaited = awaited[:-1]
        elif character in _OPENS and awaited[-1:] not in ('"', "'"):
            awaited += _OPENS[character]
    if awaited:
        raise BadValue(f"expected every bracket and quote to be closed, got {text!r} without {awaited[-1]}")
    return parts
