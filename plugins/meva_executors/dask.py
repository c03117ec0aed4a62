"""Runs on the workers of a Dask cluster."""

from __future__ import annotations

import contextlib
import itertools
import json
import logging
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

from meva_core.contracts import (
    Executor,
    Job,
    Workers,
    at_least,
    component,
    default_jobs,
    not_negative,
    static,
    worker_environments,
)
from meva_core.errors import BadValue, Lost, Unreachable, in_short, optional
from meva_executors import worker

ANSWER = 10.0  # seconds in which a scheduler answers
AGAIN = 2.0  # the same for a scheduler that was lost
LOSSES = (OSError, CancelledError)  # of the scheduler; that of a closed connection is an OSError


@component
class Dask(Executor):
    """Runs studies on a Dask cluster: `pip install "meva[dask]"`.

    Without an address it starts a cluster on this machine, whose workers share its cores and GPUs, and which starts a
    new worker for each one that dies. With the address of a scheduler (`dask scheduler` prints it, dask-jobqueue and
    others start one) it uses the workers there; start them with one thread each, `dask worker ADDRESS --nthreads 1`,
    and with JAX_NUM_CPU_DEVICES and NPROC at the number of cores that each may use, and CUDA_VISIBLE_DEVICES at a GPU
    of its own. MALLOC_TRIM_THRESHOLD_=1073741824 keeps them from returning memory to the system at every step, as Dask
    has them do, which takes long.

    Scheduler and workers have the same MeVa installed, and the plugins of the study. A script that starts a cluster of
    its own calls the study under `if __name__ == "__main__":`, since workers import the script.

    A worker that dies costs the job that it had, which another one resumes from its last checkpoint. A scheduler that
    dies costs nothing that is stored: the study waits until it is there again, and submits what is missing.
    """

    scheduler: str = static(default="", doc="address of the scheduler, tcp://HOST:8786; empty: a cluster of its own")
    patience: float = static(
        default=300.0, doc="seconds to wait for a scheduler that is lost, before the study stops", check=not_negative
    )
    attempts: int = static(default=10, doc="times that a job is submitted, if its worker dies", check=at_least(1))

    def open(self, jobs: int | None, folder: Path) -> contextlib.AbstractContextManager[Workers]:
        return _connected(self, jobs)


@contextlib.contextmanager
def _connected(executor: Dask, jobs: int | None) -> Iterator[Workers]:
    distributed = optional("distributed", extra="dask")
    if executor.scheduler and jobs is not None:
        raise BadValue("expected no --jobs with scheduler=..., whose workers say how many runs are computed at a time")
    with contextlib.ExitStack() as stack:
        stack.enter_context(_quiet())
        address = executor.scheduler
        if not address:
            cluster = stack.enter_context(_own_cluster(distributed, jobs))
            address = cluster.scheduler_address
        workers = DaskWorkers(distributed, address)
        stack.callback(workers.close)
        yield workers


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Context manager: Dask logs nothing. What it tells of lost workers and connections is for its own developers; the
    study says what matters."""
    loggers = [logging.getLogger(name) for name in logging.root.manager.loggerDict if name.startswith("distributed")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _own_cluster(distributed: Any, jobs: int | None) -> Any:
    """A cluster on this machine that shares out its cores and GPUs; each worker is a process with one thread."""
    import dask.config

    settings = {
        "distributed.scheduler.allowed-failures": 0,  # the study submits a lost call again, and counts how often
        "distributed.worker.profile.enabled": False,  # which looks at the stack a hundred times a second
        # Dask has workers return freed memory at once, which jax asks for again at once: a fifth of the time.
        "distributed.nanny.pre-spawn-environ": {"MALLOC_TRIM_THRESHOLD_": None},
    }
    with dask.config.set(settings):
        return _started(distributed, jobs or default_jobs())


def _started(distributed: Any, jobs: int) -> Any:
    return distributed.LocalCluster(
        n_workers=jobs,
        threads_per_worker=1,
        memory_limit=0,  # jax keeps its memory, so a worker that nears a limit would wait for ever
        dashboard_address=None,
        env={worker.ENVIRONMENTS: json.dumps(worker_environments(jobs))},
        preload=["meva_executors.worker"],
        silence_logs=logging.CRITICAL,
    )


class DaskWorkers:
    """The workers of one scheduler, which is found again if it is lost."""

    def __init__(self, distributed: Any, address: str):
        self.distributed, self.address = distributed, address
        try:
            self.client = self._client(ANSWER)
        except (*LOSSES, ValueError) as error:
            raise BadValue(
                f"expected the address of a Dask scheduler, got {address!r}, where none answers: start it, or leave "
                "scheduler=... out for a cluster on this machine"
            ) from error
        self.count = itertools.count()
        self.study = uuid.uuid4().hex[:8]

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Job:
        """Call the function on a worker. Raises Unreachable if the scheduler does not answer."""
        if self.client.status != "running":
            self._reconnect()
        key = f"meva-{self.study}-{next(self.count)}"
        try:
            return _Job(self, self.client.submit(function, *arguments, key=key, pure=False))
        except LOSSES as error:
            raise self.lost() from error

    def close(self) -> None:
        """Disconnect."""
        with contextlib.suppress(Exception):
            self.client.close(timeout=ANSWER)

    def _client(self, seconds: float) -> Any:
        return self.distributed.Client(self.address, timeout=seconds, set_as_default=False)

    def _reconnect(self) -> None:
        self.close()
        try:
            self.client = self._client(AGAIN)
        except LOSSES as error:
            raise self.lost() from error

    def lost(self) -> Unreachable:
        """The error to raise if the scheduler does not answer."""
        return Unreachable(f"the Dask scheduler at {self.address} is lost")


class _Job:
    """A call on a Dask worker."""

    def __init__(self, workers: DaskWorkers, future: Any):
        self.workers, self.client, self.future = workers, workers.client, future

    def done(self) -> bool:
        return self.client.status != "running" or self.future.done()

    def result(self) -> Any:
        if self.client.status != "running":
            raise self.workers.lost()
        try:
            return self.future.result(timeout=ANSWER)
        except LOSSES as error:
            raise self.workers.lost() from error
        except self.workers.distributed.KilledWorker as error:
            raise Lost(f"a Dask worker was lost: {' '.join(str(error).split())[:200]}") from error
        except Exception as error:
            raise BadValue(
                "expected a Dask scheduler and workers with the same meva and distributed as here, got: "
                f"{in_short(error)}"
            ) from error
        finally:
            self.future.release()

    def cancel(self) -> None:
        with contextlib.suppress(Exception):
            self.future.cancel()
