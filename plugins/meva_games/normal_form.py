"""Any iterated game of two players, each with any number of actions.

Shapes: N and M actions of player 1 and 2, A the larger number, S = N M states (the actions of the last round),
D = (1 + S) A numbers per policy.
"""

import functools
import math
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer

from meva_core.contracts import Check, below_one, between, component, leaf
from meva_core.errors import BadCombination
from meva_core.ops import discounted_shares
from meva_games.discounted import Discounted
from meva_games.memory_one import SATURATED
from meva_games.rounds import Layout
from meva_games.two_by_two import DISCOUNT

ROUNDS_OF_IMPROVEMENT = 100  # of a best response: a handful is enough
LACKING = -1e9  # logit of an action that a player does not have
TIE = 1e-5  # actions whose value is less than this below the best, as a share of the payoffs' range, are ties
MOST_ACTIONS = 8

Table = tuple[tuple[float, ...], ...]


def _is_table(value: Any) -> bool:
    sizes = {len(value), *map(len, value)}
    even = len(set(map(len, value))) == 1 and min(sizes) >= 2 and max(sizes) <= MOST_ACTIONS
    return even and all(math.isfinite(number) for row in value for number in row)


TABLE = Check(f"a table of 2 to {MOST_ACTIONS} rows of 2 to {MOST_ACTIONS} finite numbers each", _is_table)


