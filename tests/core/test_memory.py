"""Memory that a long compilation used goes back to the system."""

from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

from meva_core.compute import memory

RESIDENT = Path("/proc/self/statm")


def resident():
    """Pages of this process that are in memory."""
    return int(RESIDENT.read_text().split()[1])


@pytest.fixture(autouse=True)
def listening():
    memory.give_back_after_compiling.cache_clear()
    memory.give_back_after_compiling()
    yield
    jax.monitoring.unregister_event_duration_listener(memory._after)
    memory.give_back_after_compiling.cache_clear()


@pytest.mark.skipif(memory._malloc_trim() is None or not RESIDENT.exists(), reason="not glibc on Linux")
def test_free_memory_goes_back_after_a_long_compilation_only():
    blocks = [bytearray(60_000) for _ in range(1000)]
    last = blocks[-1]  # while it is there, the C library keeps the free blocks below it
    del blocks
    kept = resident()
    jax.monitoring.record_event_duration_secs(memory.COMPILED, memory.LONG / 2)
    jax.monitoring.record_event_duration_secs("/another/event", 2 * memory.LONG)
    assert resident() > kept - 5000
    jax.monitoring.record_event_duration_secs(memory.COMPILED, 2 * memory.LONG)
    assert resident() < kept - 10_000
    assert len(last) == 60_000


def test_jax_names_the_event_so(monkeypatch):
    seen = []
    monkeypatch.setattr(memory, "LONG", 0.0)
    monkeypatch.setattr(memory, "give_back", lambda: seen.append("given"))
    jax.jit(lambda x: x * 3 + 5)(jnp.ones(7))
    assert seen


def test_other_c_libraries_keep_theirs(monkeypatch):
    monkeypatch.setattr(memory, "_malloc_trim", lambda: None)
    assert not memory.give_back()
