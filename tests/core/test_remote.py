"""Tasks on the workers of an executor: all are done, lost ones again, and all stop when told to."""

import concurrent.futures
import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

import attrs
import pytest
from tasks import Square

from meva_core.compute import messages, processes, remote, worker
from meva_core.compute.progress import Progress
from meva_core.compute.tasks import Queue, Task
from meva_core.contracts import Executor
from meva_core.errors import BadFolder, BadPlugin, BadValue, Lost, MevaError, MissingLibrary, Unreachable


@attrs.frozen
class Named(Task):
    """A task that only has a place in the queue."""

    alone: frozenset = frozenset()
    needs: frozenset = frozenset()


@attrs.frozen
class Raises(Task):
    error: BaseException

    def do(self, progress):
        raise self.error


@attrs.frozen
class Works(Task):
    """Works until it is stopped, and then saves."""

    folder: Path

    def do(self, progress):
        (self.folder / "begun").touch()
        try:
            while True:
                time.sleep(0.01)
                progress.status("at work")
        except KeyboardInterrupt:
            (self.folder / "saved").touch()
            raise


class Threads(Executor):
    """One thread of this process; the first `losses` jobs and the first `away` calls are lost."""

    def __init__(self, losses=0, away=0, **settings):
        self.losses, self.away, self.calls = losses, away, []
        for name, value in settings.items():
            setattr(self, name, value)

    @contextlib.contextmanager
    def open(self, jobs, folder):
        assert folder.is_dir()
        with concurrent.futures.ThreadPoolExecutor(1) as self.pool:
            yield self

    def submit(self, function, *arguments):
        if self.away:
            self.away -= 1
            raise Unreachable("the scheduler is lost")
        self.calls.append([n for n, _ in arguments[-1]])
        if self.losses:
            self.losses -= 1
            future = concurrent.futures.Future()
            future.set_exception(Lost("worker node7 was killed"))
            return future
        return self.pool.submit(function, *arguments)


class Heard(Progress):
    def __init__(self):
        self.heard = []

    def status(self, text):
        self.heard.append(text)

    def fitting(self, name, loops, done):
        self.heard.append((name, loops, done))

    def chunk(self, chunk):
        self.heard.append((chunk.loops, chunk.metrics["loss"].tolist(), chunk.shown))


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    for module, name in ((remote, "SECONDS"), (remote, "READING"), (messages, "SECONDS")):
        monkeypatch.setattr(module, name, 0.01)
    monkeypatch.setattr(remote, "PATIENCE", 5.0)


def do_all(tasks, executor, out, progress=lambda n: Progress(), **arguments):
    return list(remote.do_all(tasks, executor, None, progress, out, **arguments))


def test_tasks_begin_in_order_and_wait_for_what_they_need():
    fit, other = frozenset({"fit"}), frozenset({"other"})
    queue = Queue([Named(fit), Named(needs=fit), Named(fit), Named(other), Named(needs=fit | other)])
    assert [queue.next() for _ in range(3)] == [0, 3, None]
    queue.ended(3)
    assert queue.next() is None
    queue.ended(0)
    assert [queue.next() for _ in range(2)] == [2, None]
    queue.ended(2, again=True)
    assert [queue.next() for _ in range(2)] == [2, None]
    queue.ended(2)
    assert [queue.next() for _ in range(3)] == [1, 4, None]
    assert not queue


@pytest.mark.parametrize("tasks_per_job", [1, 2])
def test_all_are_done_and_heard(tmp_path, tasks_per_job):
    heard = {n: Heard() for n in range(3)}
    executor = Threads(tasks_per_job=tasks_per_job)
    found = do_all([Square(n) for n in (2, 3, 4)], executor, tmp_path, heard.__getitem__)
    assert sorted(found) == [(0, 4), (1, 9), (2, 16)]
    assert executor.calls == ([[0], [1], [2]] if tasks_per_job == 1 else [[0, 1], [2]])
    assert heard[1].heard == ["begins", "squaring 3", ("square", 7, 0), (3, [[3.0]], {"loss": "error"})]
    assert not list(tmp_path.iterdir())


def test_lost_jobs_are_done_again(tmp_path):
    executor = Threads(losses=2)
    assert sorted(do_all([Square(2), Square(3)], executor, tmp_path)) == [(0, 4), (1, 9)]
    assert sorted(executor.calls) == [[0], [0], [1], [1]]


def test_a_job_that_is_always_lost_ends_the_study(tmp_path):
    with pytest.raises(
        Lost, match=r"got 3 lost with the same one .*node7 was killed\. No run has begun: do all machines"
    ):
        do_all([Square(2)], Threads(losses=9, attempts=3), tmp_path)
    assert list(tmp_path.iterdir())  # what the executor wrote may tell why


def test_workers_that_are_away_for_a_while(tmp_path):
    said = []
    assert do_all([Square(2)], Threads(away=3), tmp_path, say=said.append) == [(0, 4)]
    assert said == ["the scheduler is lost; waiting up to 300 s"]
    with pytest.raises(Lost, match="run the command again; finished runs are kept"):
        do_all([Square(2)], Threads(away=99, patience=0.0), tmp_path)


def test_silence_is_told_twice_as_seldom_each_time(tmp_path, monkeypatch):
    monkeypatch.setattr(remote, "SILENCE", 0.05)
    said, executor = [], Threads()
    ends = remote.do_all([Square(2)], executor, None, lambda n: Progress(), tmp_path, said.append)
    with contextlib.closing(ends):
        executor.submit = lambda function, *_: executor.pool.submit(lambda: time.sleep(0.5) or [(0, "returned", 4)])
        assert next(ends) == (0, 4)
    assert 2 <= len(said) <= 4  # after 0.05, 0.1, 0.2 and 0.4 s
    assert all(line.endswith("s: are there workers, and are they free?") for line in said)