@component
class NormalForm(Discounted):
    """The iterated game of two payoff tables of any size: rows are player 1's actions 0, 1, ..., columns player 2's.

        meva-run --game normal_form --learner lola --set "game.payoffs_1=[[3, 0, 1], [5, 1, 0]]" \\
            --set "game.payoffs_2=[[3, 5, 0], [0, 1, 1]]"

    The default is rock-paper-scissors. A policy is (1 + N M) A logits of the own actions, at the start and after every
    outcome, the own action first: [start, 0.0, 0.1, ...]. If a player has fewer actions than the other, its last
    logits of each state are ignored. Payoffs are exact over the N M states and normalised by 1 - discount, as in the
    iterated two-by-two games, of which this is the general case: logits (0, x) of two actions are its x. Policies start
    from N(0, 1). With `noise` n, every action of both players is replaced by one of the others with probability n.

    References:
        Osborne & Rubinstein (1994), A Course in Game Theory (strategic games); best responses by policy iteration:
        Howard (1960), Dynamic Programming and Markov Processes.

    Examples:
        Rock against paper:

        >>> game = NormalForm()
        >>> x = jnp.stack([game.strategies["always_0"], game.strategies["always_1"]])
        >>> [round(float(payoff), 3) for payoff in game.payoff(x)]
        [-1.0, 1.0]
    """

    payoffs_1: Table = leaf(
        default=((0.0, -1.0, 1.0), (1.0, 0.0, -1.0), (-1.0, 1.0, 0.0)),
        doc="player 1's payoff per round: rows are its own actions, columns player 2's",
        check=TABLE,
    )
    payoffs_2: Table | None = leaf(
        default=None, doc="player 2's payoff, in the same layout; unset: payoffs_1 transposed", check=TABLE
    )
    discount: float = leaf(default=0.96, doc=DISCOUNT, check=below_one)
    noise: float = leaf(
        default=0.0,
        doc="probability that a trembling hand takes one of the other actions, each equally likely",
        check=between(0, 1),
    )

    def __attrs_post_init__(self) -> None:
        rows, columns = self.actions
        if self.payoffs_2 is None and rows != columns:
            raise BadCombination(
                f"expected game.payoffs_2 with a table of {rows} x {columns}, got none: only a square table can be "
                "transposed for player 2"
            )
        if self.payoffs_2 is not None and (got := _size(self.payoffs_2)) != (rows, columns):
            raise BadCombination(
                f"expected game.payoffs_2 laid out like payoffs_1, {rows} x {columns}, got {got[0]} x {got[1]}"
            )
        # With one table for both players the game is symmetric, also if the table's numbers change later.
        given: Any = (self.payoffs_1, self.payoffs_2)
        if self.payoffs_2 is None or any(isinstance(number, Tracer) for number in jax.tree.leaves(given)):
            return
        first, second = map(np.asarray, given)
        if np.array_equal(first, second.T):
            object.__setattr__(self, "payoffs_2", None)

    @property
    def symmetric(self) -> bool:  # type: ignore[override]
        """True if one table serves both players."""
        return self.payoffs_2 is None

    @property
    def actions(self) -> tuple[int, int]:
        """Numbers of actions N and M."""
        return _size(self.payoffs_1)

    @property
    def tables(self) -> Array:
        """Payoffs per round f32[2, N, M]: entry [i, a, b] is player i's when player 1 does a and player 2 does b."""
        first = jnp.asarray(self.payoffs_1)
        return jnp.stack([first, first.T if self.payoffs_2 is None else jnp.asarray(self.payoffs_2)])

    @property
    def policy_size(self) -> int:  # type: ignore[override]
        rows, columns = self.actions
        return (1 + rows * columns) * max(rows, columns)

    @property
    def entry_names(self) -> tuple[str, ...]:
        """Names of a policy's numbers; if the numbers of actions differ, with player 1's state and then player 2's."""
        rows, columns = self.actions
        first, second = _outcomes(rows, columns), _outcomes(columns, rows)
        states = first if rows == columns else [f"{a}/{b}" for a, b in zip(first, second, strict=True)]
        return tuple(f"P({a}|{state})" for state in ("start", *states) for a in range(max(self.actions)))

    def entries(self, x: Array) -> Array:
        rows = [
            jnp.pad(probabilities, ((0, 0), (0, max(self.actions) - probabilities.shape[1]))).ravel()
            for probabilities in self._meant(x)
        ]
        return jnp.stack(rows)

    def from_entries(self, entries: Array) -> Array:
        return jnp.log(jnp.clip(entries, math.exp(-2 * SATURATED), 1.0))

    def from_logits(self, logits: Array) -> Array:
        return logits.reshape(2, self.policy_size)

    def to_logits(self, x: Array) -> Array:
        has = jnp.arange(max(self.actions)) < jnp.array(self.actions)[:, None, None]
        return jnp.where(has, x.reshape(2, -1, max(self.actions)), LACKING)

    @property
    def strategies(self) -> Mapping[str, Array]:
        """Strategies that both players can play: always one action, a random action, or the other's last action."""
        rows, columns = self.actions
        shape = (1 + rows * columns, max(rows, columns))
        policies = {"random": jnp.zeros(self.policy_size)}
        for action in range(min(rows, columns)):
            policies[f"always_{action}"] = _sure(np.full(shape[0], action), shape[1])
        if rows == columns:
            others = np.tile(np.arange(rows), rows)
            policies["copy"] = _sure(np.concatenate([[-1], others]), rows)
        return policies

    def init(self, key: Array) -> Array:
        return jax.random.normal(key, (2, self.policy_size))

    @property
    def payoff_range(self) -> Array:
        tables = self.tables.reshape(2, -1)
        return jnp.max(tables, axis=1) - jnp.min(tables, axis=1)

    def payoff(self, x: Array) -> Array:
        # The tables' middle is subtracted first, since a large common part of all payoffs would make their differences
        # less accurate.
        tables = self.tables.astype(x.dtype).reshape(2, -1)
        middle = jnp.mean(tables, axis=1, keepdims=True)
        return middle[:, 0] + jnp.sum((tables - middle) * self._shares(x), axis=1)

    @property
    def layout(self) -> Layout:
        """The start, then both actions of the last round, the own action first."""
        rows, columns = self.actions
        return Layout(
            actions=(rows, columns),
            names=tuple(map(str, range(max(rows, columns)))),
            seen=np.stack([np.arange(1 + rows * columns), _seen_by_the_other(rows, columns)]),
            outcomes={name: (n + 1,) for n, name in enumerate(_outcomes(rows, columns))},
        )

    def paid_after(self) -> Array:
        """Payoffs of a round that ends in each joint action, f32[S, 2]."""
        return self.tables.reshape(2, -1).T

    def outcomes(self, x: Array) -> dict[str, Array]:
        """Discounted share of the rounds that end in each outcome, player 1's action first."""
        return dict(zip(_outcomes(*self.actions), self._shares(x), strict=True))

    def best_response(self, x: Array, seat: int) -> Array:
        """The deterministic policy from policy iteration, f32[1, D], which is one of the best responses.

        Against a memory-one policy a deterministic policy is best, since the best response solves a Markov decision
        process over the outcomes. It is one of the best responses that give the other player the least.
        """
        own, other = self.actions[seat], self.actions[1 - seat]
        hands = [_trembling(count, self.noise, x.dtype) for count in (own, other)]
        # The other's actions after each of the responder's states; the other names the same states own action first.
        theirs = _times(self._meant(x)[1 - seat], hands[1])[_seen_by_the_other(own, other)]
        tables = self.tables.astype(x.dtype)
        mine, yours = (tables[0], tables[1]) if seat == 0 else (tables[1].T, tables[0].T)
        anything = jnp.ones((1 + own * other, own), bool)
        worth = _improved(mine, theirs, hands[0], self.discount, anything)
        ties = worth >= jnp.max(worth, axis=1, keepdims=True) - TIE * self.payoff_range[seat]
        answer = jnp.argmax(_improved(-yours, theirs, hands[0], self.discount, ties), axis=1)
        return _sure(answer, max(self.actions))[None]

    def _meant(self, x: Array) -> tuple[Array, Array]:
        """Probabilities of every player's own actions before noise, f32[1 + S, N] and f32[1 + S, M].

        Rows are the start and then each of the player's states.
        """
        largest = float(jnp.finfo(x.dtype).max)  # two infinite logits could not be compared
        logits = jnp.clip(x, -largest, largest).reshape(2, -1, max(self.actions))
        first, second = (jax.nn.softmax(logits[n, :, :count], axis=1) for n, count in enumerate(self.actions))
        return first, second

    def _shares(self, x: Array) -> Array:
        """Normalised discounted shares of the outcomes, player 1's action first, f32[S]."""
        rows, columns = self.actions
        first, second = (
            _times(meant, _trembling(count, self.noise, x.dtype))
            for meant, count in zip(self._meant(x), self.actions, strict=True)
        )
        second = second[_seen_by_the_other(rows, columns)]
        outcome = (first[:, :, None] * second[:, None, :]).reshape(1 + rows * columns, -1)
        start, after = outcome[0], outcome[1:]
        return discounted_shares(start, after, self.discount)


