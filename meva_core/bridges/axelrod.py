"""Policies of iterated two-player, two-action games as the Axelrod library has them, and back, without that library.

Axelrod's four-vector holds the probabilities of cooperation after CC, CD, DC and DD, the own action first. Its players
are sure of their first action. Shapes: P players, D numbers per policy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from meva_core.contracts import kinds
from meva_core.errors import BadCombination, BadValue

STATES = ("CC", "CD", "DC", "DD")


class MemoryOne(NamedTuple):
    """A memory-one policy. start: the probability of cooperation in the first round; four_vector: that after CC, CD, DC
    and DD."""

    start: float
    four_vector: tuple[float, float, float, float]

    @property
    def initial(self) -> str:
        """The more likely first action, "C" or "D"; "C" if both are equally likely."""
        return "C" if self.start >= 0.5 else "D"


def memory_one(game: Any, policies: Any) -> tuple[MemoryOne, ...]:
    """The memory-one policies of a joint policy f32[P, D], by player, for `axelrod.MemoryOnePlayer`.

    game: an iterated game whose actions are C and D; networks without memory are asked in each state. Raises
    BadCombination for another game.

    >>> import meva_core as meva
    >>> from meva_core.bridges.axelrod import memory_one
    >>> game = meva.make("game", "ipd")
    >>> _, defector = memory_one(game, [game.strategies["random"], game.strategies["always_defect"]])
    >>> defector.initial, [round(number, 6) for number in defector.four_vector]
    ('D', [0.0, 0.0, 0.0, 0.0])

    A player of the Axelrod library is then

        axelrod.MemoryOnePlayer(defector.four_vector, axelrod.Action.from_char(defector.initial))
    """
    kinds.check("game", game, "game")
    names = [f"P(C|{state})" for state in ("start", *STATES)]
    if sorted(game.entry_names) != sorted(names):
        raise BadCombination(
            f"expected a game whose policies have the entries {', '.join(names)}, got {kinds.describe(game)} with "
            f"{', '.join(game.entry_names[:6])}"
        )
    entries = np.asarray(game.entries(jnp.asarray(policies)), float)
    rows = entries[:, [game.entry_names.index(name) for name in names]].tolist()
    return tuple(MemoryOne(start, tuple(after)) for start, *after in rows)


def from_axelrod(initial: Any, four_vector: Sequence[float]) -> tuple[float, ...]:
    """Probabilities of cooperation as MeVa's learner of given probabilities takes them, at the start and after DD, DC,
    CD and CC.

    initial: "C" or "D" (also `axelrod.Action`), or the probability of C in the first round. Raises BadValue for what
    are no probabilities.

    >>> from meva_core.bridges.axelrod import from_axelrod
    >>> from_axelrod("C", (1, 0, 1, 0.1))  # tit-for-tat that forgives one mutual defection in ten
    (1.0, 0.1, 1.0, 0.0, 1.0)
    """
    start: Any = {"C": 1.0, "D": 0.0}.get(str(initial), initial)
    try:
        numbers = [float(number) for number in (start, *reversed(tuple(four_vector)))]
    except (TypeError, ValueError):
        numbers = []
    if len(numbers) != 5 or not all(0 <= number <= 1 for number in numbers):
        raise BadValue(f"expected C, D or a probability, and four probabilities, got {initial!r} and {four_vector!r}")
    return tuple(numbers)
