"""Dask and SLURM: tasks on their workers, workers and schedulers that are lost, and what they say when they are not
there."""

import gc
import json
import logging
import os
import signal
import sys
import time
import warnings
from types import SimpleNamespace
from typing import Any

import distributed
import pytest
from meva_executors import dask as on_dask
from meva_executors import queue, worker
from meva_executors import slurm as on_slurm
from submitit.core.utils import UncompletedJobError
from tasks import Square

import meva_core as meva
from meva_core.compute import remote
from meva_core.compute.progress import Progress
from meva_core.errors import BadValue, Lost, MissingLibrary, Unreachable
from meva_core.studies import executing


@pytest.fixture
def unclosed():
    """submitit's stand-in for a cluster does not close its logs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield
        gc.collect()


@pytest.fixture(scope="module")
def scheduler():
    """The address of a Dask scheduler with one worker, all in this process."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the library's own
        quiet = {"processes": False, "dashboard_address": None, "silence_logs": logging.CRITICAL}
        with distributed.LocalCluster(n_workers=1, threads_per_worker=1, **quiet) as cluster:
            yield cluster.scheduler_address  # pyright: ignore[reportAttributeAccessIssue]


def done(tasks, executor, out):
    return sorted(remote.do_all(tasks, executor, None, lambda n: Progress(), out))


def test_dask_does_all(scheduler, tmp_path):
    executor = meva.make("executor", "dask", scheduler=scheduler)
    assert done([Square(n) for n in (2, 3, 4)], executor, tmp_path) == [(0, 4), (1, 9), (2, 16)]


def test_dask_says_that_a_worker_or_the_scheduler_is_lost(scheduler, tmp_path, monkeypatch):
    executor = meva.make("executor", "dask", scheduler=scheduler)
    with executor.open(None, tmp_path) as workers:
        killed = workers.submit(_killed, distributed.KilledWorker)
        wait(killed)
        with pytest.raises(Lost, match="a Dask worker was lost"):
            killed.result()
        job = workers.submit(int, "7")
        workers.client.close()
        assert job.done()
        with pytest.raises(Unreachable, match=r"the Dask scheduler at .* is lost"):
            job.result()
        job = workers.submit(int, "7")  # it is found again
        wait(job)
        assert job.result() == 7
        workers.client.close()
        monkeypatch.setattr(workers, "_client", _refused)
        with pytest.raises(Unreachable, match="is lost"):
            workers.submit(int, "7")


