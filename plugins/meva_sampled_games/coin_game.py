"""The Coin Game.

Shapes: C coins (also the number of colours that are on the board), A actions, B episodes, T steps. A cell is
3 * row + column.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from meva_core.contracts import Check, Episodes, Frames, Mark, SampledGame, between, component, leaf, static
from meva_sampled_games.scripts import equally_likely

SIDE = 3
CELLS = SIDE * SIDE
MOVES = {  # number of actions -> names, in the order of their numbers
    4: ("right", "left", "down", "up"),
    5: ("right", "left", "up", "down", "stay"),
}
NAMES = ("red", "blue")
STEPS = {"right": (0, 1), "left": (0, -1), "down": (1, 0), "up": (-1, 0), "stay": (0, 0)}


class Board(NamedTuple):
    """A position: players i32[2], the cells of red and blue; coins i32[C], their cells; colour i32[C], the player whose
    coins they are."""

    players: Array
    coins: Array
    colour: Array


class Positions(NamedTuple):
    """The positions of an episode of T steps, as (row, column): players i32[T + 1, 2, 2], red first; coins
    i32[T + 1, C, 2]; colour i32[T + 1, C], 0 for red coins and 1 for blue ones."""

    players: np.ndarray
    coins: np.ndarray
    colour: np.ndarray


@component
class CoinGame(SampledGame):
    """Two players, red and blue, collect red and blue coins on a torus of 3 x 3 cells.

    In each step both move at once to a neighbouring cell; edges are connected, and both may be in one cell. A player
    who then is where a coin lies picks it up: +1 for this player, whatever the colour, and -2 for the player whose
    colour the coin has if the other picked it up. If both arrive at once, both pick it up. A game never restarts, and
    no reward is left out.

    With one coin (`coins` 1), a coin that is picked up is replaced by one of the other colour in a free cell, where no
    player is, all equally likely. The first coin has a random colour and lies in a free cell. With two coins there is
    always one of each colour; each is replaced by one of its colour in any of the 9 cells, perhaps below a player or
    the other coin, and is picked up by who arrives there in a later step. Players start in random cells; with `apart`
    in different ones.

    actions: 4 are right, left, down, up; 5 are right, left, up, down, stay.

    Observations are 36 numbers, four planes of 3 x 3 cells with a one for the red player, the blue player, the red
    coin, the blue coin, the same for both players. With `own_first`, which is the default with two coins, each player
    sees [itself, the other, its own coin, the other's coin], and the game is symmetric.

    The horizon is 50 steps with one coin and 16 with two, as in most papers.

    Scripts: `always_cooperate` takes a shortest path to the coin of its own colour, if possible past the other's coin,
    and if there is no own coin it moves opposite to a shortest path to the other's; `always_defect` takes a shortest
    path to the nearest coin; `random` takes every action equally often. Actions that serve a script equally well are
    equally likely.

    Measures: `own coins`, the share of the coins picked up that had the colour of the player who took them, and 0 if
    nothing was picked up; `picked up`, the share of the players' steps in which a player picked up a coin.

    References:
        Lerer & Peysakhovich (2017), Maintaining Cooperation in Complex Social Dilemmas using Deep Reinforcement
        Learning, arXiv 1707.01068; Foerster et al. (2018), Learning with Opponent-Learning Awareness, AAMAS (3 x 3
        cells); one coin: Zhao et al. (2022), Proximal Learning with Opponent-Learning Awareness, NeurIPS; two coins:
        Lu et al. (2022), Model-Free Opponent Shaping, ICML.

    Examples:
        >>> game = CoinGame()
        >>> board = Board(jnp.array([0, 8]), jnp.array([1]), jnp.array([1]))  # a blue coin right of red
        >>> board, seen, rewards = game.step(board, jnp.array([0, 0]), jax.random.key(0))
        >>> rewards.tolist(), board.colour.tolist()
        ([1.0, -2.0], [0])
    """

    coins: int = static(default=1, doc="number of coins on the board", check=Check("1 or 2", lambda n: n in (1, 2)))
    actions: int = static(
        default=4, doc="4, or 5 with one to stay in the same cell", check=Check("4 or 5", lambda n: n in MOVES)
    )
    apart: bool = static(default=False, doc="players start in different cells")
    own_first: bool | None = static(
        default=None, doc="each player sees itself and its coin first; unset: only with two coins"
    )
    discount: float = leaf(default=0.96, doc="the game's own discount per step", check=between(0, 1))

    num_players = 2
    observation_size = 4 * CELLS

    @property
    def num_actions(self) -> int:  # type: ignore[override]
        return self.actions

    @property
    def horizon(self) -> int:  # type: ignore[override]
        return 50 if self.coins == 1 else 16

    @property
    def symmetric(self) -> bool:  # type: ignore[override]
        """True if each player sees itself first."""
        return self._own_first

    @property
    def payoff_range(self) -> Array:
        """From a coin lost, -2, to all coins at once."""
        return jnp.full(2, 2.0 + self.coins)

    @property
    def action_names(self) -> tuple[str, ...]:
        return MOVES[self.actions]

    def reset(self, key: Array) -> tuple[Board, Array]:
        red, blue, *others = jnp.split(jax.random.uniform(key, (4,)), 4)
        first = _drawn(red, CELLS)
        second = (first + 1 + _drawn(blue, CELLS - 1)) % CELLS if self.apart else _drawn(blue, CELLS)
        players = jnp.concatenate([first, second])
        if self.coins == 1:
            board = Board(players, _free_cell(others[0], players), _drawn(others[1], 2))
        else:
            board = Board(players, _drawn(jnp.concatenate(others), CELLS), jnp.arange(2, dtype=jnp.int32))
        return board, self.seen(board)

    def step(self, state: Board, actions: Array, key: Array) -> tuple[Board, Array, Array]:
        board, rewards = self.after(state, actions, jax.random.uniform(key, (self.coins,)))
        return board, self.seen(board), rewards

    def after(self, state: Board, actions: Array, draws: Array) -> tuple[Board, Array]:
        """The next position, and the rewards f32[2]. draws f32[C]: numbers that are uniform on [0, 1), by which coins
        come back."""
        players = self._leads_to()[actions, state.players]
        arrived = players[:, None] == state.coins  # [player, coin]
        own = jnp.arange(2)[:, None] == state.colour
        taken = jnp.any(arrived, axis=0)
        rewards = jnp.sum(arrived - 2.0 * (own & arrived[::-1]), axis=1)
        if self.coins == 1:
            fresh, colour = _free_cell(draws, players), jnp.where(taken, 1 - state.colour, state.colour)
        else:
            fresh, colour = _drawn(draws, CELLS), state.colour
        return Board(players, jnp.where(taken, fresh, state.coins), colour), rewards

    def seen(self, board: Board) -> Array:
        """The observations of both players, f32[2, 36]."""
        dtype = jnp.result_type(float)
        at = jnp.arange(CELLS)
        players = (board.players[:, None] == at).astype(dtype)
        lies = (board.coins[:, None] == at)[None] & (board.colour == jnp.arange(2)[:, None])[..., None]
        coins = jnp.sum(lies, axis=1).astype(dtype)  # [colour, cell]
        red = jnp.concatenate([players, coins]).ravel()
        blue = jnp.concatenate([players[::-1], coins[::-1]]).ravel() if self._own_first else red
        return jnp.stack([red, blue])

    def measures(self, episodes: Episodes) -> dict[str, Array]:
        after = jnp.concatenate([episodes.observations[..., 1:, 0, :], episodes.final[..., None, 0, :]], axis=-2)
        shape = (*after.shape[:-1], 4, CELLS)  # red sees itself first
        after, before = after.reshape(shape), episodes.observations[..., 0, :].reshape(shape)
        arrived = jnp.einsum("...pn,...cn->...pc", after[..., :2, :], before[..., 2:, :], precision="highest")
        arrived *= episodes.alive[..., None, None]  # [player, coin], 1 if a player picks up a coin
        total, own = jnp.sum(arrived), jnp.sum(arrived * jnp.eye(2))
        steps = jnp.sum(jnp.broadcast_to(episodes.alive, arrived.shape[:-2])) * self.num_players
        return {
            "own coins": jnp.where(total > 0, own / jnp.maximum(total, 1), 0.0),
            "picked up": jnp.sum(jnp.any(arrived > 0, axis=-1)) / steps,
        }

    @property
    def scripts(self) -> Mapping[str, Callable[[Array, int], Array]]:
        return {"always_cooperate": self._cooperates, "always_defect": self._defects, "random": self._random}

    def frames(self, episode: Episodes) -> Frames:
        at = self.positions(episode)
        boards = tuple(map(_marks, at.players.tolist(), at.coins.tolist(), at.colour.tolist()))
        what = "Discs are the players, red (R) and blue (B), rings the coins (r, b). Edges are connected."
        return Frames(boards, rows=("",) * SIDE, columns=("",) * SIDE, players=NAMES, caption=what)

    def positions(self, episode: Episodes) -> Positions:
        """The positions of one episode, from the start to the position after the last step."""
        seen = np.concatenate([np.asarray(episode.observations)[:, 0], np.asarray(episode.final)[None, 0]])
        planes = seen.reshape(len(seen), 4, CELLS)
        lies = planes[:, 2:].reshape(len(seen), 2 * CELLS)
        found = np.argsort(-lies, axis=1, kind="stable")[:, : self.coins]  # colour * 9 + cell, red coins first
        return Positions(
            players=np.stack(np.divmod(planes[:, :2].argmax(axis=2), SIDE), axis=-1),
            coins=np.stack(np.divmod(found % CELLS, SIDE), axis=-1),
            colour=found // CELLS,
        )

    @property
    def _own_first(self) -> bool:
        return self.coins == 2 if self.own_first is None else self.own_first

    def _cooperates(self, observation: Array, seat: int) -> Array:
        own, mine, yours = self._as_seen_from(observation, seat)
        past = _nearness(mine) - 0.5 * (yours > mine)  # shortest first, and then past the other's coin
        towards, away = past[self._leads_to()[:, own]], _nearness(yours)[self._leads_to(OPPOSITE)[:, own]]
        return _best(jnp.where(jnp.any(mine > 0), towards, away))

    def _defects(self, observation: Array, seat: int) -> Array:
        own, mine, yours = self._as_seen_from(observation, seat)
        return _best(_nearness(mine + yours)[self._leads_to()[:, own]])

    def _random(self, observation: Array, seat: int) -> Array:
        return jnp.zeros(self.actions, observation.dtype)

    def _as_seen_from(self, observation: Array, seat: int) -> tuple[Array, Array, Array]:
        """The cell i32[] of the player in a seat, and the planes f32[9] of its own and of the other's coin."""
        planes = observation.reshape(4, CELLS)
        turned = planes if self._own_first else jnp.where(seat == 0, planes, planes[np.array([1, 0, 3, 2])])
        return jnp.argmax(turned[0]), turned[2], turned[3]

    def _leads_to(self, steps: Mapping[str, tuple[int, int]] = STEPS) -> Array:
        """The cells to which the actions lead from every cell, i32[A, 9], if their names have these steps."""
        return jnp.asarray(np.array([reached(steps[name]) for name in MOVES[self.actions]]))


def _marks(players: list[list[int]], coins: list[list[int]], colour: list[int]) -> tuple[Mark, ...]:
    """The marks of a position: cells of the two players, and cells and colours of the coins."""
    discs = [Mark(row, column, NAMES[seat][0].upper(), "disc", seat) for seat, (row, column) in enumerate(players)]
    rings = [Mark(row, column, NAMES[seat][0], "ring", seat) for seat, (row, column) in zip(colour, coins, strict=True)]
    return (*discs, *rings)


def reached(step: tuple[int, int]) -> np.ndarray:
    """The cells to which one step (rows, columns) leads from every cell, i32[9]."""
    rows, columns = np.divmod(np.arange(CELLS), SIDE)
    return ((rows + step[0]) % SIDE * SIDE + (columns + step[1]) % SIDE).astype(np.int32)


def _best(worth: Array) -> Array:
    """Logits f32[A] of actions that are equally likely if their worth f32[A] is the highest."""
    return equally_likely(worth >= jnp.max(worth))


def _nearness(coins: Array) -> Array:
    """The distance of every cell to the nearest coin, negative, f32[9]. coins: a plane f32[9]."""
    return -jnp.min(jnp.where(coins > 0, DISTANCES, 2.0 * SIDE), axis=1)


def _drawn(uniform: Array, count: Array | int) -> Array:
    """Whole numbers below `count` from numbers that are uniform on [0, 1)."""
    return jnp.floor(uniform * count).astype(jnp.int32)


def _free_cell(uniform: Array, players: Array) -> Array:
    """A cell without a player, i32[1], from a number f32[1] that is uniform on [0, 1)."""
    low, high = jnp.min(players), jnp.max(players)
    cell = _drawn(uniform, CELLS - 1 - (low != high))
    cell += cell >= low
    return cell + ((cell >= high) & (low != high))


def _distances() -> np.ndarray:
    """Fewest steps between two cells, f32[9, 9]."""
    at = np.stack(np.divmod(np.arange(CELLS), SIDE), axis=1)
    apart = np.abs(at[:, None] - at[None])
    return np.minimum(apart, SIDE - apart).sum(axis=2).astype(np.float32)


DISTANCES = _distances()
OPPOSITE = {name: (-rows, -columns) for name, (rows, columns) in STEPS.items()}
