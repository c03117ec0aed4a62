"""Fits and surveys of plain objects, without an experiment: `fit` a learner, `survey` the players of a game.

Shapes: S seeds, N pairs, P players, D numbers per policy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import attrs
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from meva_core import evaluate, fitting
from meva_core.compute import compilation_cache, devices
from meva_core.compute.progress import Progress, as_progress
from meva_core.contracts import conversion, kinds
from meva_core.contracts.components import static
from meva_core.contracts.hyperparameters import copies
from meva_core.contracts.protocols import Learner
from meva_core.contracts.validators import between, positive
from meva_core.errors import BadCombination, BadValue, Diverged
from meva_core.experiment import local
from meva_core.experiment.experiment import EvaluateSettings, FitSettings
from meva_core.match import Fitted, Match
from meva_core.ops import mean_and_sem, programs, stacked
from meva_core.registry import attribution, checks, discovery
from meva_core.storage import kept_fit


@attrs.frozen(repr=False)
class Surveyed:
    """Results of players in a game; with `seeds` every array begins [S].

    payoffs f32[N, P], policies f32[N, P, D], settled f32[N], outcomes name -> f32[N]: at the end of N matches.
    response f32[N, P, P]: entry [n, i] holds all payoffs if player i gives its best response to the others.
    agreement f32[N, P]: certainty of the response, the share of the ascents that agree; 1 if the game lists exact ones.
    gain f32[N, P]: the increase of a player's payoff by its best response.
    loss f32[N, P, P]: entry [n, i, j] is the decrease of player j's payoff if player i gives its best response.
    """

    payoffs: np.ndarray
    policies: np.ndarray
    settled: np.ndarray
    outcomes: Mapping[str, np.ndarray]
    response: np.ndarray
    agreement: np.ndarray
    seeds: int | None

    @property
    def gain(self) -> np.ndarray:
        """Increase of each player's payoff by its best response, f32[N, P]."""
        return -np.diagonal(self.loss, axis1=-2, axis2=-1)

    @property
    def loss(self) -> np.ndarray:
        """Decrease of every payoff (last axis) by each player's best response, f32[N, P, P]; the diagonal is -gain."""
        return self.payoffs[..., None, :] - self.response

    def __repr__(self) -> str:
        matches = f"{self.payoffs.shape[-2]} matches"
        over = f"{self.seeds} seeds of {matches}" if (self.seeds or 1) > 1 else matches
        lines = [f"payoffs and best responses, mean ± standard error over {over}"]
        for seat in range(self.payoffs.shape[-1]):
            own = [self.payoffs[..., seat], self.response[..., seat, seat], self.gain[..., seat]]
            means = [numbers.mean(axis=-1) if (self.seeds or 1) > 1 else numbers for numbers in own]
            told = [f"{mean:.4g} ±{sem:.2g}" for mean, sem in map(mean_and_sem, means)]
            lines.append(f"seat {seat}: {told[0]}, with a best response {told[1]}, a gain of {told[2]}")
        return "\n".join(lines)


@attrs.frozen(kw_only=True)
class ResponseSettings:
    """Settings of the search for best responses in games that list no exact ones."""

    response_steps: int = static(default=100, doc="gradient steps", check=between(1, 10**7))
    response_restarts: int = static(default=8, doc="random restarts", check=between(1, 10**5))
    response_rate: float = static(default=1.0, doc="learning rate", check=positive)


@attribution.named()
def fit(
    learner: Learner, *, seed: int = 0, seeds: int | None = None, progress: Progress | bool | None = None
) -> Fitted:
    """Fit a learner (from `meva.make` or your own class) to its game, against its `rivals` if it has any.

    seed: the random seed. seeds: the number S of fits in one program, with seeds seed, seed + 1, ...; every leaf of the
    result is then [S, ...]. None: one fit, without that axis. A learner without training is returned unchanged.
    progress: True shows it. The numbers equal those of `meva.run` on the same seeds.

    Raises BadValue if `learner` is not a learner, and Diverged if a fit's numbers become NaN or infinite.

    >>> import meva_core as meva
    >>> learner = meva.make("learner", "m_maml", game="hamiltonian", loops=1, steps=2, batch_size=2)
    >>> meva.fit(learner).params.policy.shape  # players, numbers per policy
    (2, 1)
    """
    kinds.check("learner", learner)
    devices.prepare()
    compilation_cache.ready()
    told = as_progress(progress)
    settings = _settings(FitSettings, "fit", seed=seed, seeds=1 if seeds is None else seeds, on_divergence="stop")
    params = None
    if (training := learner.training) is not None:
        offer = local.offer(discovery.installed(), "learner", type(learner), {})
        if not offer.bundled:
            checks.training(offer, learner)
        trainings = [training] * settings.seeds
        told.fitting(type(learner).__name__, training.num_steps, 0)
        try:
            state, _ = kept_fit.train(settings, trainings, told)
        except Diverged as error:
            raise Diverged(str(error).partition("; stopped")[0]) from error
        params = fitting.fitted_params(trainings, state)
    told.over()
    if seeds is None:
        return Fitted(learner=learner, params=jax.tree.map(lambda leaf: leaf[0], params))
    return Fitted(learner=stacked([learner] * settings.seeds), params=params)


