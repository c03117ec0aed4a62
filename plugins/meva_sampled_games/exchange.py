"""The exchange game: two players divide items, round by round.

Shapes: I = 3 items, A actions, B episodes, T rounds.
"""

import itertools
from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from meva_core.contracts import Check, Episodes, Frames, Mark, SampledGame, between, component, leaf, one_of, static
from meva_sampled_games.scripts import equally_likely

ITEMS = 3
LOW, HIGH = 1.0, 5.0  # the values of an item
MOST = 5.0  # the highest proposal
SCALE = 10.0  # divisor of all observations


class Round(NamedTuple):
    """A round: values f32[2, 3] of the items to each player, and the proposals f32[2, 3] of the round before."""

    values: Array
    proposals: Array


@component
class Exchange(SampledGame):
    """Two players divide three items in each round, and each item is worth more to one of them.

    Every round is fresh: there is one of each item; an item is worth 1 or 5 to player 1, equally likely, and 6 minus
    that to player 2. Both players at once propose a number from 0 to 5 for every item, p1 and p2. Player i gets the
    share p_i / max(p1 + p2, 5) of an item by the rule `above`, p_i / (p1 + p2) by the rule `proportion`, and nothing
    if both propose 0. The reward is the sum over the items of share times value, divided by 15.

    An action chooses one of `levels` equally spaced proposals for every item, the first item's digit first: with 2
    levels, 0 or 5, there are 8 actions, and both rules divide alike. If both propose 5 for what is worth more to them,
    and nothing else, both earn 1/2 per round on average; if both propose 5 for everything, 0.3. Yet no proposal of a
    single round is better than that, whatever the other proposes: a prisoner's dilemma in every round.

    Observations are 15 numbers, divided by 10: the pool (1, 1, 1), the own values, the own last proposals, the other's
    values, the other's last proposals; proposals are 0 before the first round. The horizon is 50 rounds. What happens
    in a round does not depend on those before it, except for what the players observe.

    Scripts: `always_cooperate` proposes 5 for every item that is worth more to it than to the other, else 0;
    `always_defect` proposes 5 for every item; `random` takes every action equally often.

    Measures: `to the higher value`, the share of the items that went to the player to whom they are worth more;
    `divided`, the share of the items that went to anybody.

    References:
        Duque et al. (2025), Advantage Alignment Algorithms, ICLR (high-contrast values; both rules); the game without
        repetition is from Cao et al. (2018), Emergent Communication through Negotiation, ICLR.

    Examples:
        Player 1 takes what is worth 5 to it, player 2 takes everything:

        >>> game = Exchange()
        >>> start = Round(jnp.array([[5.0, 1.0, 1.0], [1.0, 5.0, 5.0]]), jnp.zeros((2, 3)))
        >>> _, _, rewards = game.step(start, jnp.array([4, 7]), jax.random.key(0))
        >>> [round(float(reward), 3) for reward in rewards]  # 2.5 / 15, (0.5 + 10) / 15
        [0.167, 0.7]
    """

    rule: str = static(
        default="above",
        doc="an item's divisor: 'above' is at least 5, 'proportion' is the sum of both proposals",
        check=one_of("above", "proportion"),
    )
    levels: int = static(
        default=2, doc="number of proposals per item, from 0 to 5", check=Check("from 2 to 6", lambda n: 2 <= n <= 6)
    )
    discount: float = leaf(default=0.96, doc="the game's own discount per round", check=between(0, 1))

    num_players = 2
    observation_size = 5 * ITEMS
    horizon = 50
    symmetric = True

    @property
    def num_actions(self) -> int:  # type: ignore[override]
        return self.levels**ITEMS

    @property
    def action_names(self) -> tuple[str, ...]:
        return tuple("-".join(f"{number:g}" for number in proposal) for proposal in self._proposals())

    @property
    def payoff_range(self) -> Array:
        return jnp.full(2, 1.0)  # all items, each worth 5

    def reset(self, key: Array) -> tuple[Round, Array]:
        state = Round(_fresh_values(key), jnp.zeros((2, ITEMS)))
        return state, _seen(state)

    def step(self, state: Round, actions: Array, key: Array) -> tuple[Round, Array, Array]:
        proposals = jnp.asarray(self._proposals(), jnp.result_type(float))[actions]
        rewards = jnp.sum(self._shares(proposals) * state.values, axis=-1) / (ITEMS * HIGH)
        after = Round(_fresh_values(key), proposals)
        return after, _seen(after), rewards

    def measures(self, episodes: Episodes) -> dict[str, Array]:
        proposals = jnp.asarray(self._proposals())[episodes.actions]  # [..., T, 2, 3]
        values = episodes.observations[..., ITEMS : 2 * ITEMS]
        shares = self._shares(proposals) * episodes.alive[..., None, None]
        items = jnp.sum(jnp.broadcast_to(episodes.alive, shares.shape[:-2])) * ITEMS
        higher = values > values[..., ::-1, :]
        return {
            "to the higher value": jnp.sum(shares, where=higher) / items,
            "divided": jnp.sum(shares) / items,
        }

    @property
    def scripts(self) -> Mapping[str, Callable[[Array, int], Array]]:
        def always_cooperate(observation: Array, seat: int) -> Array:
            own, other = observation[ITEMS : 2 * ITEMS], observation[3 * ITEMS : 4 * ITEMS]
            return self._proposing(jnp.where(own > other, MOST, 0.0))

        def always_defect(observation: Array, seat: int) -> Array:
            return self._proposing(jnp.full(ITEMS, MOST))

        def random(observation: Array, seat: int) -> Array:
            return jnp.zeros(self.num_actions, observation.dtype)

        return {"always_cooperate": always_cooperate, "always_defect": always_defect, "random": random}

    def frames(self, episode: Episodes) -> Frames:
        values = SCALE * np.asarray(episode.observations)[..., ITEMS : 2 * ITEMS]  # [T, 2, 3]
        proposals = self._proposals()[np.asarray(episode.actions)]
        shares = np.asarray(self._shares(jnp.asarray(proposals)))

        def marks(t: int, seat: int, item: int) -> tuple[Mark, ...]:
            at, share = (seat, item), float(shares[t, seat, item])
            told = f"worth {values[t, seat, item]:.0f}, proposes {proposals[t, seat, item]:g}"
            return Mark(*at, told), Mark(*at, f"gets {share:.2f}", "bar", seat, share)

        cells = list(itertools.product(range(2), range(ITEMS)))
        boards = tuple(tuple(mark for cell in cells for mark in marks(t, *cell)) for t in range(len(values)))
        players, items = ("player 1", "player 2"), tuple(f"item {n + 1}" for n in range(ITEMS))
        return Frames(boards, players, items, players, caption="Bars are the shares of the items that the players get.")

    def _proposals(self) -> np.ndarray:
        """The proposals of every action, f32[A, 3]."""
        return np.array(list(itertools.product(np.linspace(0.0, MOST, self.levels), repeat=ITEMS)), np.float32)

    def _proposing(self, proposal: Array) -> Array:
        """Logits of the action with this proposal f32[3], f32[A]."""
        return equally_likely(jnp.all(self._proposals() == proposal, axis=1))

    def _shares(self, proposals: Array) -> Array:
        """Shares f32[..., 2, 3] of the items by proposals f32[..., 2, 3]."""
        total = jnp.sum(proposals, axis=-2, keepdims=True)
        divisor = jnp.maximum(total, MOST) if self.rule == "above" else jnp.where(total > 0, total, 1.0)
        return proposals / divisor


def _fresh_values(key: Array) -> Array:
    """The values of the items to each player, f32[2, 3]."""
    first = jnp.where(jax.random.bernoulli(key, shape=(ITEMS,)), HIGH, LOW)
    return jnp.stack([first, LOW + HIGH - first])


def _seen(state: Round) -> Array:
    """Observations of both players, f32[2, 15]."""
    pool = jnp.ones((2, ITEMS))
    mine, yours = (jnp.concatenate(pair, axis=1) for pair in (state, [part[::-1] for part in state]))
    return jnp.concatenate([pool, mine, yours], axis=1) / SCALE
