"""Steps of games that are played, with random actions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from timing import Row, in_turns

import meva_core as meva

EPISODES, STEPS = 4096, 100
COIN_GAMES = ((1, 4), (2, 4), (2, 5))  # coins and actions


def random_play(reset: Callable[[Any], Any], step: Callable[[Any, Any, Any], Any], actions: int) -> Callable[[], Any]:
    """Plays `EPISODES` episodes at once. reset(key) returns a state, step(state, actions, key) a state, observations
    and rewards; every number that is seen is added up, so that none is left out of the program."""

    @jax.jit
    def play(key: Any) -> Any:
        def body(carry: Any, key: Any) -> Any:
            states, total = carry
            act_key, key = jax.random.split(key)
            taken = jax.random.randint(act_key, (EPISODES, 2), 0, actions)
            states, *seen = jax.vmap(step)(states, taken, jax.random.split(key, EPISODES))
            return (states, total + sum(jnp.sum(leaf, dtype=float) for leaf in jax.tree.leaves(seen))), None

        first, key = jax.random.split(key)
        states = jax.vmap(reset)(jax.random.split(first, EPISODES))
        return jax.lax.scan(body, (states, jnp.zeros(())), jax.random.split(key, STEPS))[0][1]

    return lambda: play(jax.random.key(0))


def coin_game() -> list[Row]:
    """The Coin Game by the variants of its rules, and two coins with five actions against JaxMARL, if installed."""
    games = [meva.make("game", "coin_game", coins=coins, actions=actions) for coins, actions in COIN_GAMES]
    works = [random_play(lambda key, g=game: g.reset(key)[0], game.step, game.num_actions) for game in games]
    others = _jaxmarl()
    seconds = in_turns(*works, *others.values())
    speeds = [EPISODES * STEPS / each for each in seconds]
    rows = [
        Row("coin game", f"{coins} coins, {actions} actions", speed, "steps/s", "ours")
        for (coins, actions), speed in zip(COIN_GAMES, speeds[: len(works)], strict=True)
    ]
    for name, speed in zip(others, speeds[len(works) :], strict=True):
        rows.append(Row("coin game", name, speed, "steps/s", "2 coins, 5 actions"))
        rows.append(Row("coin game", "ours against it", speeds[len(works) - 1] / speed, "x"))
    return rows


def _jaxmarl() -> dict[str, Callable[[], Any]]:
    """JaxMARL's Coin Game, with its reset at the end of an episode and without; {} if it is not installed."""
    try:
        from jaxmarl.environments.coin_game.coin_game import CoinGame  # type: ignore[import-not-found]
    except ImportError:
        return {}
    game = CoinGame(num_inner_steps=STEPS, num_outer_steps=2)

    def step(method: Any) -> Callable[[Any, Any, Any], Any]:
        def one(state: Any, actions: Any, key: Any) -> Any:
            seen, state, rewards, *_ = method(key, state, dict(zip(game.agents, actions, strict=True)))
            return state, seen, rewards

        return one

    def reset(key: Any) -> Any:
        return game.reset(key)[1]

    return {
        "JaxMARL, step": random_play(reset, step(game.step), 5),
        "JaxMARL, step_env": random_play(reset, step(game.step_env), 5),
    }
