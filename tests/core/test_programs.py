"""Compiled programs are kept for the next process, shared with processes that wait, and their memory maps are freed."""

import contextlib
import errno
import os
import platform
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import filelock
import jax
import jax.numpy as jnp
import pytest

import meva_core as meva
from meva_core.compute import compilation_cache
from meva_core.ops import programs

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
from meva_core.compute import compilation_cache
from meva_core.ops import programs
jax.jit(lambda x: x + 1)(1)  # jax has been used before
missed = []
jax.monitoring.register_event_listener(lambda name, **_: missed.append(name))
print(compilation_cache.keep(), flush=True)
def slow_to_compile(x):
    for _ in range(150):
        x = jnp.sin(x) @ jnp.cos(x)
    return x
argument = jnp.ones((3, 3))
sys.stdin.readline()
missed.clear()
programs.call(jax.jit(slow_to_compile), argument)
print(missed.count("/jax/compilation_cache/cache_misses"), missed.count("/jax/compilation_cache/cache_hits"))
"""


def kept(home, count=1, **environment):
    """Run the script in processes that compile at the same time. The outcome of each: the cache folder, the numbers of
    programs compiled and read, and the text on stderr."""
    own = {k: v for k, v in os.environ.items() if not k.startswith(("JAX_", "MEVA_", "XDG_"))}
    own |= {"HOME": str(home), "XDG_CACHE_HOME": str(home / "caches"), **environment}
    command = [sys.executable, "-c", SCRIPT]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    processes = [subprocess.Popen(command, env=own, text=True, **pipes) for _ in range(count)]
    folders = [process.stdout.readline().strip() for process in processes]  # type: ignore[union-attr]
    for process in processes:  # all are ready
        os.write(process.stdin.fileno(), b"\n")  # type: ignore[union-attr]
    outcomes = []
    for process, folder in zip(processes, folders, strict=True):
        counts, said = process.communicate()
        assert process.returncode == 0, said
        outcomes.append((None if folder == "None" else Path(folder), tuple(map(int, counts.split())), said))
    return outcomes


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    return home, kept(home, count=2)


def test_of_two_processes_one_compiles_and_the_other_reads(home):
    home, outcomes = home
    folder = outcomes[0][0]
    assert folder.is_relative_to(home / "caches" / "meva" / "programs")
    assert sorted(counts for _, counts, _ in outcomes) == [(0, 1), (1, 0)]
    assert not list(folder.glob("*.claim"))


def test_a_later_process_compiles_nothing(home):
    home, ((folder, *_), _) = home
    assert kept(home)[0][:2] == (folder, (0, 1))


def test_an_entry_that_was_cut_off_is_thrown_away(home):
    home, ((folder, *_), _) = home
    entry = max(folder.glob("*-cache"), key=lambda path: path.stat().st_size)
    entry.write_bytes(entry.read_bytes()[:100])
    entry.with_name(entry.name.removesuffix("-cache") + "-atime").unlink()
    os.utime(entry, (0, 0))
    assert kept(home) == [(folder, (1, 0), "")]


@pytest.mark.long
@pytest.mark.parametrize(
    "value", [pytest.param("off", marks=pytest.mark.long), "0", pytest.param("OFF", marks=pytest.mark.long)]
)
def test_the_cache_can_be_switched_off(value, tmp_path):
    assert kept(tmp_path, MEVA_CACHE=value)[0][0] is None
    assert not list(tmp_path.iterdir())


@pytest.mark.long
def test_the_cache_can_be_elsewhere(tmp_path):
    folder = kept(tmp_path, MEVA_CACHE=str(tmp_path / "there"))[0][0]
    assert folder is not None
    assert folder.is_relative_to(tmp_path / "there")


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "value"), [("JAX_COMPILATION_CACHE_DIR", "{}/jax"), ("JAX_ENABLE_COMPILATION_CACHE", "false")]
)
def test_jaxs_own_settings_are_left_alone(name, value, tmp_path):
    assert kept(tmp_path, **{name: value.format(tmp_path)})[0][0] is None


def test_a_home_that_cannot_be_written_costs_no_run(tmp_path):
    (tmp_path / "caches").write_text("a file")
    ((folder, (_, read), said),) = kept(tmp_path)
    assert (folder, read, said) == (None, 0, "")


NAME = "a-program"


def compiling(folder, name=NAME):
    """An event that is set when another thread may compile the program."""
    may = threading.Event()

    def compile():
        with compilation_cache.claimed(folder, name):
            may.set()

    threading.Thread(target=compile, daemon=True).start()
    return may


def test_a_claimed_program_is_waited_for_and_no_other(tmp_path):
    with compilation_cache.claimed(tmp_path, NAME):
        assert compiling(tmp_path, "another-program").wait(10)
        waiting = [compiling(tmp_path) for _ in range(3)]
        time.sleep(0.3)
        assert not any(may.is_set() for may in waiting)
    assert all(may.wait(10) for may in waiting)


def test_a_claim_of_a_lost_machine_is_taken_over(tmp_path, monkeypatch):
    monkeypatch.setattr(compilation_cache, "LEASE", 0.5)
    path = tmp_path / f"{NAME}.claim"
    with compilation_cache.claimed(tmp_path, NAME):
        claim = path.read_bytes()
    path.write_bytes(claim.replace(platform.node().encode(), b"a-lost-machine"))
    assert path.read_bytes() != claim
    assert compiling(tmp_path).wait(10)
    end = time.monotonic() + 10
    while path.exists() and time.monotonic() < end:
        time.sleep(0.01)
    assert not path.exists()  # whoever takes a claim gives it up


def test_an_empty_claim_of_a_lost_machine_is_passed_over(tmp_path, monkeypatch):
    monkeypatch.setattr(compilation_cache, "LEASE", 0.5)
    (tmp_path / f"{NAME}.claim").touch()
    assert compiling(tmp_path).wait(10)


def test_nothing_waits_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr(compilation_cache, "LONGEST", 0.3)
    with compilation_cache.claimed(tmp_path, NAME):
        assert compiling(tmp_path).wait(10)


def test_without_room_for_a_claim_programs_are_compiled(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(filelock.SoftFileLease, "acquire", refuse)
    with compilation_cache.claimed(tmp_path, NAME):
        assert not list(tmp_path.iterdir())


def test_claims_that_nobody_gave_up_are_deleted(tmp_path):
    old, new = (tmp_path / f"{name}.claim" for name in ("old", "new"))
    old.touch()
    new.touch()
    os.utime(old, (0, 0))
    compilation_cache._sweep(tmp_path)
    assert not old.exists()
    assert new.exists()


@pytest.fixture
def locked(monkeypatch):
    """The names of the programs that have been compiled under a lock, in order."""
    names = []
    monkeypatch.setattr(programs, "_lock", lambda name: contextlib.nullcontext(names.append(name)))
    return names


def test_a_program_is_compiled_once_under_its_lock(locked):
    function: Any = jax.jit(lambda x, n: x * n, static_argnums=1)
    assert [float(programs.call(function, x, 2)) for x in (1.0, 2.0)] == [2.0, 4.0]
    assert len(locked) == 1
    assert function._cache_size() == 1
    programs.call(function, 1.0, 3)
    assert len(set(locked)) == 2
    again = jax.jit(lambda x, n: x * n, static_argnums=1)
    programs.call(again, 1.0, 3)
    assert locked[2] == locked[1]  # the name says what the program computes
    assert jax.eval_shape(lambda x: programs.call(again, x, 4), 1.0).shape == ()
    assert len(locked) == 3


def test_nothing_is_compiled_where_jax_compiles_nothing(locked):
    with jax.disable_jit():  # to look into a plugin, which then finds numbers, and no tracers
        assert programs.call(jax.jit(lambda x: float(x) * 2), 1.0) == 2.0
    assert not locked


def test_matches_and_evaluations_are_compiled_under_locks(locked):
    run = {"game": "matrix", "learner": "naive", "set": {"evaluate.pairs": 2, "evaluate.steps": 3}}
    meva.run(**run, evaluate=["best_response"])
    assert len(locked) == 2