def test_each_worker_of_an_own_cluster_takes_its_own_share(monkeypatch):
    for name in ("NPROC", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.setenv(name, "before")
    shares = [{"NPROC": "4", "CUDA_VISIBLE_DEVICES": gpu} for gpu in "01"]
    monkeypatch.setenv(worker.ENVIRONMENTS, json.dumps(shares))
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    worker.dask_setup(SimpleNamespace(name=1))
    assert (os.environ["NPROC"], os.environ["CUDA_VISIBLE_DEVICES"]) == ("4", "1")


def wait(job):
    end = time.monotonic() + 30
    while not job.done():
        assert time.monotonic() < end
        time.sleep(0.01)


def _killed(error):
    raise error("task", SimpleNamespace(address="tcp://node7"), 1)


def _refused(seconds):
    raise OSError("nobody answers")


@pytest.mark.usefixtures("unclosed")
def test_slurm_does_all(tmp_path):
    """With submitit's own stand-in for a cluster, which calls in this process."""
    executor = meva.make("executor", "slurm", cluster="debug", tasks_per_job=2, extra="account=mine")
    assert done([Square(n) for n in (2, 3, 4)], executor, tmp_path) == [(0, 4), (1, 9), (2, 16)]


def test_slurm_keeps_jobs_back_and_gives_them_up(tmp_path):
    executor = meva.make("executor", "slurm", cluster="debug")
    with executor.open(1, tmp_path) as workers:
        workers.pause = 0.0
        held = [Held() for _ in range(3)]
        workers.executor.submit = lambda function, *arguments: held[arguments[0]]
        jobs = [workers.submit(int, n) for n in range(3)]
        assert [job.submitted for job in jobs] == [held[0], None, None]
        held[0].over = True
        assert jobs[0].done()
        assert jobs[1].submitted is held[1]
        assert not jobs[1].done()
        jobs[1].cancel()  # it may have begun
        assert not jobs[1].done()
        jobs[2].cancel()
        assert jobs[2].done()
        assert not workers.waiting
        held[1].state = "PREEMPTED"
        assert jobs[1].done()
        with pytest.raises(Lost, match="SLURM's job 12 was preempted"):
            jobs[1].result()


def test_slurm_tries_again_later_if_its_controller_is_busy(tmp_path):
    executor = meva.make("executor", "slurm", cluster="debug")
    with executor.open(5, tmp_path) as workers:
        workers.pause = 0.0
        answers = [Held(), RuntimeError("Unable to contact slurm controller"), Held()]

        def submit(function, *arguments):
            if isinstance(answer := answers.pop(0), Exception):
                raise answer
            return answer

        workers.executor.submit = submit
        jobs = [workers.submit(int, n) for n in range(2)]
        assert [job.submitted is None for job in jobs] == [False, True]
        assert not jobs[1].done()
        assert jobs[1].submitted is not None
    with executor.open(5, tmp_path) as workers:
        workers.executor.submit = lambda *_: (_ for _ in ()).throw(RuntimeError("invalid partition specified: fast"))
        with pytest.raises(BadValue, match="expected a job that SLURM accepts, got: invalid partition specified: fast"):
            workers.submit(int, "7")


def test_a_job_that_left_slurms_queue_without_a_result_is_lost(tmp_path, monkeypatch):
    """Without accounting nothing else says so."""
    monkeypatch.setattr(queue, "PAUSE", 0.0)
    present: set[str] | None = set()
    executor = meva.make("executor", "slurm", cluster="debug")
    with executor.open(5, tmp_path) as workers:
        workers.pause, workers.queue.ask = 0.0, lambda: present
        workers.executor.submit = lambda function, *arguments: Held()
        job = workers.submit(int, "7")
        monkeypatch.setattr(queue, "PATIENCE", 0.0)
        assert not job.done()  # it may be in the queue of another cluster
        present = {"12", "13"}
        assert not job.done()
        present = None  # the controller does not answer
        assert not job.done()
        present = {"13"}
        monkeypatch.setattr(queue, "PATIENCE", 60.0)
        assert not job.done()  # its result may be on its way
        monkeypatch.setattr(queue, "PATIENCE", 0.0)
        assert job.done()
        with pytest.raises(Lost, match="SLURM's job 12 left the queue without a result"):
            job.result()


def test_a_job_that_ends_before_slurm_is_asked_again_is_lost_too(monkeypatch):
    """It was never seen in the queue. Another job was, so the queue is that of the study."""
    monkeypatch.setattr(queue, "PAUSE", 0.0)
    monkeypatch.setattr(queue, "PATIENCE", 0.0)
    asked = queue.Queue(lambda: {"12"})
    assert asked.left({"13"}) == set()
    assert asked.left({"12", "13"}) == {"13"}


def test_slurm_is_asked_for_its_queue(tmp_path, monkeypatch):
    """A script stands for SLURM's squeue."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert queue.queued() is None
    (tmp_path / "squeue").write_text(f'#!/bin/sh\n[ "$3" = --user={os.getuid()} ] && echo 12 && echo 13\n')
    (tmp_path / "squeue").chmod(0o755)
    assert queue.queued() == {"12", "13"}
    (tmp_path / "squeue").write_text("#!/bin/sh\nexit 1\n")
    assert queue.queued() is None


def test_slurm_may_keep_no_accounts(tmp_path, monkeypatch, capfd):
    """A script stands for SLURM's sacct. Where there are no accounts, nobody asks submitit, which would ask sacct again
    and again, and a job has ended when it has a result."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not queue.accounted()
    for code, kept in ((1, False), (0, True)):
        (tmp_path / "sacct").write_text(f"#!/bin/sh\necho Slurm accounting storage is disabled >&2\nexit {code}\n")
        (tmp_path / "sacct").chmod(0o755)
        assert queue.accounted() is kept
    assert capfd.readouterr().err == ""
    result = tmp_path / "result.pkl"
    executor = meva.make("executor", "slurm", cluster="debug")
    with executor.open(None, tmp_path) as workers:
        workers.accounts, workers.pause = False, 0.0
        paths = SimpleNamespace(folder=tmp_path, result_pickle=result)
        workers.executor.submit = lambda *_: SimpleNamespace(paths=paths, job_id="12")
        job = workers.submit(int, "7")
        assert not job.done()
        result.touch()
        assert job.done()


class Held:
    """A job of submitit that waits in SLURM's queue."""

    state, over, job_id = "PENDING", False, "12"

    def done(self):
        return self.over


def test_slurm_says_that_a_job_is_lost(tmp_path):
    executor = meva.make("executor", "slurm", cluster="debug")
    with executor.open(None, tmp_path) as workers:
        workers.pause = 0.0
        workers.executor.submit = lambda function, *arguments: Failed()
        job = workers.submit(int, "7")
        assert job.done()
        with pytest.raises(Lost, match="SLURM's job 12 was lost: slurmstepd: out of memory"):
            job.result()


class Failed(Held):
    """A job of submitit whose process was killed."""

    over = True

    def result(self):
        raise UncompletedJobError("no output\nslurmstepd: out of memory\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR2])
def test_a_signal_of_slurm_stops_the_function_as_ctrl_c_does(number):
    before = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGUSR2)}
    try:
        with pytest.raises(KeyboardInterrupt):
            on_slurm.Stoppable(signal.raise_signal)(number)
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def opened(text, folder, jobs=None):
    executor: Any = executing.chosen(text)
    executor.open(jobs, folder).__enter__()