@attribution.named()
def survey(
    game: Any,
    *players: Any,
    seed: int = 0,
    seeds: int | None = None,
    pairs: int = 256,
    steps: int = 1000,
    response_steps: int = 100,
    response_restarts: int = 8,
    response_rate: float = 1.0,
    progress: Progress | bool | None = None,
) -> Surveyed:
    """Payoffs, best responses and exploitability of the players of a game, from `pairs` fresh starts.

    game: a game, followed by one player for each seat or one player for all; or a Match and no players. A player is a
    learner or the result of `meva.fit`. seeds: the size S of the leading axis of fits of several seeds; None for one
    fit without that axis. The other numbers are those of `evaluate` in an experiment. progress: True shows it.

    Raises MevaError if players and game do not fit together.
    """
    devices.prepare()
    compilation_cache.ready()
    told = as_progress(progress)
    count = _settings(FitSettings, "survey", seed=seed, seeds=1 if seeds is None else seeds)
    settings = _settings(EvaluateSettings, "survey", pairs=pairs, steps=steps)
    options = _settings(
        ResponseSettings,
        "survey",
        response_steps=response_steps,
        response_restarts=response_restarts,
        response_rate=response_rate,
    )
    match = _match(game, [_player(player, seeds) for player in players], seeds)
    keys, one_row = fitting.seed_keys(count.every_seed), jnp.array([jnp.nan])
    told.status("playing matches")
    ended = evaluate.played(match, keys, one_row, setting=None, pairs=settings.pairs, steps=settings.steps)
    told.status("finding best responses")
    responses = programs.call(_responses, match, keys, one_row, ended.x, options)
    told.over()
    ended, (response, agreement) = jax.tree.map(lambda array: np.asarray(array[:, 0]), (ended, responses))
    found = Surveyed(
        payoffs=ended.payoffs,
        policies=ended.x,
        settled=ended.settled,
        outcomes=ended.outcomes,
        response=response,
        agreement=agreement,
        seeds=seeds,
    )
    if seeds is not None:
        return found
    first = {name: jax.tree.map(lambda array: array[0], value) for name, value in attrs.asdict(found).items()}
    return Surveyed(**first)


@partial(jax.jit, static_argnames=("options",))
def _responses(match: Match, keys: Array, rows: Array, x: Array, options: ResponseSettings) -> tuple[Array, Array]:
    """Best responses to the final policies x, f32[S, 1, N, P, D]: their payoffs f32[S, 1, N, P, P] and certainty
    f32[S, 1, N, P]."""

    def question(match: Match, key: Array, x: Array) -> tuple[Array, Array]:
        key = jax.random.fold_in(key, evaluate.streams.RESPONSES)
        return evaluate.of_each_match(
            match.game,
            x,
            key,
            steps=options.response_steps,
            restarts=options.response_restarts,
            rate=options.response_rate,
        )

    return evaluate.over_seeds_and_rows(question, None, match, keys, rows, None, (x,))


def _settings(cls: type, path: str, **given: Any) -> Any:
    """Settings of class `cls`, checked and converted like those of an experiment."""
    return conversion.construct(cls, conversion.structure(cls, given, path), path)


def _match(game: Any, players: Sequence[Fitted], seeds: int | None) -> Match:
    """The match with every leaf [S, ...]; S = 1 if `seeds` is None."""
    if isinstance(game, Match):
        if players:
            raise BadValue("expected a Match alone, or a game and its players, got a Match and players")
        return attrs.evolve(game, game=_of_seeds(game.game, seeds), players=[_player(p, seeds) for p in game.players])
    kinds.check("game", game)
    if len(players) not in (1, game.num_players):
        raise BadValue(
            f"expected one player for all {game.num_players} seats, or one for each, got {len(players)}: "
            "meva.survey(game, player, ...)"
        )
    return Match(
        game=_of_seeds(game, seeds),
        players=tuple(players),
        seats=tuple(range(game.num_players)) if len(players) > 1 else (0,) * game.num_players,
    )


def _player(given: Any, seeds: int | None) -> Fitted:
    """The player with every leaf [S, ...]: unchanged if it was fitted with S seeds, else repeated for every seed."""
    if not isinstance(given, Fitted):
        kinds.check("learner", given)
        if given.training is not None:
            raise BadCombination(f"expected a fitted learner, got {kinds.describe(given)}: call meva.fit on it first")
        given = Fitted(learner=given)
    several = copies(given.learner)
    if several is not None and several != seeds:
        raise BadValue(
            f"expected seeds={several} for a player that was fitted on {several} seeds, got "
            f"{'none' if seeds is None else seeds}: add it, or take one fit: jax.tree.map(lambda leaf: leaf[0], player)"
        )
    return given if several is not None else _of_seeds(given, seeds)


def _of_seeds(tree: Any, seeds: int | None) -> Any:
    return stacked([tree] * (seeds or 1))
