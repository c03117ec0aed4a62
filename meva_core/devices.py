"""What computes: the cores of a processor as devices of one program, or accelerators, as jax counts them.

Fits and evaluations say what may be shared out between them: `spread` a batch, `over_batch` a function mapped over
it, `mean_over_batch` a mean. Where there is one device, that does nothing.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from meva_core.errors import BadValue
from meva_core.recipes import read_toml

Tree = TypeVar("Tree")
MOST = 8  # of a processor, unless asked for more: smaller shares of a batch cost more than they save
LARGEST_BLOCK = 256  # of a batch on each core, for each of several settings: what it computes with stays in its caches
LARGEST_BLOCK_OF_ACCELERATORS = 2**17
MOST_ASKED = 256  # each takes threads of its own
_AXIS = "batch"
_limit: int | None = None


def cores() -> int:
    """That this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def default_count(cores: int) -> int:
    """How many devices a processor of so many cores is split into: eight at most, and a power of two."""
    return 1 << (min(cores, MOST).bit_length() - 1)


def prepare(kind: str | None = None, count: int | None = None) -> None:
    """Settle what computes. To be called before jax has computed anything in this process: later, what is there stays.

    kind: `cpu` or `gpu`; by default the best there is. count: how many; by default all accelerators, or a device for
    every core: eight at most, and a power of two, which batches are divided by, or one in a process that
    multiprocessing made; unless jax was told otherwise (JAX_NUM_CPU_DEVICES). BadValue where there is no such kind, or
    fewer.
    """
    global _limit
    if count is not None and not 1 <= count <= MOST_ASKED:
        raise BadValue(f"expected 1 to {MOST_ASKED} for --devices, got {count}")
    if kind == "cpu":
        jax.config.update("jax_platforms", "cpu")
    if count is not None or jax.config.jax_num_cpu_devices < 0:  # type: ignore[attr-defined]
        with contextlib.suppress(RuntimeError):  # jax has begun
            pooled = multiprocessing.parent_process() is not None  # and has others beside it
            jax.config.update("jax_num_cpu_devices", count or (1 if pooled else default_count(cores())))
    if kind is not None and jax.default_backend() != kind:
        raise BadValue(
            f"expected a {kind} that jax can use for --device, got {jax.default_backend()} alone"
            + (" (with NVIDIA's: pip install 'meva[cuda]')" if kind == "gpu" else "")
        )
    if count is not None and count > len(jax.devices()):
        raise BadValue(f"expected 1 to {len(jax.devices())} for --devices, got {count}")
    _limit = count


def used() -> list[Any]:
    """The devices that work."""
    return jax.devices()[:_limit]


def record() -> dict[str, Any]:
    """What a run was computed with, for `prepare` to settle again."""
    return {"device": jax.default_backend(), "devices": len(used())}


def machine() -> str:
    """The kind of machine that computes, as in "x86_64 CPU, 2 cores" or "NVIDIA H100 80GB HBM3"."""
    if jax.default_backend() != "cpu":
        return jax.devices()[0].device_kind
    return f"{platform.machine()} CPU, {cores()} core{'s' * (cores() > 1)}"


def recorded(path: Path) -> int | None:
    """How many devices of a processor the run whose experiment.toml this is computed with, so that a re-run rounds
    alike."""
    run = read_toml(path).get("run", {})
    count = run.get("devices") if isinstance(run, dict) and run.get("device") == "cpu" else None
    return count if isinstance(count, int) and 1 <= count <= MOST_ASKED else None


def spread(batch: Tree) -> Tree:
    """The leading axis of every array shared out between the devices, where they divide it. To be said inside jit:
    what is computed from the batch element by element is shared out too, and sums over it are added up."""
    if len(used()) == 1:
        return batch
    shared = _sharding(PartitionSpec(_AXIS))

    def one(leaf: Any) -> Any:
        divides = leaf.ndim and leaf.shape[0] % len(used()) == 0
        return jax.lax.with_sharding_constraint(leaf, shared) if divides else leaf

    return jax.tree.map(one, batch)


def over_batch(function: Callable, *batch: Any) -> Any:
    """jax.vmap(function)(*batch), shared out between the devices, a large batch block by block. To be said inside
    jit."""
    size, count = len(jax.tree.leaves(batch)[0]), len(used())
    at_once = count * (LARGEST_BLOCK if jax.default_backend() == "cpu" else LARGEST_BLOCK_OF_ACCELERATORS)
    blocks = -(-size // at_once)
    block = -(-size // (blocks * count)) * count
    extra = blocks * block - size
    if extra:  # the last one a few times more
        batch = jax.tree.map(lambda leaf: jnp.concatenate([leaf, jnp.repeat(leaf[-1:], extra, axis=0)]), batch)

    def together(batch: tuple) -> Any:
        return jax.vmap(function)(*spread(batch))

    if blocks == 1:
        found = together(batch)
    else:
        found = jax.lax.map(together, jax.tree.map(lambda leaf: leaf.reshape(blocks, block, *leaf.shape[1:]), batch))
        found = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), found)
    return jax.tree.map(lambda leaf: leaf[:size], found)


def mean_over_batch(function: Callable, constants: Any, *batch: Any) -> Any:
    """function(constants, *batch), a tree of means over the batch: of a loss, of its gradients. Every device takes
    the mean over its share, and what they found is averaged at once. To be said inside jit.

    What computes it should be awaited: with more than 32 such programs under way on a processor, XLA waits for ever.
    """
    size, count = len(jax.tree.leaves(batch)[0]), len(used())
    if count == 1 or size % count:
        return function(constants, *batch)

    def share(constants: Any, *batch: Any) -> Any:
        # As one vector: between devices, many small arrays take far longer than a large one.
        flat, unravel = ravel_pytree(function(constants, *batch))
        return unravel(jax.lax.pmean(flat, _AXIS))

    shares = (PartitionSpec(), *(PartitionSpec(_AXIS) for _ in batch))
    mapped = jax.shard_map(share, mesh=_mesh(), in_specs=shares, out_specs=PartitionSpec(), check_vma=False)
    return mapped(constants, *batch)


def everywhere(tree: Tree) -> Tree:
    """A copy of every array on each of the devices."""
    return tree if len(used()) == 1 else jax.device_put(tree, _sharding(PartitionSpec()))


def _sharding(spec: PartitionSpec) -> NamedSharding:
    return NamedSharding(_mesh(), spec)


def _mesh() -> Mesh:
    return Mesh(np.array(used()), (_AXIS,))
