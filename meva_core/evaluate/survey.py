"""All questions, over seeds and over the settings of the learner's sweep, each one compiled program.

Shapes: S seeds, V settings (rows), N pairs, P players, D numbers per policy, G grid starts along each axis.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import attrs
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from meva_core import match as matching
from meva_core.contracts.protocols import Game, Learner
from meva_core.evaluate.basins import basins, grid, unstable
from meva_core.evaluate.best_response import best_responses
from meva_core.evaluate.cross_play import cross_play
from meva_core.evaluate.matches import matches
from meva_core.evaluate.plan import Plan
from meva_core.evaluate.polytope import OverTraining, over_training, polytope
from meva_core.evaluate.shaping import against
from meva_core.evaluate.stability import equilibrium, rest
from meva_core.evaluate.value_errors import ELSEWHERE, learnt, value_errors
from meva_core.experiment.experiment import EvaluateSettings
from meva_core.match import Fitted, Match
from meva_core.ops import stacked
from meva_core.ops.batching import over_batch

TRAJECTORIES = 24  # drawn per setting, for the figure
LANDSCAPE = 101  # points of the payoffs along each axis, for the figure
FEWER = 32  # pairs for questions that cost more each, or are asked of every pair of fits
FEWEST = 16  # for those that cost most

# What is folded into a seed's key for each question: numbers that no outer loop of its fit reaches.
_MATCHES, _RESPONSES, _SHAPED, _BASINS = range(2**32 - 6, 2**32 - 2)
_ERRORS, _RESTS, _POLYTOPE = range(2**32 - 10, 2**32 - 7)


class Rests(NamedTuple):
    """Where the trajectories' ends come to rest: M points, of which each array begins [1, V, M], of the first seed.

    x f32[..., P, D]; speed f32[...]: the largest number of a step there; jacobian f32[..., P D, P D] of a step;
    own f32[..., P, D]: the game's own equilibrium that is found from there.
    """

    x: Any
    speed: Any
    jacobian: Any
    own: Any


@attrs.frozen
class Survey:
    """What was found; every array begins [S, V].

    payoff_range f32[P]: the game's.
    setting, label and values: of the rows; values is (nan,) where the learner has nothing to sweep.
    payoffs f32[S, V, N, P], policies f32[S, V, N, P, D], settled f32[S, V, N], outcomes name -> f32[S, V, N],
        lengths f32[S, V, N, T] of the steps that are `looked_at`: of matches as composed, all seats played. entries:
        the policies as people read them (`Game.entries`).
    response f32[S, V, N, P, P]: payoffs where the player of the axis before last is replaced by its best
        response to the others. agreement f32[S, V, N, P]: how certain those are (`Response`).
    shaped f32[S, V, N, P] or None: payoffs with the learner in seat 1 and the learner to be shaped elsewhere.
    basins: outcome -> bool[S, V, G, G], trajectories f32[S, V, M, T, P, D], their rests, and the payoffs
        f32[L, L, P] of its landscape over the game's plane, where both players have one number; else {} and None.
    unstable bool[S, V, G, G]: cells of the basins that a nudge moves, where one is asked for.
    polytope: of M matches against the learner to be shaped, every array [S, V, M, T, ...], where it is asked for;
        and feasible f32[F, 2], the payoffs of all pairs of deterministic policies.
    errors: name -> f32[S, V, M] of `value_errors`, in M matches, and regions: name -> f32[S, V, M, 2]; {} where no
        meta-value is learnt.
    cross f32[S, S] or None: payoffs of fit i in seat 1 against fit j elsewhere, at the learner's own setting, where
        several fits play themselves.
    """

    payoff_range: np.ndarray
    setting: str
    label: str
    values: tuple[float, ...]
    payoffs: np.ndarray
    policies: np.ndarray
    entries: np.ndarray
    settled: np.ndarray
    outcomes: dict[str, np.ndarray]
    lengths: np.ndarray
    response: np.ndarray
    agreement: np.ndarray
    shaped: np.ndarray | None
    basins: dict[str, np.ndarray]
    trajectories: np.ndarray | None
    rests: Rests | None
    landscape: np.ndarray | None
    plane: tuple[float, float] | None
    unstable: np.ndarray | None
    polytope: OverTraining | None
    feasible: np.ndarray | None
    errors: dict[str, np.ndarray]
    regions: dict[str, np.ndarray]
    cross: np.ndarray | None


def survey(
    game: Game, match: Match, keys: Array, plan: Plan, *, said: Callable[[str], None] = lambda text: None
) -> Survey:
    """Ask everything that is planned. Every leaf of `match` begins [S] (`ops.stacked`); `said` is told what goes on."""
    if not plan.settings.float64:
        return _survey(game, match, keys, plan, said)
    with jax.enable_x64(True):
        plan = attrs.evolve(plan, rival=_doubled(plan.rival))
        return _survey(_doubled(game), _doubled(match), keys, plan, said)


def matches_and_responses(
    match: Match, keys: Array, settings: EvaluateSettings, said: Callable[[str], None] = lambda text: None
) -> tuple[Any, np.ndarray, np.ndarray]:
    """How matches end (`Ended`), every array [S, ...], payoffs f32[S, N, P, P] with best responses, and how certain
    those are, f32[S, N, P], as `Survey` has them. Every leaf of `match` begins [S]."""
    options, one_setting = (settings, None), jnp.array([jnp.nan])

    def ask(question: Callable, what: str, *extra: Any) -> Any:
        said(what)
        asked = _over_seeds_and_settings(question, options)
        return jax.tree.map(lambda array: np.asarray(array[:, 0]), asked(match, keys, one_setting, *extra))

    ended = ask(_matches, "playing matches")
    return ended, *ask(_responses, "finding best responses", jnp.asarray(ended.x)[:, None])


def _doubled(tree: Any) -> Any:
    """Every number in double precision."""
    return jax.tree.map(
        lambda a: jnp.asarray(a, float) if jnp.issubdtype(jnp.result_type(a), jnp.floating) else a, tree
    )


def _survey(game: Game, match: Match, keys: Array, plan: Plan, said: Callable[[str], None]) -> Survey:
    options = (plan.settings, None if plan.sweep is None else plan.sweep.name)

    def ask(question: Callable, what: str, *extra: Any) -> Any:
        said(what)
        asked = _over_seeds_and_settings(question, options)
        return jax.tree.map(np.asarray, asked(match, keys, jnp.array(plan.values), *extra))

    ended = ask(_matches, "playing matches")
    responses, agreement = ask(_responses, "finding best responses", jnp.asarray(ended.x))
    shaped, over, feasible = None, None, None
    if plan.rival is not None:
        rivals = stacked([plan.rival] * len(keys))
        shaped = ask(_shaped, f"playing against {plan.settings.against}", rivals)
        if plan.settings.polytope:
            over = ask(_polytope, "finding polytopes of payoffs", rivals)
            x = game.init(keys[0])
            feasible = np.asarray(polytope(game, x[0], x[1:]).feasible)
    errors, regions = {}, {}
    if jax.eval_shape(_learnt, jax.tree.map(lambda leaf: leaf[0], match), keys[0]) is not None:
        errors = ask(_errors, "measuring the meta-value's errors")
        told = errors.pop("regions")
        regions = {name: told[name] for name in (*outcome_names(game), ELSEWHERE)}
    cross = None
    if len(keys) > 1 and len(match.players) == 1 and match.players[0].params is not None:
        said("playing fits against each other")
        cross = np.asarray(jax.jit(_cross, static_argnums=2)(match, keys[0], plan.settings)[..., 0].mean(axis=2))
    surveyed, paths, moved, rests, landscape = {}, None, None, None, None
    if game.plane is not None:
        surveyed, paths, moved = ask(_basins, "surveying basins")
        said("finding where they rest")
        first = jax.tree.map(lambda leaf: leaf[:1], (match, keys))
        asked = _over_seeds_and_settings(_rests, options)
        rests = jax.tree.map(np.asarray, asked(*first, jnp.array(plan.values), jnp.asarray(paths[:1, ..., -1, :, :])))
        landscape = np.asarray(jax.jit(jax.vmap(jax.vmap(game.payoff)))(grid(*game.plane, LANDSCAPE)))
    return Survey(
        payoff_range=np.asarray(jax.jit(lambda game: game.payoff_range)(game)),
        setting="" if plan.sweep is None else plan.sweep.name,
        label="" if plan.sweep is None else plan.sweep.label,
        values=plan.values,
        payoffs=ended.payoffs,
        policies=ended.x,
        entries=_entries(game, ended.x),
        settled=ended.settled,
        outcomes={name: ended.outcomes[name] for name in outcome_names(game)},
        lengths=ended.lengths,
        response=responses,
        agreement=agreement,
        shaped=shaped,
        basins=surveyed,
        trajectories=paths,
        rests=rests,
        landscape=landscape,
        plane=game.plane,
        unstable=moved,
        polytope=over,
        feasible=feasible,
        errors=errors,
        regions=regions,
        cross=cross,
    )


def _entries(game: Game, policies: np.ndarray) -> np.ndarray:
    flat = policies.reshape(-1, *policies.shape[-2:])
    return np.asarray(jax.jit(jax.vmap(game.entries))(flat)).reshape(policies.shape)


def outcome_names(game: Game) -> list[str]:
    """The names of a game's outcomes in its own order: what has been through jit comes back sorted."""
    names: list[str] = []

    def look(key: Array) -> Array:
        x = game.init(key)
        names.extend(game.outcomes(x))
        return x

    jax.eval_shape(look, jax.random.key(0))
    return names


