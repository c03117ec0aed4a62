"""Iterated two-player, two-action games between memory-one policies, with exact payoffs.

Actions are 0 = defect (D) and 1 = cooperate (C); an outcome names the own action first.
"""

import itertools
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
from jax import Array

from meva_core.ops import solve_diagonally_dominant
from meva_core.protocols import Game
from meva_games.memory_one import SATURATED, extortion, generous_tit_for_tat

ENTRIES = ("start", "DD", "DC", "CD", "CC")


class IteratedTwoByTwo(Game):
    """Base of the iterated games: a policy is 5 logits of P(cooperate) at [start, DD, DC, CD, CC].

    The payoff is exact and normalised, (1 - discount) sum_t discount^t r_t = (1 - discount) d0' (I - discount T)^-1 r,
    where d0 is the first round's distribution over outcomes and T their transition matrix. Policies start
    from N(0, 1).

    References:
        Foerster et al. (2018), Learning with Opponent-Learning Awareness, AAMAS, appendix A.2.
    """

    discount: float

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

    def payoff(self, x: Array) -> Array:
        # A sum of products, not a matrix product: it fuses with what made the shares.
        return jnp.sum(self.tables.astype(x.dtype).reshape(2, 4) * self._shares(x), axis=1)

    def outcomes(self, x: Array) -> dict[str, Array]:
        """Discounted share of the rounds that end in each outcome, player 1's action first."""
        return dict(zip(ENTRIES[1:], self._shares(x), strict=True))

    def best_response(self, x: Array, seat: int) -> Array:
        """All 32 deterministic policies: against a memory-one policy one of them is a best response
        (the answer to it is a Markov decision process over the four outcomes)."""
        return SATURATED * jnp.array(list(itertools.product([-1.0, 1.0], repeat=len(ENTRIES))))

    def _shares(self, x: Array) -> Array:
        """Normalised discounted shares of [DD, DC, CD, CC], f32[4]."""
        p, q = jax.nn.sigmoid(x)
        q = jnp.concatenate([q[:2], q[3:1:-1], q[4:]])  # what player 1 calls CD player 2 calls DC
        outcome = jnp.stack([(1 - p) * (1 - q), (1 - p) * q, p * (1 - q), p * q], axis=1)
        start, after = outcome[0], outcome[1:]
        flow = jnp.eye(4, dtype=x.dtype) - self.discount * after.T
        return solve_diagonally_dominant(flow, (1 - self.discount) * start)
