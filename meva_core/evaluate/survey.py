"""All questions, over seeds and over the settings of the learner's sweep, each one compiled program.

Shapes: S seeds, V settings (rows), N pairs, P players, D numbers per policy, G grid starts along each axis.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from meva_core import match as matching
from meva_core.evaluate.basins import basins, grid
from meva_core.evaluate.best_response import best_responses
from meva_core.evaluate.matches import matches
from meva_core.evaluate.plan import Plan
from meva_core.evaluate.shaping import against
from meva_core.experiment import EvaluateSettings
from meva_core.match import Fitted, Match
from meva_core.ops import stacked
from meva_core.protocols import Game, Learner

TRAJECTORIES = 24  # drawn per setting, for the figure
LANDSCAPE = 101  # points of the payoffs along each axis, for the figure

# What is folded into a seed's key for each question: numbers that no outer loop of its fit reaches.
_MATCHES, _RESPONSES, _SHAPED, _BASINS = range(2**32 - 6, 2**32 - 2)


@attrs.frozen
class Survey:
    """What was found; every array begins [S, V].

    setting, label and values: of the rows; values is (nan,) where the learner has nothing to sweep.
    payoffs f32[S, V, N, P], policies f32[S, V, N, P, D], settled f32[S, V, N], outcomes name -> f32[S, V, N]:
        of matches as composed, all seats played. entries: the policies as people read them (`Game.entries`).
    response f32[S, V, N, P, P]: payoffs where the player of the axis before last is replaced by its best
        response to the others.
    shaped f32[S, V, N, P] or None: payoffs with the learner in seat 1 and the learner to be shaped elsewhere.
    basins: outcome -> bool[S, V, G, G], trajectories f32[S, V, M, T, P, D] and the payoffs f32[L, L, P] of its
        landscape over the game's plane, where both players have one number; else {}, None, None and None.
    """

    setting: str
    label: str
    values: tuple[float, ...]
    payoffs: np.ndarray
    policies: np.ndarray
    entries: np.ndarray
    settled: np.ndarray
    outcomes: dict[str, np.ndarray]
    response: np.ndarray
    shaped: np.ndarray | None
    basins: dict[str, np.ndarray]
    trajectories: np.ndarray | None
    landscape: np.ndarray | None
    plane: tuple[float, float] | None


def survey(
    game: Game, match: Match, keys: Array, plan: Plan, *, said: Callable[[str], None] = lambda text: None
) -> Survey:
    """Ask everything that is planned. Every leaf of `match` begins [S] (`ops.stacked`); `said` is told what goes on."""
    options = (plan.settings, None if plan.sweep is None else plan.sweep.name)

    def ask(question: Callable, what: str, *extra: Any) -> Any:
        said(what)
        asked = _over_seeds_and_settings(question, options)
        return jax.tree.map(np.asarray, asked(match, keys, jnp.array(plan.values), *extra))

    ended = ask(_matches, "playing matches")
    responses = ask(_responses, "finding best responses", jnp.asarray(ended.x))
    shaped = None
    if plan.rival is not None:
        shaped = ask(_shaped, f"playing against {plan.settings.against}", stacked([plan.rival] * len(keys)))
    surveyed, paths, landscape = {}, None, None
    if game.plane is not None:
        surveyed, paths = ask(_basins, "surveying basins")
        landscape = np.asarray(jax.jit(jax.vmap(jax.vmap(game.payoff)))(grid(*game.plane, LANDSCAPE)))
    return Survey(
        setting="" if plan.sweep is None else plan.sweep.name,
        label="" if plan.sweep is None else plan.sweep.label,
        values=plan.values,
        payoffs=ended.payoffs,
        policies=ended.x,
        entries=_entries(game, ended.x),
        settled=ended.settled,
        outcomes={name: ended.outcomes[name] for name in _outcome_names(game)},
        response=responses,
        shaped=shaped,
        basins=surveyed,
        trajectories=paths,
        landscape=landscape,
        plane=game.plane,
    )


def _entries(game: Game, policies: np.ndarray) -> np.ndarray:
    flat = policies.reshape(-1, *policies.shape[-2:])
    return np.asarray(jax.jit(jax.vmap(game.entries))(flat)).reshape(policies.shape)


def _outcome_names(game: Game) -> list[str]:
    """In the game's own order: what has been through jit comes back sorted."""
    names: list[str] = []

    def look(key: Array) -> Array:
        x = game.init(key)
        names.extend(game.outcomes(x))
        return x

    jax.eval_shape(look, jax.random.key(0))
    return names


def _over_seeds_and_settings(question: Callable, options: tuple) -> Callable:
    """jit of: over seeds one after the other (their weights differ), over settings at once."""
    settings, name = options

    def one(args: tuple) -> Any:
        match, key, values, *extra = args

        def at(value: Array, *per_value: Any) -> Any:
            shown = match if name is None else matching.with_setting(match, 0, name, value)
            return question(shown, key, settings, *per_value)

        # Of the extra arguments only arrays go with the settings; components go with the seed.
        axes = tuple(0 if isinstance(e, jax.Array) else None for e in extra)
        return jax.vmap(at, in_axes=(0, *axes))(values, *extra)

    def over_seeds(match: Match, keys: Array, values: Array, *extra: Any) -> Any:
        repeated = jnp.broadcast_to(values, (keys.shape[0], *values.shape))
        return jax.lax.map(one, (match, keys, repeated, *extra))

    return jax.jit(over_seeds)


def _matches(match: Match, key: Array, settings: EvaluateSettings) -> Any:
    return matches(match, jax.random.fold_in(key, _MATCHES), settings.pairs, settings.steps)


def _responses(match: Match, key: Array, settings: EvaluateSettings, x: Array) -> Array:
    """f32[N, P, P]."""

    options = {
        "steps": settings.response_steps,
        "restarts": settings.response_restarts,
        "rate": settings.response_rate,
    }

    def one(x: Array, key: Array) -> Array:
        return best_responses(match.game, x, key, **options)

    return jax.vmap(one)(x, jax.random.split(jax.random.fold_in(key, _RESPONSES), x.shape[0]))


def _shaped(match: Match, key: Array, settings: EvaluateSettings, rival: Learner) -> Array:
    """f32[N, P]."""
    player: Fitted = match.players[0]
    shaping = against(match.game, player, rival)
    return matches(shaping, jax.random.fold_in(key, _SHAPED), settings.pairs, settings.steps).payoffs


def _basins(match: Match, key: Array, settings: EvaluateSettings) -> tuple[dict[str, Array], Array]:
    assert match.game.plane is not None
    starts = grid(*match.game.plane, settings.grid)
    key, start_key = jax.random.split(jax.random.fold_in(key, _BASINS))
    found = basins(match, starts, key, settings.grid_steps)
    some = jax.vmap(lambda k: matching.start(match, k))(jax.random.split(start_key, TRAJECTORIES))
    paths = jax.vmap(lambda x: matching.trajectory(match, x, key, settings.grid_steps))(some)
    return found, paths
