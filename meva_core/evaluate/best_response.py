"""What does the best responder to a policy earn, and what does it leave the policy? (Exploitability.)

Shapes: P players, D numbers per policy, N alternatives.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from meva_core import shapes
from meva_core.protocols import Game

TIE = 1e-3  # answers within this of the best are ties, among which we count what is worst for the policy


class Response(NamedTuple):
    """policy f32[D]: the answer; payoffs f32[P] with it in the responder's seat."""

    policy: Array
    payoffs: Array


def best_response(
    game: Game, x: Array, seat: int, key: Array, *, steps: int = 300, restarts: int = 8, rate: Array | float = 1.0
) -> Response:
    """The best answer of player `seat` to the others' rows of x, f32[P, D].

    Exact over the game's own list of candidates where it has one (memory-one games: all deterministic
    policies); else plain gradient ascent from `restarts` fresh policies and from x's own row, best kept. Among
    answers within 1e-3 of the best it is the one that leaves the other players least: ties cannot flatter.
    BadValue where x has another shape, or the game no such seat.
    """
    x, seat, key = shapes.policies(game, x), shapes.seat(game, seat), shapes.key(key)
    candidates = game.best_response(x, seat)
    if candidates is None:
        candidates = _ascended(game, x, seat, key, steps, restarts, rate)
    candidates = candidates.astype(x.dtype)
    payoffs = jax.vmap(lambda policy: game.payoff(x.at[seat].set(policy)))(candidates)
    own = payoffs[:, seat]
    others = jnp.sum(payoffs, axis=1) - own
    worst = jnp.argmin(jnp.where(own >= jnp.nanmax(own) - TIE, others, jnp.inf))
    return Response(candidates[worst], payoffs[worst])


def best_responses(
    game: Game, x: Array, key: Array, *, steps: int = 300, restarts: int = 8, rate: Array | float = 1.0
) -> Array:
    """Payoffs f32[P, P]: row i where player i gives its `best_response` to the others' rows of x, f32[P, D]."""
    key = shapes.key(key)
    found = [
        best_response(game, x, seat, jax.random.fold_in(key, seat), steps=steps, restarts=restarts, rate=rate)
        for seat in range(game.num_players)
    ]
    return jnp.stack([response.payoffs for response in found])


def _ascended(game: Game, x: Array, seat: int, key: Array, steps: int, restarts: int, rate: Array | float) -> Array:
    """f32[restarts + 1, D]."""
    fresh = jax.vmap(lambda key: game.init(key)[seat])(jax.random.split(key, restarts))
    starts = jnp.concatenate([x[seat][None], fresh])
    gradient = jax.grad(lambda policy: game.payoff(x.at[seat].set(policy))[seat])

    def ascend(policy: Array) -> Array:
        return jax.lax.fori_loop(0, steps, lambda _, p: p + rate * gradient(p), policy)

    return jax.vmap(ascend)(starts)
