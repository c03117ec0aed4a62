"""The loop of learning: a scan of simultaneous steps.

Batching over starts, seeds and hyper-parameters is the caller's vmap. Shapes: P players, D numbers per policy, S steps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import attrs
import jax
import jax.numpy as jnp
from jax import Array

from meva_core.contracts import kinds, shapes, streams
from meva_core.contracts.abstract import abstract, describe, difference
from meva_core.contracts.components import component, leaf, part, static
from meva_core.contracts.episodes import Episodes
from meva_core.contracts.hyperparameters import copies
from meva_core.contracts.playing import Sampled, check_source, learns_from, takes_seats
from meva_core.contracts.protocols import Game, Learner
from meva_core.contracts.states import first_state
from meva_core.errors import BadCombination, BadValue, MevaError


@component
class Fitted:
    """A learner with its fitted parameters (None for a rule without parameters)."""

    learner: Learner = part()
    params: Any = part(default=None)


@component
class Held(Learner):
    """A learner that plays given policies and never moves."""

    policies: Any = leaf(doc="f32[P, D], by seat")

    def held(self) -> Array:
        return self.policies

    def start(self, params: Any, x: Array, key: Array) -> Array:
        return self.policies.astype(x.dtype)

    def update(self, params: Any, state: Any, x: Array, key: Array) -> tuple[Array, Any]:
        return jnp.zeros_like(x), state


@component
class Match:
    """A game and the players in its seats: `players[seats[i]]` sits in seat i.

    A player in several seats computes its steps once.
    """

    game: Game = part()
    players: tuple[Fitted, ...] = part()
    seats: tuple[int, ...] = static(doc="per seat, an index into players")


class Played(NamedTuple):
    """The end of a match: x f32[P, D], the last policies; payoffs f32[S + 1, P] before the first step and after each;
    lengths f32[S, P] of every player's steps."""

    x: Array
    payoffs: Array
    lengths: Array


class Going(NamedTuple):
    """A match between two steps: x f32[P, D], the present policies; states: one for each player; memories: if a learner
    remembers, per seat the memory f32[B, H] with which its policy begins the next episodes, None where it begins
    afresh; else ()."""

    x: Array
    states: tuple
    memories: tuple = ()


class Step(NamedTuple):
    """One step of a match: the joint policies f32[P, D] before and after it, the episodes [B, ...] that those before it
    played, None if nobody learns from episodes, and the memories after it, as in `Going`."""

    before: Array
    after: Array
    episodes: Episodes | None
    memories: tuple = ()


def self_play(game: Game, player: Fitted) -> Match:
    """A match with one learner in all seats. Raises BadValue if `game` is not a game.

    >>> import meva_core as meva
    >>> game = meva.make("game", "hamiltonian")
    >>> match = meva.self_play(game, meva.Fitted(learner=meva.make("learner", "naive", game=game, rate=0.5)))
    >>> match.seats
    (0, 0)
    """
    kinds.check("game", game)
    return Match(game=game, players=(player,), seats=(0,) * game.num_players)


def start(match: Match, key: Array) -> Array:
    """A fresh joint policy f32[P, D]; each player may move its own row before the first step."""
    _check(match)
    x_key, key = jax.random.split(shapes.key(key))
    x = shapes.policies(match.game, match.game.init(x_key))
    rows = []
    for n, p in enumerate(match.players):
        own = p.learner.start(p.params, x, jax.random.fold_in(key, n))
        rows.append(shapes.rows(p.learner, "start: expected policies", own, x))
    return _seated(match, rows)


def step(match: Match, x: Array, key: Array) -> Array:
    """Policies f32[P, D] after one simultaneous step from x, by players who have taken no step before."""
    x, key = _checked(match, x, key)
    return _advanced(match, _begun(match, x, key), key)[0].x


def play(match: Match, x: Array, key: Array, num_steps: int) -> Played:
    """Play `num_steps` simultaneous steps from x, f32[P, D].

    Raises BadValue or BadCombination, during tracing, if the match does not consist of a game and its players, or if x
    has another shape.

    >>> import jax, meva_core as meva
    >>> game = meva.make("game", "hamiltonian")  # f1 = -a b, f2 = a b
    >>> match = meva.self_play(game, meva.Fitted(learner=meva.make("learner", "naive", game=game, rate=1.0)))
    >>> played = meva.play(match, jax.numpy.array([[1.0], [2.0]]), jax.random.key(0), num_steps=1)
    >>> played.x.tolist(), played.payoffs.tolist()
    ([[-1.0], [3.0]], [[-2.0, 2.0], [3.0, -3.0]])
    """
    x, key = _checked(match, x, key)

    def watch(step: Step) -> tuple[Array, Array]:
        return _payoff(match, step.after, step.memories), _lengths(step.before, step.after)

    last, (payoffs, lengths) = lifetime(match, x, key, num_steps, watch)
    return Played(last, jnp.concatenate([_payoff(match, x)[None], payoffs]), lengths)


