"""Checkpoints of a fit's state: checked, versioned, and stored with the experiment that they belong to.

One file per checkpoint holds every leaf as raw bytes, so that bfloat16, NaN, -0.0 and empty arrays come back bit by
bit. Beside them are the leaves' types and shapes, the experiment, and the seeds that had diverged.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import jax
import jax.numpy as jnp
import numpy as np

from meva_core.errors import BadFolder
from meva_core.fitting import Divergence
from meva_core.storage import files

SCHEMA = 3
KEPT = 3  # number of checkpoints that each fit keeps
_ROOM = 2**20  # bytes for everything but the arrays


@attrs.frozen
class Checkpoint:
    """A stored state of a fit. loops: outer loops done; state: the state after them; diverged: the seeds that had
    diverged by then."""

    loops: int
    state: Any
    diverged: tuple[Divergence, ...] = ()


def save(
    folder: Path,
    loops: int,
    state: Any,
    experiment: Mapping[str, Any],
    diverged: Sequence[Divergence] = (),
    every: int = 1,
) -> Path:
    """Write the state after `loops` outer loops, then delete all but the last three checkpoints. Returns the file.

    experiment: everything that decides the fit, as plain tables. every: earlier checkpoints of other numbers of loops
    than its multiples, at which the fit was stopped, are deleted too, so that a stopped fit leaves the same files.
    """
    target = write(folder, loops, state, experiment, diverged)
    stopped = [path for path in oldest_first(folder) if path != target and _loops(path) % every]
    whole = [path for path in oldest_first(folder) if path not in stopped]
    for old in (*stopped, *whole[:-KEPT]):
        old.unlink()
    return target


def write(
    folder: Path, loops: int, state: Any, experiment: Mapping[str, Any], diverged: Sequence[Divergence] = ()
) -> Path:
    """Write a checkpoint like `save`, without deleting any."""
    for stale in folder.glob(f"*{files.PARTIAL}"):
        stale.unlink()
    leaves = _leaves(state)
    meta = {
        "schema": SCHEMA,
        "experiment": experiment,
        "loops": loops,
        "leaves": [[path, str(leaf.dtype), list(leaf.shape)] for path, leaf in leaves.items()],
        "diverged": [attrs.asdict(divergence) for divergence in diverged],
    }
    target = folder / f"loop-{loops:07d}.npz"
    arrays = {f"leaf{n}": np.frombuffer(_bytes(leaf), np.uint8) for n, leaf in enumerate(leaves.values())}
    files.save_arrays(target, arrays, meta)
    return target


def latest(folder: Path, like: Any, damaged: Callable[[str], None] = lambda text: None) -> Checkpoint | None:
    """The last undamaged checkpoint; None if there is no checkpoint. `like`: a state of the same shape.

    `damaged` is called with a line about every file that is skipped. Raises BadFolder if all are damaged.
    """
    return _first_whole(folder, lambda path: load(path, like), damaged)


def experiment_of(folder: Path) -> Mapping[str, Any] | None:
    """Everything that decided the fit, as plain tables; None if there is no undamaged checkpoint."""
    with contextlib.suppress(BadFolder):
        return _first_whole(folder, lambda path: _checked(path, files.load_meta(path, most=_ROOM))["experiment"])
    return None


def load(path: Path, like: Any) -> Checkpoint:
    """Read a checkpoint. Raises BadFolder if it is damaged, foreign, or of another state than `like`."""
    size = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(like))
    arrays, meta = files.load_arrays(path, most=2 * size + _ROOM)
    meta = _checked(path, meta)
    expected = [[name, str(leaf.dtype), list(leaf.shape)] for name, leaf in _leaves(like).items()]
    if meta["leaves"] != expected:
        raise BadFolder(f"expected a checkpoint with the arrays of this experiment's state, got other arrays: {path}")
    try:
        leaves = [_array(arrays[f"leaf{n}"].tobytes(), leaf) for n, leaf in enumerate(jax.tree.leaves(like))]
        lost = tuple(Divergence(**divergence) for divergence in meta["diverged"])
        if not all((type(d.seed), type(d.loop), type(d.quantity)) == (int, int, str) for d in lost):
            raise TypeError("diverged")
    except (KeyError, TypeError, ValueError) as error:
        raise _foreign(path) from error
    return Checkpoint(meta["loops"], jax.tree.unflatten(jax.tree.structure(like), leaves), lost)


def _checked(path: Path, meta: Any) -> dict[str, Any]:
    kinds = {"experiment": dict, "loops": int, "leaves": list, "diverged": list}
    if not isinstance(meta, dict) or meta.get("schema") != SCHEMA:
        raise _foreign(path)
    if not all(isinstance(meta.get(name), kind) for name, kind in kinds.items()) or meta["loops"] < 0:
        raise _foreign(path)
    return meta


def _foreign(path: Path) -> BadFolder:
    return BadFolder(f"expected a checkpoint of schema {SCHEMA}, got a damaged or foreign file: {path}")


def _first_whole(folder: Path, read: Callable[[Path], Any], damaged: Callable[[str], None] = lambda text: None) -> Any:
    complaints = []
    for path in reversed(oldest_first(folder)):
        try:
            content = read(path)
        except BadFolder as error:
            complaints.append(str(error))
            continue
        for complaint in complaints:
            damaged(f"{complaint}; the previous checkpoint is used")
        return content
    if complaints:
        raise BadFolder("; ".join(complaints) + f"; remove {folder} to start this fit again")
    return None


def oldest_first(folder: Path) -> list[Path]:
    """Files of a checkpoint folder, in the order of their loops."""
    return sorted(folder.glob("loop-*.npz"), key=lambda path: (len(path.name), path.name))


def _loops(path: Path) -> int:
    """The loops in a checkpoint's name; 0 if it has another name."""
    digits = path.stem.removeprefix("loop-")
    return int(digits) if digits.isdecimal() else 0


def _bytes(leaf: Any) -> bytes:
    return np.asarray(jax.random.key_data(leaf) if _is_key(leaf) else leaf).tobytes()


def _array(content: bytes, like: Any) -> jax.Array:
    if _is_key(like):
        data = np.frombuffer(content, np.uint32).reshape(*like.shape, -1)
        return jax.random.wrap_key_data(jnp.asarray(data), impl=jax.random.key_impl(like))
    return jnp.asarray(np.frombuffer(content, like.dtype).reshape(like.shape))


def _is_key(leaf: Any) -> bool:
    return jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _leaves(state: Any) -> dict[str, Any]:
    return {jax.tree_util.keystr(path): leaf for path, leaf in jax.tree_util.tree_leaves_with_path(state)}
