"""Provenance of a run: versions, platform and devices. If these are equal, the numbers are equal bit for bit."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Mapping
from typing import Any

from meva_core.compute import devices
from meva_core.registry import discovery

LIBRARIES = ("meva", "jax", "jaxlib", "dm-haiku", "optax", "numpy", "scipy")


def record() -> dict[str, Any]:
    """Provenance of this process, as plain tables."""
    computing = {} if devices.have_left() else {"machine": devices.machine(), **devices.record()}  # others compute
    strangers = {plugin.distribution: plugin.version for plugin in discovery.installed().plugins}
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "versions": {**strangers, **{name: importlib.metadata.version(name) for name in LIBRARIES}},
        **computing,
    }


def changes(was: Mapping[str, Any]) -> list[str]:
    """Differences between this process and a run's record, "jax 0.10.2 (was 0.10.1)"; keys that the record lacks are
    ignored."""
    here, differences = record(), []
    versions = was.get("versions")
    if isinstance(versions, Mapping):
        here, was = {**here, **here["versions"]}, {**was, **versions}
    for name, value in here.items():
        if name in was and not isinstance(value, Mapping) and was[name] != value:
            differences.append(f"{name} {value} (was {was[name]})")
    return differences
