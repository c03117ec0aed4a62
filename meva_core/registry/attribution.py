"""Attribution of exceptions to plugins: an error from a third-party plugin becomes one line that names the plugin.

Imports no jax.
"""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
import warnings
from collections.abc import Iterator
from types import FrameType

from meva_core.errors import BadPlugin, MevaError, in_short, out_of_memory
from meva_core.registry import discovery, entries
from meva_core.registry.entries import OURS, Offer, Plugin, what_to_do


@contextlib.contextmanager
def named() -> Iterator[None]:
    """Context manager: an exception from a plugin that is not bundled becomes a BadPlugin that names it.

    MevaError, Ctrl-C and errors for lack of memory pass unchanged. So do errors from the core and bundled plugins, with
    their traceback.
    """
    try:
        yield
    except MevaError:
        raise
    except (Exception, SystemExit) as error:
        who = None if out_of_memory(error) else culprit(error)
        if who is None:
            raise
        raise BadPlugin(f"{who} raises {in_short(error)}. {what_to_do(who.distribution, raised=True)}") from error


def culprit(error: BaseException) -> Offer | Plugin | None:
    """The entry, or else the plugin, whose code is the innermost third-party code in a traceback; None if none is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        registry = discovery.installed()
    theirs = _modules(registry)
    passed = [frame for frame, _ in traceback.walk_tb(error.__traceback__)][::-1]
    calls = [(frame, plugin) for frame in passed if (plugin := _plugin_of(frame, theirs)) is not None]
    if not calls:
        return None
    plugin = calls[0][1]
    offers = {
        o.entry.factory: o for o in registry.offers if (o.plugin, o.distribution) == (plugin.name, plugin.distribution)
    }
    for frame, owner in calls:
        for factory in _classes(frame) if owner == plugin else ():
            if factory in offers:
                return offers[factory]
    return plugin


def _modules(registry: entries.Registry) -> dict[str, Plugin]:
    """Modules that third-party entry points and factories name, less those of the core, bundled plugins and Python."""
    plugins = {(plugin.name, plugin.distribution): plugin for plugin in registry.plugins}
    owners = {plugin.module: plugin for plugin in registry.plugins}
    for offer in registry.offers:
        owners.setdefault(offer.entry.factory.partition(":")[0], plugins[offer.plugin, offer.distribution])
    borrowed = {
        "meva_core",
        *sys.stdlib_module_names,
        *(_top(p.module) for p in registry.plugins if p.distribution == OURS),
    }
    return {module: plugin for module, plugin in owners.items() if _top(module) not in borrowed}


def _plugin_of(frame: FrameType, theirs: dict[str, Plugin]) -> Plugin | None:
    """The plugin that a frame belongs to, by its package; if several plugins share it, the plugin of the nearest
    module."""
    name = frame.f_globals.get("__name__") or ""
    near = [module for module in theirs if _top(module) == _top(name)]
    return theirs[max(near, key=lambda module: len(_path(module, name)))] if near else None


def _classes(frame: FrameType) -> list[str]:
    """Names "module:Class" of the class whose method the frame runs, and of the classes of its `self`."""
    own = f"{frame.f_globals.get('__name__')}:{frame.f_code.co_qualname.partition('.')[0]}"
    return [own, *(f"{cls.__module__}:{cls.__qualname__}" for cls in type(frame.f_locals.get("self")).__mro__)]


def _path(*modules: str) -> str:
    """The leading components that two paths share."""
    return os.path.commonpath([module.replace(".", "/") for module in modules])


def _top(module: str) -> str:
    return module.partition(".")[0]
