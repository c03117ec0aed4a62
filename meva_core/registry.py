"""Entry points -> entries: what plugins offer, by kind and name. Imports no jax; factories are imported when used."""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import os
import re
import traceback
import warnings
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import attrs
import pluggy

from meva_core import hookspecs
from meva_core.errors import BadPlugin, UnknownName, debugging, did_you_mean, in_short
from meva_core.hookspecs import GROUP, VERSION, Entry

if TYPE_CHECKING:
    from meva_core.recipes import RecipeFile

HOOKS = {
    "game": "meva_games",
    "learner": "meva_learners",
    "value_model": "meva_value_models",
    "explorer": "meva_explorers",
}
KINDS = tuple(HOOKS)
OURS = "meva"  # the distribution that holds the core and what is bundled with it


class PluginWarning(UserWarning):
    """A plugin that was left out, and why."""


@attrs.frozen
class Offer:
    """An entry, and who offers it."""

    kind: str
    entry: Entry
    plugin: str
    distribution: str
    parts: Mapping[str, Any] = attrs.field(factory=dict, eq=False)  # that every object of its is made with

    @property
    def name(self) -> str:
        """As users write it."""
        return self.entry.name

    def goes_by(self, name: str) -> bool:
        """Whether users may write it so: alone, or as plugin:name."""
        return name in (self.name, f"{self.plugin}:{self.name}")

    @property
    def bundled(self) -> bool:
        """Whether it comes with the core, whose tests hold it to the contract."""
        return self.distribution == OURS

    def __str__(self) -> str:
        """Who is to blame."""
        return f"{spoken(self.kind)} {self.name!r} of plugin {self.plugin!r} ({self.distribution})"

    def load(self) -> Any:
        """The factory itself; imports it. BadPlugin where that fails."""
        module, _, attribute = self.entry.factory.partition(":")
        try:
            factory = getattr(importlib.import_module(module), attribute)
            from meva_core.component import is_component  # jax, which every factory needs

            if not isinstance(factory, type) or not is_component(factory):
                raise TypeError(f"expected a component class (meva_core.component), got {factory!r}")
        except (Exception, SystemExit) as error:
            raise self.fault(
                f"cannot be imported from {self.entry.factory!r}: {in_short(error)}", raised=True
            ) from error
        if not self.bundled:
            from meva_core import contracts

            contracts.factory(self, factory)
        return factory

    def recipes(self) -> RecipeFile | None:
        """Its own, from its distribution, if it has any. BadPlugin where they cannot be read."""
        from meva_core import recipes

        if not self.entry.recipes:
            return None
        try:
            return recipes.of_package(self.entry.recipes)
        except (Exception, SystemExit) as error:
            raise self.fault(f"its recipes: {in_short(error)}", raised=True) from error

    def fault(self, text: str, *, raised: bool = False) -> BadPlugin:
        """What breaks its contract, in the words that all such errors have; raised: whether there is a traceback."""
        return BadPlugin(f"{self}: {text}. {what_to_do(self.distribution, raised=raised)}")


@attrs.frozen
class Plugin:
    """What an entry point names. fault: why it is left out; empty where it is not."""

    name: str
    distribution: str
    version: str
    module: str
    fault: str = ""

    def __str__(self) -> str:
        """Who is to blame."""
        return f"plugin {self.name!r} ({self.distribution})"


@attrs.frozen
class Registry:
    """All offers of all working plugins, and all plugins."""

    offers: tuple[Offer, ...]
    plugins: tuple[Plugin, ...] = ()

    def of_kind(self, kind: str) -> list[Offer]:
        """In order of their names."""
        return sorted((o for o in self.offers if o.kind == kind), key=lambda o: (o.name, o.plugin))

    def find(self, kind: str, name: str) -> Offer:
        """The one offer of this name, or of `plugin:name`. UnknownName, or BadPlugin where two offer it."""
        plugin, _, bare = name.rpartition(":")
        found = self._called(kind, name)
        if not found:
            known = {o.name for o in self.of_kind(kind)}
            if plugin and bare not in known and all(o.plugin != plugin for o in self.offers):
                raise UnknownName(
                    f"{spoken(kind)} {name!r} is of no plugin: a class that was handed in from Python runs from there "
                    "alone. Hand it in again, or make it a plugin (meva plugin new)"
                )
            known |= {o.plugin for o in self.offers} if plugin else set()
            raise UnknownName(f"unknown {spoken(kind)} {name!r}{did_you_mean(name, known)}")
        if len(found) > 1:
            who = " and ".join(f"{o.plugin!r} ({o.distribution})" for o in found)
            choose = " or ".join(f"{o.plugin}:{o.name}" for o in found)
            raise BadPlugin(
                f"{spoken(kind)} {name!r} is offered by {who}: write {choose}, or disable one plugin in registry.toml"
            )
        return found[0]

    def kinds_of(self, name: str) -> list[str]:
        """The kinds that have an offer of this name, or of `plugin:name`."""
        return [kind for kind in KINDS if self._called(kind, name)]

    def _called(self, kind: str, name: str) -> list[Offer]:
        return [o for o in self.of_kind(kind) if o.goes_by(name)]


