"""The deterministic policies of a game of two players, as choices in a table of payoffs.

Shapes: K policies, N of them kept for the first player and M for the second.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from meva_core.bridges.nash_search import TOLERANCE
from meva_core.contracts import GivesLogits, Playable, Sampled, kinds
from meva_core.errors import BadCombination

MOST = 64  # deterministic policies of a game
SURE = 20.0  # a logit whose action is certain in single precision, as games have it


class Choices(NamedTuple):
    """Policies that differ in what players earn. first, second: the payoffs f64[N, M] of both players; rows, columns:
    the names of their policies; codes: a line that explains digits for names, or ""."""

    first: np.ndarray
    second: np.ndarray
    rows: list[str]
    columns: list[str]
    codes: str


def choices(game: Any) -> Choices:
    """The deterministic policies of a game and the payoffs between them, exact, in double precision.

    Raises BadCombination if the game has no exact payoffs, or too many such policies.
    """
    if game.num_players != 2 or isinstance(game, Sampled) or not _has_actions(game):
        raise BadCombination(
            "expected a game of two players with exact payoffs, whose policies choose actions, got "
            f"{kinds.describe(game)}"
        )
    actions = _deterministic(game)
    with jax.enable_x64(True):
        played: Any = jax.tree.map(lambda number: np.float64(number), game)
        payoffs = np.asarray(_payoffs(played, jnp.asarray(actions)))
    names = _names(game, actions)
    kept = [_distinct(payoffs, names[0]), _distinct(np.swapaxes(payoffs, 0, 1), names[1])]
    rows, columns = ([name[n] for n in own] for name, own in zip(names, kept, strict=True))
    first, second = np.moveaxis(payoffs[np.ix_(*kept)], 2, 0)
    return Choices(first, second, rows, columns, _codes(game, [*rows, *columns]))


@jax.jit
def _payoffs(game: Any, actions: Array) -> Array:
    """The payoffs f64[K, K, 2] of deterministic policies, whose actions in each state are i64[K, states]."""
    logits = jnp.where(jax.nn.one_hot(actions, game.to_logits(_zeros(game)).shape[2]) > 0, SURE, -SURE)
    policies = jax.vmap(lambda own: game.from_logits(jnp.stack([own, own])))(logits)
    against = jax.vmap(lambda a, b: game.payoff(jnp.stack([a[0], b[1]])), (None, 0))
    return jax.vmap(against, (0, None))(policies, policies)


def _has_actions(game: Any) -> bool:
    return isinstance(game, GivesLogits) and isinstance(game, Playable)


def _zeros(game: Any) -> Any:
    return jnp.zeros((game.num_players, game.policy_size))


def _deterministic(game: Any) -> np.ndarray:
    """The action of every deterministic policy in every state, i64[K, states]."""
    _, states, actions = jax.eval_shape(game.to_logits, _zeros(game)).shape
    if actions**states > MOST:
        raise BadCombination(
            f"expected a game with at most {MOST} deterministic policies, got {type(game).__name__} with "
            f"{actions}^{states}: {actions} actions in {states} states"
        )
    return np.array(list(itertools.product(range(actions), repeat=states)))


def _names(game: Any, actions: np.ndarray) -> list[list[str]]:
    """For each seat, the names of deterministic policies: that of a strategy that acts alike, or else its actions."""
    names = [["".join(map(str, row)) for row in actions] for _ in range(game.num_players)]
    for name in game.strategies:
        if callable(policy := game.strategies[name]):
            continue  # takes a number, and tosses coins
        logits = np.asarray(game.to_logits(jnp.broadcast_to(policy, (game.num_players, game.policy_size))))
        for seat, own in enumerate(logits):
            if np.all(np.ptp(own, axis=1) >= SURE):
                (like,) = np.flatnonzero(np.all(actions == own.argmax(axis=1), axis=1))
                names[seat][like] = name
    return names


def _codes(game: Any, names: Sequence[str]) -> str:
    """The line that explains digits for names; "" if every policy has a name."""
    if not (example := next((name for name in names if name.isdigit()), "")):
        return ""
    actions = ", ".join(f"{n} is {name}" for n, name in enumerate(game.rules().action_names))
    states = game.entry_names[:: max(1, len(game.entry_names) // len(example))]  # one number of each state
    return f"digits as in {example}: actions ({actions}) in the states of {', '.join(states)}"


def _distinct(payoffs: np.ndarray, names: Sequence[str]) -> list[int]:
    """Indices of the choices whose payoffs f64[N, M, 2] differ; of those that are alike, one with a name if any has."""
    range_of = np.ptp(payoffs)
    kept: list[int] = []
    for n in sorted(range(len(names)), key=lambda n: names[n].isdigit()):
        if not any(np.max(np.abs(payoffs[n] - payoffs[other])) <= TOLERANCE * range_of for other in kept):
            kept.append(n)
    return sorted(kept)
