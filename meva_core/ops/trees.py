"""Pytrees of one structure, together."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp


def stacked(trees: Sequence[Any]) -> Any:
    """S trees of one structure as one, every leaf [S, ...]."""
    return jax.tree.map(lambda *leaves: jnp.stack([jnp.asarray(leaf) for leaf in leaves]), *trees)
