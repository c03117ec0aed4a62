"""Discovery of plugins: from entry points to a registry of entries by kind and name.

Imports no jax; factories are imported when they are used.
"""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import os
import traceback
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import attrs
import pluggy

from meva_core.contracts import hooks
from meva_core.contracts.hooks import GROUP, KINDS, READ, VERSION, Entry
from meva_core.errors import BadPlugin, debugging, did_you_mean, in_short
from meva_core.registry import claims, recipes
from meva_core.registry.entries import OURS, Offer, Plugin, Registry
from meva_core.registry.recipes import RecipeFile


class PluginWarning(UserWarning):
    """A warning about a plugin that is left out, with the reason."""


def load(disabled: Iterable[str] = ()) -> Registry:
    """The registry of installed plugins, without those in `disabled` or in MEVA_BLOCK ("name,distribution/name").

    Warns (PluginWarning) about each plugin that fails to load, and about disabled names that no plugin has.
    """
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hooks)
    off = {*disabled, *blocked()}
    names: set[str] = set()
    taken: set[str] = set()
    offers: list[Offer] = []
    plugins: list[Plugin] = []
    for point, distribution, version in _entry_points():
        full = f"{distribution}/{point.name}"
        label = point.name if point.name not in taken else full
        names |= {point.name, full}
        plugin = Plugin(label, distribution, version, point.module)
        if {label, full} & off:
            plugins.append(attrs.evolve(plugin, fault="switched off (MEVA_BLOCK, or disabled in a registry file)"))
            continue
        try:
            module = _fitting(point.load(), distribution)
            files = {"recipes": _file(module, "MEVA_RECIPES"), "references": _file(module, "MEVA_REFERENCES")}
            plugin = attrs.evolve(plugin, recipes=files["recipes"])
            manager.register(module, name=label)
            manager.check_pending()
            offers += _offers(manager, plugin, files)
        except (Exception, SystemExit) as error:
            manager.unregister(name=label) if manager.has_plugin(label) else None
            plugins.append(attrs.evolve(plugin, fault=in_short(error)))
            _warn(f"{plugin} is left out: {in_short(error)}", error)
            continue
        taken.add(label)
        plugins.append(plugin)
    for name in sorted(off - names):
        _warn(f"no plugin {name!r} to switch off (MEVA_BLOCK, plugins.disabled){did_you_mean(name, names)}")
    return Registry(tuple(offers), tuple(plugins))


def blocked() -> list[str]:
    """Names listed in MEVA_BLOCK."""
    return [name.strip() for name in os.environ.get("MEVA_BLOCK", "").split(",") if name.strip()]


@functools.cache
def installed() -> Registry:
    """The registry of installed plugins, without those that the shipped registry.toml disables. Cached per process."""
    return load(recipes.shipped().disabled)


def recipe_files(registry: Registry) -> list[RecipeFile]:
    """The recipe files of all plugins, bundled ones last. Warns (PluginWarning) about each that cannot be read."""
    named = {plugin.recipes: plugin for plugin in registry.plugins if plugin.recipes and not plugin.fault}
    named |= {offer.entry.recipes: offer for offer in registry.offers if offer.entry.recipes}
    files = []
    for where, whose in sorted(named.items(), key=lambda item: item[1].distribution == OURS):
        try:
            file = recipes.of_package(where)
            claims.check(file)
            files.append(file)
        except (Exception, SystemExit) as error:
            _warn(f"recipes of {whose} are left out: {in_short(error)}", error)
    return files


def _entry_points() -> list[tuple[importlib.metadata.EntryPoint, str, str]]:
    """Entry points of the group with their distributions and versions.

    A distribution that is twice on the path counts once. This replaces pluggy's own loader, which silently skips a
    second plugin of the same name.
    """
    points: dict[tuple[str, str, str], tuple[importlib.metadata.EntryPoint, str, str]] = {}
    for point in importlib.metadata.entry_points(group=GROUP):
        name, version = (point.dist.name, point.dist.version) if point.dist else ("unknown distribution", "")
        points.setdefault((name, point.name, point.value), (point, name, version))
    return [points[key] for key in sorted(points)]


def _fitting(module: Any, distribution: str) -> Any:
    """The module, unchanged. Raises BadPlugin if it is written for another version of the contract."""
    version = getattr(module, "MEVA_CONTRACT", VERSION)
    if version in READ:
        return module
    newer = isinstance(version, int) and version > VERSION
    raise BadPlugin(
        f"expected MEVA_CONTRACT = {VERSION}, this meva's version of the hooks, got {version!r}: "
        f"upgrade {OURS if newer else distribution}"
    )


def _file(module: Any, attribute: str) -> str | None:
    """The file that a plugin's module names, "package:file"; None if it names none. Raises TypeError otherwise."""
    where = getattr(module, attribute, None)
    if not isinstance(where, str | None):
        raise TypeError(f"expected {attribute} = 'package:file', got {where!r}")
    return where


def _offers(manager: pluggy.PluginManager, plugin: Plugin, files: Mapping[str, str | None]) -> list[Offer]:
    """Offers of one plugin. files: field of an entry -> the file that the plugin names for all of its entries, or None.

    Raises TypeError if a hook yields anything but entries, ValueError if it yields a name twice or a name that is
    reserved, and any exception of the hook itself.
    """
    offers: list[Offer] = []
    for kind, hook, reserved in ((name, kind.hook, kind.reserved) for name, kind in KINDS.items()):
        for implementation in getattr(manager.hook, hook).get_hookimpls():
            if implementation.plugin_name != plugin.name:
                continue
            for entry in implementation.function():
                if not isinstance(entry, Entry):
                    raise TypeError(f"{hook} must yield meva_core.contracts.hooks.Entry, got {entry!r}")
                if entry.name in reserved:
                    raise ValueError(
                        f"{hook} must yield no name that has another meaning ({', '.join(reserved)}), "
                        f"got {entry.name!r}"
                    )
                unsaid = {field: where for field, where in files.items() if getattr(entry, field) is None}
                offer = Offer(kind, attrs.evolve(entry, **unsaid), plugin.name, plugin.distribution, plugin.version)
                if any((o.kind, o.name) == (kind, offer.name) for o in offers):
                    raise ValueError(f"{hook} must yield every name once, got {offer.name!r} twice")
                offers.append(offer)
    return offers


def _warn(message: str, error: BaseException | None = None) -> None:
    warnings.warn(message, PluginWarning, stacklevel=3)
    if error is not None and debugging():
        traceback.print_exception(error)
