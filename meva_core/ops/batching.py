"""Batches shared out between devices.

`spread` shares out a batch, `over_batch` maps a function over one, `mean_over_batch` takes a mean. With one device they
do nothing more. `compute.devices` decides which devices there are, and `use` how many of them work.
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
LARGEST_BLOCK = 256  # elements of a batch per core and per setting: a block of this size fits into the core's caches
LARGEST_BLOCK_OF_ACCELERATORS = 2**17
_AXIS = "batch"
_limit: int | None = None


def use(count: int | None) -> None:
    """Share out batches between the first `count` devices; None: between all."""
    global _limit
    _limit = count


def used() -> list[Any]:
    """The devices that batches are shared out between."""
    return jax.devices()[:_limit]


def spread(batch: Tree) -> Tree:
    """Shard the leading axis of every array across the devices, if their number divides it. Call it inside jit.

    Values that are computed from the batch element by element are then shared out too, and a sum over the batch adds
    up all shares.
    """
    if len(used()) == 1:
        return batch
    shared = _sharding(PartitionSpec(_AXIS))

    def one(leaf: Any) -> Any:
        divides = leaf.ndim and leaf.shape[0] % len(used()) == 0
        return jax.lax.with_sharding_constraint(leaf, shared) if divides else leaf

    return jax.tree.map(one, batch)


def over_batch(function: Callable, *batch: Any) -> Any:
    """Map a function over a batch, as `jax.vmap(function)(*batch)` does, shared out between the devices.

    A large batch is computed block by block. Call it inside jit.

    >>> jax.jit(lambda x: over_batch(jnp.square, x))(jnp.arange(4.0)).tolist()
    [0.0, 1.0, 4.0, 9.0]
    """
    size, count = len(jax.tree.leaves(batch)[0]), len(used())
    at_once = count * (LARGEST_BLOCK if jax.default_backend() == "cpu" else LARGEST_BLOCK_OF_ACCELERATORS)
    blocks = -(-size // at_once)
    block = -(-size // (blocks * count)) * count
    extra = blocks * block - size
    if extra:  # repeat the last element to fill the last block
        batch = jax.tree.map(lambda leaf: jnp.concatenate([leaf, jnp.repeat(leaf[-1:], extra, axis=0)]), batch)

    def together(batch: tuple) -> Any:
        return jax.vmap(function)(*spread(batch))

    if blocks == 1:
        results = together(batch)
    else:
        results = jax.lax.map(together, jax.tree.map(lambda leaf: leaf.reshape(blocks, block, *leaf.shape[1:]), batch))
        results = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), results)
    return jax.tree.map(lambda leaf: leaf[:size], results)


def mean_over_batch(function: Callable, constants: Any, *batch: Any) -> Any:
    """Compute function(constants, *batch), a tree of means over the batch: a loss, its gradients. Call it inside jit.

    Every device computes the mean over its share; the shares are then averaged. Wait for the result before the next
    call: with more than 32 such programs in flight on a processor, XLA never returns.

    >>> def loss(weight, x):
    ...     return jnp.mean(weight * x)
    >>> jax.jit(lambda x: mean_over_batch(loss, 2.0, x))(jnp.arange(4.0)).item()
    3.0
    """
    size, count = len(jax.tree.leaves(batch)[0]), len(used())
    if count == 1 or size % count:
        return function(constants, *batch)

    def share(constants: Any, *batch: Any) -> Any:
        # In one vector: sending many small arrays between devices takes far longer than sending one large array.
        flat, unravel = ravel_pytree(function(constants, *batch))
        return unravel(jax.lax.pmean(flat, _AXIS))

    shares = (PartitionSpec(), *(PartitionSpec(_AXIS) for _ in batch))
    mapped = jax.shard_map(share, mesh=_mesh(), in_specs=shares, out_specs=PartitionSpec(), check_vma=False)
    return mapped(constants, *batch)


def everywhere(tree: Tree) -> Tree:
    """Copy every array to each of the devices."""
    return tree if len(used()) == 1 else jax.device_put(tree, _sharding(PartitionSpec()))


def _sharding(spec: PartitionSpec) -> NamedSharding:
    return NamedSharding(_mesh(), spec)


def _mesh() -> Mesh:
    return Mesh(np.array(used()), (_AXIS,))
