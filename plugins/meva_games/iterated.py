"""Iterated two-player, two-action games between memory-one policies, with exact payoffs.

Actions are 0 = defect (D) and 1 = cooperate (C); an outcome names the own action first.
"""

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from meva_core.ops import discounted_shares
from meva_games import zero_determinant
from meva_games.discounted import Discounted
from meva_games.lazily import Lazily
from meva_games.memory_one import SATURATED, generous_tit_for_tat, of_both_actions, to_logits
from meva_games.named import cooperation
from meva_games.rounds import Layout

ENTRIES = ("start", "DD", "DC", "CD", "CC")
LAYOUT = Layout(
    actions=(2, 2),
    names=("D", "C"),
    seen=np.array([[0, 1, 2, 3, 4], [0, 1, 3, 2, 4]]),  # player 1's CD is player 2's DC
    outcomes={name: (n + 1,) for n, name in enumerate(ENTRIES[1:])},
)


class IteratedTwoByTwo(Discounted):
    """Base of the iterated games: a policy is 5 logits of P(cooperate) at [start, DD, DC, CD, CC].

    The payoff is exact and normalised, (1 - discount) sum_t discount^t r_t = (1 - discount) d0' (I - discount T)^-1 r,
    where d0 is the first round's distribution over outcomes and T their transition matrix. With `noise` n, every action
    of both players is replaced by the other one with probability n (a trembling hand). Policies start from N(0, 1).

    Strategies have names: those of strategies.toml, with their sources, such as tit_for_tat, win_stay_lose_shift and
    grim; generous_tit_for_tat (Molander, 1985); and three that take a number, extortion, generous_zero_determinant and
    equaliser (see `zero_determinant`).

    References:
        Foerster et al. (2018), Learning with Opponent-Learning Awareness, AAMAS, appendix A.2.
    """

    discount: float
    noise: float = 0.0

    policy_size = len(ENTRIES)
    layout = LAYOUT

    @property
    def tables(self) -> Array:
        """Payoffs per round f32[2, 2, 2]: entry [i, a, b] is player i's when player 1 does a and player 2 does b."""
        raise NotImplementedError

    @property
    def entry_names(self) -> tuple[str, ...]:
        return tuple(f"P(C|{entry})" for entry in ENTRIES)

    def entries(self, x: Array) -> Array:
        return jax.nn.sigmoid(x)

    def from_entries(self, entries: Array) -> Array:
        return to_logits(entries)

    def from_logits(self, logits: Array) -> Array:
        return logits[..., 1] - logits[..., 0]

    def to_logits(self, x: Array) -> Array:
        return of_both_actions(x)

    @property
    def strategies(self) -> Mapping[str, Any]:
        """Strategies by name, all memory-one: after noise, grim cooperates again only if both happen to at once."""

        def policy(*cooperates: float) -> Callable[[], Array]:
            return lambda: to_logits(jnp.array(cooperates))

        def taking_a_number(strategy: Callable[..., Array], default: float | None) -> Callable[[], Any]:
            return lambda: lambda number=default: strategy(self.own_tables, self.discount, number)

        return Lazily(
            {
                **{name: policy(*cooperates) for name, cooperates in cooperation().items()},
                "generous_tit_for_tat": lambda: generous_tit_for_tat(self.own_tables),
                "extortion": taking_a_number(zero_determinant.extortion, 3.0),
                "generous_zero_determinant": taking_a_number(zero_determinant.generous, 3.0),
                "equaliser": taking_a_number(zero_determinant.equaliser, None),
            }
        )

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

    @jax.jit  # traced once for all programs and derivatives that hold it
    def payoff(self, x: Array) -> Array:
        # A sum of products, not a matrix product: it fuses with the computation of the shares. The tables' middle is
        # subtracted first, since a large common part of all payoffs would make their differences less accurate.
        tables = self.tables.astype(x.dtype).reshape(2, 4)
        middle = jnp.mean(tables, axis=1, keepdims=True)
        return middle[:, 0] + jnp.sum((tables - middle) * self._shares(x), axis=1)

    def outcomes(self, x: Array) -> dict[str, Array]:
        """Discounted share of the rounds that end in each outcome, player 1's action first."""
        return dict(zip(ENTRIES[1:], self._shares(x), strict=True))

    def paid_after(self) -> Array:
        """Payoffs of a round that ends in each joint action, f32[4, 2]."""
        return self.tables.reshape(2, 4).T

    def best_response(self, x: Array, seat: int) -> Array:
        """All 32 deterministic policies, one of which is a best response to a memory-one policy.

        Against such a policy, the best response solves a Markov decision process over the four outcomes.
        """
        return SATURATED * jnp.array(list(itertools.product([-1.0, 1.0], repeat=len(ENTRIES))))

    def _shares(self, x: Array) -> Array:
        """Normalised discounted shares of [DD, DC, CD, CC], f32[4]."""
        defects, cooperates = action_probabilities(x, self.noise)
        # Player 2's entries in player 1's order [start, DD, DC, CD, CC]: player 1's CD is player 2's DC.
        second = [jnp.concatenate([p[1, :2], p[1, 3:1:-1], p[1, 4:]]) for p in (defects, cooperates)]
        first = (defects[0], cooperates[0])
        outcome = jnp.stack([own * other for own in first for other in second], axis=1)
        return discounted_shares(outcome[0], outcome[1:], self.discount)


def action_probabilities(x: Array, noise: Array | float) -> tuple[Array, Array]:
    """Probabilities of the first and the second action, each with the shape of x, the logits of the second action.

    Both are computed from the logits, so that a probability near 0 is accurate. With probability `noise` an action is
    replaced by the other one.
    """
    first, second = jax.nn.sigmoid(-x), jax.nn.sigmoid(x)
    return (1 - noise) * first + noise * second, (1 - noise) * second + noise * first
