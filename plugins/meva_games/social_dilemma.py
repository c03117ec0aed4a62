"""Any iterated dilemma of many players, from what it pays."""

from typing import Any

import jax.numpy as jnp
from jax import Array

from meva_core.contracts import Check, below_one, between, component, finite, leaf
from meva_core.errors import BadCombination
from meva_games.n_player import IteratedNPlayer, Words
from meva_games.two_by_two import DISCOUNT, NOISE


def _as_many_as_players(payoffs: Any) -> bool:
    return 2 <= len(payoffs) <= 10 and finite.accepts(payoffs)


PAYOFFS = Check("2 to 10 finite numbers, one for each player", _as_many_as_players)


@component
class SocialDilemma(IteratedNPlayer):
    """The iterated game in which a round pays by the own action and by how many of the others cooperate, from none to
    all of them: each list has one payoff per number of other cooperators, so its length is the number of players.

        meva-run --game social_dilemma --learner lola --set "game.cooperators=[0, 2, 4, 6]" \\
            --set "game.defectors=[1, 3, 5, 7]"

    The default is the three-player prisoner's dilemma of the pax library: cooperators earn 0, 3, 7 and defectors 1, 5,
    9 if 0, 1, 2 of the others cooperate. See `IteratedNPlayer` for policies, payoffs and strategies; `public_goods` and
    the symmetric two-by-two games are special cases.

    References:
        Hilbe et al. (2014), Cooperation and Control in Multiplayer Social Dilemmas, PNAS (payoffs a_j and b_j);
        Willi et al. (2023), Pax: Multi-Agent Learning in JAX (the default's payoffs).

    Examples:
        A cooperator and a defector, who each see one other player:

        >>> game = SocialDilemma(cooperators=(0.0, 3.0), defectors=(1.0, 5.0))
        >>> x = jnp.stack([game.strategies["always_cooperate"], game.strategies["always_defect"]])
        >>> [round(float(payoff), 3) for payoff in game.payoff(x)]
        [0.0, 5.0]
    """

    cooperators: tuple[float, ...] = leaf(
        default=(0.0, 3.0, 7.0),
        doc="payoff of a cooperator if 0, 1, ... all of the others cooperate",
        check=PAYOFFS,
    )
    defectors: tuple[float, ...] = leaf(
        default=(1.0, 5.0, 9.0), doc="payoff of a defector, in the same order", check=PAYOFFS
    )
    discount: float = leaf(default=0.96, doc=DISCOUNT, check=below_one)
    noise: float = leaf(default=0.0, doc=NOISE, check=between(0, 1))

    words = Words("D", "C", "cooperate")

    def __attrs_post_init__(self) -> None:
        if len(self.cooperators) != len(self.defectors):
            raise BadCombination(
                "expected as many numbers in game.cooperators as in game.defectors, one for each player, got "
                f"{len(self.cooperators)} and {len(self.defectors)}"
            )

    @property
    def num_players(self) -> int:  # type: ignore[override]
        return len(self.cooperators)

    @property
    def paid(self) -> Array:
        return jnp.stack([jnp.asarray(self.defectors), jnp.asarray(self.cooperators)])
