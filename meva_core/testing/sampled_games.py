"""The conformance check of sampled games.

Shapes: P players, A actions, N different observations, O numbers per observation, T steps per episode, B episodes.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from meva_core.contracts.abstract import describe, difference
from meva_core.contracts.episodes import Episodes
from meva_core.contracts.frames import Frames
from meva_core.contracts.playing import SampledGame
from meva_core.errors import MevaError
from meva_core.testing.scripted import episodes
from meva_core.testing.transforms import BATCH, check_array, check_close, check_pure, check_pytree, check_transforms

EPISODES, LONGEST = 64, 16  # episodes at random that are looked at, and their length at most


def check_sampled_game(rules: SampledGame) -> None:
    """Check shapes, finite rewards within their range, measures and scripts; and that the rules are pure functions,
    the same under jit and vmap, that keep the structure of a state."""
    check_pytree(rules)
    players, size = rules.num_players, rules.observation_size
    assert rules.horizon >= 1, f"horizon: expected a whole number >= 1, got {rules.horizon}"
    assert 0 <= rules.discount <= 1, f"discount: expected a number from 0 to 1, got {rules.discount}"
    assert len(rules.action_names) == rules.num_actions, (
        f"action_names: expected {rules.num_actions} names, got {rules.action_names}"
    )
    check_array("payoff_range", rules.payoff_range, (players,))
    state, seen = rules.reset(jax.random.key(0))
    check_array("reset(key)[1]", seen, (players, size))
    keys = jax.random.split(jax.random.key(7), BATCH)
    _check_step(rules, state, seen)
    check_transforms("reset and step", lambda key: _two_steps(rules, key), keys)
    check_pure("reset and step", _two_steps, rules, keys[0])
    _check_scripts(rules, seen)
    _check_episodes(rules)


def _check_step(rules: SampledGame, state: Any, seen: Array) -> None:
    """Check the shapes of a step, and that its state has the structure of the state before."""
    after, seen_after, rewards = rules.step(state, jnp.zeros(rules.num_players, jnp.int32), jax.random.key(1))
    check_array("step(...)[1]", seen_after, jnp.shape(seen))
    check_array("step(...)[2]", rewards, (rules.num_players,))
    change = difference(jax.eval_shape(lambda: after), jax.eval_shape(lambda: state))
    assert change is None, (
        f"step(...)[0]{change[0]}: expected {describe(change[1])} as in the state before, got {describe(change[2])}"
    )


def _two_steps(rules: SampledGame, key: Array) -> Any:
    """Observations and rewards of two steps, in which all players take the first action, then the last."""
    first, key, last = jax.random.split(key, 3)
    state, seen = rules.reset(first)
    zeros = jnp.zeros(rules.num_players, jnp.int32)
    state, seen_after, rewards = rules.step(state, zeros, key)
    return seen, seen_after, rewards, rules.step(state, zeros + rules.num_actions - 1, last)[1:]


def _check_scripts(rules: SampledGame, seen: Array) -> None:
    """Check the logits of every script that these rules allow; one that they do not allow raises a MevaError."""
    for name in rules.scripts:
        try:
            script = rules.scripts[name]
        except MevaError:
            continue
        for seat in range(rules.num_players):
            what = f"scripts[{name!r}](observation, {seat})"
            logits = script(seen[seat], seat)
            check_array(what, logits, (rules.num_actions,))
            compiled = jax.jit(lambda seen, script=script, seat=seat: script(seen, seat))(seen[seat])
            check_close(f"{what}: jit differs from calling it", compiled, logits)


def _check_episodes(rules: SampledGame) -> None:
    """Check episodes of random actions: rewards within their range, observations that are listed, and measures."""

    def at_random(observation: Array, seat: int) -> Array:
        return jnp.zeros(rules.num_actions)

    played = episodes(rules, [at_random] * rules.num_players, EPISODES, min(rules.horizon, LONGEST))
    assert np.all(np.isfinite(played.rewards)), "step(...)[2]: expected finite rewards in random play"
    spread = np.ptp(np.asarray(played.rewards), axis=(0, 1))
    given = np.asarray(rules.payoff_range)
    assert np.all(spread <= given * (1 + 1e-5) + 1e-6), (
        f"payoff_range: expected at least the range of rewards in random play, {spread}, got {given}"
    )
    if rules.observations is not None:
        listed = np.asarray(rules.observations)
        assert listed.ndim == 2 and listed.shape[1] == rules.observation_size, (  # noqa: PT018
            f"observations: expected shape (N, {rules.observation_size}), got {listed.shape}"
        )
        named = len({*rules.observation_names})
        assert named in (0, len(listed)), (
            f"observation_names: expected none, or {len(listed)} different ones, got {named}"
        )
        met = np.unique(np.asarray(played.observations).reshape(-1, rules.observation_size), axis=0)
        for row in met:
            assert np.any(np.all(np.isclose(listed, row), axis=1)), (
                f"observations: expected all that a player may have, but {row} is missing"
            )
    _check_frames(rules, jax.tree.map(lambda leaf: np.asarray(leaf[0]), played))
    for name, share in rules.measures(played).items():
        check_array(f"measures(episodes)[{name!r}]", share, ())
        assert -1e-6 <= share <= 1 + 1e-6, f"measures(episodes)[{name!r}]: expected a share from 0 to 1, got {share}"


def _check_frames(rules: SampledGame, episode: Episodes) -> None:
    """Check the pictures of an episode, if there are any."""
    if (found := rules.frames(episode)) is not None:
        wrong = Frames.complaint(found, len(episode.rewards), rules.num_players)
        assert not wrong, wrong
