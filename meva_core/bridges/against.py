"""A match in which one seat's policies come from outside MeVa. Shapes: P players, D numbers per policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import jax.numpy as jnp
from jax import Array

from meva_core import runner
from meva_core.bridges.single import check_single
from meva_core.compute.progress import Progress, as_progress
from meva_core.contracts import Learner, component, conversion, kinds, shapes
from meva_core.errors import BadValue
from meva_core.experiment import compose, local, make, resolve
from meva_core.experiment.composition import Composition
from meva_core.match import Fitted, Match
from meva_core.studies import plain


@component
class Chosen(Learner):
    """Plays the policy f32[D] that its parameters hold: whoever holds the match chooses it before every step. Without
    parameters, it stays where it is."""

    learns_from = "nothing"

    def update(self, params: Array | None, state: Any, x: Array, key: Array) -> tuple[Array, Any]:
        """The step f32[P, D] from x to the policy."""
        return jnp.zeros_like(x) if params is None else params - x, state


def match_against(
    game: Any,
    opponents: Any,
    seat: int = 0,
    *,
    policy: Any = None,
    sampled: bool = False,
    seed: int = 0,
    set: Mapping[str, Any] | None = None,
    progress: Progress | bool | None = None,
) -> Match:
    """A match whose first player is `Chosen`, in `seat`, and in whose other seats the opponents learn.

    game, policy, sampled and set: as `meva.run` has them. opponents: one for all other seats, or one for each, in the
    order of the seats: names, learners or their classes, with the hyper-parameters of their recipes, or results of
    `meva.fit`. Learners that need a fit are fitted as for self-play, with this seed; progress=True shows that. Raises
    MevaError on bad input, before any fit.
    """
    told, seat = as_progress(progress), shapes.whole("seat", seat)
    rivals = list(opponents) if isinstance(opponents, (list, tuple)) else [opponents]
    if any(isinstance(one, Fitted) for one in rivals):
        played, others = _as_they_are(game, rivals, policy, sampled, set)
        _check(played, seat)
        if len(others) not in (1, played.num_players - 1):
            raise BadValue(f"expected one opponent for all seats, or {played.num_players - 1}, got {len(others)}")
    else:
        composition = _composed(game, rivals, policy, sampled, set)
        _check(composition.game, seat)
        played, others = composition.game, _fitted(composition, seed, told)
    seats = [1 + n % len(others) for n in range(played.num_players - 1)]
    own = Fitted(learner=Chosen(), params=jnp.zeros(played.policy_size))
    return Match(game=played, players=(own, *others), seats=(*seats[:seat], 0, *seats[seat:]))


def _as_they_are(
    game: Any, rivals: Sequence[Any], policy: Any, sampled: bool, overrides: Any
) -> tuple[Any, list[Fitted]]:
    """The game and the results of `meva.fit`, which are complete."""
    if others := [one for one in rivals if not isinstance(one, Fitted)]:
        raise BadValue(f"expected results of meva.fit for all opponents or for none, got {kinds.describe(others[0])}")
    if policy is not None or sampled or overrides:
        raise BadValue("expected no policy, sampled or set with results of meva.fit, whose game has them already")
    for one in rivals:
        check_single(one)
    played = make.make("game", game) if isinstance(game, (str, type)) else game
    kinds.check("game", played, "game")
    return played, list(rivals)


def _composed(game: Any, rivals: Sequence[Any], policy: Any, sampled: bool, overrides: Any) -> Composition:
    """The game and the opponents, as the experiment of these names has them."""
    registry, files = runner.plugins()
    cast = local.cast(registry, game, Chosen, rivals, local.check_overrides(overrides), policy)
    experiment = resolve.resolve(
        cast.registry,
        files,
        game=cast.game,
        learner=cast.learner,
        opponents=cast.opponents,
        overrides=cast.overrides,
        sampled=conversion.convert(sampled, bool, "sampled"),
    )
    cast.check_games(compose.build(experiment.game, "game"))
    players = compose.played_game(experiment).num_players
    if len(rivals) == 1:
        experiment = attrs.evolve(experiment, opponents=experiment.opponents * (players - 1))
    return compose.compose(experiment)


def _fitted(composition: Composition, seed: int, progress: Progress) -> list[Fitted]:
    """The opponents, fitted where they need it, in the order of their seats."""
    builds = {n: player.build for n, player in enumerate(composition.players) if n}
    fitted = {n: plain.fit(build(), seed=seed, progress=progress) for n, build in builds.items()}
    return [fitted[n] for n in composition.seats if n]


def _check(game: Any, seat: int) -> None:
    if seat >= game.num_players:
        raise BadValue(f"expected a seat from 0 to {game.num_players - 1}, got {seat}")
