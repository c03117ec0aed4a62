"""Meta-episodes: lifetimes of others, who learn from the episodes of all copies of a shaper at once.

Shapes: M inner episodes, T steps of each, L = M T steps, B copies, G meta-episodes.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from meva_core.contracts import Sampled
from meva_core.errors import BadCombination
from meva_core.match import Match, Step, lifetime, start
from meva_core.ops import meta_returns
from meva_policy_gradient import seen as seeing
from meva_policy_gradient.seen import Seen


def check_length(game: Any) -> None:
    """Raise BadCombination if the episodes of a game that is played may differ in length."""
    if getattr(game, "stopping", "horizon") != "horizon":
        raise BadCombination(
            f"expected episodes that all end after the horizon, got stopping = {game.stopping!r}: set "
            "sample.stopping = 'horizon'"
        )


def live(match: Match, seat: int, steps: int, key: Array) -> Seen:
    """A meta-episode of M = `steps` inner episodes in a fresh match, as the player in `seat` lived it: every leaf
    [B, L, ...]. Rewards have their weights in the mean payoff of the meta-episode, and the unit of `seen_by`, so that
    the sum of all is between 0 and 1 apart from a constant."""
    game: Any = match.game
    start_key, play_key = jax.random.split(key)

    def watch(step: Step) -> Seen:
        return _weighted(game, step.episodes, seat)

    _, seen = lifetime(match, start(match, start_key), play_key, steps, watch)  # every leaf [M, B, T, ...]
    seen = seen._replace(rewards=seen.rewards / steps)
    return jax.tree.map(lambda leaf: jnp.moveaxis(leaf, 0, 1).reshape(leaf.shape[1], -1, *leaf.shape[3:]), seen)


def advantages(seen: Seen, values: Array, inner: int, trace: Array | float, shared: bool, divided: bool) -> Array:
    """Advantages f32[G, B, L] of G meta-episodes with inner episodes of `inner` steps.

    They are sums of the errors of values f32[G, B, L], with weight trace^k for the error k steps later. shared,
    divided: shared_future and divided of `meta_returns`. Nothing follows the last step.
    """
    following = jnp.concatenate([values[..., 1:], jnp.zeros_like(values[..., :1])], axis=-1)
    errors = seen.rewards + following - values
    ends = jnp.arange(1, values.shape[-1] + 1) % inner == 0

    def of_one(errors: Array) -> Array:
        nothing = jnp.zeros_like(errors.T)
        return meta_returns(errors.T, nothing, ends, trace, 1.0, shared_future=shared, divided=divided).T

    return jax.vmap(of_one)(errors)


def _weighted(game: Sampled, episodes: Any, seat: int) -> Seen:
    """Episodes [B, T, ...] as the player in `seat` lived them, where the sum of an episode's rewards is its payoff."""
    seen = seeing.seen_by(game, episodes, seat)
    weights = jax.vmap(game.weights)(episodes.alive)
    return seen._replace(rewards=seen.rewards * weights / weights[:, :1])
