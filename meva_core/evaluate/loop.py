"""Play the matches of a run and compute every evaluation of them, over seeds and over the rows of the learner's sweep.

The matches are one compiled program, and so is each evaluation.

Shapes: S seeds, V rows, N pairs, P players, D numbers per policy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import attrs
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from meva_core import match as matching
from meva_core.contracts import streams
from meva_core.contracts.evaluation import Answer, Asking, Evaluation
from meva_core.contracts.protocols import Game
from meva_core.errors import MevaError, in_short, out_of_memory
from meva_core.evaluate.matches import matches
from meva_core.evaluate.plan import Plan, Question
from meva_core.match import Match
from meva_core.ops import programs, stacked
from meva_core.registry.entries import Offer
from meva_core.registry.shape_checks import Asked

ASK_ONCE = "ask_once(game, match, keys, asking)"


@attrs.frozen(kw_only=True)
class Seen:
    """Ends of the matches of a run, and the answers of its evaluations.

    game; seats: for each seat an index into the match's players. seeds: the S seeds of the fits.
    setting, label, symbol: the learner's `Sweep`. values: its value in each row, (nan,) if the learner has nothing to
        sweep; own_value: the learner's own value. pairs, steps: the settings of [evaluate].
    payoff_range f32[P]: the game's.
    payoffs f32[S, V, N, P], policies f32[S, V, N, P, D], settled f32[S, V, N], outcomes name -> f32[S, V, N],
        lengths f32[S, V, N, T] (of the steps in `looked_at`): the ends of the matches, as `evaluate.Ended` has them.
    entries f32[S, V, N, P, E]: the policies as people read them (`Game.entries`), with the names `entry_names`.
    answers: name of an evaluation -> its answer. faults: name of a third party's evaluation that has no answer -> the
        error that it raised.
    """

    game: Game
    seats: tuple[int, ...]
    seeds: tuple[int, ...]
    setting: str
    label: str
    symbol: str
    values: tuple[float, ...]
    own_value: float | None
    pairs: int
    steps: int
    payoff_range: np.ndarray
    payoffs: np.ndarray
    policies: np.ndarray
    entries: np.ndarray
    settled: np.ndarray
    outcomes: dict[str, np.ndarray]
    lengths: np.ndarray
    answers: Mapping[str, Answer] = attrs.field(factory=dict)
    faults: Mapping[str, MevaError] = attrs.field(factory=dict)

    @property
    def symmetric(self) -> bool:
        """True if the game looks the same from every seat."""
        return bool(self.game.symmetric)

    @property
    def entry_names(self) -> tuple[str, ...]:
        """Names of a policy's numbers, as people read them."""
        return self.game.entry_names

    @property
    def own(self) -> list[int]:
        """The seats of the first player."""
        return [seat for seat, player in enumerate(self.seats) if player == 0]


def ask(
    game: Game,
    match: Match,
    keys: Array,
    plan: Plan,
    seeds: tuple[int, ...],
    *,
    status: Callable[[str], None] = lambda text: None,
    matches: Callable[[Seen], None] = lambda seen: None,
    ended: Any = None,
) -> Seen:
    """Play the matches and compute every evaluation of the plan. Every leaf of `match` begins [S] (`ops.stacked`).

    ended: the ends of the matches (`Ended`, every leaf [S, V, N, ...]), if they have been played already. status:
    called with a text when a step of the work begins. matches: called with the ends of the matches before any
    evaluation is computed.
    """
    with jax.enable_x64(plan.settings.float64):
        if plan.settings.float64:
            game, match = _doubled(game), _doubled(match)
        return _ask(game, match, keys, plan, seeds, status, matches, ended)


def _ask(
    game: Game,
    match: Match,
    keys: Array,
    plan: Plan,
    seeds: tuple[int, ...],
    status: Callable[[str], None],
    tell: Callable[[Seen], None],
    ended: Any,
) -> Seen:
    settings, name = plan.settings, None if plan.sweep is None else plan.sweep.name
    values = jnp.array(plan.values)
    counts: Any = {"pairs": settings.pairs, "steps": settings.steps}
    if ended is None:
        status("playing matches")
        ended = played(match, keys, values, setting=name, **counts)
    seen = Seen(
        game=game,
        seats=match.seats,
        seeds=seeds,
        setting=name or "",
        label="" if plan.sweep is None else plan.sweep.label,
        symbol="" if plan.sweep is None else plan.sweep.symbol,
        values=plan.values,
        own_value=plan.own_value,
        **counts,
        payoff_range=np.asarray(_payoff_range(game)),
        payoffs=np.asarray(ended.payoffs),
        policies=np.asarray(ended.x),
        entries=_entries(game, ended.x),
        settled=np.asarray(ended.settled),
        outcomes={name: np.asarray(ended.outcomes[name]) for name in outcome_names(game)},
        lengths=np.asarray(ended.lengths),
    )
    tell(seen)
    answers: dict[str, Answer] = {}
    faults: dict[str, MevaError] = {}
    for question in plan.questions:
        if not all(below in answers for below in question.evaluation.builds_on):
            continue
        try:
            if any(asks(question.evaluation)):
                status(question.evaluation.says or f"running evaluation {question.name}")
            answer = _answer(question, game, match, keys, values, name, plan, ended, answers)
        except Exception as error:  # a stranger's evaluation costs its own answer, and nothing else
            if question.third_party is None or out_of_memory(error):
                raise
            faults[question.name] = blamed(question.third_party, error)
            continue
        if answer is not None:
            answers[question.name] = answer
    return attrs.evolve(seen, answers=answers, faults=faults)