def _trembling(actions: int, noise: Any, dtype: Any) -> Array:
    """Probability of each action (column) given the intended action (row), f32[N, N]."""
    meant = jnp.eye(actions, dtype=dtype)
    return (1 - noise) * meant + noise * (1 - meant) / (actions - 1)


def _times(a: Array, b: Array) -> Array:
    """Matrix product in full precision on every device."""
    return jnp.matmul(a, b, precision="highest")


def _size(table: Any) -> tuple[int, int]:
    """Rows and columns of a table, also of traced numbers."""
    return len(table), len(table[0])


def _outcomes(own: int, other: int) -> list[str]:
    """Names of the outcomes, the own action first."""
    return [f"{a}{b}" for a in range(own) for b in range(other)]


@functools.cache
def _seen_by_the_other(own: int, other: int) -> np.ndarray:
    """Index of each of a player's states (the start first) in the other player's order of states."""
    after = np.arange(own * other).reshape(other, own).T.ravel()
    return np.concatenate([[0], 1 + after]).astype(np.int32)


def _sure(action: Any, actions: int) -> Array:
    """The policy that takes one action f32[1 + S] after each state, f32[D]; -1 stands for all actions, equally
    likely."""
    chosen = jnp.asarray(action)[:, None]
    logits = jnp.where(chosen == jnp.arange(actions), SATURATED, -SATURATED)
    return jnp.where(chosen < 0, 0.0, logits).ravel()


def _improved(reward: Array, theirs: Array, hand: Array, discount: Any, allowed: Array) -> Array:
    """Value of each own action after each state, with best actions afterwards, f32[1 + S, N]; -inf if not allowed.

    Computed by policy iteration (Howard, 1960). reward f32[N, M] per round; theirs f32[1 + S, M]: the probabilities of
    the other's actions after each own state; hand f32[N, N]: the probability of each action (column) given the intended
    one (row).
    """
    actions, others = reward.shape
    now = _times(theirs, reward.T)  # payoff of each executed action in this round

    def worth(values: Array) -> Array:
        """Value of each own action after each state, given the values f32[S] of reaching a state."""
        later = _times(theirs, values.reshape(actions, others).T)
        return jnp.where(allowed, _times((1 - discount) * now + discount * later, hand.T), -jnp.inf)

    def values_of(policy: Array) -> Array:
        done = hand[policy[1:]]
        after = (done[:, :, None] * theirs[1:, None, :]).reshape(actions * others, -1)
        starts = jnp.eye(len(after), dtype=reward.dtype)
        shares = jax.vmap(lambda start: discounted_shares(start, after, discount))(starts)
        return _times(shares, jnp.sum(done * now[1:], axis=1))

    def improve(state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        policy, _, count = state
        return jnp.argmax(worth(values_of(policy)), axis=1), policy, count + 1

    first = jnp.argmax(worth(jnp.zeros(actions * others, reward.dtype)), axis=1)
    policy, _, _ = jax.lax.while_loop(
        lambda state: jnp.any(state[0] != state[1]) & (state[2] < ROUNDS_OF_IMPROVEMENT),
        improve,
        (first, jnp.full_like(first, -1), jnp.zeros((), int)),
    )
    return worth(values_of(policy))
