"""A pool of worker processes that do tasks, by default one process per core, or per GPU.

Programs of the usual sizes keep one core busy, and their compilation keeps one busy: two processes do twice as much.
"""

from __future__ import annotations

import contextlib
import math
import multiprocessing
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait as wait_for
from typing import Any

import attrs

from meva_core.compute import signals
from meva_core.compute.progress import Progress
from meva_core.compute.signals import SIGNALS, Stopped, deferred
from meva_core.compute.tasks import Queue, Task
from meva_core.contracts import worker_environments
from meva_core.errors import Lost, Remark
from meva_core.registry import attribution
from meva_core.registry.discovery import PluginWarning

KILLED = "expected every worker process to survive, got one killed (out of memory?): "
KILLED += "run the command again with fewer --jobs; finished runs are kept"
BELOW = 'put the work of a script below `if __name__ == "__main__":`, since worker processes import the script'
NONE_BEGAN = f"expected worker processes that begin, got none: {BELOW}"
_SECONDS = 0.1  # time between two checks of the workers' messages


def do_all(
    tasks: Sequence[Task], jobs: int, progress: Callable[[int], Progress], *, apart: bool = False
) -> Generator[tuple[int, Any], None, None]:
    """Do all tasks, `jobs` at a time, in order; yields (index, result) when a task ends.

    `progress(index)` is called in this process and returns the Progress that the task reports to. With one job all
    tasks run in this process, unless `apart` is True. Otherwise each worker computes with 1/`jobs` of the cores, and of
    the GPUs, even if there are fewer tasks than jobs, so that the rest of an interrupted study rounds as before. An
    exception in a task is raised here, after the other tasks receive an interrupt, as by Ctrl-C. Raises Lost if a
    worker is killed.
    """
    if not tasks:
        return
    if jobs == 1 and not apart:
        for n, task in enumerate(tasks):
            yield n, task.do(progress(n))
        return
    context = multiprocessing.get_context("spawn")
    messages, environments = context.SimpleQueue(), context.SimpleQueue()
    stopping, began = context.Event(), context.Event()
    count = min(jobs, len(tasks))
    for environment in worker_environments(jobs)[:count]:  # a queue that nobody reads yet has room for some hundred
        environments.put(environment)
    settings = (messages, environments, stopping, began)
    pool = ProcessPoolExecutor(count, mp_context=context, initializer=_begin, initargs=settings)
    rows: dict[int, Progress] = {}
    try:
        # An interrupt in the middle of the pool's own work could lock it forever.
        with deferred() as check:
            try:
                yield from _done(pool, tasks, jobs, lambda: (_tell(messages, rows, progress), check()))
            except BrokenProcessPool as error:
                check()  # SIGTERM for all processes at once
                raise Lost(KILLED if began.is_set() else NONE_BEGAN) from error
        pool.shutdown()
    finally:
        stopping.set()
        for worker in multiprocessing.active_children():
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker.pid or 0, signal.SIGINT)
        pool.shutdown(cancel_futures=True)
        _tell(messages, rows, progress)


def _done(
    pool: ProcessPoolExecutor, tasks: Sequence[Task], jobs: int, listen: Callable[[], Any]
) -> Iterator[tuple[int, Any]]:
    queue, running = Queue(tasks), dict[Future, int]()
    while queue or running:
        while len(running) < jobs and (n := queue.next()) is not None:
            running[pool.submit(_do, n, tasks[n])] = n
        ended = wait(running, timeout=_SECONDS, return_when=FIRST_COMPLETED).done
        listen()
        for future in ended:
            n = running.pop(future)
            queue.ended(n)
            yield n, future.result()


def _tell(messages: Any, rows: dict[int, Progress], progress: Callable[[int], Progress]) -> None:
    while not messages.empty():
        n, name, arguments = messages.get()
        if n not in rows:
            rows[n] = progress(n)
        getattr(rows[n], name)(*arguments)


# ---------------------------------------------------------------- in a worker

_messages: Any = None
_stopping: Any = None


def end_if_imported() -> None:
    """End this process if it is a new worker that imports its parent's script, which begins the work here again."""
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        sys.exit(f"error: {BELOW}")


def _begin(messages: Any, environments: Any, stopping: Any, began: Any) -> None:
    """Set up a new worker: it ignores Ctrl-C between tasks, and ends when its parent does."""
    began.set()
    global _messages, _stopping
    _messages, _stopping = messages, stopping
    signals.ECHO = math.inf  # signals come from the terminal, and later from the parent
    os.environ.update(environments.get())  # each worker takes one
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for category in (PluginWarning, Remark):  # the parent warns already
        warnings.simplefilter("ignore", category)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        wait_for([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _do(n: int, task: Task) -> Any:
    for number in SIGNALS:
        signal.signal(number, _interrupt)
    try:
        if _stopping.is_set():  # the signal came while this worker ignored signals
            raise KeyboardInterrupt
        with attribution.named():  # in the worker, which has the traceback
            return task.do(_Forward(n))
    except Stopped as error:
        if error.number == signal.SIGTERM:  # its sender waits for this process to end
            os._exit(error.exit_code)
        raise
    finally:
        signal.signal(signal.SIGINT, signals.ignore)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _interrupt(number: int, frame: Any) -> None:
    for each in SIGNALS:
        signal.signal(each, signals.ignore)  # a second one must not cut off what is being saved
    raise Stopped(number)


class _Forward(Progress):
    """Progress that is sent to the parent process."""

    def __init__(self, n: int):
        self.n = n

    def composed(self, experiment: Any, seats: list[str], notes: Sequence[str] = ()) -> None:
        self._tell("composed", experiment, seats, notes)

    def fitting(self, name: str, loops: int, done: int) -> None:
        self._tell("fitting", name, loops, done)

    def playing(self, steps: int) -> None:
        self._tell("playing", steps)

    def chunk(self, chunk: Any) -> None:
        self._tell("chunk", attrs.evolve(chunk, state=None))

    def warn(self, text: str) -> None:
        self._tell("warn", text)

    def status(self, text: str) -> None:
        self._tell("status", text)

    def _tell(self, name: str, *arguments: Any) -> None:
        if _stopping.is_set():  # and the signal is lost: Python drops exceptions that are raised inside a finaliser
            raise KeyboardInterrupt
        _messages.put((self.n, name, arguments))
