"""Iterated two-player, two-action games between memory-one policies, with exact payoffs.

Actions are 0 = defect (D) and 1 = cooperate (C); an outcome names the own action first.
"""

import itertools
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
from jax import Array

from meva_core.ops import discounted_shares
from meva_core.protocols import Game
from meva_games.memory_one import SATURATED, extortion, generous_tit_for_tat

ENTRIES = ("start", "DD", "DC", "CD", "CC")


class IteratedTwoByTwo(Game):
    """Base of the iterated games: a policy is 5 logits of P(cooperate) at [start, DD, DC, CD, CC].

    The payoff is exact and normalised, (1 - discount) sum_t discount^t r_t = (1 - discount) d0' (I - discount T)^-1 r,
    where d0 is the first round's distribution over outcomes and T their transition matrix. With `noise` n every action
    is the other one with probability n (a trembling hand), whoever takes it. Policies start from N(0, 1).

    References:
        Foerster et al. (2018), Learning with Opponent-Learning Awareness, AAMAS, appendix A.2.
    """

    discount: float
    noise: float = 0.0

    policy_size = len(ENTRIES)

    @property
    def tables(self) -> Array:
        """Payoffs per round f32[2, 2, 2]: of player i where player 1 does a and player 2 does b."""
        raise NotImplementedError

    @property
    def entry_names(self) -> tuple[str, ...]:
        return tuple(f"P(C|{entry})" for entry in ENTRIES)

    def entries(self, x: Array) -> Array:
        return jax.nn.sigmoid(x)

    @property
    def strategies(self) -> Mapping[str, Array | Callable[[float], Array]]:
        def policy(*cooperates: int) -> Array:
            return jnp.array([SATURATED if c else -SATURATED for c in cooperates])

        return {
            "always_cooperate": policy(1, 1, 1, 1, 1),
            "always_defect": policy(0, 0, 0, 0, 0),
            "tit_for_tat": policy(1, 0, 1, 0, 1),
            "win_stay_lose_shift": policy(1, 1, 0, 0, 1),
            "random": jnp.zeros(5),
            "generous_tit_for_tat": generous_tit_for_tat(self.own_tables),
            "extortion": lambda factor: extortion(self.own_tables, self.discount, factor),
        }

    @property
    def own_tables(self) -> Array:
        """`tables` as each player sees them, f32[2, 2, 2]: of player i, rows its own action, columns the other's."""
        return jnp.stack([self.tables[0], self.tables[1].T])

    def init(self, key: Array) -> Array:
        return jax.random.normal(key, (2, len(ENTRIES)))

    @property
    def payoff_range(self) -> Array:
        tables = self.tables.reshape(2, 4)
        return jnp.max(tables, axis=1) - jnp.min(tables, axis=1)

    def payoff(self, x: Array) -> Array:
        # A sum of products, not a matrix product: it fuses with what made the shares. Around the tables' middle, since
        # what all payoffs have in common would take digits from their differences.
        tables = self.tables.astype(x.dtype).reshape(2, 4)
        middle = jnp.mean(tables, axis=1, keepdims=True)
        return middle[:, 0] + jnp.sum((tables - middle) * self._shares(x), axis=1)

    def outcomes(self, x: Array) -> dict[str, Array]:
        """Discounted share of the rounds that end in each outcome, player 1's action first."""
        return dict(zip(ENTRIES[1:], self._shares(x), strict=True))

    def best_response(self, x: Array, seat: int) -> Array:
        """All 32 deterministic policies: against a memory-one policy one of them is a best response
        (the answer to it is a Markov decision process over the four outcomes)."""
        return SATURATED * jnp.array(list(itertools.product([-1.0, 1.0], repeat=len(ENTRIES))))

    def _shares(self, x: Array) -> Array:
        """Normalised discounted shares of [DD, DC, CD, CC], f32[4]."""
        defects, cooperates = action_probabilities(x, self.noise)
        # Player 2's after what player 1 calls [start, DD, DC, CD, CC]: what one calls CD the other calls DC.
        second = [jnp.concatenate([p[1, :2], p[1, 3:1:-1], p[1, 4:]]) for p in (defects, cooperates)]
        first = (defects[0], cooperates[0])
        outcome = jnp.stack([own * other for own in first for other in second], axis=1)
        return discounted_shares(outcome[0], outcome[1:], self.discount)


def action_probabilities(x: Array, noise: Array | float) -> tuple[Array, Array]:
    """Probabilities of the two actions under logits x of the second, each like x: where one is nearly 1, the other
    keeps its digits. With probability `noise` an action is the other one."""
    first, second = jax.nn.sigmoid(-x), jax.nn.sigmoid(x)
    return (1 - noise) * first + noise * second, (1 - noise) * second + noise * first
