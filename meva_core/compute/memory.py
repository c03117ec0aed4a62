"""Memory that a compilation used is given back to the system.

XLA frees hundreds of megabytes when it has compiled a large program, but the C library keeps most of them for this
process, on top of what the next compilation needs.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable
from typing import Any

import jax.monitoring

COMPILED = "/jax/core/compile/backend_compile_duration"  # jax's name of the event, with its seconds
LONG = 1.0  # seconds; giving back takes milliseconds


@functools.cache
def give_back_after_compiling() -> None:
    """From now on, give memory back after every compilation of a second or more. Calls after the first do nothing."""
    jax.monitoring.register_event_duration_secs_listener(_after)


def _after(event: str, duration_secs: float, **_: Any) -> None:
    if event == COMPILED and duration_secs >= LONG:
        give_back()


def give_back() -> bool:
    """Give free memory back to the system. Returns True if any was given; only glibc, of most Linux systems, can."""
    trim = _malloc_trim()
    return trim is not None and bool(trim(0))


@functools.cache
def _malloc_trim() -> Callable[[int], int] | None:
    try:
        return ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError, TypeError):  # another C library, or Windows, where None is no name
        return None
