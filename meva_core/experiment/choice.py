"""A choice: one entry that takes part in an experiment, with its hyper-parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from meva_core.contracts import conversion
from meva_core.contracts.hooks import KINDS
from meva_core.contracts.hyperparameters import as_plain, hyperparameters, part_kinds
from meva_core.errors import BadValue
from meva_core.registry import loading
from meva_core.registry.entries import Offer, Origin, Registry
from meva_core.registry.toml_tables import record

FROM = "from"  # the key of a name's origin. `from` is a keyword of Python, so no field of a class has this name


@attrs.frozen(kw_only=True)
class Choice:
    """An entry with all its hyper-parameters; a learner's choice also holds the learner's parts.

    offer: loads the entry. name: the entry's name. origin: the plugin that offers it, with its version; None if a file
    records only a name, or if no plugin offers the class. parts: a learner's parts, by field name. named: the
    choices that name-valued hyper-parameters refer to, by hyper-parameter.
    """

    offer: Offer = attrs.field(eq=False, repr=False)
    name: str
    origin: Origin | None = None
    settings: Mapping[str, Any] = attrs.field(factory=dict)
    parts: Mapping[str, Choice] = attrs.field(factory=dict)
    named: Mapping[str, Choice] = attrs.field(factory=dict)

    def to_plain(self) -> dict[str, Any]:
        """The name and the hyper-parameters, without the parts."""
        return {"name": self.name, **self.numbers_to_plain()}

    def numbers_to_plain(self) -> dict[str, Any]:
        """The hyper-parameters, with the origin of this entry and of every entry that they name."""
        means = {f"{setting}_{FROM}": choice.origin for setting, choice in self.named.items()} | {FROM: self.origin}
        origins = {key: origin.to_plain() for key, origin in means.items() if origin is not None}
        return {**without_none(as_plain(self.settings)), **origins}

    def parts_to_plain(self) -> dict[str, Any]:
        """A table for each part."""
        return {name: part.to_plain() for name, part in self.parts.items()}

    def as_installed(self) -> Choice:
        """The same choice (with its parts) with the origins of the installed versions, under the entry's own name."""
        parts = {name: part.as_installed() for name, part in self.parts.items()}
        named = {setting: choice.as_installed() for setting, choice in self.named.items()}
        settings = {**self.settings, **{setting: choice.name for setting, choice in named.items()}}
        return attrs.evolve(
            self, name=self.offer.name, origin=self.offer.origin, settings=settings, named=named, parts=parts
        )

    @property
    def everybody(self) -> list[Choice]:
        """This choice, its parts, and the choices that its hyper-parameters name."""
        return [self, *self.parts.values(), *self.named.values()]


def parts_of(learner: Offer) -> dict[str, str]:
    """The parts that a learner is composed with: name -> kind."""
    return part_kinds(loading.load(learner))


def read_choice(registry: Registry, kind: str, plain: Any, path: str) -> Choice:
    """Read the table at `path` of an experiment: the entry that it names, with all hyper-parameters. Raises MevaError
    if the entry is not installed, or a hyper-parameter is unknown or of another type."""
    if not isinstance(plain, Mapping) or not isinstance(plain.get("name"), str):
        raise BadValue(f"expected a table with a name, got {plain!r} @ {path}")
    choice = read_name(registry, kind, plain, f"{path}.{FROM}")
    factory = loading.load(choice.offer)
    kinds = {h.name: h.names for h in hyperparameters(factory) if h.names}
    reserved = ("name", FROM, *(f"{setting}_{FROM}" for setting in kinds))
    given = {key: value for key, value in plain.items() if key not in reserved}
    settings = conversion.structure(factory, given, path, fixed=KINDS[kind].fixed)
    named = {}
    for setting, of in kinds.items():
        if settings[setting] is not None:
            origin = {FROM: plain[key]} if (key := f"{setting}_{FROM}") in plain else {}
            named[setting] = read_name(registry, of, {"name": settings[setting], **origin}, f"{path}.{key}")
    return attrs.evolve(choice, settings=settings, named=named)


def read_learner(registry: Registry, plain: Any, shared: Mapping[str, Any], path: str) -> Choice:
    """Read the learner's table at `path`. Each part is read from a table inside it, or else from the `shared` tables.
    Raises the same errors as `read_choice`."""
    if not isinstance(plain, Mapping) or not isinstance(plain.get("name"), str):
        return read_choice(registry, "learner", plain, path)  # raises an error that explains the problem
    factory = loading.load(read_name(registry, "learner", plain, f"{path}.{FROM}").offer)
    wanted, own = part_kinds(factory), {FROM, *(h.name for h in hyperparameters(factory))}
    for key, value in plain.items():
        if isinstance(value, Mapping) and key not in (*wanted, *own):
            raise BadValue(f"expected a learner with a part {key}, got {plain['name']!r} @ {path}.{key}")
    choice = read_choice(registry, "learner", {k: value for k, value in plain.items() if k not in wanted}, path)
    parts = {}
    for name, kind in wanted.items():
        if name not in plain and name not in shared:
            raise BadValue(f"expected a table [{name}] for {choice.name!r}, got none @ {path}")
        where = f"{path}.{name}" if name in plain else name
        parts[name] = read_choice(registry, kind, {**shared, **plain}[name], where)
    return attrs.evolve(choice, parts=parts)


def read_name(registry: Registry, kind: str, plain: Mapping[str, Any], where: str) -> Choice:
    """Look up the entry that a table names, with the origin at `where` if it is recorded. Raises UnknownName if it is
    not installed, and BadPlugin if two plugins offer the name and the table records no origin."""
    name = plain["name"]
    if FROM not in plain:
        return Choice(offer=registry.find(kind, name), name=name)
    given: Origin = record(Origin, plain[FROM], where)
    offer = registry.recall(kind, name, given)
    written = {key: value for key, value in given.to_plain().items() if value}
    return Choice(offer=offer, name=name, origin=attrs.evolve(offer.origin or given, **written))


def without_none(table: dict[str, Any]) -> dict[str, Any]:
    """The table without the keys that are None, since TOML has no None."""
    return {key: value for key, value in table.items() if value is not None}