def blamed(offer: Offer, error: Exception) -> MevaError:
    """The error for an evaluation that raises `error` while it computes its answer."""
    if isinstance(error, MevaError):
        return error
    fault = offer.fault(f"raises {in_short(error)}", raised=True)
    fault.__cause__ = error
    return fault


def asks(evaluation: Evaluation) -> tuple[bool, bool]:
    """True if the evaluation overrides `ask`, and True if it overrides `ask_once`."""
    own = type(evaluation)
    return own.ask is not Evaluation.ask, own.ask_once is not Evaluation.ask_once


def _answer(
    question: Question,
    game: Game,
    match: Match,
    keys: Array,
    values: Array,
    setting: str | None,
    plan: Plan,
    ended: Any,
    answers: Mapping[str, Answer],
) -> Answer | None:
    """The answer to a question. None if the evaluation has an `ask` or `ask_once` that returns nothing."""
    evaluation, planned = question.evaluation, question.planned
    if plan.settings.float64:
        planned = _doubled(planned)
    each = once = None
    counts = {"pairs": plan.settings.pairs, "steps": plan.settings.steps}
    every, once_for_all = asks(evaluation)
    if every:
        inputs = tuple(map(jnp.asarray, evaluation.inputs(ended, answers)))
        asked = match, keys, inputs
        if evaluation.first_seed:
            asked = jax.tree.map(lambda leaf: leaf[:1], asked)
        match_of_seeds, keys_of_seeds, inputs = asked
        rivals = None if planned is None else stacked([planned] * len(keys_of_seeds))
        stream = streams.of(question.name, evaluation.stream)
        of_seeds = match_of_seeds, keys_of_seeds, values, rivals, inputs
        found = programs.call(_asked, evaluation, *of_seeds, setting=setting, stream=stream, **counts)
        each = jax.tree.map(np.asarray, found)
    if once_for_all:
        found = evaluation.ask_once(game, match, keys, Asking(planned=planned, ended=ended, **counts))
        if question.third_party is not None:
            Asked(question.third_party, evaluation).tree(ASK_ONCE, found)
        once = jax.tree.map(np.asarray, found)
    if (every or once_for_all) and each is None and once is None:
        return None
    return Answer(each=each, once=once)


def played(match: Match, keys: Array, values: Array, *, setting: str | None, pairs: int, steps: int) -> Any:
    """`evaluate.Ended` of every seed and row."""
    return programs.call(_played, match, keys, values, setting=setting, pairs=pairs, steps=steps)


@partial(jax.jit, static_argnames=("setting", "pairs", "steps"))
def _played(match: Match, keys: Array, values: Array, *, setting: str | None, pairs: int, steps: int) -> Any:
    def question(match: Match, key: Array) -> Any:
        return matches(match, jax.random.fold_in(key, streams.MATCHES), pairs, steps)

    return over_seeds_and_rows(question, setting, match, keys, values, None, ())


@partial(jax.jit, static_argnames=("setting", "stream", "pairs", "steps"))
def _asked(
    evaluation: Evaluation,
    match: Match,
    keys: Array,
    values: Array,
    planned: Any,
    inputs: tuple[Array, ...],
    *,
    setting: str | None,
    stream: int,
    pairs: int,
    steps: int,
) -> Any:
    def question(match: Match, key: Array, planned: Any, *inputs: Array) -> Any:
        asking = Asking(planned=planned, pairs=pairs, steps=steps)
        return evaluation.ask(match, jax.random.fold_in(key, stream), asking, *inputs)

    return over_seeds_and_rows(question, setting, match, keys, values, (planned,), inputs)


def over_seeds_and_rows(
    question: Callable, setting: str | None, match: Match, keys: Array, values: Array, planned: Any, inputs: tuple
) -> Any:
    """Results of `question` for all seeds and rows: a loop over seeds, since their weights differ; rows in parallel."""

    def one(args: tuple) -> Any:
        match, key, values, planned, inputs = args

        def at(value: Array, *inputs: Array) -> Any:
            shown = match if setting is None else matching.with_setting(match, 0, setting, value)
            return question(shown, key, *(planned or ()), *inputs)

        if len(values) == 1:  # the same numbers, and a sixth less to compile
            return jax.tree.map(lambda leaf: jnp.asarray(leaf)[None], at(values[0], *(rows[0] for rows in inputs)))
        return jax.vmap(at)(values, *inputs)

    repeated = jnp.broadcast_to(values, (keys.shape[0], *values.shape))
    return jax.lax.map(one, (match, keys, repeated, planned, inputs))


def _doubled(tree: Any) -> Any:
    """The same tree with floating-point numbers in double precision."""
    return jax.tree.map(
        lambda a: jnp.asarray(a, float) if jnp.issubdtype(jnp.result_type(a), jnp.floating) else a, tree
    )


# The two functions below are compiled once for all games that differ in traced numbers only.


@jax.jit
def _payoff_range(game: Game) -> Array:
    return game.payoff_range


@jax.jit
def _entries_of_each(game: Game, policies: Array) -> Array:
    return jax.vmap(game.entries)(policies)


def _entries(game: Game, policies: Array) -> np.ndarray:
    flat = policies.reshape(-1, *policies.shape[-2:])
    return np.asarray(_entries_of_each(game, flat)).reshape(*policies.shape[:-1], -1)


def outcome_names(game: Game) -> list[str]:
    """Names of a game's outcomes in its own order. A dictionary that jit returns has them sorted."""
    names: list[str] = []

    def look(key: Array) -> Array:
        x = game.init(key)
        names.extend(game.outcomes(x))
        return x

    jax.eval_shape(look, jax.random.key(0))
    return names
