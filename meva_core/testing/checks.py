"""The conformance kit: checks that every game, learner, value model, explorer, policy, logger and executor
must pass.

For a plugin's own tests::

    import meva_core as meva
    from meva_core.testing import check_game

    def test_my_game():
        check_game(meva.make("game", "my_game"))

Each check raises AssertionError with the expected and the actual value. The checks cover the contract of a component:
shapes and types, finite numbers, jit = eager, vmap = loop, no second compilation when numbers change.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Callable
from typing import Any, cast

import attrs
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from meva_core import fitting
from meva_core import match as matching
from meva_core.contracts import kinds
from meva_core.contracts.hooks import Entry
from meva_core.contracts.hyperparameters import pace
from meva_core.contracts.playing import EpisodeLearner, Playable, Policy, SampledGame
from meva_core.contracts.protocols import Explorer, Game, Learner, ValueModel
from meva_core.contracts.states import first_state
from meva_core.errors import BadValue, MevaError
from meva_core.match import Fitted
from meva_core.registry import bibtex
from meva_core.testing.executors import check_executor as check_executor
from meva_core.testing.loggers import check_logger as check_logger
from meva_core.testing.sampled_games import check_sampled_game
from meva_core.testing.transforms import (
    BATCH,
    check_array,
    check_close,
    check_pure,
    check_pytree,
    check_transforms,
    counting,
)

OBSERVED = 5  # numbers per observation of the policies that are checked


def check_entry(entry: Entry) -> None:
    """Check that the summary is one line and that every BibTeX entry has an author, a title and a year."""
    assert len(entry.summary.splitlines()) == 1, f"summary: expected one line, got {entry.summary!r}"
    papers = bibtex.of_entry(entry)
    if entry.bibtex:
        assert papers, f"bibtex: expected @type{{key, ...}}, got {entry.bibtex!r}"
    for key, paper in papers.items():
        opened, closed = paper.count("{"), paper.count("}")
        assert opened == closed, f"bibtex: expected as many }} as {{ in {key}, got {closed} and {opened}"
        for field in ("author", "title", "year"):
            assert re.search(rf"\b{field}\s*=", paper, re.IGNORECASE), (
                f"bibtex: expected {field} = ... in {key}, got none"
            )


def check_game(game: Game | SampledGame) -> None:
    """Check shapes, finite and differentiable payoffs, declared symmetry, and the methods that evaluations use.

    A sampled game is checked by `check_sampled_game`, and so are the rules of an exact game that can be played.
    """
    if kinds.form("game", type(game)) == "sampled_game":
        check_sampled_game(cast(SampledGame, game))
        return
    game = cast(Game, game)
    check_pytree(game)
    x = game.init(jax.random.key(0))
    players, size = game.num_players, game.policy_size
    check_array("init(key)", x, (players, size))
    check_array("payoff(x)", game.payoff(x), (players,))
    assert not np.array_equal(x, game.init(jax.random.key(1))), (
        "init(key): expected different policies for a different key"
    )
    check_array("payoff_range", game.payoff_range, (players,))
    assert np.all(np.asarray(game.payoff_range) >= 0), f"payoff_range: expected >= 0, got {game.payoff_range}"
    check_transforms("payoff", game.payoff, _batch(game))
    check_array("the gradient of payoff", jax.jit(jax.jacobian(game.payoff))(x), (players, players, size))
    check_pure("payoff", lambda game, x: game.payoff(x), game, x)
    for permutation in itertools.permutations(range(players)):
        order = np.array(permutation)
        if game.symmetric:
            message = f"symmetric: expected payoff(x[p]) == payoff(x)[p] for p = {permutation}"
            check_close(message, game.payoff(x[order]), game.payoff(x)[order])
    entries, names = game.entries(x), game.entry_names
    count = size if jnp.shape(entries) == x.shape else len(names)
    assert len(names) == count, f"entry_names: expected {count} names, got {names}"
    check_array("entries(x)", entries, (players, count))
    if (back := game.from_entries(entries)) is not None:
        check_array("from_entries(entries)", back, x.shape)
        check_close("from_entries: expected policies with those entries", game.entries(back), entries)
    for name, strategy in game.strategies.items():
        _check_strategy(name, strategy, players, size)
    for name, share in game.outcomes(x).items():
        check_array(f"outcomes(x)[{name!r}]", share, ())
        assert 0 <= share <= 1 + 1e-4, f"outcomes(x)[{name!r}]: expected a share between 0 and 1, got {share}"
    for seat in range(players):
        answers = game.best_response(x, seat)
        if answers is not None:
            check_array(f"best_response(x, {seat})", answers, (answers.shape[0], size))
            _check_is_best(game, x, seat, answers)
    if game.plane is not None:
        low, high = game.plane
        assert (players, size) == (2, 1), "plane: expected two players with one number each"
        assert low < high, f"plane: expected (low, high), got {game.plane}"
    if isinstance(game, Playable):
        check_sampled_game(game.rules())


def check_learner(learner: Learner, game: Game | None = None) -> None:
    """Check a learner's steps, starting policies and compilation, with five steps of a match in self-play.

    The parameters come from one step of training, if the learner trains. game: the game to play, by default the
    learner's own. Raises BadValue if there is neither.
    """
    game = getattr(learner, "game", None) if game is None else game
    if game is None:
        raise BadValue('expected a game: check_learner(learner, meva.make("game", NAME)), got none')
    kinds.check("learner", learner)
    kinds.check("game", game)
    check_pytree(learner)
    params = None if learner.training is None else _fresh_params(learner)
    x = game.init(jax.random.key(0))
    steps = _steps(learner, game, params, x)
    check_array("update(...)[0]", steps, (game.num_players, game.policy_size))
    start = learner.start(params, x, jax.random.key(2))
    check_array("start(...)", start, (game.num_players, game.policy_size))
    if (held := learner.held()) is not None:
        np.testing.assert_array_equal(held, start, err_msg="held(): expected the policies at the start of a match")
        np.testing.assert_array_equal(steps, 0, err_msg="held(): expected steps of 0 where it is not None")

    check_transforms("update", lambda x: _steps(learner, game, params, x), _batch(game))

    five, traced = counting(
        lambda fitted, x: matching.play(matching.self_play(game, fitted), x, jax.random.key(3), 5).x
    )
    check_array("five steps", five(Fitted(learner=learner, params=params), x), x.shape)
    swept = [] if learner.sweep is None else [learner.sweep.name]
    paced = [] if (own := pace(type(learner))) is None else [own.name]
    for name in {*swept, *paced}:
        assert hasattr(learner, name), f"expected a hyper-parameter {name!r}"
        other = attrs.evolve(learner, **{name: 0.5 * getattr(learner, name)})  # type: ignore[type-var]
        five(Fitted(learner=other, params=params), x)
        count = len(traced)
        assert count == 1, f"{name}: expected one compilation for all its values, got {count}: make it a leaf"


def _steps(learner: Learner, game: Any, params: Any, x: Array) -> Array:
    """The learner's first steps f32[P, D] from x f32[P, D], by `learn` if it learns from episodes."""
    state, key = first_state(learner, params, x, jax.random.key(0)), jax.random.key(1)
    if isinstance(learner, EpisodeLearner):
        return learner.learn(params, state, x, game.play(x, jax.random.key(4)), key)[0]
    return learner.update(params, state, x, key)[0]


