"""The iterated public goods game of any number of players."""

import jax.numpy as jnp
from jax import Array

from meva_core.contracts import Check, below_one, between, component, finite, leaf, static
from meva_games.n_player import IteratedNPlayer, Words
from meva_games.two_by_two import DISCOUNT, NOISE


@component
class PublicGoods(IteratedNPlayer):
    """Each round everybody has 1, to keep or to contribute; what is contributed is multiplied by m and shared out.

    With 1 < m < P, it is best for the group if all contribute, and best for each player to keep. With two players it is
    the prisoner's dilemma with CC m, m; DD 1, 1; DC 1 + m/2, m/2. See `IteratedNPlayer` for policies, payoffs and
    strategies.

    References:
        Ledyard (1995), Public Goods: A Survey of Experimental Research; as an iterated game between memory-one
        policies: Hilbe et al. (2014), Cooperation and Control in Multiplayer Social Dilemmas, PNAS.

    Examples:
        One of two contributes, the other keeps all:

        >>> game = PublicGoods(num_players=2, multiplier=1.6)
        >>> x = jnp.stack([game.strategies["always_contribute"], game.strategies["always_keep"]])
        >>> [round(float(payoff), 3) for payoff in game.payoff(x)]
        [0.8, 1.8]
    """

    num_players: int = static(
        default=3, doc="P, number of players", check=Check("a whole number from 2 to 10", lambda n: 2 <= n <= 10)
    )
    multiplier: float = leaf(default=1.6, doc="m, factor of the contributions; a dilemma for 1 < m < P", check=finite)
    discount: float = leaf(default=0.96, doc=DISCOUNT, check=below_one)
    noise: float = leaf(default=0.0, doc=NOISE, check=between(0, 1))

    words = Words("kept", "gave", "give", "always_keep", "always_contribute")

    @property
    def paid(self) -> Array:
        others = jnp.arange(self.num_players)
        gave = jnp.array([[0], [1]])
        return 1 - gave + self.multiplier * (gave + others) / self.num_players