def load(disabled: Iterable[str] = ()) -> Registry:
    """What is installed, less the plugins named in `disabled` or in MEVA_BLOCK ("name,distribution/name").

    Warns (PluginWarning) of each plugin that fails, and of names that no plugin has.
    """
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    off = {*disabled, *blocked()}
    known: set[str] = set()
    taken: set[str] = set()
    offers: list[Offer] = []
    plugins: list[Plugin] = []
    for point, distribution, version in _entry_points():
        full = f"{distribution}/{point.name}"
        label = point.name if point.name not in taken else full
        known |= {point.name, full}
        plugin = Plugin(label, distribution, version, point.module)
        if {label, full} & off:
            plugins.append(attrs.evolve(plugin, fault="switched off (MEVA_BLOCK, or disabled in a registry file)"))
            continue
        try:
            manager.register(_fitting(point.load(), distribution), name=label)
            manager.check_pending()
            offers += _offers(manager, label, distribution)
        except (Exception, SystemExit) as error:
            manager.unregister(name=label) if manager.has_plugin(label) else None
            plugins.append(attrs.evolve(plugin, fault=in_short(error)))
            _warn(f"{plugin} is left out: {in_short(error)}", error)
            continue
        taken.add(label)
        plugins.append(plugin)
    for name in sorted(off - known):
        _warn(f"no plugin {name!r} to switch off (MEVA_BLOCK, plugins.disabled){did_you_mean(name, known)}")
    return Registry(tuple(offers), tuple(plugins))


def blocked() -> list[str]:
    """What MEVA_BLOCK names."""
    return [name.strip() for name in os.environ.get("MEVA_BLOCK", "").split(",") if name.strip()]


@functools.cache
def installed() -> Registry:
    """`load()` less what the shipped registry.toml disables, once per process."""
    from meva_core import recipes

    return load(recipes.shipped().disabled)


def _entry_points() -> list[tuple[importlib.metadata.EntryPoint, str, str]]:
    """Those of our group with their distributions and versions; a distribution found twice on the path counts once.

    Not pluggy's own loader: it silently skips a second plugin of the same name.
    """
    found: dict[tuple[str, str, str], tuple[importlib.metadata.EntryPoint, str, str]] = {}
    for point in importlib.metadata.entry_points(group=GROUP):
        name, version = (point.dist.name, point.dist.version) if point.dist else ("unknown distribution", "")
        found.setdefault((name, point.name, point.value), (point, name, version))
    return [found[key] for key in sorted(found)]


def _fitting(module: Any, distribution: str) -> Any:
    """The module as it is, if it was written for this contract."""
    asked = getattr(module, "MEVA_CONTRACT", VERSION)
    if asked == VERSION:
        return module
    newer = isinstance(asked, int) and asked > VERSION
    raise BadPlugin(
        f"expected MEVA_CONTRACT = {VERSION}, this meva's version of the hooks, got {asked!r}: "
        f"upgrade {OURS if newer else distribution}"
    )


def _offers(manager: pluggy.PluginManager, plugin: str, distribution: str) -> list[Offer]:
    """Of one plugin. TypeError or ValueError where a hook yields what it should not, and whatever it raises."""
    offers: list[Offer] = []
    for kind, hook in HOOKS.items():
        for implementation in getattr(manager.hook, hook).get_hookimpls():
            if implementation.plugin_name != plugin:
                continue
            for entry in implementation.function():
                if not isinstance(entry, Entry):
                    raise TypeError(f"{hook} must yield meva_core.hookspecs.Entry, got {entry!r}")
                offer = Offer(kind, entry, plugin, distribution)
                if any((o.kind, o.name) == (kind, offer.name) for o in offers):
                    raise ValueError(f"{hook} must yield every name once, got {offer.name!r} twice")
                offers.append(offer)
    return offers


def _warn(message: str, error: BaseException | None = None) -> None:
    warnings.warn(message, PluginWarning, stacklevel=3)
    if error is not None and debugging():
        traceback.print_exception(error)


def kind_named(text: str) -> str | None:
    """The kind that `text` names, in the singular or plural, its words joined by anything: "Value models"."""
    singular = re.sub(r"[-_\s]+", "_", text.strip().lower()).removesuffix("s")
    return singular if singular in KINDS else None


def check_kind(text: str) -> str:
    """The kind that `text` names. UnknownName where it names none."""
    if (kind := kind_named(text)) is None:
        raise UnknownName(f"unknown kind {text!r}{did_you_mean(text, KINDS)}")
    return kind


def what_to_do(distribution: str, *, raised: bool) -> str:
    """About a distribution at fault."""
    debug = "; MEVA_DEBUG=1 shows the traceback" if raised else ""
    return f"Ask its authors, or uninstall {distribution}{debug}"


def spoken(kind: str) -> str:
    """As people say it."""
    return kind.replace("_", " ")