def check_value_model(build: Callable[[int, int, bool], ValueModel], game: Game) -> None:
    """Check the shapes and gradients of the value model that `build(outputs, conditions, equivariant)` returns.

    Features of player i must depend on its own policy through `own` only, and on the others' through `others` only.
    On a symmetric game, also check that an equivariant model is equivariant.
    """
    players = game.num_players
    model = build(4, 1, False)
    check_pytree(model)
    params = model.init(jax.random.key(0))
    x, condition = game.init(jax.random.key(1)), jnp.linspace(0.1, 0.9, players)[:, None]
    features = model.features(params, x, x, condition)
    check_array("features(...)", features, (players, model.num_features))
    check_array("head(...)", model.head(params, features), (players, 4))

    def value(model: ValueModel, own: Array, others: Array) -> Array:
        return jnp.mean(model.head(params, model.features(params, own, others, condition)), axis=-1)

    check_transforms("features and head", lambda x: value(model, x, x), _batch(game))
    check_pure("features and head", lambda model, x: value(model, x, x), model, x)
    # Row i reads player i from `own` and the rest from `others`, so one backward pass gives each player's gradient.
    own = jax.grad(lambda own: jnp.sum(value(model, own, x)))(x)
    full = jax.jacobian(lambda x: value(model, x, x))(x)
    for i in range(players):
        message = f"features: row {i} must read player {i} from `x` and the rest from `others`"
        check_close(message, own[i], full[i, i])
    # Not x + 1: policies that are softmaxes of their numbers stay the same then.
    elsewhere = model.features(params, x, x + jax.random.normal(jax.random.key(2), x.shape, x.dtype), condition)
    assert not np.allclose(features, elsewhere), "features: expected different numbers for different `others`"
    if game.symmetric:
        shared = build(4, 1, True)
        params = shared.init(jax.random.key(0))
        for permutation in itertools.permutations(range(players)):
            order = np.array(permutation)
            permuted = shared.features(params, x[order], x[order], condition[order])
            message = "equivariant: expected features(x[p]) == features(x)[p]"
            check_close(message, permuted, shared.features(params, x, x, condition)[order])


