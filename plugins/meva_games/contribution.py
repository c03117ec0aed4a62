"""The iterated contribution game of two players."""

import jax
import jax.numpy as jnp
from jax import Array

from meva_core.contracts import below_one, between, component, finite, leaf, positive
from meva_games.iterated import ENTRIES, IteratedTwoByTwo
from meva_games.two_by_two import DISCOUNT, NOISE


@component
class Contribution(IteratedTwoByTwo):
    """Iterated contribution game: C puts 1 into a pool, D nothing; the pool is multiplied by c and shared equally:

        DD 0, 0; CC c - 1, c - 1; DC c/2, c/2 - 1; CD c/2 - 1, c/2.

    It is a prisoner's dilemma for 1 < c < 2, the harder the nearer c is to 1. `ipd` pays three times as much as at
    c = 4/3, less 2. See `IteratedTwoByTwo` for policies and payoffs. Policies start from N(0, spread^2).

    References:
        Zhao et al. (2022), Proximal Learning with Opponent-Learning Awareness, NeurIPS, section 5.

    Examples:
        >>> game = Contribution(factor=1.5)
        >>> x = jnp.stack([game.strategies["always_cooperate"], game.strategies["always_defect"]])
        >>> [round(float(payoff), 3) for payoff in game.payoff(x)]
        [-0.25, 0.75]
    """

    factor: float = leaf(default=1.33, doc="c, factor of the contributions; a dilemma for 1 < c < 2", check=finite)
    spread: float = leaf(default=0.1, doc="standard deviation of the logits at the start", check=positive)
    discount: float = leaf(default=0.96, doc=DISCOUNT, check=below_one)
    noise: float = leaf(default=0.0, doc=NOISE, check=between(0, 1))

    symmetric = True

    @property
    def tables(self) -> Array:
        share = jnp.asarray(self.factor) / 2
        own = jnp.stack([jnp.stack([0 * share, share]), jnp.stack([share - 1, 2 * share - 1])])
        return jnp.stack([own, own.T])

    def init(self, key: Array) -> Array:
        return self.spread * jax.random.normal(key, (2, len(ENTRIES)))