def test_what_a_task_raises_names_the_worker_and_stops_the_others(tmp_path):
    with pytest.raises(BadValue, match=r"^expected a rate, got 'fast' \(on worker .+\)$"):
        do_all([Raises(BadValue("expected a rate, got 'fast'")), Square(2)], Threads(), tmp_path)
    assert not list(tmp_path.iterdir())
    with pytest.raises(OSError, match="No space left"):
        do_all([Raises(OSError(28, "No space left"))], Threads(), tmp_path)
    with pytest.raises(remote.WorkerFailed, match="ZeroDivisionError: by 0"):
        do_all([Raises(ZeroDivisionError("by 0"))], Threads(), tmp_path)


def test_errors_of_any_class_come_back_as_one_line(tmp_path):
    with pytest.raises(MevaError, match=r'^expected the library pandas, got none: pip install "meva\[pandas\]" \(on'):
        do_all([Raises(MissingLibrary("pandas", "pandas"))], Threads(), tmp_path)
    with pytest.raises(MemoryError, match="on worker"):
        do_all([Raises(RuntimeError("RESOURCE_EXHAUSTED: out of memory"))], Threads(), tmp_path)


@attrs.frozen
class StoppedOnce(Task):
    """A signal stops its process at the first attempt."""

    folder: Path

    def do(self, progress):
        if not (self.folder / "again").exists():
            (self.folder / "again").touch()
            raise KeyboardInterrupt
        return 7


def test_what_a_signal_stops_is_done_again(tmp_path):
    (tmp_path / "own").mkdir()
    executor = Threads(attempts=1)  # which counts deaths only
    assert do_all([StoppedOnce(tmp_path / "own")], executor, tmp_path) == [(0, 7)]
    assert executor.calls == [[0], [0]]


def test_a_study_that_stops_lets_its_tasks_save(tmp_path):
    (tmp_path / "own").mkdir()
    ends = remote.do_all([Works(tmp_path / "own"), Square(3)], Threads(), None, lambda n: Heard(), tmp_path)

    def stop(text):
        if (tmp_path / "own" / "begun").exists():
            raise KeyboardInterrupt

    Heard.status, before = (lambda self, text: stop(text)), Heard.status
    try:
        with pytest.raises(KeyboardInterrupt):
            next(ends)
    finally:
        Heard.status = before
    assert (tmp_path / "own" / "saved").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["own"]


def test_a_worker_of_another_version_or_without_the_disk_says_so(tmp_path, monkeypatch):
    [(_, ending, error)] = worker.work(str(tmp_path), "0.1", [(0, b"")])
    assert ending == "raised"
    assert isinstance(error, BadPlugin)
    assert str(error).startswith("expected meva 0.1 as in the study, got ")
    monkeypatch.setattr("importlib.metadata.version", lambda name: "0.1")
    [(_, _, error)] = worker.work(str(tmp_path / "none"), "0.1", [(0, b"")])
    assert isinstance(error, BadFolder)
    assert str(error).startswith(
        f"expected a folder that all machines see, got {tmp_path / 'none'}: choose another disk"
    )
    [(_, _, error)] = worker.work(str(tmp_path), "0.1", [(0, b"cmissing_plugin\nTask\n.")])
    assert str(error).startswith(
        "expected the module missing_plugin, got none: install its plugin there too (on worker"
    )


def test_messages_that_are_written_in_part_wait_for_the_rest(tmp_path):
    heard = Heard()
    mail = messages.Mail(tmp_path, lambda n: heard)
    path = tmp_path / "0.jsonl"
    path.write_text('["status", "one"]\n["stat')
    mail.read()
    with open(path, "a") as file:
        file.write('us", "two"]\nhalf a line\n["status", "three"]\n')
    mail.read()
    assert heard.heard == ["one", "two", "three"]
    mail.close(0)
    mail.close(1)
    assert not list(tmp_path.iterdir())


def test_a_task_whose_study_is_gone_stops(tmp_path):
    (tmp_path / "study").mkdir()
    told = messages.Reporter(tmp_path / "study", 0)
    os.remove(tmp_path / "study" / "0.jsonl")
    os.rmdir(tmp_path / "study")
    time.sleep(0.02)
    with pytest.raises(KeyboardInterrupt):
        told.warn("of what nobody reads")


def test_late_messages_about_a_task_that_is_over_are_left_alone(tmp_path):
    heard = Heard()
    mail = messages.Mail(tmp_path, lambda n: heard)
    mail.path(0).write_text('["status", "one"]\n')
    mail.read()
    mail.close(0)
    mail.path(0).write_text('["status", "two"]\n')  # by a worker that was taken for dead
    mail.read()
    assert heard.heard == ["one"]


def test_workers_tell_the_same_everywhere():
    """Screens receive the same events from processes of this machine and from elsewhere."""
    events = {name for name in vars(processes._Forward) if not name.startswith("_")} - {"composed"}
    assert events == {name for name in vars(messages.Reporter) if not name.startswith("_")} - {"pulse"}
    assert {"fitting", "playing", "chunk", "warn", "status"} == events


def test_the_folders_of_killed_studies_are_deleted(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    lines = {
        name: tmp_path / f"{remote.PREFIX}{remote._host()}-{pid}-x"
        for name, pid in (("dead", dead.pid), ("here", os.getpid()))
    }
    other = tmp_path / f"{remote.PREFIX}elsewhere-{dead.pid}-x"
    for folder in (*lines.values(), other):
        folder.mkdir()
    do_all([Square(2)], Threads(), tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([lines["here"], other])