def check_explorer(explorer: Explorer, *, num_features: int = 16, size: int = 3) -> None:
    """Check that noise depends only on its key and that perturbations keep shapes."""
    check_pytree(explorer)
    params = {"layer": jnp.ones((num_features, 2))}
    features, step = jnp.ones((2, num_features)), jnp.ones((2, size))

    def explore(explorer: Explorer, key: Array) -> Any:
        noise = explorer.draw(key, params, num_features)
        perturbed = explorer.perturb_params(noise, params)
        return perturbed, explorer.perturb_features(noise, features), explorer.perturb_step(noise, step, key)

    perturbed, new_features, new_step = explore(explorer, jax.random.key(0))
    assert jax.tree.structure(perturbed) == jax.tree.structure(params), "perturb_params: expected the same tree"
    check_array("perturb_features", new_features, features.shape)
    check_array("perturb_step", new_step, step.shape)
    again = explore(explorer, jax.random.key(0))
    jax.tree.map(np.testing.assert_array_equal, (perturbed, new_features, new_step), again)
    check_transforms("draw and perturb", lambda key: explore(explorer, key), jax.random.split(jax.random.key(1), BATCH))
    check_pure("draw and perturb", explore, explorer, jax.random.key(0))


def check_policy(build: Callable[[int, int, bool], Policy]) -> None:
    """Check sizes, logits, gradients and memory of the policy that `build(observation_size, num_actions, one_hot)`
    returns, with two actions and with three.

    The logits must be finite and depend on the numbers; a memory must change, and what it holds must matter.
    """
    for num_actions in (2, 3):
        _check_policy(build(OBSERVED, num_actions, True), num_actions)


def _check_policy(policy: Policy, num_actions: int) -> None:
    kinds.check("policy", policy)
    check_pytree(policy)
    size, memory_size = policy.policy_size, policy.memory_size
    batch = jax.jit(jax.vmap(policy.init))(jax.random.split(jax.random.key(0), BATCH))
    x = np.asarray(batch)[0]
    check_array("init(key)", x, (size,))
    assert not np.array_equal(x, np.asarray(batch)[1]), "init(key): expected different numbers for a different key"
    memory = policy.begin(x)
    check_array("begin(x)", memory, (memory_size,))
    seen = jnp.asarray(np.eye(OBSERVED, dtype=np.float32))
    logits, after = jax.jit(policy.act)(x, memory, seen[0])
    check_array("the logits of act(x, memory, observation)", logits, (num_actions,))
    check_array("the memory of act(x, memory, observation)", after, (memory_size,))
    episode = functools.partial(_episode, seen=seen)
    slopes = jax.jit(jax.jacobian(lambda x: jax.nn.log_softmax(episode(policy, x))))(x)
    check_array("the gradient of act", slopes, (OBSERVED, num_actions, size))
    assert np.any(slopes), "act: expected logits that depend on the numbers, got a gradient of 0"
    if memory_size:
        assert not np.array_equal(after, memory), "act: expected another memory after an observation"
        last = jax.jit(lambda seen: _episode(policy, x, seen)[-1])
        swapped = seen[np.array([1, 0, *range(2, OBSERVED)])]
        assert not np.array_equal(last(seen), last(swapped)), "act: expected logits that need the memory"
    check_transforms("act", lambda x: episode(policy, x), batch)
    check_pure("act", episode, policy, x)


def _episode(policy: Policy, x: Array, seen: Array) -> Array:
    """The logits f32[T, A] of a policy that sees the observations f32[T, O] one after the other."""

    def step(memory: Array, observation: Array) -> tuple[Array, Array]:
        logits, memory = policy.act(x, memory, observation)
        return memory, logits

    return jax.lax.scan(step, policy.begin(x), seen)[1]


def _batch(game: Game) -> Array:
    return jax.vmap(game.init)(jax.random.split(jax.random.key(7), BATCH))


def _fresh_params(learner: Learner) -> Any:
    """Parameters after one step of training, which suffices because the contract holds for any parameters."""
    training = learner.training
    assert training is not None
    state = fitting.start([training], [0])
    after, metrics = jax.jit(lambda t, s, k: t.step(s, k))(
        training, jax.tree.map(lambda leaf: leaf[0], state), jax.random.key(0)
    )
    for name, value in metrics.items():
        check_array(f"training.step: metric {name!r}", value, ())
    return training.params(after)


def _check_strategy(name: str, strategy: Any, players: int, size: int) -> None:
    """Check that a strategy is f32[D], f32[P, D], or a function of one number that returns either or raises a
    MevaError."""
    what = f"strategies[{name!r}]"
    if callable(strategy):
        try:
            strategy = strategy(2.0)
        except MevaError:
            return
        what += "(2.0)"
    check_array(what, strategy, (players, size) if jnp.ndim(strategy) == 2 else (size,))


def _check_is_best(game: Game, x: Array, seat: int, answers: Array) -> None:
    """Check that no random policy is better than the best response of the game."""
    payoff = jax.jit(jax.vmap(lambda answer: game.payoff(x.at[seat].set(answer))[seat]))
    others = jax.vmap(lambda key: game.init(key)[seat])(jax.random.split(jax.random.key(5), 64))
    payoffs = payoff(jnp.concatenate([answers, others]))
    best, better = jnp.max(payoffs[: len(answers)]), jnp.max(payoffs[len(answers) :])
    near = 1e-3 * game.payoff_range[seat]
    assert best >= better - near, f"best_response(x, {seat}): expected the best answer, but {better} > {best} was found"
