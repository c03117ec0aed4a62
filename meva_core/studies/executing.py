"""The machines that compute a study's runs: processes of this machine, or those of an executor."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

from meva_core.compute import devices, processes, remote
from meva_core.compute.progress import Overview
from meva_core.compute.tasks import Task
from meva_core.contracts import Executor, conversion, default_jobs, kinds
from meva_core.contracts.machine import gpus
from meva_core.errors import BadValue
from meva_core.experiment import make
from meva_core.registry import discovery
from meva_core.registry.entries import setting_after
from meva_core.registry.toml_reading import parse_setting

PROCESSES = "processes"  # the executor of the core, without settings
FORM = "NAME[:SETTING=VALUE]... for the executor"
_SETTING = re.compile(r":(?=[A-Za-z_]\w*=)")  # an address has colons too


def chosen(wanted: Any) -> Executor | None:
    """The executor that a text such as "dask:scheduler=tcp://HOST:8786" names, or the object itself; None for processes
    of this machine. Raises MevaError for other values."""
    if wanted is None or wanted == PROCESSES:
        return None
    if not isinstance(wanted, str):
        kinds.check("executor", wanted, "executor")
        return wanted
    name, *settings = _SETTING.split(wanted.strip())
    if not name or "=" in name:
        raise BadValue(f"expected {FORM}, got {wanted!r}")
    if setting := setting_after(name, {offer.name for offer in discovery.installed().of_kind("executor")}):
        raise BadValue(f"expected {FORM}, got {wanted!r}: {setting} has no =VALUE")
    return make.make("executor", name, **dict(parse_setting(each, FORM) for each in settings))


def count(jobs: Any) -> int | None:
    """The number of jobs at a time that a caller asks for; None for the default. Raises BadValue below 1."""
    jobs = conversion.convert(jobs, int | None, "jobs")
    if jobs is not None and jobs < 1:
        raise BadValue(f"expected 1 or more for jobs, got {jobs}")
    return jobs


def prepare(jobs: int | None, executor: Executor | None, again: tuple[str, int] | None = None) -> None:
    """Choose the devices of this process, before jax computes anything in it. A worker ends that imports the script.

    It leaves GPUs to the processes that compute, unless it computes all runs itself. jobs: number of tasks at a time;
    None for one per GPU. again: the kind and number of devices when the study began (`devices.recorded`).
    """
    if executor is not None or (jobs or len(gpus())) > 1:
        processes.end_if_imported()
        devices.leave_gpus()
    devices.prepare(again=again)


def do_all(
    tasks: Sequence[Task],
    executor: Executor | None,
    jobs: int | None,
    overview: Overview,
    out: Path,
    *,
    apart: bool = False,
) -> Generator[tuple[int, Any], None, None]:
    """Do all tasks on the executor's workers, or in processes of this machine; yields (index, result).

    jobs: number of tasks at a time; None for the executor's default, or one per GPU or core. out: the folder of the
    study, which all machines see. apart: a single process may not be this one.
    """
    if executor is None:
        return processes.do_all(tasks, jobs or default_jobs(), overview.row, apart=apart or devices.have_left())
    return remote.do_all(tasks, executor, jobs, overview.row, out, _say(overview))


def _say(overview: Overview) -> Callable[[str], None]:
    return lambda line: overview.print(f"  {line}")
