"""Entrants of a tournament: learners at settings of their own, and named strategies of the game. Imports no jax.

An entrant is written [LABEL=]NAME[:PATH=VALUE]..., and entrants are separated by commas:

    naive                                    a learner, at its recipe
    lola:look_ahead_rate=50:variant=taylor   a learner with some hyper-parameters changed
    slow=naive:rate=5                        the same, under a label of its own
    tit_for_tat                              a strategy that the game names
    extortion:factor=2                       a strategy, and a hyper-parameter of the learner that plays it

A value is TOML, or else plain text, as after --set. Commas and colons inside of brackets, braces or quotes belong to
the value: lola:rate=[10.0, 20.0]. A name that a learner and a strategy share is the learner's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from meva_core.contracts.capabilities import PlaysStrategies
from meva_core.errors import BadPlugin, BadValue, UnknownName, did_you_mean
from meva_core.registry import loading, recipes
from meva_core.registry.entries import Registry

_OPENS = {"[": "]", "{": "}", '"': '"', "'": "'"}
_LABEL = re.compile(r"[\w][\w .+-]*")


@attrs.frozen
class Entrant:
    """One who takes part. label: its name in tables and files. name: that of a learner, or of a strategy. settings:
    hyper-parameters that differ from its recipe."""

    label: str
    name: str
    settings: Mapping[str, Any] = attrs.field(factory=dict)


def split(text: str) -> list[str]:
    """The texts of the entrants, separated by commas; empty ones are left out."""
    return [each for each in (part.strip() for part in _split(text, ",")) if each]


def parse(text: str) -> Entrant:
    """The entrant that a text describes, `lola:rate=50`. Raises BadValue where it describes none."""
    expected = "[LABEL=]NAME[:PATH=VALUE]... in --learners"
    first, *rest = _split(text.strip(), ":")
    label, equals, first = first.rpartition("=") if "=" in first else ("", "", first)
    names = [first.strip()]
    while rest and "=" not in rest[0]:  # plugin:name
        names.append(rest.pop(0).strip())
    if not all(names) or (equals and not _LABEL.fullmatch(label.strip())):
        raise BadValue(f"expected {expected}, got {text!r}")
    settings = dict(recipes.parse_setting(each, expected) for each in rest)
    return Entrant(label.strip() if equals else text.strip(), ":".join(names), settings)


def as_learner(known: Registry, entrant: Entrant, game: str, strategies: Iterable[str]) -> Entrant:
    """The same entrant with the name of a learner: that of one that plays strategies, where it names a strategy of the
    game. Raises UnknownName where it names neither."""
    if "learner" in known.kinds_of(entrant.name):
        return entrant
    strategies = list(strategies)
    if entrant.name in strategies:
        for offer in known.of_kind("learner"):
            try:
                factory = loading.load(offer)
            except BadPlugin:  # a learner that nobody asked for
                continue
            setting = factory.plays_strategies if isinstance(factory, PlaysStrategies) else None
            if setting is not None:
                return Entrant(entrant.label, offer.name, {setting: entrant.name, **entrant.settings})
    learners = [offer.name for offer in known.of_kind("learner")]
    hint = did_you_mean(entrant.name, [*learners, *strategies], most=40)
    if not strategies:
        raise UnknownName(f"unknown learner {entrant.name!r}{hint}; {game} names no strategies")
    raise UnknownName(f"unknown learner or strategy of {game} {entrant.name!r}{hint}")


def _split(text: str, separator: str) -> list[str]:
    """The parts between separators that stand outside of brackets and quotes."""
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
