"""The cores and GPUs of this machine, shared out among worker processes.

GPUs are found without jax, since a process whose jax finds them reserves most of their memory.
"""

from __future__ import annotations

import importlib.util
import itertools
import os
import pkgutil
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

MOST = 8  # workers by default: each takes a gigabyte of memory
_DEVICES = Path("/dev")
_LONG_NAME = re.compile(r"(GPU|MIG)-.+")


def cores() -> int:
    """Number of CPU cores available to this process."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def gpus() -> tuple[str, ...]:
    """The NVIDIA GPUs that jax can use here, as CUDA_VISIBLE_DEVICES names them; empty if there are none.

    JAX_PLATFORMS and CUDA_VISIBLE_DEVICES may hide them.
    """
    platforms = os.environ.get("JAX_PLATFORMS", "")
    count = len(list(_DEVICES.glob("nvidia[0-9]*")))
    if not count or not _jax_has_cuda() or (platforms and not {"cuda", "gpu"} & {*platforms.split(",")}):
        return ()
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return tuple(map(str, range(count)))
    names = [name.strip() for name in visible.split(",")]

    def exists(name: str) -> bool:
        return int(name) < count if name.isdecimal() else _LONG_NAME.match(name) is not None

    return tuple(itertools.takewhile(exists, names))  # CUDA too ends at the first of another kind, as NoDevFiles


def _jax_has_cuda() -> bool:
    """True if jax's plugin for CUDA is installed."""
    plugins = importlib.util.find_spec("jax_plugins")
    places = None if plugins is None else plugins.submodule_search_locations
    return any(module.name.startswith("xla_cuda") for module in pkgutil.iter_modules(places or ()))


def default_jobs() -> int:
    """Number of worker processes that this machine serves: one per GPU, or else one per core, at most `MOST`; one if
    this process computes on accelerators itself, since it holds their memory."""
    import jax

    if jax.default_backend() != "cpu":
        return 1
    return len(gpus()) or min(cores(), MOST)


def worker_environments(jobs: int) -> list[dict[str, str]]:
    """Environment variables of each of `jobs` worker processes that share this machine. Set them before jax computes.

    Each worker has an equal number of cores, and of GPUs. With fewer GPUs than workers some share one, and take its
    memory as they need it. Numbers of cores and settings of memory that the user has set stay.
    """
    return environments(jobs, cores(), gpus(), os.environ)


def environments(jobs: int, cores: int, gpus: Sequence[str], own: Mapping[str, str]) -> list[dict[str, str]]:
    """`worker_environments` on a machine with these cores, GPUs and variables of the user.

    >>> [worker["CUDA_VISIBLE_DEVICES"] for worker in environments(2, 8, ["0", "1", "2", "3"], {})]
    ['0,1', '2,3']
    """
    each = str(max(1, cores // jobs))  # XLA reads the first when it starts its threads, jax the second on import
    of_cores = {name: own.get(name, each) for name in ("NPROC", "JAX_NUM_CPU_DEVICES")}
    if not gpus:
        return [of_cores] * jobs
    count = len(gpus) // jobs
    if count == 0:
        memory = "XLA_PYTHON_CLIENT_PREALLOCATE"
        of_cores[memory] = own.get(memory, "false")
    shares = [gpus[n * count : (n + 1) * count] if count else [gpus[n % len(gpus)]] for n in range(jobs)]
    return [of_cores | {"CUDA_VISIBLE_DEVICES": ",".join(share)} for share in shares]
