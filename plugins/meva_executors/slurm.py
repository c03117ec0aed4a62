"""Runs as jobs of a SLURM cluster."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

from meva_core.contracts import Executor, Job, Workers, at_least, component, one_of, positive, static
from meva_core.errors import BadValue, Lost, optional
from meva_executors.queue import Queue, accounted, queued

CLUSTERS = ("slurm", "local", "debug")
GONE = ("PREEMPTED",)  # states that submitit takes for running
PAUSE = 2.0  # seconds between two looks at the jobs, each of which costs many file operations
AT_ONCE = 5  # jobs that are submitted at a look: submitit waits a fifth of a second after each


@component
class Slurm(Executor):
    """Runs studies as jobs of a SLURM cluster, through submitit: `pip install "meva[slurm]"`.

    Give the command on a login node; it submits the jobs, shows how they get on, and writes the report when all are
    done. A run whose job is stopped, by its time limit say, saves its work, and resumes in a new job. Each job takes
    some ten seconds to start and to compile, so let short runs share one: tasks_per_job=8. With cluster=local jobs are
    processes of this machine, to try things out.
    """

    partition: str = static(default="", doc="SLURM's partition; empty: the cluster's default")
    hours: float = static(default=4.0, doc="time limit of a job in hours", check=positive)
    memory: float = static(default=4.0, doc="memory of a job in GB", check=positive)
    cores: int = static(default=2, doc="CPU cores of a job", check=at_least(1))
    gpus: int = static(default=0, doc="GPUs of a job", check=at_least(0))
    tasks_per_job: int = static(default=1, doc="runs that one job computes, one after the other", check=at_least(1))
    attempts: int = static(default=10, doc="times that a job is submitted, if it is lost", check=at_least(1))
    extra: str = static(default="", doc="further options of sbatch, account=mine qos=low")
    cluster: str = static(default="slurm", doc="slurm, local or debug", check=one_of(*CLUSTERS))

    small: ClassVar = {"cluster": "local", "tasks_per_job": 4}

    def open(self, jobs: int | None, folder: Path) -> contextlib.AbstractContextManager[Workers]:
        return _opened(self, jobs, folder)


@contextlib.contextmanager
def _opened(executor: Slurm, jobs: int | None, folder: Path) -> Iterator[Workers]:
    submitit = optional("submitit", extra="slurm")
    logger = logging.getLogger("submitit")  # the study says what matters
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield SlurmWorkers(submitit, executor, jobs, folder)
    finally:
        logger.setLevel(level)


class SlurmWorkers:
    """Jobs of submitit, at most `most` of them in SLURM's queue at a time."""

    def __init__(self, submitit: Any, executor: Slurm, jobs: int | None, folder: Path):
        self.submitit, self.waiting, self.present = submitit, list[_Job](), list[_Job]()
        self.cluster = executor.cluster
        self.queue = Queue(queued if executor.cluster == "slurm" else lambda: None)
        self.accounts = executor.cluster != "slurm" or accounted()
        self.most = jobs or (1000 if executor.cluster == "slurm" else 1)
        self.pause = PAUSE if executor.cluster == "slurm" else PAUSE / 10
        self.next_look, self.submitted = 0.0, 0
        try:
            self.executor = submitit.AutoExecutor(folder, cluster=executor.cluster)
        except RuntimeError as error:
            raise BadValue(
                "expected a machine with SLURM (sbatch) for --executor slurm, got none: give the command on a login "
                "node, or try it with cluster=local"
            ) from error
        self.executor.update_parameters(
            name="meva",
            timeout_min=max(1, round(60 * executor.hours)),
            mem_gb=executor.memory,
            cpus_per_task=executor.cores,
            gpus_per_node=executor.gpus,
            slurm_srun_args=[f"--cpus-per-task={executor.cores}"],  # which srun does not take from the job any more
            **({"slurm_partition": executor.partition} if executor.partition else {}),
            **({"slurm_additional_parameters": _options(executor.extra)} if executor.extra else {}),
        )

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Job:
        """Submit a job, or keep it until there are fewer."""
        self.waiting.append(_Job(self, function, arguments))
        job = self.waiting[-1]
        self.look()
        return job

    def look(self) -> None:
        """See which jobs have ended, and submit some of those that wait; nothing if the last look was just now."""
        if time.monotonic() < self.next_look:
            return
        left = self.queue.left({job.submitted.job_id for job in self.present})
        for job in self.present:
            if self._ended(job.submitted):
                job.over = True
            elif self.accounts and job.submitted.state in GONE:
                job.over, job.gone = True, "was preempted"
            elif job.submitted.job_id in left:
                job.over, job.gone = True, "left the queue without a result"
        self.present = [job for job in self.present if not job.over]
        for job in self.waiting[: max(0, min(AT_ONCE, self.most - len(self.present)))]:
            try:
                with _apart() if self.cluster == "local" else contextlib.nullcontext():
                    job.submitted = self.executor.submit(Stoppable(job.function), *job.arguments)
            except Exception as error:  # submitit passes on what sbatch says
                if not self.submitted:
                    raise BadValue(
                        f"expected a job that SLURM accepts, got: {' '.join(str(error).split())[:300]}"
                    ) from error
                break  # the controller is busy, or has no room for more: the next look may do better
            self.submitted += 1
            self.waiting.remove(job)
            self.present.append(job)
        self.next_look = time.monotonic() + self.pause

    def _ended(self, submitted: Any) -> bool:
        """True if a job has ended. Without accounts, a result is all that says so."""
        if self.accounts:
            return submitted.done()
        os.listdir(submitted.paths.folder)  # a network disk shows new files then
        return submitted.paths.result_pickle.exists()


