"""Payoffs of a policy against its best response, and of that response (exploitability).

Shapes: P players, D numbers per policy, N alternatives.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from meva_core.contracts import shapes
from meva_core.contracts.protocols import Game
from meva_core.ops import each_player, over_batch

TIE = 3e-4  # answers this near the best, as a share of the payoffs' range, are ties: the policy's worst counts
FASTER, SLOWER = 1.2, 0.5  # the ascent's rate after a step that was too short, and after one that was too long
LONGEST = 1.0  # step of an ascent, in numbers of a policy


class Response(NamedTuple):
    """policy f32[D]: the answer; payoffs f32[P] with it in the responder's seat; agreement f32[]: how certain it is,
    the share of the ascents that ended in a tie with the best one, 1 where the game knows all candidates."""

    policy: Array
    payoffs: Array
    agreement: Array


def best_response(
    game: Game, x: Array, seat: int, key: Array, *, steps: int = 100, restarts: int = 8, rate: Array | float = 1.0
) -> Response:
    """The best answer of player `seat` to the others' rows of x, f32[P, D].

    Exact over the game's own list of candidates where it has one (memory-one games: all deterministic
    policies); else gradient ascent from `restarts` fresh policies and from x's own row, best kept: never worse than
    that row. `rate` is the first learning rate, for payoffs that range over 1; it grows while gradients agree and
    shrinks where they turn. Among answers within 0.03 % of the payoffs' range of the best it is the one that leaves the
    other players least: ties cannot flatter. BadValue where x has another shape, or the game no such seat.
    """
    x, seat, key = shapes.policies(game, x), shapes.seat(game, seat), shapes.key(key)
    return _response(game, x, seat, key, steps, restarts, rate)


def best_responses(
    game: Game, x: Array, key: Array, *, steps: int = 100, restarts: int = 8, rate: Array | float = 1.0
) -> Response:
    """Every player's `best_response` to the others' rows of x, f32[P, D]: each array [P, ...], row i where player i
    responds."""
    x, key = shapes.policies(game, x), shapes.key(key)

    def by(seat: Any) -> Response:
        return _response(game, x, seat, jax.random.fold_in(key, seat), steps, restarts, rate)

    if game.best_response(x, 0) is None:
        return each_player(by, game.num_players)
    return jax.tree.map(lambda *found: jnp.stack(found), *map(by, range(game.num_players)))  # a game knows plain seats


def of_each_match(
    game: Game, x: Array, key: Array, *, steps: int, restarts: int, rate: Array | float
) -> tuple[Array, Array]:
    """Payoffs f32[N, P, P] of best responses to the ends x, f32[N, P, D], of matches (row i where player i responds),
    and how certain each answer is, f32[N, P]. Pure; the batch is shared out between devices."""

    def one(x: Array, key: Array) -> tuple[Array, Array]:
        found = best_responses(game, x, key, steps=steps, restarts=restarts, rate=rate)
        return found.payoffs, found.agreement

    return over_batch(one, x, jax.random.split(key, x.shape[0]))


def _response(game: Game, x: Array, seat: Any, key: Array, steps: int, restarts: int, rate: Array | float) -> Response:
    """`best_response`; the seat may be traced where the game lists no answers."""
    unit = game.payoff_range[seat].astype(x.dtype)
    exact = game.best_response(x, seat)
    if exact is None:
        candidates = _ascended(game, x, seat, key, steps, restarts, rate / jnp.where(unit > 0, unit, 1))
    else:
        candidates = exact.astype(x.dtype)
    payoffs = jax.vmap(lambda policy: game.payoff(x.at[seat].set(policy)))(candidates)
    own = payoffs[:, seat]
    others = jnp.sum(payoffs, axis=1) - own
    ties = own >= jnp.nanmax(own) - TIE * unit
    worst = jnp.argmin(jnp.where(ties, others, jnp.inf))
    agreement = jnp.mean(ties[1:], dtype=x.dtype) if exact is None else jnp.ones((), x.dtype)
    return Response(candidates[worst], payoffs[worst], agreement)


def _ascended(game: Game, x: Array, seat: Any, key: Array, steps: int, restarts: int, rate: Array) -> Array:
    """The row of x, and where ascents end from fresh policies and from that row, f32[restarts + 2, D]."""
    fresh = jax.vmap(lambda key: game.init(key)[seat])(jax.random.split(key, restarts))
    starts = jnp.concatenate([x[seat][None], fresh])
    gradient = jax.grad(lambda policy: game.payoff(x.at[seat].set(policy))[seat])

    def step(_: int, carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        policy, before, rate = carry
        uphill = gradient(policy)  # mentioned once: most of the time here is that of compiling it
        rate *= jnp.where(jnp.sum(uphill * before) >= 0, FASTER, SLOWER)
        move = rate * uphill
        return policy + move * jnp.minimum(1.0, LONGEST / jnp.max(jnp.abs(move), initial=LONGEST)), uphill, rate

    def ascend(policy: Array) -> Array:
        first = jnp.asarray(rate / FASTER, policy.dtype)
        return jax.lax.fori_loop(0, steps, step, (policy, jnp.zeros_like(policy), first))[0]

    return jnp.concatenate([x[seat][None], jax.vmap(ascend)(starts)])
