"""Caches of compiled programs: on disk for later processes, and in memory, where they are cleared in time.

The folder is `meva/programs` in the user's folder for caches (on Linux ~/.cache or XDG_CACHE_HOME), up to a gigabyte;
the longest unused programs are deleted first. MEVA_CACHE=off turns the cache on disk off, and MEVA_CACHE=DIR moves it
to DIR. A cache that jax's own settings define is left alone.

Processes that need a long program at the same time compile it once: one of them holds a claim on it, a file in the
folder that it renews, and the others wait until the program is in the cache. The claim of a process that is dead, or
has not renewed it for `LEASE` seconds, is taken over. A program is compiled without a claim if none can be had.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import os
import platform
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import filelock
import jax
import platformdirs

from meva_core.compute import memory
from meva_core.ops import programs

MOST_BYTES = 2**30
LEAST_SECONDS = 0.1  # least time to compile: jax looks at every entry when it adds one, so many small ones are slow
LEASE = 60.0  # seconds after which a claim that nobody renews belongs to nobody
LONGEST = 300.0  # seconds to wait for another process, before a program is compiled here too
_SECONDS = 0.2  # between two looks at a claim
_CLAIM = ".claim"
_OFF = ("off", "0", "no", "false", "none")
_MAPS = Path("/proc/self/maps")
_MANY = 25_000  # memory maps, of the 65530 that Linux allows a process by default


def ready() -> None:
    """Turn the cache on, and free memory, now and after compilations. Call it before a new piece of work begins."""
    keep()
    make_room()
    memory.give_back_after_compiling()


def keep() -> Path | None:
    """Turn on jax's cache on disk. Returns its folder; None if caching is off or was configured already."""
    wish = os.environ.get("MEVA_CACHE", "").strip()
    own, enabled = jax.config.jax_compilation_cache_dir, jax.config.jax_enable_compilation_cache  # type: ignore[attr-defined]
    if own or not enabled or wish.lower() in _OFF:
        return None
    folder = Path(wish).expanduser() if wish else Path(platformdirs.user_cache_dir("meva", appauthor=False))
    folder = folder / "programs" / _machine()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
    except OSError:  # without a writable folder the run takes longer, but does not fail
        return None
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_compilation_cache_max_size", MOST_BYTES)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", LEAST_SECONDS)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    programs.use(partial(claimed, folder))
    return folder


@contextlib.contextmanager
def claimed(folder: Path, name: str) -> Iterator[None]:
    """Context manager: this process alone compiles the program of that name, or another one has just done so.

    If another process holds the claim, this one waits, at most `LONGEST` seconds. When the claim is given up, the
    program is in the cache, and all that waited read it at the same time, without a claim.
    """
    path = folder / f"{name}{_CLAIM}"
    claim = filelock.SoftFileLease(path, lease_duration=LEASE, thread_local=False)
    try:
        with contextlib.suppress(Exception):  # as on a full disk: without a claim the run takes longer
            _take(claim, path)
        yield
    finally:
        with contextlib.suppress(Exception):
            claim.release()


def _take(claim: filelock.SoftFileLease, path: Path) -> None:
    """Take a claim, or wait until its holder gives it up. A claim that nobody renews, and that cannot be taken over, is
    an empty file: its machine was lost before it was written."""
    began = renewed = time.monotonic()
    latest = None
    while not _taken(claim) and time.monotonic() < min(began + LONGEST, renewed + 1.5 * LEASE):
        time.sleep(_SECONDS)
        try:
            changed = path.stat().st_mtime_ns
        except FileNotFoundError:
            return
        if changed != latest:
            latest, renewed = changed, time.monotonic()


def _taken(claim: filelock.SoftFileLease) -> bool:
    """Take a claim if it is free, or its holder is dead. Returns False if another process holds it."""
    try:
        claim.acquire(timeout=_SECONDS / 10, poll_interval=_SECONDS / 20)  # the second try takes a dead holder's
    except filelock.Timeout:
        return False
    return True


def _machine() -> str:
    """A name for this kind of processor: its programs may not run on another one that shares the home folder."""
    features = ""
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        features = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    return f"{platform.machine()}-{hashlib.sha256(features.encode()).hexdigest()[:8]}"


def _sweep(folder: Path) -> None:
    """Delete entries that a killed process left half-written, and claims that nobody renews.

    Such entries have no time of last use, and jax stores nothing more while there is one.
    """
    for path in folder.glob("*-cache"):
        if not path.with_name(path.name.removesuffix("-cache") + "-atime").exists():
            with contextlib.suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > 60:
                    path.unlink()
    for path in folder.glob(f"*{_CLAIM}"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > 2 * LEASE:
                path.unlink()


def make_room(many: int = _MANY) -> bool:
    """Clear jax's caches if the process nears the kernel's limit of memory maps. Returns True if they were cleared.

    Every program that XLA compiles for a CPU takes dozens of memory maps, and a process that has used all of its own
    dies of a segmentation fault in the next compilation.
    """
    if not _MAPS.exists() or _MAPS.read_bytes().count(b"\n") < many:
        return False
    jax.clear_caches()
    gc.collect()
    return True