@contextlib.contextmanager
def _apart() -> Iterator[None]:
    """Context manager: processes that begin in it ignore Ctrl-C, which a terminal sends to all. The study passes it on:
    its runs save, and then stop."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class Stoppable:
    """A function that saves its work, and ends, when SLURM stops its job; the study then submits it again."""

    def __init__(self, function: Callable[..., Any]):
        self.function = function

    def __call__(self, *arguments: Any) -> Any:
        """Call the function, in which both signals of SLURM raise KeyboardInterrupt, at once or after the present loops
        of a fit."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, _stop)
            signal.signal(signal.SIGUSR2, lambda *_: signal.raise_signal(signal.SIGTERM))
        return self.function(*arguments)


def _stop(number: int, frame: Any) -> None:
    raise KeyboardInterrupt


class _Job:
    """A job that waits here, in the queue, or is computed.

    submitted: submitit's job, None while it waits here. over: True if it has ended, or was given up. gone: what
    happened to it, if submitit would wait for its result for ever.
    """

    def __init__(self, workers: SlurmWorkers, function: Callable[..., Any], arguments: tuple[Any, ...]):
        self.workers, self.function, self.arguments = workers, function, arguments
        self.submitted: Any = None
        self.over, self.gone = False, ""

    def done(self) -> bool:
        self.workers.look()
        return self.over

    def result(self) -> Any:
        if self.gone:
            raise Lost(f"SLURM's job {self.submitted.job_id} {self.gone}")
        errors = self.workers.submitit.core.utils
        try:
            return self.submitted.result()
        except (errors.UncompletedJobError, errors.FailedJobError) as error:
            lines = str(error).strip().splitlines() or ["no output"]
            raise Lost(f"SLURM's job {self.submitted.job_id} was lost: {lines[-1][:200]}") from error

    def cancel(self) -> None:
        if self.submitted is None:
            self.workers.waiting.remove(self)
            self.over = True
        elif self.workers.cluster == "slurm":  # one that has just begun goes on
            subprocess.run(["scancel", "--state=PENDING", str(self.submitted.job_id)], check=False, capture_output=True)


def _options(text: str) -> dict[str, str]:
    """Options of sbatch as a dictionary. Raises BadValue if one has no value."""
    options = {name: value for name, _, value in (part.partition("=") for part in text.split())}
    if not all(options.values()):
        raise BadValue(f"expected NAME=VALUE NAME=VALUE for extra, got {text!r}")
    return options
