"""Offers of plugins, the plugins themselves, and the registry that holds both. Imports no jax."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from meva_core.contracts.hooks import KINDS, Entry, kind_label, plural_label
from meva_core.errors import BadPlugin, UnknownName, did_you_mean, in_short
from meva_core.registry.recipes import RecipeFile, of_package

OURS = "meva"  # the distribution that contains the core and the bundled plugins
_SETTING = re.compile(r"[a-z_][\w.]*\s*(=|$)")


@attrs.frozen
class Origin:
    """The plugin that an entry comes from, with its distribution and version. plugin: the name of its entry point.

    Together with the entry's name this identifies the entry.
    """

    plugin: str = ""
    distribution: str = ""
    version: str = ""

    def __str__(self) -> str:
        """Text for messages: "plugin 'tug_of_war' (meva-tug-of-war 1.0)"."""
        return f"plugin {self.plugin!r} ({' '.join(filter(None, (self.distribution, self.version)))})"

    def fits(self, other: Origin) -> bool:
        """True if the other has the same plugin and distribution, whatever its version; empty names match all."""
        return self.plugin in ("", other.plugin) and self.distribution in ("", other.distribution)

    def to_plain(self) -> dict[str, str]:
        """A table for TOML."""
        return attrs.asdict(self)


@attrs.frozen
class Offer:
    """An entry and the plugin that offers it."""

    kind: str
    entry: Entry
    plugin: str  # its name, or distribution/name if two plugins share a name
    distribution: str
    version: str = ""
    parts: Mapping[str, Any] = attrs.field(factory=dict, eq=False)  # parts that every object of this entry receives

    @property
    def origin(self) -> Origin | None:
        """The plugin and the version that it comes from; None for a class that no plugin offers."""
        return Origin(self.plugin.removeprefix(f"{self.distribution}/"), self.distribution, self.version)

    @property
    def name(self) -> str:
        """The name as users write it."""
        return self.entry.name

    def goes_by(self, name: str) -> bool:
        """True if `name` means this offer: its name alone, or plugin:name."""
        return name in (self.name, f"{self.plugin}:{self.name}")

    @property
    def bundled(self) -> bool:
        """True if it comes with the core, whose tests check it against the contract."""
        return self.distribution == OURS

    def __str__(self) -> str:
        """The name that error messages use."""
        return f"{kind_label(self.kind)} {self.name!r} of plugin {self.plugin!r} ({self.distribution})"

    def import_factory(self) -> Any:
        """Import the component class and return it. Raises BadPlugin if that fails.

        `loading.load` also checks that the class has the methods of its kind.
        """
        module, _, attribute = self.entry.factory.partition(":")
        try:
            factory = getattr(importlib.import_module(module), attribute)
            from meva_core.contracts.components import is_component  # imports jax, which every factory needs

            if not isinstance(factory, type) or not is_component(factory):
                raise TypeError(f"expected a component class (meva_core.contracts), got {factory!r}")
        except (Exception, SystemExit) as error:
            raise self.fault(
                f"cannot be imported from {self.entry.factory!r}: {in_short(error)}", raised=True
            ) from error
        return factory

    def recipes(self) -> RecipeFile | None:
        """The recipe file that the entry names, read from its distribution; None if it names none.

        Raises BadPlugin if the file cannot be read.
        """
        if not self.entry.recipes:
            return None
        try:
            return of_package(self.entry.recipes)
        except (Exception, SystemExit) as error:
            raise self.fault(f"its recipes: {in_short(error)}", raised=True) from error

    def fault(self, text: str, *, raised: bool = False) -> BadPlugin:
        """A BadPlugin that says how the entry breaks its contract, and what to do. raised: there is a traceback."""
        return BadPlugin(f"{self}: {text}. {what_to_do(self.distribution, raised=raised)}")


@attrs.frozen
class Plugin:
    """An installed plugin.

    fault: why it is left out; empty if it is not. recipes: its recipe file, the value of MEVA_RECIPES in its module.
    """

    name: str
    distribution: str
    version: str
    module: str
    fault: str = ""
    recipes: str | None = None

    @property
    def origin(self) -> Origin:
        """The origin of all its entries."""
        return Origin(self.name.removeprefix(f"{self.distribution}/"), self.distribution, self.version)

    def __str__(self) -> str:
        """The name that error messages use."""
        return f"plugin {self.name!r} ({self.distribution})"


@attrs.frozen
class Registry:
    """All offers of all working plugins, and all plugins."""

    offers: tuple[Offer, ...]
    plugins: tuple[Plugin, ...] = ()

    def of_kind(self, kind: str) -> list[Offer]:
        """Offers of a kind, sorted by name."""
        return sorted((o for o in self.offers if o.kind == kind), key=lambda o: (o.name, o.plugin))

    def find(self, kind: str, name: str) -> Offer:
        """The one offer of this name or `plugin:name`. Raises UnknownName if there is none, BadPlugin if several."""
        plugin, _, bare = name.rpartition(":")
        offers = self._called(kind, name)
        if not offers:
            names = {o.name for o in self.of_kind(kind)}
            if setting_after(name, names):
                raise UnknownName(
                    f"expected the name of one {kind_label(kind)} alone, such as {name.partition(':')[0]}, got "
                    f"{name!r}: give its settings with --set (from Python: set=)"
                )
            if plugin and bare and bare not in names and all(o.plugin != plugin for o in self.offers):
                raise UnknownName(
                    f"{kind_label(kind)} {name!r} belongs to no plugin: a class that was passed from Python runs only "
                    "from there. Pass it again, or make it a plugin (meva plugin new)"
                )
            names |= {o.plugin for o in self.of_kind(kind)} if plugin else set()
            raise UnknownName(f"unknown {kind_label(kind)} {name!r}{did_you_mean(name, names)}")
        if len(offers) > 1:
            who = " and ".join(f"{o.plugin!r} ({o.distribution})" for o in offers)
            choose = " or ".join(f"{o.plugin}:{o.name}" for o in offers)
            raise BadPlugin(
                f"{kind_label(kind)} {name!r} is offered by {who}: write {choose}, or disable one plugin in "
                "registry.toml"
            )
        return offers[0]

    def recall(self, kind: str, name: str, origin: Origin) -> Offer:
        """The offer of this name from the plugin that `origin` names, whatever its installed version.

        Raises UnknownName if the plugin is not installed, is left out, or has no such entry; BadPlugin if several
        offers fit `origin`.
        """
        called = self._called(kind, name)
        offers = [offer for offer in called if offer.origin is not None and origin.fits(offer.origin)]
        if len(offers) == 1:
            return offers[0]
        plugins = [plugin for plugin in self.plugins if origin.fits(plugin.origin)]
        working = any(not plugin.fault for plugin in plugins)
        if offers or (working and not called):
            return self.find(kind, name)  # its error says who offers it, or which names exist
        if working:
            others = " or ".join(str(offer.origin) for offer in called)
            lack = f"which offers none: name {others} instead, or name no plugin"
        elif plugins:
            lack = f"which is left out: {plugins[0].fault}"
        else:
            lack = f"which is not installed: install {origin.distribution or origin.plugin}"
        raise UnknownName(f"expected {kind_label(kind)} {name!r} of {origin}, {lack}")

    def kinds_of(self, name: str) -> list[str]:
        """The kinds that have an offer of this name, or of `plugin:name`."""
        return [kind for kind in KINDS if self._called(kind, name)]

    def _called(self, kind: str, name: str) -> list[Offer]:
        return [o for o in self.of_kind(kind) if o.goes_by(name)]


def setting_after(text: str, names: Iterable[str]) -> str:
    """The text after one of these names and a colon if it reads as a setting, `rate` in `lola:rate`; otherwise ""."""
    name, _, rest = text.partition(":")
    return rest if _SETTING.match(rest) and name in names else ""


def kind_named(text: str) -> str | None:
    """The kind that `text` names, singular or plural, as in "Value models" or "value-model"; None if it names none."""
    wanted = re.sub(r"[-_\s]+", " ", text.strip().lower())
    return next((kind for kind in KINDS if wanted in (kind_label(kind), plural_label(kind))), None)


def check_kind(text: str) -> str:
    """The kind that `text` names. Raises UnknownName if it names none."""
    if (kind := kind_named(text)) is None:
        raise UnknownName(f"unknown kind {text!r}{did_you_mean(text, KINDS)}")
    return kind


def what_to_do(distribution: str, *, raised: bool) -> str:
    """Advice on a faulty distribution, for the end of an error message. raised: there is a traceback."""
    debug = "; MEVA_DEBUG=1 shows the traceback" if raised else ""
    return f"Ask its authors, or uninstall {distribution}{debug}"
