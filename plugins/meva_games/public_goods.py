"""The iterated public goods game of any number of players.

Shapes: P players, S = 2^P states (who contributed last round), D = 1 + 2 P numbers per policy.
"""

import functools
import itertools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from meva_core.component import Check, below_one, between, component, finite, leaf, static
from meva_core.ops import discounted_shares
from meva_core.protocols import Game
from meva_games.iterated import action_probabilities
from meva_games.memory_one import SATURATED
from meva_games.two_by_two import DISCOUNT, NOISE


@component
class PublicGoods(Game):
    """Each round everybody has 1, to keep or to contribute; what is contributed is multiplied by m and shared out.

    With 1 < m < P contributing is best for all and keeping is best for each. A policy is 1 + 2 P logits of
    P(contribute): at the start, then by the own last action (0 kept, 1 contributed) and how many others contributed:
    [start, 0.0, ..., 0.(P-1), 1.0, ..., 1.(P-1)]. Payoffs are exact over the 2^P states and normalised by
    1 - discount, as in the iterated two-by-two games; two players play the prisoner's dilemma with
    CC m, m; DD 1, 1; DC 1 + m/2, m/2. Practical to 6 players. Policies start from N(0, 1).

    References:
        Ledyard (1995), Public Goods: A Survey of Experimental Research; as an iterated game between memory-one
        policies: Hilbe et al. (2014), Cooperation and Control in Multiplayer Social Dilemmas, PNAS.
    """

    num_players: int = static(default=3, doc="P", check=Check("a whole number from 2 to 10", lambda n: 2 <= n <= 10))
    multiplier: float = leaf(
        default=1.6, doc="m, what contributions are multiplied by; a dilemma for 1 < m < P", check=finite
    )
    discount: float = leaf(default=0.96, doc=DISCOUNT, check=below_one)
    noise: float = leaf(default=0.0, doc=NOISE, check=between(0, 1))

    symmetric = True

    @property
    def policy_size(self) -> int:  # type: ignore[override]
        return 1 + 2 * self.num_players

    @property
    def entry_names(self) -> tuple[str, ...]:
        after = (f"{own} and {others} others" for own in ("kept", "gave") for others in range(self.num_players))
        return ("P(give|start)", *(f"P(give|{what})" for what in after))

    def entries(self, x: Array) -> Array:
        return jax.nn.sigmoid(x)

    @property
    def strategies(self) -> dict[str, Array]:
        always = jnp.full(self.policy_size, SATURATED)
        return {"always_contribute": always, "always_keep": -always, "random": jnp.zeros(self.policy_size)}

    def init(self, key: Array) -> Array:
        return jax.random.normal(key, (self.num_players, self.policy_size))

    @property
    def payoff_range(self) -> Array:
        paid = self._paid(jnp.result_type(float))
        return jnp.max(paid, axis=0) - jnp.min(paid, axis=0)

    def payoff(self, x: Array) -> Array:
        paid = self._paid(x.dtype)
        middle = jnp.mean(paid, axis=0)
        return middle + jnp.matmul(self._shares(x), paid - middle, precision="highest")

    def _paid(self, dtype: Any) -> Array:
        """What each state pays in a round, f32[S, P]."""
        gave = jnp.asarray(_states(self.num_players).gave, dtype)
        return 1 - gave + self.multiplier * jnp.mean(gave, axis=1, keepdims=True)

    def outcomes(self, x: Array) -> dict[str, Array]:
        """Discounted share of the rounds in which so many contribute."""
        gave = jnp.asarray(_states(self.num_players).gave, x.dtype)
        shares, count = self._shares(x), jnp.sum(gave, axis=1)
        return {f"{n} give": jnp.sum(shares, where=count == n) for n in range(self.num_players + 1)}

    def _shares(self, x: Array) -> Array:
        """Normalised discounted share of the rounds that end in each state, f32[S]."""
        entry = jnp.asarray(_states(self.num_players).entry, x.dtype)
        keep, give = action_probabilities(x, self.noise)
        # A product with ones and zeros, not an index: what each player will do after each state, f32[2, S, P].
        after = jnp.einsum("spd,apd->asp", entry, jnp.stack([keep, give]), precision="highest")
        start = _joint(keep[:, 0], give[:, 0])
        return discounted_shares(start, jax.vmap(_joint)(*after), self.discount)


class _States(NamedTuple):
    """Every state, and where each player's policy says what to do after it."""

    gave: np.ndarray  # [S, P] of 0 and 1
    entry: np.ndarray  # [S, P, D], one-hot


@functools.cache
def _states(players: int) -> _States:
    gave = np.array(list(itertools.product((0, 1), repeat=players)))
    others = gave.sum(axis=1, keepdims=True) - gave
    return _States(gave, np.eye(1 + 2 * players)[1 + gave * players + others])


def _joint(keep: Array, give: Array) -> Array:
    """Probability of every state where all act independently, the first player's digit first, f32[S]."""
    joint = jnp.ones(1, give.dtype)
    for each in jnp.stack([keep, give], axis=1):
        joint = jnp.outer(joint, each).ravel()
    return joint
