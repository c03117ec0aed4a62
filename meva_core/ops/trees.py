"""Stacking of pytrees with the same structure."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp


def stacked(trees: Sequence[Any]) -> Any:
    """Stack S trees with the same structure into one tree, every leaf [S, ...].

    >>> stacked([{"rate": 1.0}, {"rate": 2.0}])["rate"].tolist()
    [1.0, 2.0]
    """
    return jax.tree.map(lambda *leaves: jnp.stack([jnp.asarray(leaf) for leaf in leaves]), *trees)
