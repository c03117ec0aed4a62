"""The contract of executors: the machines that compute the runs of a study. Imports no jax."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol


class Job(Protocol):
    """One call of a function on a worker; `concurrent.futures.Future` is such a class."""

    def done(self) -> bool:
        """True if the call has ended, well or badly. Returns at once."""
        ...

    def result(self) -> Any:
        """The return value of the function, or else raises its exception; called once the job is done.

        Raises `Lost` (meva_core.errors) if the worker died, and `Unreachable` if nobody can tell any more. The core
        then submits the same call again; after `Executor.attempts` deaths it gives up.
        """
        ...

    def cancel(self) -> object:
        """Give up a call that has not begun. One that has begun goes on."""
        ...


class Workers(Protocol):
    """Processes, here or on other machines, that call functions; `concurrent.futures.Executor` is such a class."""

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Job:
        """Call `function(*arguments)` on any worker, when one is free; calls begin in the order of submission.

        The function can be imported by its name, arguments and results can be pickled. A process makes one call at a
        time. Raises `Unreachable` (meva_core.errors) if no worker can be reached at present: the core calls again for a
        while.
        """
        ...


class Executor:
    """The machines that compute the runs of a study: a sweep, a reproduction, a tournament, or claims.

    Its hyper-parameters are the settings after `--executor NAME`. They decide where runs are computed, never their
    results, and are part of no hash. All machines see the folder of the study under one path, and every run is written
    there by its worker; only short messages pass through the executor itself.
    """

    tasks_per_job: int = 1
    """Number of runs that one job computes, one after the other. Each process takes seconds to start, and compiles."""

    attempts: int = 10
    """Number of times that a job is submitted before the study gives up, if each time its worker is lost."""

    patience: float = 300.0
    """Seconds that the study waits, if no worker can be reached any more."""

    def open(self, jobs: int | None, folder: Path) -> contextlib.AbstractContextManager[Workers]:
        """Connect to the machines, or start workers; disconnects and stops what it started at the end.

        jobs: number of runs at a time, from --jobs; None for the executor's own default. folder: an empty folder that
        all machines see, for the executor's own files; it is deleted when the study is complete. Raises MevaError if
        there are no such machines.
        """
        raise NotImplementedError
