"""Entry points -> entries: what plugins offer, by kind and name. Imports no jax; factories are imported when used."""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import warnings
from collections.abc import Iterable
from typing import Any

import attrs
import pluggy

from meva_core import hookspecs
from meva_core.errors import BadPlugin, UnknownName, did_you_mean
from meva_core.hookspecs import GROUP, Entry

HOOKS = {
    "game": "meva_games",
    "learner": "meva_learners",
    "value_model": "meva_value_models",
    "explorer": "meva_explorers",
}
KINDS = tuple(HOOKS)


class PluginWarning(UserWarning):
    """A plugin that was left out, and why."""


@attrs.frozen
class Offer:
    """An entry, and who offers it."""

    kind: str
    entry: Entry
    plugin: str
    distribution: str

    @property
    def name(self) -> str:
        """As users write it."""
        return self.entry.name

    def load(self) -> Any:
        """The factory itself; imports it. BadPlugin where that fails."""
        module, _, attribute = self.entry.factory.partition(":")
        try:
            factory = getattr(importlib.import_module(module), attribute)
            if not attrs.has(factory) or any("kind" not in field.metadata for field in attrs.fields(factory)):
                raise TypeError(f"expected a component class (meva_core.component), got {factory!r}")
            return factory
        except Exception as error:
            raise BadPlugin(
                f"{self.kind} {self.name!r} of plugin {self.plugin!r} ({self.distribution}) cannot be imported from "
                f"{self.entry.factory!r}: {_one_line(error)}. Ask its authors, or uninstall {self.distribution}"
            ) from error


@attrs.frozen
class Registry:
    """All offers of all working plugins."""

    offers: tuple[Offer, ...]

    def of_kind(self, kind: str) -> list[Offer]:
        """In order of their names."""
        return sorted((o for o in self.offers if o.kind == kind), key=lambda o: (o.name, o.plugin))

    def find(self, kind: str, name: str) -> Offer:
        """The one offer of this name, or of `plugin:name`. UnknownName, or BadPlugin where two offer it."""
        plugin = name.rpartition(":")[0]
        found = self._called(kind, name)
        if not found:
            known = {o.name for o in self.of_kind(kind)} | ({o.plugin for o in self.offers} if plugin else set())
            raise UnknownName(f"unknown {_spoken(kind)} {name!r}{did_you_mean(name, known)}")
        if len(found) > 1:
            who = " and ".join(f"{o.plugin!r} ({o.distribution})" for o in found)
            choose = " or ".join(f"{o.plugin}:{o.name}" for o in found)
            raise BadPlugin(
                f"{_spoken(kind)} {name!r} is offered by {who}: write {choose}, or disable one plugin in registry.toml"
            )
        return found[0]

    def kinds_of(self, name: str) -> list[str]:
        """The kinds that have an offer of this name, or of `plugin:name`."""
        return [kind for kind in KINDS if self._called(kind, name)]

    def _called(self, kind: str, name: str) -> list[Offer]:
        plugin, _, bare = name.rpartition(":")
        return [o for o in self.of_kind(kind) if o.name == bare and plugin in ("", o.plugin)]


def load(disabled: Iterable[str] = ()) -> Registry:
    """What is installed, less the plugins named in `disabled`. Warns (PluginWarning) of each that fails."""
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    taken: set[str] = set()
    offers: list[Offer] = []
    for point, distribution in _entry_points():
        label = point.name if point.name not in taken else f"{distribution}/{point.name}"
        if {label, f"{distribution}/{point.name}"} & set(disabled):
            continue
        try:
            manager.register(point.load(), name=label)
            manager.check_pending()
        except (Exception, SystemExit) as error:
            manager.unregister(name=label) if manager.has_plugin(label) else None
            _warn(label, distribution, error)
            continue
        taken.add(label)
        offers += _offers(manager, label, distribution)
    return Registry(tuple(offers))


@functools.cache
def installed() -> Registry:
    """`load()` less what the shipped registry.toml disables, once per process."""
    from meva_core import recipes

    return load(recipes.shipped().disabled)


def _entry_points() -> list[tuple[importlib.metadata.EntryPoint, str]]:
    """Those of our group with their distributions; a distribution found twice on the path counts once.

    Not pluggy's own loader: it silently skips a second plugin of the same name.
    """
    found: dict[tuple[str, str, str], importlib.metadata.EntryPoint] = {}
    for point in importlib.metadata.entry_points(group=GROUP):
        distribution = point.dist.name if point.dist else "unknown distribution"
        found.setdefault((distribution, point.name, point.value), point)
    return [(point, distribution) for (distribution, _, _), point in sorted(found.items(), key=lambda item: item[0])]


def _offers(manager: pluggy.PluginManager, plugin: str, distribution: str) -> list[Offer]:
    offers = []
    for kind, hook in HOOKS.items():
        for implementation in getattr(manager.hook, hook).get_hookimpls():
            if implementation.plugin_name != plugin:
                continue
            try:
                entries = list(implementation.function())
                if strange := [entry for entry in entries if not isinstance(entry, Entry)]:
                    raise TypeError(f"{hook} must yield meva_core.hookspecs.Entry, got {strange[0]!r}")
                offers += [Offer(kind, entry, plugin, distribution) for entry in entries]
            except Exception as error:
                _warn(plugin, distribution, error)
    return offers


def _warn(plugin: str, distribution: str, error: BaseException) -> None:
    warnings.warn(f"plugin {plugin!r} ({distribution}) is left out: {_one_line(error)}", PluginWarning, stacklevel=3)


def _one_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def _spoken(kind: str) -> str:
    return kind.replace("_", " ")
