"""The iterated games of this plugin as they are played, round by round.

Shapes: P players, A actions, J = A^P joint actions, N observations of a player, B episodes, T rounds.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer

from meva_core.contracts import Episodes, Frames, Mark, SampledGame, component, part, static
from meva_core.errors import BadCombination, BadValue
from meva_games.lazily import Lazily

SHOWN = 10  # rounds in a picture
LIFETIMES = 6  # mean lengths 1 / (1 - discount) of a game in the default horizon: all but exp(-6) of the weight


class Layout(NamedTuple):
    """The actions of the players of an iterated game, and what they remember of a round.

    actions: number of actions of each player, i32[P]. names: of the actions. seen i32[P, 1 + J]: what a player observes
    at the start and after every joint action, the first player's digit first, as an index of the states that its
    policy distinguishes. outcomes: by the names of the exact game's outcomes, what player 1 observes after them.
    """

    actions: tuple[int, ...]
    names: tuple[str, ...]
    seen: np.ndarray
    outcomes: Mapping[str, tuple[int, ...]]


@component
class Rounds(SampledGame):
    """The rules of an iterated game of this plugin.

    In every round all players act at once. With the game's probability `noise`, each player's hand trembles: one of the
    other actions, all equally likely, takes the place of the intended one. The round pays what the exact game's tables
    say for the actions that were carried out, and so do all rounds after it; no round is the last by these rules.

    A player observes the outcome of the last round as its table of the exact game has it: a row of the identity matrix,
    one-hot over [start, DD, DC, CD, CC], its own action first, in the two-by-two games. So a table of logits over the
    observations is a policy of the exact game, and the expected discounted payoff of endless play is the exact payoff.

    The default horizon is 6 / (1 - discount) rounds, six times the mean length of a game that goes on with probability
    `discount`: 150 at 0.96, as in LOLA-DiCE. The rounds that it leaves out weigh discount^T, about exp(-6) = 0.25 %.

    measures: share of the rounds played that end in each of the exact game's `outcomes`. Every round counts the same,
    so these shares are the exact game's if episodes end with probability 1 - discount after each round. scripts: the
    exact game's `strategies`, of which those that take a number use its default.

    exact: the game whose rules these are. rounds: the default horizon; None if the discount was not known.

    References:
        Foerster et al. (2018), DiCE: The Infinitely Differentiable Monte Carlo Estimator, ICML (150 rounds at 0.96).

    Examples:
        Player 1 defects, player 2 cooperates:

        >>> import meva_core as meva
        >>> rules = meva.make("game", "ipd").rules()
        >>> state, seen = rules.reset(jax.random.key(0))
        >>> state, seen, rewards = rules.step(state, jnp.array([0, 1]), jax.random.key(1))
        >>> rewards.tolist(), seen[0].tolist()
        ([0.0, -3.0], [0.0, 0.0, 1.0, 0.0, 0.0])
    """

    exact: Any = part()
    rounds: int | None = static(default=None, doc="number of rounds per episode by default")

    @property
    def horizon(self) -> int:  # type: ignore[override]
        """The default number of rounds. Raises BadValue if these rules were made from a discount that was traced."""
        if self.rounds is None:
            raise BadValue("expected rules() called outside of jit and vmap to read its horizon, got a traced discount")
        return self.rounds

    @property
    def num_players(self) -> int:  # type: ignore[override]
        return self.exact.num_players

    @property
    def num_actions(self) -> int:  # type: ignore[override]
        return max(self.exact.layout.actions)

    @property
    def observation_size(self) -> int:  # type: ignore[override]
        return int(self.exact.layout.seen.max()) + 1

    @property
    def observations(self) -> Array:  # type: ignore[override]
        return jnp.eye(self.observation_size)

    @property
    def discount(self) -> Any:  # type: ignore[override]
        return self.exact.discount

    @property
    def symmetric(self) -> bool:  # type: ignore[override]
        return self.exact.symmetric

    @property
    def notes(self) -> tuple[str, ...]:  # type: ignore[override]
        return self.exact.notes

    @property
    def family(self) -> str | None:  # type: ignore[override]
        return self.exact.family

    @property
    def payoff_scale(self) -> float:  # type: ignore[override]
        return self.exact.payoff_scale

    @property
    def payoff_range(self) -> Array:
        return self.exact.payoff_range

    @property
    def action_names(self) -> tuple[str, ...]:
        return self.exact.layout.names

    def reset(self, key: Array) -> tuple[Array, Array]:
        if len(set(self.exact.layout.actions)) > 1:
            raise BadCombination(
                "expected a game in which all players have equally many actions to play in rounds, got "
                f"{' and '.join(map(str, self.exact.layout.actions))}: its exact payoffs work with any numbers"
            )
        start = jnp.zeros((), jnp.int32)
        return start, self._seen(start)

    def step(self, state: Array, actions: Array, key: Array) -> tuple[Array, Array, Array]:
        # Not a select under vmap over episodes, since the noise is the same for all: no noise, no random numbers.
        done = jax.lax.cond(
            jnp.asarray(self.exact.noise) > 0,
            lambda: _trembled(actions, self.num_actions, self.exact.noise, key),
            lambda: actions,
        )
        joint = jnp.zeros((), jnp.int32)
        for player in range(self.num_players):
            joint = joint * self.num_actions + done[player].astype(jnp.int32)
        after = joint + 1
        return after, self._seen(after), jnp.asarray(self.exact.paid_after(), jnp.result_type(float))[joint]

    def measures(self, episodes: Episodes) -> dict[str, Array]:
        last = episodes.final[..., None, 0, :]
        after = jnp.concatenate([episodes.observations[..., 1:, 0, :], last], axis=-2)  # what player 1 saw then
        played = jnp.broadcast_to(episodes.alive, after.shape[:-1])[..., None]
        shares = jnp.sum(after * played, axis=tuple(range(after.ndim - 1))) / jnp.sum(played)
        return {name: jnp.sum(shares[np.array(seen)]) for name, seen in self.exact.layout.outcomes.items()}

    @property
    def scripts(self) -> Mapping[str, Callable[[Array, int], Array]]:
        strategies = self.exact.strategies

        def script(name: str) -> Callable[[Array, int], Array]:
            found = strategies[name]
            policy = jnp.asarray(found() if callable(found) else found)  # the same in every seat, or one for each
            table = self.exact.to_logits(jnp.broadcast_to(policy, (self.num_players, policy.shape[-1])))
            return lambda observation, seat: jnp.matmul(observation, table[seat], precision="highest")

        return Lazily({name: functools.partial(script, name) for name in strategies})

    def frames(self, episode: Episodes) -> Frames:
        names, actions = self.action_names, np.asarray(episode.actions)
        letters = [name if len(name) < 3 else name[0].upper() for name in names]

        def board(last: int) -> tuple[Mark, ...]:
            first = max(0, last + 1 - SHOWN)
            return tuple(
                Mark(seat, t - first, letters[action], "disc" if action else "ring", seat)
                for t in range(first, last + 1)
                for seat, action in enumerate(actions[t].tolist())
            )

        players = tuple(f"player {seat + 1}" for seat in range(self.num_players))
        shown = min(SHOWN, len(actions))
        what = f"Each column is a round, the latest on the right, {shown} at most; rings: {names[0]}."
        boards = tuple(map(board, range(len(actions))))
        return Frames(boards, rows=players, columns=("",) * shown, players=players, caption=what)

    def _seen(self, state: Array) -> Array:
        """The observation of every player at a state, f32[P, N]."""
        index = jnp.asarray(self.exact.layout.seen, jnp.int32)[:, state]
        return (index[:, None] == jnp.arange(self.observation_size)).astype(jnp.result_type(float))


def default_horizon(discount: Any) -> int | None:
    """The number of rounds that stands for an endless game, `LIFETIMES` / (1 - discount); None if it is traced.

    >>> default_horizon(0.96), default_horizon(0.0)
    (150, 6)
    """
    if isinstance(discount, Tracer):
        return None
    return round(LIFETIMES / (1 - float(np.max(np.asarray(discount)))))


def _trembled(actions: Array, count: int, noise: Any, key: Array) -> Array:
    """The actions i32[P] that are carried out: with probability `noise`, any of the others in place of the intended."""
    drawn = jax.random.uniform(key, actions.shape) / noise  # below 1 if the hand trembles, and then uniform
    further = 1 + jnp.minimum(jnp.floor(drawn * (count - 1)), count - 2).astype(actions.dtype)
    return jnp.where(drawn < 1, (actions + further) % count, actions)
