"""Room for compiled programs."""

from __future__ import annotations

import gc
from pathlib import Path

import jax

_MAPS = Path("/proc/self/maps")
_MANY = 25_000  # of the 65530 that Linux allows a process unless told otherwise


def make_room(many: int = _MANY) -> bool:
    """Forget what was compiled, where it fills much of what the system allows; says whether it did.

    Every program that XLA compiles for a CPU takes dozens of memory maps, and a process that has used all of its own
    dies of a segmentation fault in the next compilation. To be called where work on something else begins.
    """
    if not _MAPS.exists() or _MAPS.read_bytes().count(b"\n") < many:
        return False
    jax.clear_caches()
    gc.collect()
    return True
