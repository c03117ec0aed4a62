"""A description of this installation and machine for bug reports, and what is wrong with them."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import attrs

from meva_core.errors import in_short
from meva_core.registry.entries import OURS

LIBRARIES = ("jax", "jaxlib", "dm-haiku", "optax", "numpy", "scipy", "pluggy", "attrs", "click")
VARIABLES = re.compile(r"(MEVA|JAX|XLA|CUDA|NPROC|OMP|SLURM_JOB|PYTHONPATH)")
LEAST_DISK = 2**30  # bytes that should be free: a run takes megabytes, the programs up to a gigabyte
LEAST_MEMORY = 2 * 2**30
GPUS = ("/dev/nvidia0", "/dev/kfd")  # files that drivers of NVIDIA and AMD make
_GIGA = 2**30


@attrs.frozen
class Part:
    """One part of the description. lines: what there is. problems: what is wrong, each with what to do."""

    title: str
    lines: tuple[str, ...]
    problems: tuple[str, ...] = ()


def parts() -> Iterator[Part]:
    """All parts, one after the other. A part that fails says so in place of its lines."""
    for title, describe in {
        "versions": _versions,
        "extras": _extras,
        "devices": _devices,
        "compiled programs": _programs,
        "plugins": _plugins,
        "memory and disk": _room,
        "environment": _environment,
    }.items():
        try:
            lines, problems = describe()
        except Exception as error:
            lines, problems = (), (f"{title} cannot be found out: {in_short(error)}",)
        yield Part(title, tuple(lines), tuple(problems))


def _versions() -> tuple[list[str], list[str]]:
    here = Path(__file__).parents[2]
    lines = [
        f"meva {importlib.metadata.version(OURS)} in {here}",
        f"Python {platform.python_version()} in {sys.prefix}",
        platform.platform(),
        ", ".join(f"{name} {_version(name) or 'none'}" for name in LIBRARIES),
    ]
    lacking = [name for name in LIBRARIES if _version(name) is None]
    return lines, [f"{name} is not installed: pip install --force-reinstall meva" for name in lacking]


def _extras() -> tuple[list[str], list[str]]:
    """The optional libraries of each extra, as the distribution names them."""
    lines = []
    wanted: dict[str, list[str]] = {}
    for text in importlib.metadata.requires(OURS) or ():
        if extra := re.search(r"extra == ['\"](.+?)['\"]", text):
            name = re.split(r"[\s<>=!~;(]", text)[0]
            # What jax's own extra adds is a plugin: jax[cuda13] is there with jax-cuda13-plugin.
            name = re.sub(r"^jax\[(\w+)\]$", r"jax-\1-plugin", name)
            wanted.setdefault(extra[1], []).append(name.partition("[")[0])
    for extra, names in sorted(wanted.items()):
        found = [f"{name} {_version(name)}" for name in names if _version(name) is not None]
        lines.append(f"{extra}: {', '.join(found) or 'not installed'}" + _some(len(names) - len(found), bool(found)))
    return lines, []


def _some(lacking: int, others: bool) -> str:
    return f", {lacking} not installed" if lacking and others else ""


def _devices() -> tuple[list[str], list[str]]:
    import jax
    import jax.numpy as jnp

    from meva_core.compute import devices

    devices.prepare()
    began = time.monotonic()
    kind, problems = jax.default_backend(), []
    lines = [f"{devices.machine()}: {len(jax.devices())} {kind} device{'s' * (len(jax.devices()) != 1)} of jax"]
    slope = jax.jit(jax.grad(lambda x: jnp.sum(jax.nn.sigmoid(x @ x.T))))(jnp.eye(2))
    # The sum of sigmoid(x x^T) at the unit matrix has the slope 2 sigmoid'(1) on the diagonal and 2/4 beside it.
    if not jnp.allclose(slope, jnp.array([[0.39322, 0.5], [0.5, 0.39322]]), atol=1e-4):
        problems.append(f"jax computes a wrong gradient, {slope.tolist()}: install jax and jaxlib of one version")
    lines.append(f"a gradient was compiled and computed in {time.monotonic() - began:.1f} s")
    if kind == "cpu" and any(Path(path).exists() for path in GPUS):
        problems.append("this machine has a GPU that jax does not use: pip install 'meva[cuda]'")
    return lines, problems


def _programs() -> tuple[list[str], list[str]]:
    from meva_core.compute import compilation_cache

    folder = compilation_cache.keep()
    if folder is None:
        return ["not kept on disk: MEVA_CACHE or jax's own settings say so, or the folder is not writable"], []
    sizes = [path.stat().st_size for path in folder.iterdir() if path.is_file()]
    most = compilation_cache.MOST_BYTES / _GIGA
    return [f"{len(sizes)} files, {sum(sizes) / _GIGA:.2f} of at most {most:.0f} GB, in {folder}"], []


def _plugins() -> tuple[list[str], list[str]]:
    from meva_core.registry import discovery

    registry = discovery.installed()
    bundled = [plugin for plugin in registry.plugins if plugin.distribution == OURS]
    others = [plugin for plugin in registry.plugins if plugin.distribution != OURS]
    entries = len([offer for offer in registry.offers if offer.bundled])
    lines = [f"{len(bundled)} bundled ones with {entries} entries"]
    lines += [f"{plugin.name} ({plugin.distribution} {plugin.version})" for plugin in others]
    return lines, [f"{plugin} is left out: {plugin.fault}" for plugin in registry.plugins if plugin.fault]


def _room() -> tuple[list[str], list[str]]:
    lines, problems = [], []
    if hasattr(os, "sysconf") and "SC_AVPHYS_PAGES" in os.sysconf_names:
        page = os.sysconf("SC_PAGE_SIZE")
        free, whole = page * os.sysconf("SC_AVPHYS_PAGES"), page * os.sysconf("SC_PHYS_PAGES")
        lines.append(f"memory: {free / _GIGA:.1f} of {whole / _GIGA:.1f} GB free")
        if whole < LEAST_MEMORY:
            problems.append(f"memory of {whole / _GIGA:.1f} GB is little: use fewer seeds, pairs and --jobs at a time")
    disk = shutil.disk_usage(Path.cwd())
    lines.append(f"disk of this folder: {disk.free / _GIGA:.1f} of {disk.total / _GIGA:.1f} GB free")
    if disk.free < LEAST_DISK:
        problems.append(
            f"the disk of this folder has {disk.free / _GIGA:.2f} GB left: free some, or use --out elsewhere"
        )
    if not os.access(Path.cwd(), os.W_OK):
        problems.append(f"{Path.cwd()} is not writable: runs need --out FOLDER")
    return lines, problems


def _environment() -> tuple[list[str], list[str]]:
    found = {name: value for name, value in sorted(os.environ.items()) if VARIABLES.match(name)}
    return [f"{name}={value}" for name, value in found.items()] or ["no variable that MeVa or jax reads"], []


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
