"""Matches on games that are played take long. So they run like a fit: in chunks, with progress and checkpoints.

Shapes: V rows, N pairs, P players, D numbers per policy, W payoffs in the window that shows if a match has settled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from meva_core import match as matching
from meva_core.contracts import Game, Training, component, leaf, part, static, streams
from meva_core.evaluate.matches import WINDOW, Ended, looked_at, settled
from meva_core.evaluate.plan import Plan
from meva_core.match import Going, Match
from meva_core.ops import over_batch


class State(NamedTuple):
    """Matches of one seed between two steps.

    going: the matches, every leaf [V, N, ...]. payoffs f32[V, N, W, P]: the last payoffs, the newest one last.
    lengths f32[V, N, T]: mean lengths of the players' steps, for the T steps in `looked_at`. steps: steps taken.
    """

    going: Going
    payoffs: Array
    lengths: Array
    steps: Array


@component
class LongMatches(Training):
    """The matches of one seed, a `Training` whose every loop is one step of all of them.

    Its parameters are the ends of the matches (`Ended`), every leaf [V, N, ...].
    """

    match: Match = part()
    values: Any = leaf(doc="rows: values of the setting, f32[V]")
    own_row: int = static(doc="the row whose payoffs are the metrics")
    setting: str | None = static(doc="hyper-parameter of the first player in which the rows differ; None: one row")
    pairs: int = static(doc="N")
    num_steps: int = static(doc="steps of every match")

    @property
    def shown(self) -> Mapping[str, str]:  # type: ignore[override]
        """The mean payoff of every player."""
        return {f"payoff_{seat + 1}": f"payoff of player {seat + 1}" for seat in range(self.match.game.num_players)}

    @property
    def linear(self) -> tuple[str, ...]:  # type: ignore[override]
        """All metrics."""
        return tuple(self.shown)

    def init(self, key: Array) -> State:
        """Fresh matches."""
        key = jax.random.fold_in(key, streams.MATCHES)

        def one(match: Match, key: Array) -> tuple[Going, Array]:
            start_key, play_key = jax.random.split(key)
            x = matching.start(match, start_key)
            return matching.begin(match, x, play_key), match.game.payoff(x)

        keys = jax.random.split(key, self.pairs)
        going, payoffs = self._each_row(lambda match: over_batch(lambda key: one(match, key), keys))
        window = min(WINDOW, self.num_steps) + 1
        lengths = jnp.zeros((*payoffs.shape[:2], len(looked_at(self.num_steps))), payoffs.dtype)
        return State(going, jnp.repeat(payoffs[:, :, None], window, axis=2), lengths, jnp.zeros((), jnp.int32))

    def step(self, state: State, key: Array) -> tuple[State, dict[str, Array]]:
        """One step of all matches; metrics: mean payoffs of the players after it."""
        keys = jax.random.split(jax.random.fold_in(key, streams.MATCHES), self.pairs)

        def of_row(match: Match, going: Going) -> tuple[Going, Array, Array]:
            return over_batch(lambda going, key: matching.advance(match, going, key), going, keys)

        going, payoffs, moved = self._each_row(of_row, state.going)
        window = jnp.concatenate([state.payoffs[:, :, 1:], payoffs[:, :, None]], axis=2)
        here = jnp.array(looked_at(self.num_steps)) == state.steps + 1
        lengths = jnp.where(here, jnp.mean(moved, axis=-1)[..., None], state.lengths)
        means = jnp.mean(payoffs[self.own_row], axis=0)
        return State(going, window, lengths, state.steps + 1), dict(zip(self.shown, means, strict=True))

    def params(self, state: State) -> Ended:
        """The ends of the matches, every leaf [V, N, ...]."""
        game, x = self.match.game, state.going.x
        rest = settled(game, state.payoffs)
        # Without exact payoffs outcomes are played: then each call outside jit would compile the loop of an episode.
        found = _outcomes if getattr(game, "exact", None) is not None else jax.jit(_outcomes)
        outcomes = found(game, x)
        return Ended(x, state.payoffs[:, :, -1], rest, outcomes, state.lengths)

    def _each_row(self, function: Any, *inputs: Any) -> Any:
        """Results of function(match, *inputs) of all rows, every leaf [V, ...]."""

        def at(value: Array, *inputs: Any) -> Any:
            shown = self.match if self.setting is None else matching.with_setting(self.match, 0, self.setting, value)
            return function(shown, *inputs)

        return jax.vmap(at)(self.values, *inputs)


def _outcomes(game: Game, x: Array) -> dict[str, Array]:
    """Outcomes f32[V, N] of x f32[V, N, P, D]."""
    return jax.vmap(lambda x: over_batch(game.outcomes, x))(x)


def long_matches(matches: Sequence[Match], plan: Plan) -> list[LongMatches]:
    """The matches of a run, one `LongMatches` for each seed."""
    values = plan.values
    own = values.index(plan.own_value) if plan.own_value in values else len(values) - 1
    return [
        LongMatches(
            match=match,
            values=jnp.array(values),
            own_row=own,
            setting=None if plan.sweep is None else plan.sweep.name,
            pairs=plan.settings.pairs,
            num_steps=plan.settings.steps,
        )
        for match in matches
    ]
