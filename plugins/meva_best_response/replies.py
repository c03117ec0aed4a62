"""The replies among which a best response is looked for.

Shapes: D numbers per policy, N states that policies distinguish, A actions, K replies.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from meva_core.contracts import Game, GivesLogits, Playable
from meva_core.errors import BadCombination
from meva_core.sampling import WithPolicies, rules_of

MOST = 2**12  # replies; the step of a learner computes the payoffs of all
SURE = 20.0  # a logit whose action has all the probability, to single precision


def of_tables(game: Game) -> Game:
    """The game of two players whose policies are tables over its states: `game` itself, or if its policies are
    networks, the game that these play. Raises BadCombination if there is no such game."""
    tables = game.game if isinstance(game, WithPolicies) else game
    if not isinstance(tables, Playable) or tables.num_players != 2:
        raise BadCombination(
            "expected an exact game of two players whose policies are tables (with rules and from_logits), to list all "
            f"replies, got {type(tables).__name__} of {tables.num_players} players: try an iterated game"
        )
    return tables


def as_tables(game: Game, x: Array) -> Array:
    """The joint policy of `of_tables(game)` that acts as x f32[P, D] does, f32[P, D']."""
    return game.tables(x) if isinstance(game, WithPolicies) else x


def deterministic_replies(game: Any, seat: int) -> Array:
    """All deterministic policies of player `seat` in a game of tables, f32[K, D]; one of them is a best response.

    game: a `Playable` game of two players. K is the product of the numbers of actions at each state, A^N: 32 in an
    iterated game of two actions and five states. Raises BadCombination if there are more than 4096.
    """
    with jax.ensure_compile_time_eval():  # replies do not depend on payoffs, which may be traced
        has = _actions(game, seat)
        counts = has.sum(axis=1)
        if (count := math.prod(counts.tolist())) > MOST:
            raise BadCombination(
                f"expected at most {MOST} deterministic replies to list, got {count} in {type(game).__name__}, which "
                f"has {len(counts)} states and {counts.max()} actions: choose a game with fewer"
            )
        choices = np.array(list(itertools.product(*map(np.flatnonzero, has))))
        logits = jnp.where(choices[..., None] == np.arange(has.shape[1]), SURE, 0.0)  # [K, N, A]
        in_both_seats = jnp.broadcast_to(logits[:, None], (len(logits), 2, *logits.shape[1:]))
        return jax.vmap(game.from_logits)(in_both_seats)[:, seat]


def _actions(game: Any, seat: int) -> np.ndarray:
    """The actions that player `seat` has at each state, bool[N, A]."""
    rules, size = rules_of(game), game.policy_size
    if not isinstance(game, GivesLogits):
        return np.ones((len(rules.observations), rules.num_actions), bool)
    logits = game.to_logits(jnp.zeros((2, size)))
    return np.asarray(jax.nn.softmax(logits[seat]) > 0)  # an action that is lacking has a very low logit