def lifetime(match: Match, x: Array, key: Array, num_steps: int, watch: Callable[[Step], Any]) -> tuple[Array, Any]:
    """The last policies f32[P, D] of a match of `num_steps` steps from x f32[P, D], and what `watch` returns for each
    step, every leaf [S, ...].

    Learners that are fitted over the lifetimes of others, in which these learn, have them played by this function, with
    themselves in the other seats. Raises what `play` raises.

    >>> import jax, meva_core as meva
    >>> from meva_core.match import lifetime
    >>> game = meva.make("game", "hamiltonian")  # f1 = -a b, f2 = a b
    >>> match = meva.self_play(game, meva.Fitted(learner=meva.make("learner", "naive", game=game, rate=1.0)))
    >>> x = jax.numpy.array([[1.0], [2.0]])
    >>> last, own = lifetime(match, x, jax.random.key(0), 2, watch=lambda step: step.before[0, 0])
    >>> last.tolist(), own.tolist()
    ([[-4.0], [2.0]], [1.0, -1.0])
    """
    x, key = _checked(match, x, key)
    num_steps = shapes.whole("num_steps", num_steps)

    def body(going: Going, key: Array) -> tuple:
        after, episodes = _advanced(match, going, key)
        return after, watch(Step(going.x, after.x, episodes, after.memories))

    going, found = jax.lax.scan(body, _begun(match, x, key), jax.random.split(key, num_steps))
    return going.x, found


def begin(match: Match, x: Array, key: Array) -> Going:
    """A match that begins at x f32[P, D], for callers that take its steps one by one with `advance`."""
    return _begun(match, *_checked(match, x, key))


def advance(match: Match, going: Going, key: Array) -> tuple[Going, Array, Array]:
    """The match after one more step, its payoffs f32[P] then, and the lengths f32[P] of the players' steps."""
    after, _ = _advanced(match, going, key)
    return after, _payoff(match, after.x, after.memories), _lengths(going.x, after.x)


def trajectory(match: Match, x: Array, key: Array, num_steps: int) -> Array:
    """Policies along a match, f32[S + 1, P, D], x first."""
    x, key = _checked(match, x, key)
    _, xs = lifetime(match, x, key, num_steps, lambda step: step.after)
    return jnp.concatenate([x[None], xs])


def with_setting(match: Match, player: int, name: str, value: Any) -> Match:
    """The same match with one hyper-parameter of one player's learner changed; the value may be traced."""
    players = list(match.players)
    learner = attrs.evolve(players[player].learner, **{name: value})
    players[player] = attrs.evolve(players[player], learner=learner)
    return attrs.evolve(match, players=tuple(players))


def _begun(match: Match, x: Array, key: Array) -> Going:
    key = jax.random.fold_in(key, streams.FIRST_STATES)
    each = enumerate(match.players)
    states = tuple(first_state(p.learner, p.params, x, jax.random.fold_in(key, n)) for n, p in each)
    return Going(x, states, _first_memories(match, x))


def _first_memories(match: Match, x: Array) -> tuple:
    """Fresh memories f32[B, H] in the seats of learners that remember, None in others; () if nobody remembers."""
    keeps = _remembering(match)
    if not any(keeps):
        return ()
    game: Any = match.game
    count = jax.eval_shape(lambda x: game.play(x, jax.random.key(0)).alive, x).shape[0]
    each = zip(keeps, game.players, x, strict=True)
    begun = [own.begin(row[: own.policy_size]) if keep else None for keep, own, row in each]
    return tuple(None if one is None else jnp.broadcast_to(one, (count, *one.shape)) for one in begun)


def _remembering(match: Match) -> list[bool]:
    """Per seat, True if its learner's policies remember earlier episodes of the match."""
    players = [match.players[n].learner for n in match.seats]
    return [isinstance(match.game, Sampled) and getattr(player, "remembers", False) for player in players]


def _lengths(before: Array, after: Array) -> Array:
    """Lengths f32[P] of the steps between two joint policies; the norm has no gradient at a step of 0."""
    return jnp.linalg.norm(jax.lax.stop_gradient(after - before), axis=-1)


