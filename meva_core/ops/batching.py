"""Batches shared out between devices: `spread` a batch, `over_batch` a function mapped over it, `mean_over_batch` a
mean. Where there is one device, they do nothing.

`compute.devices` settles which devices there are, and `use` how many of them work.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jax.sharding import Mesh, NamedSharding, PartitionSpec

Tree = TypeVar("Tree")
LARGEST_BLOCK = 256  # of a batch on each core, for each of several settings: what it computes with stays in its caches
LARGEST_BLOCK_OF_ACCELERATORS = 2**17
_AXIS = "batch"
_limit: int | None = None


def use(count: int | None) -> None:
    """Share out batches between the first `count` devices; None: between all of them."""
    global _limit
    _limit = count


def used() -> list[Any]:
    """The devices that work."""
    return jax.devices()[:_limit]


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
