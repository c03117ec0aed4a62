"""Best responses to joint policies: the payoffs of the responder and of the other players.

Shapes: P players, D numbers per policy, N alternatives.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from meva_core.contracts import Sampled, shapes
from meva_core.contracts.protocols import Game
from meva_core.ops import each_player, over_batch
from meva_core.sampling.with_policies import WithPolicies

TIE = 3e-4  # answers within this share of the payoffs' range of the best are ties; the worst for the others counts
FASTER, SLOWER = 1.2, 0.5  # the ascent's rate after a step that was too short, and after one that was too long
LONGEST = 1.0  # step of an ascent, in numbers of a policy


class Response(NamedTuple):
    """A best response and the payoffs with it.

    policy f32[D]: the responder's; among networks that play an exact game, a policy of the game's own kind, a table.
    payoffs f32[P]: of all players when the responder plays it. agreement f32[]: how certain the answer is, namely the
    share of the ascents that ended in a tie with the best one; 1 if the game lists all candidates.
    """

    policy: Array
    payoffs: Array
    agreement: Array


def best_response(
    game: Game, x: Array, seat: int, key: Array, *, steps: int = 100, restarts: int = 8, rate: Array | float = 1.0
) -> Response:
    """The best response of player `seat` to the others' rows of x, f32[P, D].

    If the game lists its candidates (memory-one games: all deterministic policies), the answer is exact over this list,
    also if the players are networks that act at the game's states: a network is answered as the table that acts alike.
    Otherwise it is the best policy of a gradient ascent from `restarts` fresh policies and from x's own row, and never
    worse than that row. `rate` is the first learning rate, for payoffs with a range of 1; it grows while successive
    gradients agree, and shrinks when they turn. Answers within 0.03 % of the payoffs' range of the best are ties; among
    them the function returns the one that leaves least to the other players, so ties cannot flatter their policies.
    Raises BadValue if x has another shape, or if the game has no such seat.
    """
    x, seat, key = shapes.policies(game, x), shapes.seat(game, seat), shapes.key(key)
    return _response(*_as_tables(game, x), seat, key, steps, restarts, rate)


def best_responses(
    game: Game, x: Array, key: Array, *, steps: int = 100, restarts: int = 8, rate: Array | float = 1.0
) -> Response:
    """Every player's `best_response` to the others' rows of x, f32[P, D].

    Each array of the result is [P, ...]; in row i player i responds. Raises BadValue if x has another shape.
    """
    game, x = _as_tables(game, shapes.policies(game, x))
    key = shapes.key(key)

    def by(seat: Any) -> Response:
        return _response(game, x, seat, jax.random.fold_in(key, seat), steps, restarts, rate)

    if game.best_response(x, 0) is None:
        return each_player(by, game.num_players)
    return jax.tree.map(lambda *found: jnp.stack(found), *map(by, range(game.num_players)))  # lists need plain seats


def of_each_match(
    game: Game, x: Array, key: Array, *, steps: int, restarts: int, rate: Array | float
) -> tuple[Array, Array]:
    """Payoffs f32[N, P, P] and agreements f32[N, P] of best responses to x, f32[N, P, D], the ends of N matches.

    In row i of a match player i responds; `Response` describes the agreement of an answer. Pure; the batch is divided
    between devices.
    """

    def one(x: Array, key: Array) -> tuple[Array, Array]:
        found = best_responses(game, x, key, steps=steps, restarts=restarts, rate=rate)
        return found.payoffs, found.agreement

    return over_batch(one, x, jax.random.split(key, x.shape[0]))


def _as_tables(game: Game, x: Array) -> tuple[Game, Array]:
    """The exact game of a game between policies of any kind, and its own joint policy that acts as x f32[P, D] does."""
    exact = game.exact if isinstance(game, Sampled) else game
    return (exact.game, exact.tables(x)) if isinstance(exact, WithPolicies) else (game, x)


def _response(game: Game, x: Array, seat: Any, key: Array, steps: int, restarts: int, rate: Array | float) -> Response:
    """`best_response` without checks; the seat may be traced if the game lists no candidates."""
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
    """The row of x, then the ends of ascents from that row and from fresh policies, f32[restarts + 2, D]."""
    fresh = jax.vmap(lambda key: game.init(key)[seat])(jax.random.split(key, restarts))
    starts = jnp.concatenate([x[seat][None], fresh])
    gradient = jax.grad(lambda policy: game.payoff(x.at[seat].set(policy))[seat])

    def step(_: int, carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        policy, before, rate = carry
        uphill = gradient(policy)  # computed in one place: compiling it takes most of the time here
        rate *= jnp.where(jnp.sum(uphill * before) >= 0, FASTER, SLOWER)
        move = rate * uphill
        return policy + move * jnp.minimum(1.0, LONGEST / jnp.max(jnp.abs(move), initial=LONGEST)), uphill, rate

    def ascend(policy: Array) -> Array:
        first = jnp.asarray(rate / FASTER, policy.dtype)
        return jax.lax.fori_loop(0, steps, step, (policy, jnp.zeros_like(policy), first))[0]

    return jnp.concatenate([x[seat][None], jax.vmap(ascend)(starts)])
