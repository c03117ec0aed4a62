"""State <-> disk: atomic, verified, never pickle.

One npz per checkpoint: every leaf as raw bytes (so bfloat16, NaN, -0.0 and empty arrays come back bit by bit), and
a JSON entry that says what they are and whose they are, with a checksum.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from meva_core.errors import BadFolder

SCHEMA = 2
KEPT = 3
_META = "__meta__"


def save(folder: Path, loops: int, state: Any, fit_hash: str) -> Path:
    """Write the state after `loops` outer loops, then drop all but the last three. Returns the file."""
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.glob("*.partial"):
        stale.unlink()
    leaves = {path: np.asarray(leaf) for path, leaf in _leaves(state).items()}
    arrays = {f"leaf{n}": np.frombuffer(leaf.tobytes(), np.uint8) for n, leaf in enumerate(leaves.values())}
    meta = {
        "schema": SCHEMA,
        "fit": fit_hash,
        "loops": loops,
        "leaves": [[path, str(leaf.dtype), list(leaf.shape)] for path, leaf in leaves.items()],
        "sha256": _digest(arrays),
    }
    target = folder / f"loop-{loops:07d}.npz"
    partial = target.with_suffix(".partial")
    with open(partial, "wb") as file:
        np.savez(file, **{_META: np.frombuffer(json.dumps(meta).encode(), np.uint8)}, **arrays)  # type: ignore[arg-type]
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, target)
    for old in sorted(folder.glob("loop-*.npz"))[:-KEPT]:
        old.unlink()
    return target


def latest(folder: Path, like: Any, fit_hash: str) -> tuple[int, Any] | None:
    """(loops, state) of the last checkpoint that is whole, None where there is none. `like`: a state of the same shape.

    A damaged file is passed over for the one before; BadFolder where all are damaged or of another fit.
    """
    complaints = []
    for path in sorted(folder.glob("loop-*.npz"), reverse=True):
        try:
            return load(path, like, fit_hash)
        except BadFolder as error:
            complaints.append(str(error))
    if complaints:
        raise BadFolder("; ".join(complaints))
    return None


def load(path: Path, like: Any, fit_hash: str) -> tuple[int, Any]:
    """BadFolder where the file is damaged, foreign, or of another fit."""
    try:
        with open(path, "rb") as file:
            content = dict(np.load(file, allow_pickle=False))
        meta = json.loads(content.pop(_META).tobytes())
        whole = meta["schema"] == SCHEMA and meta["sha256"] == _digest(content)
    except Exception:  # zipfile and numpy answer broken bytes with exceptions of a dozen kinds
        whole = False
    if not whole:
        raise BadFolder(f"expected a whole checkpoint of schema {SCHEMA}, got a damaged or foreign file: {path}")
    return _restored(path, meta, content, like, fit_hash)


def _restored(path: Path, meta: dict, arrays: dict, like: Any, fit_hash: str) -> tuple[int, Any]:
    if meta["fit"] != fit_hash:
        raise BadFolder(f"expected a checkpoint of fit {fit_hash}, got one of {meta['fit']}: {path}")
    expected = [[name, str(leaf.dtype), list(leaf.shape)] for name, leaf in _leaves(like).items()]
    if meta["leaves"] != expected:
        raise BadFolder(f"expected a checkpoint with the arrays of this experiment's state, got others: {path}")
    leaves = [
        jnp.asarray(np.frombuffer(arrays[f"leaf{n}"].tobytes(), jnp.dtype(dtype)).reshape(shape))
        for n, (_, dtype, shape) in enumerate(meta["leaves"])
    ]
    return meta["loops"], jax.tree.unflatten(jax.tree.structure(like), leaves)


def _leaves(state: Any) -> dict[str, Any]:
    return {jax.tree_util.keystr(path): leaf for path, leaf in jax.tree_util.tree_leaves_with_path(state)}


def _digest(arrays: dict[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(name.encode())
        digest.update(arrays[name].tobytes())
    return digest.hexdigest()