@functools.cache
def _over_seeds_and_settings(question: Callable, options: tuple) -> Callable:
    """jit of: over seeds one after the other (their weights differ), over settings at once. Kept, so that a run like
    an earlier one compiles nothing."""
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


def _responses(match: Match, key: Array, settings: EvaluateSettings, x: Array) -> tuple[Array, Array]:
    """Payoffs f32[N, P, P], and how certain each answer is, f32[N, P]."""

    options = {
        "steps": settings.response_steps,
        "restarts": settings.response_restarts,
        "rate": settings.response_rate,
    }

    def one(x: Array, key: Array) -> tuple[Array, Array]:
        found = best_responses(match.game, x, key, **options)
        return found.payoffs, found.agreement

    return over_batch(one, x, jax.random.split(jax.random.fold_in(key, _RESPONSES), x.shape[0]))


def _shaped(match: Match, key: Array, settings: EvaluateSettings, rival: Learner) -> Array:
    """f32[N, P]."""
    player: Fitted = match.players[0]
    shaping = against(match.game, player, rival)
    return matches(shaping, jax.random.fold_in(key, _SHAPED), settings.pairs, settings.steps).payoffs


def _learnt(match: Match, key: Array) -> Any:
    return learnt(match, matching.start(match, key))


def _errors(match: Match, key: Array, settings: EvaluateSettings) -> dict[str, Any]:
    """Every array [M, ...]."""

    def one(key: Array) -> dict[str, Any]:
        start_key, play_key = jax.random.split(key)
        found = value_errors(match, matching.start(match, start_key), play_key)
        assert found is not None
        return found._asdict()

    return over_batch(one, jax.random.split(jax.random.fold_in(key, _ERRORS), min(settings.pairs, FEWEST)))


