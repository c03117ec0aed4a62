"""Episodes of a sampled game between rule-based players.

Shapes: P players, A actions, O numbers per observation, T steps per episode, B episodes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from meva_core.contracts.episodes import Episodes

Script = str | Callable[[Array, int], Array]


def episode(rules: Any, scripts: Sequence[Script], key: Array, horizon: int) -> Episodes:
    """One episode of `horizon` steps. scripts: per seat the name of one of the game's scripts, or a function of an
    observation f32[O] and the seat that returns logits of the actions f32[A]."""
    players = [rules.scripts[script] if isinstance(script, str) else script for script in scripts]

    def step(carry: Any, key: Array) -> tuple[Any, tuple[Array, ...]]:
        state, seen = carry
        act_key, key = jax.random.split(key)
        logits = jnp.stack([player(seen[seat], seat) for seat, player in enumerate(players)])
        actions = jax.random.categorical(act_key, logits)
        log_probs = jnp.take_along_axis(jax.nn.log_softmax(logits), actions[:, None], axis=1)[:, 0]
        state, after, rewards = rules.step(state, actions, key)
        return (state, after), (seen, actions, rewards, log_probs)

    reset_key, key = jax.random.split(key)
    (_, final), steps = jax.lax.scan(step, rules.reset(reset_key), jax.random.split(key, horizon))
    return Episodes(*steps, alive=jnp.ones(horizon), final=final)


def episodes(rules: Any, scripts: Sequence[Script], count: int, horizon: int, seed: int = 0) -> Episodes:
    """Play `count` episodes, [B, ...], in one compiled program."""
    keys = jax.random.split(jax.random.key(seed), count)
    return jax.jit(jax.vmap(lambda key: episode(rules, scripts, key, horizon)))(keys)