def _advanced(match: Match, going: Going, key: Array) -> tuple[Going, Episodes | None]:
    """The match after one more step, and the episodes from which players learnt in it."""
    (x, states, memories), steps, new = going, [], []
    game, episodes = match.game, None
    if memories or any(learns_from(player.learner) == "episodes" for player in match.players):
        play_key = jax.random.fold_in(key, streams.EPISODES)
        episodes = game.play(x, play_key, memories) if memories else game.play(x, play_key)  # type: ignore[attr-defined]
    for n, (p, state) in enumerate(zip(match.players, states, strict=True)):
        seats = tuple(seat for seat, player in enumerate(match.seats) if player == n)
        step, after = _update(p, seats, state, x, episodes, jax.random.fold_in(key, n))
        steps.append(step)
        new.append(after)
    if memories:
        memories = tuple(
            match.players[n].learner.carry(after) if keep else None
            for keep, n, after in zip(_remembering(match), match.seats, episodes.memories, strict=True)  # type: ignore[union-attr]
        )
    return Going(x + _seated(match, steps), tuple(new), memories), episodes


def _update(
    player: Fitted, seats: tuple[int, ...], state: Any, x: Array, episodes: Episodes | None, key: Array
) -> tuple[Array, Any]:
    who, method = type(player.learner).__name__, "learn" if learns_from(player.learner) == "episodes" else "update"
    try:
        if method == "learn":
            own = {"seats": seats} if takes_seats(player.learner) else {}
            result = player.learner.learn(player.params, state, x, episodes, key, **own)  # type: ignore[arg-type]
        else:
            result = player.learner.update(player.params, state, x, key)
    except Exception as error:
        if isinstance(error, MevaError) or (fits := copies(player.learner)) is None:
            raise
        raise BadCombination(
            f"expected a player of one fit, got {who} of {fits} seeds: take one with "
            "jax.tree.map(lambda leaf: leaf[0], player), or use jax.vmap over all"
        ) from error
    if not isinstance(result, tuple) or len(result) != 2:
        raise BadCombination(f"{who}.{method}: expected (steps, state), got {describe(result)}")
    steps, new = result
    if (differs := difference(*map(abstract, (new, state)))) is not None:
        where, before, after = differs
        raise BadCombination(
            f"{who}.{method}: expected a state{where} {describe(before)} as before, got {describe(after)}"
        )
    return shapes.rows(player.learner, f"{method}: expected steps", steps, x), new


def _payoff(match: Match, x: Array, memories: tuple = ()) -> Array:
    """The payoffs f32[P] of x f32[P, D]; if there are memories, in episodes that begin with them."""
    game: Any = match.game
    if memories:
        return shapes.payoffs(game, game.estimate(game.play(x, jax.random.key(0), memories)))
    return shapes.payoffs(game, game.payoff(x))


def _checked(match: Match, x: Any, key: Any) -> tuple[Array, Array]:
    """Check the match, the policies and the key; return the policies as floats and the key as a JAX key."""
    _check(match)
    return shapes.policies(match.game, x), shapes.key(key)


def _check(match: Match) -> None:
    if not isinstance(match, Match):
        raise BadValue(f"expected a Match, such as meva.self_play(game, player), got {kinds.describe(match)}")
    kinds.check("game", match.game)
    for player in match.players:
        if not isinstance(player, Fitted):
            raise BadValue(f"expected meva.Fitted(learner=...) as a player, got {kinds.describe(player)}")
        kinds.check("learner", player.learner)
        _check_game(player.learner, match.game)
    if len(match.seats) != match.game.num_players or not set(match.seats) <= set(range(len(match.players))):
        raise BadValue(
            f"expected one of players 0 to {len(match.players) - 1} for each of {match.game.num_players} seats, "
            f"got seats {match.seats}"
        )


def _check_game(learner: Learner, played: Game) -> None:
    check_source(learner, played)
    own = getattr(learner, "game", None)
    if own is None or (own.num_players, own.policy_size) == (played.num_players, played.policy_size):
        return
    raise BadCombination(
        f"expected learners of the game that is played, {type(played).__name__}, got {type(learner).__name__} of "
        f"{type(own).__name__}: make it with game=..."
    )


def _seated(match: Match, rows: list[Array]) -> Array:
    """A joint policy whose row i comes from the player in seat i."""
    if len(rows) == 1:
        return rows[0]
    return jnp.stack([rows[player][seat] for seat, player in enumerate(match.seats)])
