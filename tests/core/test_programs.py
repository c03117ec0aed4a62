"""Compiled programs are kept for the next process, and their memory maps are freed."""

import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

from meva_core.compute import compilation_cache

MAPS = compilation_cache._MAPS


def maps():
    return MAPS.read_bytes().count(b"\n")


@pytest.mark.skipif(not MAPS.exists(), reason="no /proc here")
def test_room_is_made_where_there_is_little():
    calls = [jax.jit(lambda x, n=n: jnp.sin(x) @ jnp.cos(x) + n) for n in range(20)]
    for call in calls:
        call(jnp.ones((3, 3)))
    before = maps()
    assert not compilation_cache.make_room(before + 1000)
    assert compilation_cache.make_room(1)
    assert maps() < before
    assert float(calls[3](jnp.zeros((3, 3)))[0, 0]) == 3.0  # what was forgotten is compiled anew


def test_where_the_system_does_not_say_nothing_is_forgotten(monkeypatch, tmp_path):
    monkeypatch.setattr(compilation_cache, "_MAPS", tmp_path / "none")
    assert not compilation_cache.make_room(0)


SCRIPT = """
import os, sys
import jax, jax.numpy as jnp
from meva_core.compute import compilation_cache as programs
jax.jit(lambda x: x + 1)(1)  # jax has been used before
missed = []
jax.monitoring.register_event_listener(lambda name, **_: missed.append(name))
print(programs.keep())
def slow_to_compile(x):
    for _ in range(150):
        x = jnp.sin(x) @ jnp.cos(x)
    return x
jax.jit(slow_to_compile)(jnp.ones((3, 3)))
print(missed.count("/jax/compilation_cache/cache_misses"), missed.count("/jax/compilation_cache/cache_hits"))
"""


def kept(home, **environment):
    """Run the script: the cache folder, the numbers of programs compiled and read, and the text on stderr."""
    own = {k: v for k, v in os.environ.items() if not k.startswith(("JAX_", "MEVA_", "XDG_"))}
    own |= {"HOME": str(home), "XDG_CACHE_HOME": str(home / "caches"), **environment}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=own, capture_output=True, text=True, check=True)
    folder, counts = done.stdout.splitlines()
    return None if folder == "None" else Path(folder), tuple(map(int, counts.split())), done.stderr


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    return home, kept(home)


def test_a_second_process_compiles_nothing(home):
    home, (folder, (compiled, read), _) = home
    assert folder.is_relative_to(home / "caches" / "meva" / "programs")
    assert compiled > 0
    assert read == 0
    assert kept(home)[:2] == (folder, (0, compiled))


def test_an_entry_that_was_cut_off_is_thrown_away(home):
    home, (folder, (compiled, _), _) = home
    entry = max(folder.glob("*-cache"), key=lambda path: path.stat().st_size)
    entry.write_bytes(entry.read_bytes()[:100])
    entry.with_name(entry.name.removesuffix("-cache") + "-atime").unlink()
    os.utime(entry, (0, 0))
    _, counts, said = kept(home)
    assert counts == (1, compiled - 1)
    assert said == ""


@pytest.mark.long
@pytest.mark.parametrize(
    "value", [pytest.param("off", marks=pytest.mark.long), "0", pytest.param("OFF", marks=pytest.mark.long)]
)
def test_the_cache_can_be_switched_off(value, tmp_path):
    assert kept(tmp_path, MEVA_CACHE=value)[0] is None
    assert not list(tmp_path.iterdir())


@pytest.mark.long
def test_the_cache_can_be_elsewhere(tmp_path):
    folder = kept(tmp_path, MEVA_CACHE=str(tmp_path / "there"))[0]
    assert folder is not None
    assert folder.is_relative_to(tmp_path / "there")


@pytest.mark.long
def test_jaxs_own_settings_are_left_alone(tmp_path):
    assert kept(tmp_path, JAX_COMPILATION_CACHE_DIR=str(tmp_path / "jax"))[0] is None


def test_a_home_that_cannot_be_written_costs_no_run(tmp_path):
    (tmp_path / "caches").write_text("a file")
    folder, (_, read), said = kept(tmp_path)
    assert (folder, read, said) == (None, 0, "")
