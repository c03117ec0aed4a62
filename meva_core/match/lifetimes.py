"""The matches over which a shaper is fitted, and what it earns in them.

Shapes: P players, D numbers per policy, S steps of a lifetime.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from meva_core.contracts import EpisodeLearner, Episodes, Game, Learner, component, leaf, part, payoff_from
from meva_core.contracts.playing import learns_from
from meva_core.match.playing import Fitted, Match, Step, lifetime, start
from meva_core.ops import simultaneous_gradient
from meva_core.sampling import replayed


class Settled(Learner):
    """Base of the shapers whose parameters are policies f32[P, D] that they play without ever moving."""

    def start(self, params: Any, x: Array, key: Array) -> Array:
        return params

    def update(self, params: Any, state: Any, x: Array, key: Array) -> tuple[Array, Any]:
        return jnp.zeros_like(x), state


@component
class NaiveCoPlayer(Learner):
    """Follows its own gradient: the co-player of a shaper that is told of no other."""

    game: Any = part()
    rate: float = leaf(doc="learning rate")

    learns_from = "sample"

    def update(self, params: Any, state: Any, x: Array, key: Array) -> tuple[Array, Any]:
        return self.rate * simultaneous_gradient(payoff_from(self.game, key), x), state


@component
class NaiveFromEpisodes(EpisodeLearner):
    """Follows its own gradient, as the episodes of the match estimate it: the co-player of a shaper that learns from
    these, too."""

    game: Any = part()
    rate: float = leaf(doc="learning rate")

    def learn(self, params: Any, state: Any, x: Array, episodes: Episodes, key: Array) -> tuple[Array, Any]:
        def payoff(seat: int, row: Array) -> Array:
            return self.game.estimate(replayed(self.game, seat, row, episodes))[seat]

        rows = [jax.grad(lambda row, seat=seat: payoff(seat, row))(row) for seat, row in enumerate(x)]
        return self.rate * jnp.stack(rows), state


def match_in(game: Game, seat: int, own: Fitted, mates: Fitted, rivals: tuple, rate: Any) -> Match:
    """A match of `own` in `seat`. In the other seats are the rivals, `mates` where `rivals` has None, and if it is
    empty naive learners with this learning rate.

    Those learn from the episodes of the match if `own` does: what it does there has no effect on episodes of their own,
    in which it would remember nothing.
    """
    if not rivals:
        kind = NaiveFromEpisodes if learns_from(own.learner) == "episodes" else NaiveCoPlayer
        naive = Fitted(learner=kind(game=game, rate=rate))
        seats = tuple(int(other != seat) for other in range(game.num_players))
        return Match(game=game, players=(own, naive), seats=seats)
    players, seats = [own], []
    for other, rival in enumerate(rivals):
        if other == seat:
            seats.append(0)
            continue
        players.append(mates if rival is None else rival)
        seats.append(len(players) - 1)
    return Match(game=game, players=tuple(players), seats=tuple(seats))


def own_seats(game: Game, rivals: tuple) -> tuple[int, ...]:
    """The seats whose policies are learnt one by one: all without a rival, or in a symmetric game the first of them."""
    free = [seat for seat in range(game.num_players) if not rivals or rivals[seat] is None]
    return tuple(free[:1] if game.symmetric else free)


def in_all_seats(game: Game, rivals: tuple, rows: Array) -> Array:
    """Arrays f32[N, ...] of the `own_seats` by seat, f32[P, ...]; the seats of rivals have those of the first."""
    seats = own_seats(game, rivals)
    return rows[jnp.array([seats.index(seat) if seat in seats else 0 for seat in range(game.num_players)])]


def earned(match: Match, seat: int, steps: int, key: Array, x: Array | None = None) -> Array:
    """The payoffs f32[S] of a seat along a lifetime, before each step; from x f32[P, D], or from a fresh start of the
    match if there is none."""
    start_key, play_key = jax.random.split(key)
    x = start(match, start_key) if x is None else x
    return lifetime(match, x, play_key, steps, lambda step: paid(match.game, step)[seat])[1]


def paid(game: Any, step: Step) -> Array:
    """The payoffs f32[P] of the policies that a step of a match began with: what they got in its episodes, if it had
    any."""
    return game.payoff(step.before) if step.episodes is None else game.estimate(step.episodes)
