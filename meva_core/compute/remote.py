"""Does the tasks of a study on the workers of an executor."""

from __future__ import annotations

import contextlib
import importlib.metadata
import pickle
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
from meva_core.errors import Lost

SECONDS = 0.1  # between two looks at the jobs
OF_MAIL = 0.5  # seconds between two looks at what tasks have told
UNTIL_WORD = 60.0  # seconds without a task that begins, before the user hears of it
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
            calls = _Calls(tasks, executor, workers, folder)
            quiet_since = heard = time.monotonic()
            try:
                while calls.submit(say):
                    time.sleep(SECONDS)
                    check()
                    if time.monotonic() - heard >= OF_MAIL:
                        mail.read()
                        heard = time.monotonic()
                    for n, value in calls.ended():
                        mail.close(n)
                        yield n, value
                    if not mail.rows and time.monotonic() - quiet_since >= UNTIL_WORD:
                        say(f"no run has begun for {UNTIL_WORD:.0f} s: are there workers, and are they free?")
                        quiet_since = time.monotonic()
            finally:
                calls.stop()


@attrs.frozen(eq=False)
class _Call:
    """A job, and the tasks that it does."""

    job: Job
    tasks: tuple[int, ...]


class _Calls:
    """The calls of a study on its workers."""

    def __init__(self, tasks: Sequence[Task], executor: Executor, workers: Workers, folder: Path):
        self.tasks, self.executor, self.workers, self.folder = tasks, executor, workers, folder
        self.version = importlib.metadata.version("meva")
        self.queue, self.attempts = Queue(tasks), Counter[int]()
        self.running: dict[_Call, None] = {}
        self.away_since: float | None = None  # since when no worker can be reached

    def submit(self, say: Callable[[str], None]) -> bool:
        """Submit all tasks that can begin. Returns False if all are over."""
        while pack := self._pack():
            pickled = [(n, pickle.dumps(self.tasks[n])) for n in pack]
            try:
                job = self.workers.submit(worker.work, str(self.folder), self.version, pickled)
            except Lost as error:
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

    def stop(self) -> None:
        """Stop the jobs that still run: those that have not begun are given up, the others save their work."""
        if not self.running:
            return
        with contextlib.suppress(OSError):
            (self.folder / STOP).touch()
        for call in self.running:
            call.job.cancel()
        end = time.monotonic() + PATIENCE
        while not all(call.job.done() for call in self.running) and time.monotonic() < end:
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
        except Lost as error:
            self.attempts.update(call.tasks)
            if max(self.attempts[n] for n in call.tasks) < self.executor.attempts:
                return []
            raise Lost(
                f"expected workers that survive a run, got {self.executor.attempts} lost with the same one (out of "
                f"memory?), the last: {error}. Run the command again, with more memory for each worker; finished runs "
                "are kept"
            ) from error

    def _away(self, error: Lost, say: Callable[[str], None]) -> None:
        """Tell that no worker can be reached. Raises the error if that has lasted too long."""
        if self.away_since is None:
            self.away_since = time.monotonic()
            say(f"{error}; waiting up to {self.executor.patience:g} s")
        elif time.monotonic() - self.away_since > self.executor.patience:
            raise Lost(f"{error}: start it again, and run the command again; finished runs are kept") from error


@contextlib.contextmanager
def _folder(out: Path) -> Iterator[Path]:
    """A new folder in `out`, deleted at the end; it stays if a worker failed, since it may tell why."""
    out.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="workers-", dir=out.resolve()))
    try:
        yield folder
    except (Lost, WorkerFailed):
        raise
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)
