"""Medians, and what they are made of."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

REPEATS = 5


class Row(NamedTuple):
    """A line of the table."""

    benchmark: str
    what: str
    value: float
    unit: str
    note: str = ""


def once(work: Callable[[], Any]) -> float:
    """Seconds until what `work` computes is there."""
    began = time.perf_counter()
    jax.block_until_ready(work())
    return time.perf_counter() - began


def cpu_seconds(work: Callable[[], Any], repeats: int = REPEATS) -> float:
    """Median seconds of processor time, all cores together; the first call, which compiles, is not counted."""
    once(work)
    times = []
    for _ in range(repeats):
        began = time.process_time()
        jax.block_until_ready(work())
        times.append(time.process_time() - began)
    return statistics.median(times)


def in_turns(*works: Callable[[], Any], repeats: int = REPEATS) -> list[float]:
    """Median seconds of each; a first round, which compiles, is not counted."""
    for work in works:
        once(work)
    rounds = [[once(work) for work in works] for _ in range(repeats)]
    return [statistics.median(times) for times in zip(*rounds, strict=True)]


def large_product(size: int = 3072) -> float:
    """Flop per second of a large product of matrices in single precision."""
    a = jnp.ones((size, size))
    product = jax.jit(lambda a: a @ a)
    (seconds,) = in_turns(lambda: product(a))
    return 2 * size**3 / seconds
