"""The named iterated two-by-two games. See `IteratedTwoByTwo` for policies and payoffs.

A `table` holds the own payoff per round: rows the own action D, C; columns the other's.
"""

import jax.numpy as jnp
from jax import Array

from meva_core.contracts import below_one, between, component, finite, leaf
from meva_games.iterated import IteratedTwoByTwo

Table = tuple[tuple[float, float], tuple[float, float]]

TABLE = "own payoff per round: rows are the own action D, C; columns the other's D, C"
DISCOUNT = "the game's own discount per round"
NOISE = "probability that a player's trembling hand takes the other action"


class SymmetricTwoByTwo(IteratedTwoByTwo):
    """Base of the two-by-two games that look the same from either seat."""

    table: Table

    symmetric = True

    @property
    def tables(self) -> Array:
        own = jnp.asarray(self.table)
        return jnp.stack([own, own.T])


@component
class PrisonersDilemma(SymmetricTwoByTwo):
    """Iterated prisoner's dilemma: CC -1, -1; DD -2, -2; DC 0, -3; CD -3, 0.

    Naive learning ends near DD with payoff -2. Two tit-for-tat players get -1 each; the highest and lowest payoffs are
    0 and -3.

    References:
        Foerster et al. (2018), Learning with Opponent-Learning Awareness, AAMAS, table 1.

    Examples:
        Tit-for-tat loses the first round to always_defect, then both defect:

        >>> game = PrisonersDilemma()
        >>> x = jnp.stack([game.strategies["tit_for_tat"], game.strategies["always_defect"]])
        >>> [round(float(payoff), 3) for payoff in game.payoff(x)]  # 0.04 * (-3, 0) + 0.96 * (-2, -2)
        [-2.04, -1.92]
    """

    table: Table = leaf(default=((-2.0, 0.0), (-3.0, -1.0)), doc=TABLE, check=finite)
    discount: float = leaf(default=0.96, doc=DISCOUNT, check=below_one)
    noise: float = leaf(default=0.0, doc=NOISE, check=between(0, 1))


@component
class Chicken(SymmetricTwoByTwo):
    """Iterated chicken: D goes straight, C swerves: DD -100, -100; DC +1, -1; CD -1, +1; CC 0, 0.

    One round has two pure equilibria, each with one loser; a crash costs both a hundred times the possible gain.

    References:
        Rapoport & Chammah (1966), The Game of Chicken; with these payoffs Cooijmans et al. (2023), appendix.
    """

    table: Table = leaf(default=((-100.0, 1.0), (-1.0, 0.0)), doc=TABLE, check=finite)
    discount: float = leaf(default=0.96, doc=DISCOUNT, check=below_one)
    noise: float = leaf(default=0.0, doc=NOISE, check=between(0, 1))

    payoff_scale = 1.0  # the crash is too costly for the scale of the other iterated games


@component
class StagHunt(SymmetricTwoByTwo):
    """Iterated stag hunt: C hunts the stag, D a hare: CC 4, 4; DD 2, 2; DC 3, 1; CD 1, 3.

    One round has two pure equilibria: CC pays more, DD is safe.

    References:
        Skyrms (2004), The Stag Hunt and the Evolution of Social Structure.
    """

    table: Table = leaf(default=((2.0, 3.0), (1.0, 4.0)), doc=TABLE, check=finite)
    discount: float = leaf(default=0.96, doc=DISCOUNT, check=below_one)
    noise: float = leaf(default=0.0, doc=NOISE, check=between(0, 1))


@component
class MatchingPennies(IteratedTwoByTwo):
    """Iterated matching pennies: player 1 gets +1 where the actions match and -1 where they differ, player 2 the
    negative. Zero-sum, worth 0 to both in equilibrium, and not symmetric: exchanging players changes who matches.

    References:
        Foerster et al. (2018), Learning with Opponent-Learning Awareness, AAMAS, table 2.

    Examples:
        >>> both = jnp.full((2, 5), 20.0)  # always the same action
        >>> [round(float(payoff), 3) for payoff in MatchingPennies().payoff(both)]
        [1.0, -1.0]
    """

    stake: float = leaf(default=1.0, doc="payment from one player to the other per round", check=finite)
    discount: float = leaf(default=0.96, doc=DISCOUNT, check=below_one)
    noise: float = leaf(default=0.0, doc=NOISE, check=between(0, 1))

    symmetric = False

    @property
    def tables(self) -> Array:
        matches = self.stake * jnp.array([[1.0, -1.0], [-1.0, 1.0]])
        return jnp.stack([matches, -matches])
