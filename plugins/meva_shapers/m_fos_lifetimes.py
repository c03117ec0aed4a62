"""Whom M-FOS meets in a fit, and what it lives through. Shapes: P players, D numbers per policy, B lifetimes, T steps,
V numbers that a seat sees, N learnt seats."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import attrs
import jax
import jax.numpy as jnp
from jax import Array

from meva_core.contracts import Game
from meva_core.match import Fitted, Match, in_all_seats, lifetime, own_seats, paid, start
from meva_shapers.meta_policy import Network, seen_by


class Lived(NamedTuple):
    """Lifetimes as one seat lived them: seen f32[B, T, V], the own next policies f32[B, T, D], and the payoffs
    f32[B, T] of these."""

    seen: Array
    chosen: Array
    earned: Array


def traced(learner: Any) -> bool:
    """True if the seats of a learner meet naive learners first and each other later."""
    return learner.tracing and not learner.rivals


def seats_of(learner: Any) -> tuple[int, ...]:
    """The seats that have a network of their own."""
    if traced(learner):
        return tuple(range(learner.game.num_players))
    return own_seats(learner.game, learner.rivals)


def for_all_seats(learner: Any, networks: Network) -> Network:
    """The networks [N, ...] of `seats_of` by seat, [P, ...]."""
    if traced(learner):
        return networks
    return jax.tree.map(lambda rows: in_all_seats(learner.game, learner.rivals, rows), networks)


def naive_share(learner: Any, loop: Array) -> Array:
    """The probability lambda f32[] of meeting naive learners, when a fit has done `loop` loops."""
    return jnp.maximum(learner.trace_from - learner.trace_fall * loop, 0)


def meet(learner: Any, loop: Array, key: Array, play: Callable[[tuple], Any]) -> Any:
    """The result of `play(rivals)` with those whom a traced learner meets in this loop: naive learners, `()`, with
    probability lambda, or itself in all seats. Others always meet their rivals."""
    if not traced(learner):
        return play(learner.rivals)
    naive = jax.random.bernoulli(key, naive_share(learner, loop))
    return jax.lax.cond(naive, lambda: play(()), lambda: play((None,) * learner.game.num_players))


def is_alone(rivals: tuple) -> bool:
    """True if a learner meets itself in all seats."""
    return bool(rivals) and not any(rivals)


def acting(learner: Any, networks: Network, acts: str) -> Fitted:
    """A learner that plays by these networks [P, ...]; acts: as its hyper-parameter."""
    return Fitted(learner=attrs.evolve(learner, acts=acts), params=networks)


def live(game: Game, match: Match, steps: int, keys: Array) -> tuple[Array, Array]:
    """Joint policies f32[B, T + 1, P, D] of lifetimes of T steps, and the payoffs f32[B, T, P] of all but the first.

    One more step is played than counts, since the policies of the last one must meet to be paid.
    """

    def one(key: Array) -> tuple[Array, Array]:
        start_key, play_key = jax.random.split(key)
        x = start(match, start_key)
        _, (xs, earned) = lifetime(match, x, play_key, steps + 1, lambda step: (step.before, paid(game, step)))
        return xs, earned[1:]

    return jax.vmap(one)(keys)


def lived_by(game: Game, seat: int, xs: Array, earned: Array) -> Lived:
    """Lifetimes that `live` returns, as a seat saw them."""
    seen = jax.vmap(jax.vmap(lambda x: seen_by(game, seat, x)))(xs[:, :-1])
    return Lived(seen, xs[:, 1:, seat], earned[..., seat])
