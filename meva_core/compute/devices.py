"""Devices that compute: a processor's cores, as devices of one program, or accelerators, as jax counts them.

`meva_core.ops.batching` divides batches between them.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import platform
from pathlib import Path
from typing import Any, TypeVar

import jax

from meva_core.contracts.machine import cores, gpus, worker_environments
from meva_core.errors import BadValue
from meva_core.ops import batching
from meva_core.registry.toml_reading import read_toml

Tree = TypeVar("Tree")
MOST = 8  # devices of a processor by default: smaller shares of a batch cost more than they save
MOST_ASKED = 256  # the largest --devices: each takes threads of its own
_left = False  # the GPUs, to other processes


def default_count(cores: int) -> int:
    """Number of devices into which a processor with this number of cores is split: a power of two, at most eight."""
    return 1 << (min(cores, MOST).bit_length() - 1)


def prepare(kind: str | None = None, count: int | None = None, again: tuple[str, int] | None = None) -> None:
    """Choose the devices. Call it before jax computes anything in this process; later, the existing devices stay.

    kind: `cpu` or `gpu`; by default the best available one. count: number of devices. By default it is all
    accelerators, or one device per core of a processor: a power of two, since batches are divided by it, and at most
    eight. In a process that multiprocessing starts the default is one. JAX_NUM_CPU_DEVICES overrides these defaults.
    again: the kind and number of devices that a run has recorded (`recorded`). They are the default where there are as
    many of that kind.

    Raises BadValue if there is no such kind, or fewer devices than `count`.
    """
    if count is not None and not 1 <= count <= MOST_ASKED:
        raise BadValue(f"expected 1 to {MOST_ASKED} for --devices, got {count}")
    if kind == "cpu":
        jax.config.update("jax_platforms", "cpu")
    before, number = again or ("", 0)
    of_cpu = count or (number if before == "cpu" else None)
    if of_cpu is not None or jax.config.jax_num_cpu_devices < 0:  # type: ignore[attr-defined]
        with contextlib.suppress(RuntimeError):  # jax computes already
            pooled = multiprocessing.parent_process() is not None  # other processes use the other cores
            jax.config.update("jax_num_cpu_devices", of_cpu or (1 if pooled else default_count(cores())))
    if kind is not None and jax.default_backend() != kind:
        raise BadValue(
            f"expected a {kind} that jax can use for --device, got {jax.default_backend()} only"
            + (" (for NVIDIA GPUs: pip install 'meva[cuda]')" if kind == "gpu" else "")
        )
    if count is not None and count > len(jax.devices()):
        raise BadValue(f"expected 1 to {len(jax.devices())} for --devices, got {count}")
    if count is None and again is not None and before == jax.default_backend() and number <= len(jax.devices()):
        count = number
    batching.use(count)


def leave_gpus() -> None:
    """Leave the GPUs and their memory to other processes, if jax computes nothing in this process yet."""
    global _left
    if gpus():
        _left = True
        jax.config.update("jax_platforms", "cpu")


def have_left() -> bool:
    """True if this process has left the GPUs, and computes on the processor; False if the user chose the processor."""
    return _left and jax.default_backend() == "cpu"


def record() -> dict[str, Any]:
    """The kind and number of devices in use, for `prepare` to choose again."""
    return {"device": jax.default_backend(), "devices": len(batching.used())}


def record_of_workers(jobs: int) -> dict[str, Any]:
    """`record` as it is in each of `jobs` processes that share this machine."""
    worker = worker_environments(jobs)[0]
    if visible := worker.get("CUDA_VISIBLE_DEVICES"):
        return {"device": "gpu", "devices": len(visible.split(","))}
    if jax.default_backend() != "cpu":  # all share accelerators that MeVa cannot share out
        return record()
    return {"device": "cpu", "devices": int(worker["JAX_NUM_CPU_DEVICES"])}


def machine() -> str:
    """The kind of machine that computes, as in "x86_64 CPU, 2 cores" or "NVIDIA H100 80GB HBM3"."""
    if jax.default_backend() != "cpu":
        return jax.devices()[0].device_kind
    return f"{platform.machine()} CPU, {cores()} core{'s' * (cores() > 1)}"


def recorded(path: Path) -> tuple[str, int] | None:
    """The kind and number of devices that an experiment.toml or a tournament.toml records, so that a re-run rounds
    alike; None if it records none.

    Raises BadFolder if the file cannot be read.
    """
    run = read_toml(path).get("run", {})
    kind, count = (run.get("device"), run.get("devices")) if isinstance(run, dict) else (None, None)
    return (kind, count) if isinstance(kind, str) and isinstance(count, int) and 1 <= count <= MOST_ASKED else None
