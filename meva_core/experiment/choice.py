"""A choice: one entry that takes part in an experiment, and with which numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from meva_core.contracts import conversion
from meva_core.contracts.components import as_plain, hyperparameters, part_kinds
from meva_core.contracts.hooks import KINDS
from meva_core.errors import BadValue
from meva_core.registry import loading
from meva_core.registry.entries import Offer, Origin, Registry
from meva_core.registry.toml_tables import record

FROM = "from"  # beside a name: its origin. No hyper-parameter is called so, since no field of a class can be


@attrs.frozen(kw_only=True)
class Choice:
    """An entry and all its hyper-parameters; a learner's with the parts that it is composed with.

    offer: what it is loaded by. name: of the entry. origin: who offers it, and in which version; None where that is not
    on record, in files that say no more than a name, and of a class that no plugin offers. parts: a learner's, by the
    names of its fields. named: by setting, who the settings that are names mean.
    """

    offer: Offer = attrs.field(eq=False, repr=False)
    name: str
    origin: Origin | None = None
    settings: Mapping[str, Any] = attrs.field(factory=dict)
    parts: Mapping[str, Choice] = attrs.field(factory=dict)
    named: Mapping[str, Choice] = attrs.field(factory=dict)

    def to_plain(self) -> dict[str, Any]:
        """Its name and numbers, without its parts."""
        return {"name": self.name, **self.numbers_to_plain()}

    def numbers_to_plain(self) -> dict[str, Any]:
        """Its hyper-parameters, and the origins of it and of those whom they name."""
        means = {f"{setting}_{FROM}": choice.origin for setting, choice in self.named.items()} | {FROM: self.origin}
        origins = {key: origin.to_plain() for key, origin in means.items() if origin is not None}
        return {**without_none(as_plain(self.settings)), **origins}

    def parts_to_plain(self) -> dict[str, Any]:
        """A table for each part."""
        return {name: part.to_plain() for name, part in self.parts.items()}

    def as_installed(self) -> Choice:
        """The same of what is installed here, its parts too: by the entry's own name, in the version that is here."""
        parts = {name: part.as_installed() for name, part in self.parts.items()}
        named = {setting: choice.as_installed() for setting, choice in self.named.items()}
        settings = {**self.settings, **{setting: choice.name for setting, choice in named.items()}}
        return attrs.evolve(
            self, name=self.offer.name, origin=self.offer.origin, settings=settings, named=named, parts=parts
        )

    @property
    def everybody(self) -> list[Choice]:
        """It, its parts, and whom its settings name."""
        return [self, *self.parts.values(), *self.named.values()]


def parts_of(learner: Offer) -> dict[str, str]:
    """The parts that a learner is composed with: name -> kind."""
    return part_kinds(loading.load(learner))


def read_choice(registry: Registry, kind: str, plain: Any, path: str) -> Choice:
    """Who the table at `path` of an experiment means, with all hyper-parameters. Raises MevaError where that is not
    installed, or a hyper-parameter is unknown or of another type."""
    if not isinstance(plain, Mapping) or not isinstance(plain.get("name"), str):
        raise BadValue(f"expected a table with a name, got {plain!r} @ {path}")
    found = read_name(registry, kind, plain, f"{path}.{FROM}")
    factory = loading.load(found.offer)
    kinds = {h.name: h.names for h in hyperparameters(factory) if h.names}
    reserved = ("name", FROM, *(f"{setting}_{FROM}" for setting in kinds))
    given = {key: value for key, value in plain.items() if key not in reserved}
    settings = conversion.structure(factory, given, path, fixed=KINDS[kind].fixed)
    named = {}
    for setting, of in kinds.items():
        if settings[setting] is not None:
            origin = {FROM: plain[key]} if (key := f"{setting}_{FROM}") in plain else {}
            named[setting] = read_name(registry, of, {"name": settings[setting], **origin}, f"{path}.{key}")
    return attrs.evolve(found, settings=settings, named=named)


def read_learner(registry: Registry, plain: Any, shared: Mapping[str, Any], path: str) -> Choice:
    """Who the table at `path` means, a learner, with its parts: from tables inside its own, or else from the `shared`
    ones. Raises as `read_choice` does."""
    if not isinstance(plain, Mapping) or not isinstance(plain.get("name"), str):
        return read_choice(registry, "learner", plain, path)  # which says what is wrong
    factory = loading.load(read_name(registry, "learner", plain, f"{path}.{FROM}").offer)
    wanted, own = part_kinds(factory), {FROM, *(h.name for h in hyperparameters(factory))}
    for key, value in plain.items():
        if isinstance(value, Mapping) and key not in (*wanted, *own):
            raise BadValue(f"expected a learner that has one to read {key}, got {plain['name']!r} @ {path}.{key}")
    choice = read_choice(registry, "learner", {k: value for k, value in plain.items() if k not in wanted}, path)
    parts = {}
    for name, kind in wanted.items():
        if name not in plain and name not in shared:
            raise BadValue(f"expected a table [{name}] for {choice.name!r}, got none @ {path}")
        where = f"{path}.{name}" if name in plain else name
        parts[name] = read_choice(registry, kind, {**shared, **plain}[name], where)
    return attrs.evolve(choice, parts=parts)


def read_name(registry: Registry, kind: str, plain: Mapping[str, Any], where: str) -> Choice:
    """Who a table means, by its name, and the origin at `where` if it is on record. Raises UnknownName where that is
    not installed, and BadPlugin where a name alone is two plugins'."""
    name = plain["name"]
    if FROM not in plain:
        return Choice(offer=registry.find(kind, name), name=name)
    given: Origin = record(Origin, plain[FROM], where)
    offer = registry.recall(kind, name, given)
    written = {key: value for key, value in given.to_plain().items() if value}
    return Choice(offer=offer, name=name, origin=attrs.evolve(offer.origin or given, **written))


def without_none(table: dict[str, Any]) -> dict[str, Any]:
    """The table less what is unset: TOML knows no None."""
    return {key: value for key, value in table.items() if value is not None}
