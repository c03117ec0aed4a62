"""Iterated games of any number of players with two actions each, between memory-one policies.

Shapes: P players, S = 2^P states (who cooperated last round), D = 1 + 2 P numbers per policy.
"""

import functools
import itertools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer

from meva_core.errors import BadValue
from meva_core.ops import discounted_shares
from meva_games.discounted import Discounted
from meva_games.iterated import action_probabilities
from meva_games.lazily import Lazily
from meva_games.memory_one import of_both_actions, to_logits
from meva_games.rounds import Layout


class Words(NamedTuple):
    """The words that a game uses for defecting and cooperating."""

    defected: str
    cooperated: str
    cooperate: str
    always_defect: str = "always_defect"
    always_cooperate: str = "always_cooperate"


class IteratedNPlayer(Discounted):
    """Base of games in which a round pays by the own action and by how many of the others cooperate.

    A policy is 1 + 2 P logits of P(cooperate): at the start, then by the own last action (0 defected, 1 cooperated) and
    how many others cooperated: [start, 0.0, ..., 0.(P-1), 1.0, ..., 1.(P-1)]. Payoffs are exact over the 2^P states and
    normalised by 1 - discount, as in the iterated two-by-two games; with `noise` n every action is replaced by the
    other one with probability n. Practical for up to 6 players. Policies start from N(0, 1).

    Strategies in addition to always and random: tit_for_tat cooperates if at least a given number of the others did (by
    default all of them; Boyd & Richerson, 1988), proportional_tit_for_tat with a probability equal to the share of the
    others who did (Hilbe et al., 2014), win_stay_lose_shift if all players did the same (all or none; Pinheiro et al.,
    2014), and grim if all cooperated. All but random cooperate at the start.

    References:
        Boyd & Richerson (1988), The Evolution of Reciprocity in Sizable Groups, Journal of Theoretical Biology;
        Hilbe et al. (2014), Cooperation and Control in Multiplayer Social Dilemmas, PNAS;
        Pinheiro et al. (2014), Evolution of All-or-None Strategies in Repeated Public Goods Dilemmas, PLoS
        Computational Biology.
    """

    discount: float
    noise: float

    words: Words
    symmetric = True

    @property
    def paid(self) -> Array:
        """Payoffs per round f32[2, P]: of a defector (row 0) or cooperator (row 1) while j of the others cooperate
        (column j)."""
        raise NotImplementedError

    @property
    def policy_size(self) -> int:  # type: ignore[override]
        return 1 + 2 * self.num_players

    @property
    def entry_names(self) -> tuple[str, ...]:
        words, numbers = self.words, range(self.num_players)
        after = (f"{own} and {others} others" for own in (words.defected, words.cooperated) for others in numbers)
        return tuple(f"P({words.cooperate}|{what})" for what in ("start", *after))

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
        others = np.tile(np.arange(self.num_players), 2)  # number of others who cooperated, per entry
        own = np.repeat([0, 1], self.num_players)
        every = self.num_players - 1

        def policy(start: float, after: Any) -> Array:
            return to_logits(jnp.concatenate([jnp.array([float(start)]), jnp.asarray(after, float)]))

        def where(holds: np.ndarray) -> Callable[[], Array]:
            return lambda: policy(1, holds)

        def tit_for_tat(least: float = every) -> Array:
            if not isinstance(least, Tracer) and not 0 <= float(least) <= every:
                raise BadValue(f"tit_for_tat: expected a number of others from 0 to {every}, got {float(least):g}")
            return policy(1, others >= least)

        return Lazily({
            self.words.always_cooperate: where(others >= 0),
            self.words.always_defect: lambda: policy(0, others < 0),
            "tit_for_tat": lambda: tit_for_tat,
            "proportional_tit_for_tat": where(others / every),
            "win_stay_lose_shift": where(others == own * every),
            "grim": where((own == 1) & (others == every)),
            "random": lambda: policy(0.5, np.full(len(others), 0.5)),
        })  # fmt: skip

    def init(self, key: Array) -> Array:
        return jax.random.normal(key, (self.num_players, self.policy_size))

    @property
    def payoff_range(self) -> Array:
        paid = self._paid(jnp.result_type(float))
        return jnp.max(paid, axis=0) - jnp.min(paid, axis=0)

    @jax.jit  # traced once for all programs and derivatives that hold it
    def payoff(self, x: Array) -> Array:
        paid = self._paid(x.dtype)
        middle = jnp.mean(paid, axis=0)
        return middle + jnp.matmul(self._shares(x), paid - middle, precision="highest")

    def _paid(self, dtype: Any) -> Array:
        """Payoffs of a round that ends in each state, f32[S, P]."""
        # After the start, an entry is the own action and the number of others that cooperate, as payoffs are.
        after = jnp.asarray(_states(self.num_players).entry[..., 1:], dtype)
        return jnp.matmul(after, jnp.asarray(self.paid, dtype).ravel(), precision="highest")

    @property
    def layout(self) -> Layout:
        """The start, then the own action and how many of the others cooperated."""
        players, words = self.num_players, self.words
        after = _states(players).entry.argmax(axis=2).T
        return Layout(
            actions=(2,) * players,
            names=(words.defected, words.cooperated),
            seen=np.concatenate([np.zeros((players, 1), int), after], axis=1),
            outcomes={
                f"{n} {words.cooperate}": tuple(1 + own * players + n - own for own in (0, 1) if 0 <= n - own < players)
                for n in range(players + 1)
            },
        )

    def paid_after(self) -> Array:
        """Payoffs of a round that ends in each joint action, f32[S, P]."""
        return self._paid(jnp.result_type(float))

    def outcomes(self, x: Array) -> dict[str, Array]:
        """Discounted share of the rounds in which n players cooperate, for every n."""
        shares, count = self._shares(x), _states(self.num_players).cooperated.sum(axis=1)
        shown = range(self.num_players + 1)
        return {f"{n} {self.words.cooperate}": jnp.sum(shares, where=jnp.asarray(count == n)) for n in shown}

    def _shares(self, x: Array) -> Array:
        """Normalised discounted share of the rounds that end in each state, f32[S]."""
        entry = jnp.asarray(_states(self.num_players).entry, x.dtype)
        defect, cooperate = action_probabilities(x, self.noise)
        # Probabilities of each player's next actions after each state, f32[2, S, P]; a product with ones and zeros, not
        # an index.
        after = jnp.einsum("spd,apd->asp", entry, jnp.stack([defect, cooperate]), precision="highest")
        start = _joint(defect[:, 0], cooperate[:, 0])
        return discounted_shares(start, jax.vmap(_joint)(*after), self.discount)


class _States(NamedTuple):
    """All states, and the entry of each player's policy that applies after each."""

    cooperated: np.ndarray  # [S, P] of 0 and 1
    entry: np.ndarray  # [S, P, D], one-hot


@functools.cache
def _states(players: int) -> _States:
    cooperated = np.array(list(itertools.product((0, 1), repeat=players)))
    others = cooperated.sum(axis=1, keepdims=True) - cooperated
    return _States(cooperated, np.eye(1 + 2 * players)[1 + cooperated * players + others])


def _joint(defect: Array, cooperate: Array) -> Array:
    """Probability of every state if all act independently, the first player's digit first, f32[S]."""
    joint = jnp.ones(1, cooperate.dtype)
    for each in jnp.stack([defect, cooperate], axis=1):
        joint = jnp.outer(joint, each).ravel()
    return joint
