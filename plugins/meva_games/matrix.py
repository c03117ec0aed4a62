"""Any iterated two-player, two-action game."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer

from meva_core.component import below_one, between, component, finite, leaf
from meva_games.iterated import IteratedTwoByTwo
from meva_games.two_by_two import DISCOUNT, NOISE, Table


@component
class Matrix(IteratedTwoByTwo):
    """The iterated game of two payoff tables, as they stand in textbooks: rows are player 1's action D, C, columns
    player 2's. `payoffs_2` unset: the game looks the same to both, payoffs_2 = payoffs_1 transposed.

        meva-run --game matrix --learner lola --set "game.payoffs_1=[[1, 5], [0, 3]]"

    The default is the prisoner's dilemma of Axelrod's tournaments. See `IteratedTwoByTwo` for policies and payoffs.

    References:
        Axelrod (1984), The Evolution of Cooperation.
    """

    payoffs_1: Table = leaf(
        default=((1.0, 5.0), (0.0, 3.0)),
        doc="player 1's per round: rows its action D, C; columns player 2's",
        check=finite,
    )
    payoffs_2: Table | None = leaf(
        default=None, doc="player 2's, laid out like payoffs_1; unset: payoffs_1 transposed", check=finite
    )
    discount: float = leaf(default=0.96, doc=DISCOUNT, check=below_one)
    noise: float = leaf(default=0.0, doc=NOISE, check=between(0, 1))

    def __attrs_post_init__(self) -> None:
        # One table says that the game looks the same to both, and goes on saying it whatever is put into it later.
        given: Any = (self.payoffs_1, self.payoffs_2)
        if self.payoffs_2 is None or any(isinstance(number, Tracer) for number in jax.tree.leaves(given)):
            return
        first, second = map(np.asarray, given)
        if np.array_equal(first, second.T):
            object.__setattr__(self, "payoffs_2", None)

    @property
    def symmetric(self) -> bool:  # type: ignore[override]
        """Whether there is one table for both."""
        return self.payoffs_2 is None

    @property
    def tables(self) -> Array:
        first = jnp.asarray(self.payoffs_1)
        return jnp.stack([first, first.T if self.payoffs_2 is None else jnp.asarray(self.payoffs_2)])
