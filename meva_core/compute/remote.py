"""Does the tasks of a study on the workers of an executor."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import pickle
import platform
import re
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs

from meva_core.compute import signals, worker
from meva_core.compute.messages import STOP, Mail
from meva_core.compute.progress import Progress
from meva_core.compute.tasks import Queue, Task
from meva_core.contracts import Executor, Job, Workers
from meva_core.errors import Lost, Unreachable

SECONDS = 0.1  # between two looks at the jobs
READING = 0.5  # seconds between two looks at what tasks have told
SILENCE = 120.0  # seconds without a message, before the user hears of it; then twice as long, and so on
PREFIX = "workers-"  # of the folder's name: then the host and the process
PATIENCE = 60.0  # seconds in which tasks save their work, when the study stops


class WorkerFailed(RuntimeError):
    """An exception in a worker that is no MevaError: a bug, with the traceback of the worker as its text."""


def do_all(
    tasks: Sequence[Task],
    executor: Executor,
    jobs: int | None,
    progress: Callable[[int], Progress],
    out: Path,
    say: Callable[[str], None] = lambda line: None,
) -> Generator[tuple[int, Any], None, None]:
    """Do all tasks on an executor's workers; yields (index, result) when a task ends, like `processes.do_all`.

    out: a folder that all machines see. say: called with a line for the user if workers are missing. A job whose worker
    is lost is submitted again. Raises Lost if that happens `executor.attempts` times to the same one, or if no worker
    can be reached for `executor.patience` seconds. An exception in a task is raised here, after the other tasks were
    told to stop, as by Ctrl-C; they have `PATIENCE` seconds to save their work.
    """
    if not tasks:
        return
    with _folder(out) as folder, signals.deferred() as check:
        (folder / "executor").mkdir()
        with executor.open(jobs, folder / "executor") as workers:
            mail = Mail(folder, progress)
            calls = _Calls(tasks, executor, workers, mail)
            read, patience = time.monotonic(), SILENCE
            try:
                while calls.submit(check, say):
                    time.sleep(SECONDS)
                    check()
                    if time.monotonic() - read >= READING:
                        mail.read()
                        read = time.monotonic()
                    for n, value in calls.ended():
                        mail.close(n)
                        yield n, value
                    silent = time.monotonic() - mail.heard
                    if silent < SILENCE:
                        patience = SILENCE
                    elif silent >= patience:
                        say(f"no run has told anything for {silent:.0f} s: are there workers, and are they free?")
                        patience *= 2
            finally:
                calls.stop(say)


@attrs.frozen(eq=False)
class _Call:
    """A job, and the tasks that it does."""

    job: Job
    tasks: tuple[int, ...]


class _Calls:
    """The calls of a study on its workers."""

    def __init__(self, tasks: Sequence[Task], executor: Executor, workers: Workers, mail: Mail):
        self.tasks, self.executor, self.workers = tasks, executor, workers
        self.mail, self.folder = mail, mail.folder
        self.version = importlib.metadata.version("meva")
        self.queue, self.attempts = Queue(tasks), Counter[int]()
        self.running: dict[_Call, None] = {}
        self.away_since: float | None = None  # since when no worker can be reached

    def submit(self, check: Callable[[], None], say: Callable[[str], None]) -> bool:
        """Submit all tasks that can begin. Returns False if all are over."""
        while pack := self._pack():
            check()
            pickled = [(n, pickle.dumps(self.tasks[n])) for n in pack]
            try:
                job = self.workers.submit(worker.work, str(self.folder), self.version, pickled)
            except Unreachable as error:
                for n in pack:
                    self.queue.ended(n, again=True)
                self._away(error, say)
                break
            self.running[_Call(job, pack)] = None
            self.away_since = None
        return bool(self.queue or self.running)

    def ended(self) -> Iterator[tuple[int, Any]]:
        """The results of the tasks that are over since the last call. Raises what a task raised."""
        for call in [call for call in self.running if call.job.done()]:
            del self.running[call]
            outcomes = self._outcomes(call)
            done = {n for n, *_ in outcomes}
            for n in call.tasks:
                self.queue.ended(n, again=n not in done)
            for n, ending, value in outcomes:
                if ending == worker.RAISED:
                    raise value
                if ending == worker.FAILED:
                    raise WorkerFailed(value)
                yield n, value

    def stop(self, say: Callable[[str], None]) -> None:
        """Stop the jobs that still run: those that have not begun are given up, the others save their work."""
        if not self.running:
            return
        with contextlib.suppress(OSError):
            (self.folder / STOP).touch()
        with contextlib.suppress(Exception):
            self.mail.read()
        begun = [call for call in self.running if any(n in self.mail.rows for n in call.tasks)]
        for call in self.running.keys() - begun:
            with contextlib.suppress(Exception):  # it may have ended just now
                call.job.cancel()
        if begun:
            say(f"waiting for {len(begun)} to save")
        end = time.monotonic() + PATIENCE
        while not all(_over(call.job) for call in begun) and time.monotonic() < end:
            time.sleep(SECONDS)

    def _pack(self) -> tuple[int, ...]:
        """The next tasks of one job."""
        pack: list[int] = []
        while len(pack) < self.executor.tasks_per_job and (n := self.queue.next()) is not None:
            pack.append(n)
        return tuple(pack)

    def _outcomes(self, call: _Call) -> list[tuple[int, str, Any]]:
        """The endings of the tasks of a job; empty if its worker is lost. Raises Lost if it was lost too often."""
        try:
            return call.job.result()
        except Unreachable:  # which is not the job's fault
            return []
        except Lost as error:
            self.attempts.update(call.tasks)
            if max(self.attempts[n] for n in call.tasks) < self.executor.attempts:
                return []
            if not self.mail.rows:
                advice = f"No run has begun: do all machines see {self.folder}?"
            else:
                advice = "Run the command again, with more memory for each worker; finished runs are kept"
            raise Lost(
                f"expected workers that survive a run, got {self.executor.attempts} lost with the same one (out of "
                f"memory?), the last: {error}. {advice}"
            ) from error

    def _away(self, error: Lost, say: Callable[[str], None]) -> None:
        """Tell that no worker can be reached. Raises the error if that has lasted too long."""
        if self.away_since is None:
            self.away_since = time.monotonic()
            say(f"{error}; waiting up to {self.executor.patience:g} s")
        elif time.monotonic() - self.away_since > self.executor.patience:
            raise Lost(f"{error}: start it again, and run the command again; finished runs are kept") from error


def _over(job: Job) -> bool:
    """True if a job has ended, or can no longer be reached."""
    try:
        return job.done()
    except Exception:
        return True


@contextlib.contextmanager
def _folder(out: Path) -> Iterator[Path]:
    """A new folder in `out`, deleted at the end; it stays if a worker failed, since it may tell why.

    The folders of killed studies are deleted, so that their runs stop and save: this study does them.
    """
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob(f"{PREFIX}{_host()}-*"):
        if not _lives(old.name.split("-")[-2]):
            shutil.rmtree(old, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{_host()}-{os.getpid()}-", dir=out.resolve()))
    try:
        yield folder
    except (Lost, WorkerFailed):
        raise
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)


def _host() -> str:
    """The name of this machine, as a part of a file's name."""
    return re.sub(r"[^\w.]", "_", platform.node()) or "here"


def _lives(pid: str) -> bool:
    """True unless there is no process of this number on this machine."""
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, ValueError):
        return False
    except OSError:  # somebody else's
        return True
    return True
