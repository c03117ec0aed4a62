"""Any iterated two-player, two-action game."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer

from meva_core.contracts import below_one, between, component, finite, leaf
from meva_core.errors import BadCombination
from meva_games.iterated import ENTRIES, IteratedTwoByTwo
from meva_games.two_by_two import DISCOUNT, NOISE, Table

AXELROD = ((1.0, 5.0), (0.0, 3.0))


@component
class Matrix(IteratedTwoByTwo):
    """The iterated game of two payoff tables: rows are player 1's action, columns player 2's, D first. `payoffs_2`
    unset: the game looks the same to both, payoffs_2 = payoffs_1 transposed. Textbooks print C first: `textbook_1` and
    `textbook_2` take tables in that order. So these two commands play the same game:

        meva-run --game matrix --learner lola --set "game.payoffs_1=[[1, 5], [0, 3]]"

        meva-run --game matrix --learner lola --set "game.textbook_1=[[3, 0], [5, 1]]"

    The default is the prisoner's dilemma of Axelrod's tournaments. See `IteratedTwoByTwo` for policies and payoffs.

    References:
        Axelrod (1984), The Evolution of Cooperation.
    """

    payoffs_1: Table = leaf(
        default=AXELROD,
        doc="player 1's payoff per round: rows are its action D, C; columns player 2's D, C",
        check=finite,
    )
    payoffs_2: Table | None = leaf(
        default=None,
        doc="player 2's payoff, in the same layout; unset, or equal to payoffs_1: payoffs_1 transposed",
        check=finite,
    )
    textbook_1: Table | None = leaf(
        default=None, doc="instead of payoffs_1, with C first: rows are player 1's action C, D", check=finite
    )
    textbook_2: Table | None = leaf(default=None, doc="instead of payoffs_2, with C first", check=finite)
    discount: float = leaf(default=0.96, doc=DISCOUNT, check=below_one)
    noise: float = leaf(default=0.0, doc=NOISE, check=between(0, 1))

    def __attrs_post_init__(self) -> None:
        self._read_textbook()
        # With one table for both players the game is symmetric, also if the table's numbers change later.
        given: Any = (self.payoffs_1, self.payoffs_2)
        if self.payoffs_2 is None or any(isinstance(number, Tracer) for number in jax.tree.leaves(given)):
            return
        first, second = map(np.asarray, given)
        if np.array_equal(first, second.T):
            object.__setattr__(self, "payoffs_2", None)

    def _read_textbook(self) -> None:
        """Turn tables that begin with C into tables that begin with D."""
        if self.textbook_1 is None and self.textbook_2 is None:
            return
        given = not isinstance(self.payoffs_1, tuple) or self.payoffs_1 != AXELROD or self.payoffs_2 is not None
        if self.textbook_1 is None or given:
            raise BadCombination(
                "expected both players' tables in one order: game.payoffs_1 and game.payoffs_2 with D first, or "
                "game.textbook_1 and game.textbook_2 with C first"
            )
        for player in (1, 2):
            table = getattr(self, f"textbook_{player}")
            object.__setattr__(self, f"payoffs_{player}", None if table is None else _turned(table))
            object.__setattr__(self, f"textbook_{player}", None)

    @property
    def notes(self) -> tuple[str, ...]:  # type: ignore[override]
        if any(isinstance(number, Tracer) for number in jax.tree.leaves((self.payoffs_1, self.payoffs_2))):
            return ()
        cells = np.asarray(self.tables).reshape(2, 4).T.tolist()
        pays = ", ".join(f"{name} {a:g} and {b:g}" for name, (a, b) in zip(ENTRIES[1:], cells, strict=True))
        return (f"payoffs: {pays} (player 1 first)",)

    @property
    def symmetric(self) -> bool:  # type: ignore[override]
        """True if one table serves both players."""
        return self.payoffs_2 is None

    @property
    def tables(self) -> Array:
        first = jnp.asarray(self.payoffs_1)
        return jnp.stack([first, first.T if self.payoffs_2 is None else jnp.asarray(self.payoffs_2)])


def _turned(table: Any) -> Any:
    """The table with its rows and columns in the other order."""
    if hasattr(table, "shape"):
        return table[::-1, ::-1]
    return tuple(tuple(row[::-1]) for row in table[::-1])