def _polytope(match: Match, key: Array, settings: EvaluateSettings, rival: Learner) -> OverTraining:
    """Every array [M, T, ...]."""
    shaping = against(match.game, match.players[0], rival)
    key, opponents_key = jax.random.split(jax.random.fold_in(key, _POLYTOPE))
    opponents = jax.vmap(lambda k: match.game.init(k)[1])(jax.random.split(opponents_key, settings.polytope))

    def one(key: Array) -> OverTraining:
        start_key, play_key = jax.random.split(key)
        return over_training(shaping, matching.start(shaping, start_key), play_key, opponents, settings.steps)

    return over_batch(one, jax.random.split(key, min(settings.pairs, FEWER)))


def _cross(match: Match, key: Array, settings: EvaluateSettings) -> Array:
    """f32[S, S, N, P]."""
    game = jax.tree.map(lambda leaf: leaf[0], match.game)
    key = jax.random.fold_in(key, _MATCHES)
    return cross_play(game, match.players[0], key, min(settings.pairs, FEWER), settings.steps)


def _rests(match: Match, key: Array, settings: EvaluateSettings, ends: Array) -> Rests:
    """Of ends f32[M, P, D]."""
    key = jax.random.fold_in(key, _RESTS)

    def one(x: Array) -> Rests:
        found = rest(match, x, key)
        return Rests(*found, equilibrium(match.game, found.x))

    return jax.vmap(one)(ends)


def _basins(match: Match, key: Array, settings: EvaluateSettings) -> tuple[dict[str, Array], Array, Array | None]:
    assert match.game.plane is not None
    starts = grid(*match.game.plane, settings.grid)
    key, start_key = jax.random.split(jax.random.fold_in(key, _BASINS))
    found = basins(match, starts, key, settings.grid_steps)
    some = jax.vmap(lambda k: matching.start(match, k))(jax.random.split(start_key, TRAJECTORIES))
    paths = jax.vmap(lambda x: matching.trajectory(match, x, key, settings.grid_steps))(some)
    moved = unstable(match, starts, found, key, settings.grid_steps, settings.nudge) if settings.nudge else None
    return found, paths, moved
