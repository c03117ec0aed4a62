"""Locks: who is in a folder is told, and who is dead is in none."""

import contextlib
import errno
import fcntl
import os
import platform
import signal
import subprocess
import sys
import threading
import time

import filelock
import pytest

from meva_core.errors import BadFolder, Unwritable
from meva_core.storage import locks

HOLD = """
import errno, fcntl, sys, time
from pathlib import Path
from meva_core.storage import locks

def refuse(*_):
    raise OSError(errno.ENOSYS, "Function not implemented")

if sys.argv[2] == "none":
    fcntl.flock = refuse
with locks.alone(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture(params=["flock", "none"], autouse=True)
def of_the_disk(request, monkeypatch):
    """The locks that the disk has."""

    def refuse(*_):
        raise OSError(errno.ENOSYS, "Function not implemented")

    if request.param == "none":
        monkeypatch.setattr(fcntl, "flock", refuse)
    return request.param


@pytest.fixture
def other(tmp_path, of_the_disk):
    """Another process, in `tmp_path / "run"`."""
    command = [sys.executable, "-c", HOLD, str(tmp_path / "run"), of_the_disk]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_the_second_is_told_who_is_there(other, tmp_path):
    with pytest.raises(BadFolder) as caught, locks.alone(tmp_path / "run"):
        pass
    message = str(caught.value)
    assert f"got {tmp_path / 'run'}, which is in use by process {other.pid} on " in message
    assert "since 20" in message
    assert "\n" not in message


def test_a_killed_process_holds_nothing(other, tmp_path):
    os.kill(other.pid, signal.SIGKILL)
    other.wait()
    assert (tmp_path / "run" / locks.NAME).exists()  # stale
    with locks.alone(tmp_path / "run"):
        pass
    assert list((tmp_path / "run").iterdir()) == []


def test_a_living_one_can_be_waited_for(other, tmp_path):
    said = []

    def end(text):
        said.append(text)
        other.kill()
        other.wait()  # a dead process is there until its parent has looked

    with locks.alone(tmp_path / "run", wait=end):
        assert other.wait() == -signal.SIGKILL
    assert len(said) == 1
    assert said[0].startswith(f"waiting for process {other.pid} on ")


def test_within_one_process_too(tmp_path):
    with locks.alone(tmp_path), pytest.raises(BadFolder, match=f"process {os.getpid()} "), locks.alone(tmp_path):
        pass
    with locks.alone(tmp_path):  # and then the next
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_lock_of_nobody_s_make(tmp_path, of_the_disk):
    (tmp_path / locks.NAME).write_text("{")
    with locks.alone(tmp_path):
        pass
    with open(tmp_path / locks.NAME, "w") as file, contextlib.ExitStack() as held:
        if of_the_disk == "flock":
            fcntl.flock(file, fcntl.LOCK_EX)
        else:
            held.enter_context(filelock.SoftFileLease(tmp_path / locks.CLAIM, lease_duration=locks.LEASE))
        with pytest.raises(BadFolder, match="in use by another process") as told, locks.alone(tmp_path):
            pass
        assert (f"remove {tmp_path / locks.CLAIM}" in str(told.value)) == (of_the_disk == "none")


def test_what_a_disk_refuses_is_told(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(Unwritable, match="expected a folder that can be locked"), locks.alone(tmp_path):
        pass


def test_a_file_that_its_holder_takes_away_is_no_lock(tmp_path, monkeypatch):
    """Opened before it was taken away, locked after: others would lock the new one."""
    opened, files = locks._opened, []

    def late(path):
        files.append(opened(path))
        if len(files) == 1:
            path.unlink()
        return files[-1]

    monkeypatch.setattr(locks, "_opened", late)
    with locks.alone(tmp_path):
        assert len(files) == 2
        assert files[0].closed
        assert os.path.samestat(os.stat(tmp_path / locks.NAME), os.fstat(files[1].fileno()))


def test_many_at_once_are_in_it_one_after_the_other(tmp_path):
    inside, most = [], []

    def enter():
        with locks.alone(tmp_path, wait=lambda text: None):
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.02)
            inside.pop()

    threads = [threading.Thread(target=enter) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 6


def test_a_claim_from_another_machine_that_nobody_renews_is_taken_over(tmp_path, of_the_disk, monkeypatch):
    """The machine is lost with its process; a living process renews its claim and keeps it."""
    if of_the_disk == "flock":
        pytest.skip("the system takes the locks of dead processes away")
    monkeypatch.setattr(locks, "LEASE", 0.8)
    with locks.alone(tmp_path):
        claim = (tmp_path / locks.CLAIM).read_bytes()
        time.sleep(1.2)
        with pytest.raises(BadFolder, match="in use"), locks.alone(tmp_path):
            pass
    elsewhere = claim.replace(platform.node().encode(), b"a-lost-machine")
    assert elsewhere != claim
    (tmp_path / locks.CLAIM).write_bytes(elsewhere)
    waited = []
    with locks.alone(tmp_path, wait=waited.append):
        assert len(waited) == 1
