"""A check that a player is one player, and not those of several seeds."""

from __future__ import annotations

from typing import Any

from meva_core.contracts import kinds
from meva_core.contracts.hyperparameters import copies
from meva_core.errors import BadValue
from meva_core.match import Fitted


def check_single(player: Any) -> None:
    """Raise BadValue for anything but a result of `meva.fit` of one seed."""
    if not isinstance(player, Fitted):
        raise BadValue(f"expected a result of meva.fit, or meva.Fitted(learner=...), got {kinds.describe(player)}")
    kinds.check("learner", player.learner)
    if (several := copies(player.learner)) is not None:
        raise BadValue(
            f"expected a player of one fit, got {several} seeds: take one with "
            "jax.tree.map(lambda leaf: leaf[0], player)"
        )
