"""A choice: one entry that takes part in an experiment, and with which numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from meva_core.contracts import conversion
from meva_core.contracts.components import as_plain, hyperparameters, parts
from meva_core.errors import BadValue
from meva_core.registry import loading
from meva_core.registry.entries import Offer, Origin, Registry
from meva_core.registry.toml_tables import record

FROM = "from"  # beside a name: its origin. No hyper-parameter is called so, since no field of a class can be
PARTS_OF_MODELS = ("outputs", "conditions")  # set by the learner, not by users
MODELS = ("value_model", "explorer")  # what a learner may have of its own


@attrs.frozen(kw_only=True)
class Choice:
    """An entry and all its hyper-parameters; a learner's with its value model and explorer, where it has one.

    offer: what it is loaded by. name: of the entry. origin: who offers it, and in which version; None where that is not
    on record, in files that say no more than a name, and of a class that no plugin offers. named: by setting, who the
    settings that are names mean.
    """

    offer: Offer = attrs.field(eq=False, repr=False)
    name: str
    origin: Origin | None = None
    settings: Mapping[str, Any] = attrs.field(factory=dict)
    value_model: Choice | None = None
    explorer: Choice | None = None
    named: Mapping[str, Choice] = attrs.field(factory=dict)

    @property
    def models(self) -> dict[str, Choice]:
        """Its value model and its explorer, those it has."""
        return without_none({part: getattr(self, part) for part in MODELS})

    def to_plain(self) -> dict[str, Any]:
        """Without the models."""
        return {"name": self.name, **self.numbers_to_plain()}

    def numbers_to_plain(self) -> dict[str, Any]:
        """Its hyper-parameters, and the origins of it and of those whom they name."""
        means = {f"{setting}_{FROM}": choice.origin for setting, choice in self.named.items()} | {FROM: self.origin}
        origins = {key: origin.to_plain() for key, origin in means.items() if origin is not None}
        return {**without_none(as_plain(self.settings)), **origins}

    def models_to_plain(self) -> dict[str, Any]:
        """A table for each model."""
        return {part: model.to_plain() for part, model in self.models.items()}

    def as_installed(self) -> Choice:
        """The same of what is installed here, its models too: by the entry's own name, in the version that is here."""
        models = {part: model.as_installed() for part, model in self.models.items()}
        named = {setting: choice.as_installed() for setting, choice in self.named.items()}
        settings = {**self.settings, **{setting: choice.name for setting, choice in named.items()}}
        return attrs.evolve(
            self, name=self.offer.name, origin=self.offer.origin, settings=settings, named=named, **models
        )

    @property
    def everybody(self) -> list[Choice]:
        """It, its models, and whom its settings name."""
        return [self, *self.models.values(), *self.named.values()]


def models_of(learner: Offer) -> set[str]:
    """The models that a learner has."""
    return set(parts(loading.load(learner))).intersection(MODELS)


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
    fixed = PARTS_OF_MODELS if kind == "value_model" else ()
    settings = conversion.structure(factory, given, path, fixed=fixed)
    named = {}
    for setting, of in kinds.items():
        if settings[setting] is not None:
            origin = {FROM: plain[key]} if (key := f"{setting}_{FROM}") in plain else {}
            named[setting] = read_name(registry, of, {"name": settings[setting], **origin}, f"{path}.{key}")
    return attrs.evolve(found, settings=settings, named=named)


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