def test_without_the_library_or_a_cluster_one_line_says_so(tmp_path, monkeypatch):
    lines = {
        "slurm": r"expected a machine with SLURM \(sbatch\) for --executor slurm, got none: give the command",
        "slurm:extra=account:cluster=debug": "expected NAME=VALUE NAME=VALUE for extra, got 'account'",
        "dask:scheduler=tcp://127.0.0.1:9": "expected the address of a Dask scheduler, got 'tcp://127.0.0.1:9', where",
        "dask:scheduler=nonsense": "expected the address of a Dask scheduler, got 'nonsense', where none answers",
    }
    monkeypatch.setattr(on_dask, "ANSWER", 0.5)
    monkeypatch.setenv("PATH", str(tmp_path))  # no SLURM, wherever the tests run
    for text, line in lines.items():
        with pytest.raises(BadValue, match=line):
            opened(text, tmp_path)
    with pytest.raises(BadValue, match="expected no --jobs with scheduler="):
        opened("dask:scheduler=tcp://127.0.0.1:9", tmp_path, jobs=2)
    for name, library in (("dask", "distributed"), ("slurm", "submitit")):
        monkeypatch.setitem(sys.modules, library, None)
        with pytest.raises(MissingLibrary, match=rf'got none: pip install "meva\[{name}\]"'):
            opened(name, tmp_path)


def test_executors_are_named_with_their_settings():
    assert executing.chosen(None) is None
    assert executing.chosen("processes") is None
    dask: Any = executing.chosen("dask:scheduler=tcp://10.0.0.1:8786:attempts=3")
    assert (dask.scheduler, dask.attempts) == ("tcp://10.0.0.1:8786", 3)
    assert executing.chosen(dask) is dask
    for given, line in {
        "": "expected NAME.*for the executor, got ''",
        "dask:attempts=": "expected NAME.*for the executor",
        "slurm:partition": "expected NAME.*for the executor, got 'slurm:partition': partition has no =VALUE",
        "slurm:partition:hours=2": "got 'slurm:partition:hours=2': partition has no =VALUE",
        7: "expected an executor, got 7",
    }.items():
        with pytest.raises(BadValue, match=line):
            executing.chosen(given)
