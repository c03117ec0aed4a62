"""The Coin Game, with a choice between two rules of movement in place of moves. Shapes: B episodes, T steps."""

import functools
from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from meva_core.contracts import Episodes, SampledGame, between, component, leaf
from meva_sampled_games.coin_game import DISTANCES, OPPOSITE, STEPS, Board, CoinGame, reached
from meva_sampled_games.scripts import equally_likely

DEFECT, COOPERATE = 0, 1
RULES = ("always_defect", "always_cooperate")  # the scripts of the Coin Game that the two actions follow for a step


class Coins(NamedTuple):
    """A position, and who took what: taken bool[2], True for a player who took the last coin of the other's colour that
    was picked up."""

    board: Board
    taken: Array


@component
class CoinChoices(SampledGame):
    """The Coin Game with one coin, whose players choose in each step by which rule they move.

    The board, the moves and the rewards are those of `coin_game` with one coin and four moves. A player who defects in
    a step moves as that game's script `always_defect` does, towards the coin, whatever its colour; one who cooperates
    moves as `always_cooperate` does, towards its own coin and away from the other's. So choices matter while the coin
    on the board is the other's. Two players who cooperate in every step earn 1/3 each per step, two who defect 0; one
    who defects gets 0.62 from one who cooperates, who gets -0.26.

    A player observes what happened to the last two coins, one of each colour, that were picked up: one-hot over
    [DD, DC, CD, CC], its own letter first. A player has a D if it took the last coin of the other's colour, alone or at
    the same time as the other, and a C if it left it to the other, or if no such coin has been picked up yet. So
    with `--policy table` policies have four numbers, and can be tit-for-tat; nobody has to learn how to walk.

    The horizon is 50 steps.

    Scripts: `always_cooperate`, `always_defect`, `tit_for_tat`, which does what the other did with the last coin of its
    colour, and `random`, which takes both actions equally often.

    Measures: `own coins` and `picked up`, as in the Coin Game.

    References:
        Lerer & Peysakhovich (2017), Maintaining Cooperation in Complex Social Dilemmas using Deep Reinforcement
        Learning, arXiv 1707.01068 (the Coin Game, with players who cooperate or defect); Zhao et al. (2022), Proximal
        Learning with Opponent-Learning Awareness, NeurIPS (one coin). The choice between rules is ours.

    Examples:
        Red is at a blue coin's side and defects; blue, far away, cooperates. Red takes the coin:

        >>> game = CoinChoices()
        >>> board = Board(jnp.array([0, 8]), jnp.array([1]), jnp.array([1]))
        >>> state, seen, rewards = game.step(
        ...     Coins(board, jnp.zeros(2, bool)), jnp.array([DEFECT, COOPERATE]), jax.random.key(0)
        ... )
        >>> rewards.tolist(), seen.argmax(axis=1).tolist()  # red sees DC, blue CD
        ([1.0, -2.0], [1, 2])
    """

    discount: float = leaf(default=0.96, doc="the game's own discount per step", check=between(0, 1))

    num_players = 2
    num_actions = 2
    observation_size = 4
    horizon = 50
    symmetric = True
    observation_names = ("DD", "DC", "CD", "CC")

    @property
    def action_names(self) -> tuple[str, ...]:
        return ("D", "C")

    @property
    def observations(self) -> Array:  # type: ignore[override]
        return jnp.eye(self.observation_size)

    @property
    def payoff_range(self) -> Array:
        return _GAME.payoff_range

    def reset(self, key: Array) -> tuple[Coins, Array]:
        state = Coins(_GAME.reset(key)[0], jnp.zeros(2, bool))
        return state, _seen(state)

    def step(self, state: Coins, actions: Array, key: Array) -> tuple[Coins, Array, Array]:
        *draws, fresh = jnp.split(jax.random.uniform(key, (3,)), 3)  # drawn at once, since that takes most of the time
        below = jnp.cumsum(self.moves(state.board, actions), axis=1)[:, :-1]
        moves = jnp.sum(jnp.stack(draws) >= below, axis=1)
        board, rewards = _GAME.after(state.board, moves, fresh)
        owner = state.board.colour[0]
        gone, stolen = jnp.max(rewards) > 0, jnp.min(rewards) < 0
        taken = jnp.where(gone, state.taken.at[1 - owner].set(stolen), state.taken)
        after = Coins(board, taken)
        return after, _seen(after), rewards

    def moves(self, board: Board, actions: Array) -> Array:
        """Probabilities f32[2, 4] of the moves of both players, who take these actions i32[2]."""
        is_own = (board.colour[0] == jnp.arange(2)).astype(int)
        return jnp.asarray(_moves(), jnp.result_type(float))[actions, is_own, board.players, board.coins[0]]

    def measures(self, episodes: Episodes) -> dict[str, Array]:
        # The sum of a step's rewards: 1 if an owner alone takes its coin, -1 if the other does, 0 if both or nobody.
        alive, rewards = episodes.alive, episodes.rewards
        best, total = jnp.max(rewards, axis=-1), jnp.sum(rewards, axis=-1)
        gone = alive * (best > 0)
        both = gone * (total == 0)
        own, taken = jnp.sum(gone * (total >= 0)), jnp.sum(gone) + jnp.sum(both)
        return {
            "own coins": jnp.where(taken > 0, own / jnp.maximum(taken, 1), 0.0),
            "picked up": taken / (jnp.sum(alive) * self.num_players),
        }

    @property
    def scripts(self) -> Mapping[str, Callable[[Array, int], Array]]:
        def playing(cooperates: tuple[bool, ...]) -> Callable[[Array, int], Array]:
            """A script that cooperates in these states, in the order of the observations."""
            return lambda observation, seat: equally_likely(
                (observation @ jnp.array(cooperates, observation.dtype) > 0) == jnp.array([False, True])
            )

        return {
            "always_cooperate": playing((True, True, True, True)),
            "always_defect": playing((False, False, False, False)),
            "tit_for_tat": playing((False, True, False, True)),
            "random": lambda observation, seat: jnp.zeros(self.num_actions, observation.dtype),
        }


_GAME = CoinGame()


@functools.cache
def _moves() -> np.ndarray:
    """Probabilities f64[2, 2, 9, 9, 4] of the moves by each of the `RULES`, if the coin is the other's and if it is the
    player's own, from the player's cell, if the coin is in a cell."""

    def shortest(steps: Mapping[str, tuple[int, int]]) -> np.ndarray:
        """Probabilities of the moves whose steps lead on a shortest path, by cell and by coin."""
        far = DISTANCES[np.array([reached(steps[move]) for move in _GAME.action_names])]  # move, cell, coin
        best = far == far.min(axis=0)
        return (best / best.sum(axis=0)).transpose(1, 2, 0)

    towards, away = shortest(STEPS), shortest(OPPOSITE)
    return np.array([[towards, towards], [away, towards]])


def _seen(state: Coins) -> Array:
    """The observations of both players, f32[2, 4]."""
    kept = 1 - state.taken.astype(int)
    return jax.nn.one_hot(2 * kept + kept[::-1], 4, dtype=jnp.result_type(float))
