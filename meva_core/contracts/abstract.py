"""Abstract trees of arrays (shapes and types only): created without computing, compared, and described in words."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

MOST = 120  # characters of a value in a message


def difference(got: Any, before: Any) -> tuple[str, Any, Any] | None:
    """First place where two trees of arrays differ in structure, shape or type, with both values there; None if they
    do not differ."""
    if jax.tree.structure(got) != jax.tree.structure(before):
        return "", before, got
    for (path, old), new in zip(jax.tree_util.tree_leaves_with_path(before), jax.tree.leaves(got), strict=True):
        if (old.shape, old.dtype) != (new.shape, new.dtype):
            return jax.tree_util.keystr(path), old, new
    return None


def abstract(tree: Any) -> Any:
    """A tree with every leaf replaced by its shape and type, where the type is the one after seeds are stacked."""
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(jnp.shape(leaf), _type(leaf)), tree)


def floats(*shape: int) -> Any:
    """An abstract f32 array of this shape."""
    return jax.ShapeDtypeStruct(shape, jnp.float32)


def key() -> Any:
    """An abstract random key."""
    return jax.eval_shape(jax.random.key, 0)


def _type(leaf: Any) -> Any:
    return leaf.dtype if hasattr(leaf, "dtype") else jnp.asarray(leaf).dtype


class _Bare(str):
    """Text that a structure shows without quotes."""

    __repr__ = str.__str__


def describe(value: Any) -> str:
    """A value in words: arrays as type and shape, float32[2,5]; other values as Python's repr."""

    def shown(leaf: Any) -> Any:
        if isinstance(leaf, str) or not hasattr(leaf, "shape"):
            return leaf
        return _Bare(f"{leaf.dtype}[{','.join(map(str, leaf.shape))}]")

    text = value if isinstance(value, str) else repr(jax.tree.map(shown, value))
    return text if len(text) <= MOST else f"{text[:MOST]} ..."
