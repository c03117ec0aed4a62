"""THE loop: a scan of simultaneous steps. Batching over starts, seeds and hyper-parameters is the caller's vmap.

Shapes: P players, D numbers per policy, S steps.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import attrs
import jax
import jax.numpy as jnp
from jax import Array

from meva_core.component import component, leaf, part, static
from meva_core.protocols import Game, Learner


@component
class Fitted:
    """A learner with the parameters it was fitted to (None for a rule without)."""

    learner: Learner = part()
    params: Any = part(default=None)


@component
class Held(Learner):
    """Plays given policies and never moves."""

    policies: Any = leaf(doc="f32[P, D], by seat")
    rate: float = leaf(default=0.0, doc="learning rate: it has none")

    def held(self) -> Array:
        return self.policies

    def start(self, params: Any, x: Array, key: Array) -> Array:
        return self.policies.astype(x.dtype)

    def update(self, params: Any, state: Any, x: Array, key: Array) -> tuple[Array, Any]:
        return jnp.zeros_like(x), state


@component
class Match:
    """Who plays: `players[seats[i]]` sits in seat i. One that sits in several seats computes its steps once."""

    game: Game = part()
    players: tuple[Fitted, ...] = part()
    seats: tuple[int, ...] = static(doc="per seat, an index into players")


class Played(NamedTuple):
    """Where a match ended: x f32[P, D]; payoffs f32[S + 1, P] before the first step and after each; lengths f32[S, P]
    of every player's steps."""

    x: Array
    payoffs: Array
    lengths: Array


def self_play(game: Game, player: Fitted) -> Match:
    """One learner in all seats."""
    return Match(game=game, players=(player,), seats=(0,) * game.num_players)


def start(match: Match, key: Array) -> Array:
    """A fresh joint policy f32[P, D]; each player may move its own row before the first step."""
    x_key, key = jax.random.split(key)
    x = match.game.init(x_key)
    rows = [p.learner.start(p.params, x, jax.random.fold_in(key, n)) for n, p in enumerate(match.players)]
    return _seated(match, rows)


def step(match: Match, x: Array, key: Array) -> Array:
    """x f32[P, D] after one simultaneous step of players who have taken none before."""
    return _step(match, x, _states(match, x), key)[0]


def play(match: Match, x: Array, key: Array, num_steps: int) -> Played:
    """`num_steps` simultaneous steps from x, f32[P, D]."""

    def body(carry: tuple, key: Array) -> tuple:
        x, states = _step(match, carry[0], carry[1], key)
        step = jax.lax.stop_gradient(x - carry[0])  # the length of a step of 0 has no gradient
        return (x, states), (match.game.payoff(x), jnp.linalg.norm(step, axis=-1))

    (last, _), found = jax.lax.scan(body, (x, _states(match, x)), jax.random.split(key, num_steps))
    payoffs, lengths = found
    return Played(last, jnp.concatenate([match.game.payoff(x)[None], payoffs]), lengths)


def trajectory(match: Match, x: Array, key: Array, num_steps: int) -> Array:
    """The policies along the way, f32[S + 1, P, D], x first."""

    def body(carry: tuple, key: Array) -> tuple:
        after = _step(match, carry[0], carry[1], key)
        return after, after[0]

    _, xs = jax.lax.scan(body, (x, _states(match, x)), jax.random.split(key, num_steps))
    return jnp.concatenate([x[None], xs])


def with_setting(match: Match, player: int, name: str, value: Any) -> Match:
    """The match with one hyper-parameter of one player's learner changed; value may be traced."""
    players = list(match.players)
    learner = attrs.evolve(players[player].learner, **{name: value})
    players[player] = attrs.evolve(players[player], learner=learner)
    return attrs.evolve(match, players=tuple(players))


def _states(match: Match, x: Array) -> tuple:
    return tuple(p.learner.init(p.params, x) for p in match.players)


def _step(match: Match, x: Array, states: tuple, key: Array) -> tuple[Array, tuple]:
    steps, new = [], []
    for n, (p, state) in enumerate(zip(match.players, states, strict=True)):
        step, state = p.learner.update(p.params, state, x, jax.random.fold_in(key, n))
        steps.append(step)
        new.append(state)
    return x + _seated(match, steps), tuple(new)


def _seated(match: Match, rows: list[Array]) -> Array:
    """Row i from the player in seat i."""
    if len(rows) == 1:
        return rows[0]
    return jnp.stack([rows[player][seat] for seat, player in enumerate(match.seats)])
