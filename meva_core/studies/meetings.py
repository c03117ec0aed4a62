"""The matches of a tournament, composed but not yet played.

Shapes: S seeds, N trials, P = 2 players.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs
import numpy as np

from meva_core import evaluate
from meva_core.contracts import Sampled
from meva_core.contracts.capabilities import whose_steps
from meva_core.contracts.hyperparameters import parts
from meva_core.contracts.protocols import Game, Learner
from meva_core.errors import BadCombination, BadValue
from meva_core.evaluate import Plan
from meva_core.experiment import compose, resolve
from meva_core.experiment.choice import Choice, parts_of, read_choice
from meva_core.experiment.composition import Composition, may_be_fitted
from meva_core.experiment.experiment import DEFAULT, WAYS, EvaluateSettings, Experiment
from meva_core.registry import loading
from meva_core.registry.entries import Registry
from meva_core.registry.recipes import RecipeFile
from meva_core.storage import files as disk
from meva_core.studies import common_ground, entrants
from meva_core.studies.entrants import Entrant
from meva_core.studies.tournament_settings import Tournament


@attrs.frozen(kw_only=True)
class Meeting:
    """One match to play: `row` in seat 1 against `column` in seat 2, by label.

    plan: one row, with the evaluations of the players that are asked. players: the learners of the composition in the
    form that fitted learners have. fits: per player, the experiment that fits it and its index among the players there;
    None for a rule without parameters.
    """

    game: str
    row: str
    column: str
    experiment: Experiment
    composition: Composition
    plan: Plan
    players: tuple[Learner, ...]
    fits: tuple[tuple[Experiment, int] | None, ...]

    @property
    def name(self) -> str:
        """The name of the match's file, without the suffix."""
        return disk.file_name_of_its_own("--".join((self.game, self.row, self.column)))

    @property
    def game_played(self) -> Game:
        """The game between the players' policies."""
        return self.composition.game

    @property
    def sampled(self) -> bool:
        """True if the game is played, and players may learn from episodes."""
        return isinstance(self.game_played, Sampled)

    @property
    def exact(self) -> bool:
        """True if payoffs are computed, not estimated from episodes."""
        return not isinstance(self.game_played, Sampled) or self.game_played.exact is not None

    @property
    def still(self) -> bool:
        """True if no player changes its policy."""
        return all(player.held() is not None for player in self.players)

    @property
    def certain(self) -> bool:
        """True if all trials have equal payoffs: nobody moves, and nothing is estimated."""
        return self.still and self.exact

    @property
    def hashes(self) -> list[str]:
        """Hashes of everything that determines the results, except trials and steps."""
        # What is evaluated, and how long, is part of the experiment only if the players are evaluated.
        own = self.experiment.hash if self.plan.questions else self.experiment.fit_hash
        return [own, *(f[0].fit_hash for f in self.fits if f is not None)]


@attrs.frozen(kw_only=True)
class Met:
    """The result of a match: payoffs f32[S, N, P] after the last step, N = 1 if all trials have equal payoffs.

    seeds: those that did not diverge in a fit. measures: of a game that is played, shares of what happened after the
    last step, name -> f32[S, N]. evaluated: the row of summary.json that the evaluations of the players make; empty if
    none is asked.
    """

    meeting: Meeting
    payoffs: np.ndarray
    seeds: tuple[int, ...]
    measures: Mapping[str, np.ndarray] = attrs.field(factory=dict)
    evaluated: Mapping[str, Any] = attrs.field(factory=dict)


def settled(registry: Registry, files: Sequence[RecipeFile], settings: Tournament) -> Tournament:
    """The settings with the numbers that a user leaves out, which depend on how games are played.

    All games are played, or none: they are if one has to be. Raises UnknownName for a game or a learner that is not
    installed.
    """
    played = (common_ground.must_be_played(registry, files, settings, game) for game in settings.games)
    return settings.filled(sampled=settings.sampled or any(played))


def meetings(registry: Registry, files: Sequence[RecipeFile], settings: Tournament) -> list[Meeting]:
    """All matches, composed and checked without a fit. In a symmetric game each pair plays in one seating only.

    Raises MevaError on names, numbers and combinations that do not work.
    """
    if DEFAULT in settings.evaluate:
        raise BadValue(f"expected names of evaluations of the players, got {DEFAULT!r}: see meva list evaluation")
    schedule = []
    for game in settings.games:
        own = _on_common_ground(registry, files, settings, game)
        played = list(_meetings(registry, files, own, game))
        if settings.sampled:
            names = (f"{meeting.row} against {meeting.column}" for meeting in played)
            common_ground.check(game, {name: meeting.experiment for name, meeting in zip(names, played, strict=True)})
        schedule += played
    return schedule


def players(registry: Registry, files: Sequence[RecipeFile], settings: Tournament, game: str) -> list[Entrant]:
    """The entrants as learners in a game. Raises MevaError if one is neither a learner nor a strategy of it."""
    return _players(registry, files, _on_common_ground(registry, files, settings, game), game)


def _on_common_ground(registry: Registry, files: Sequence[RecipeFile], settings: Tournament, game: str) -> Tournament:
    """The settings for one game: if it is played, the recipes' numbers of game, policies and episodes are overrides."""
    if not settings.sampled:
        return settings
    recipes = common_ground.of_recipes(registry, files, settings, game)
    ours = {path: value for path, value in recipes.items() if path not in settings.overrides}
    return attrs.evolve(settings, overrides={**ours, **settings.overrides})


def _players(registry: Registry, files: Sequence[RecipeFile], settings: Tournament, game: str) -> list[Entrant]:
    strategies, policy = _strategies(registry, files, settings, game), settings.section("policy")
    return [entrants.as_learner(registry, each, game, strategies, policy.get("name")) for each in settings.entrants]


def _strategies(registry: Registry, files: Sequence[RecipeFile], settings: Tournament, game: str) -> list[str]:
    """Names of the strategies of a game as it is played in the tournament."""
    if not settings.sampled:
        own = read_choice(registry, "game", {**settings.section("game"), "name": game}, "game")
        policy = settings.section("policy")
        chosen = read_choice(registry, "policy", policy, "policy") if "name" in policy else None
        return list(compose.game_between(own, chosen).strategies)
    anyone = [*common_ground.learners(registry, settings), *(entrants.strategist(registry) or ())[:1]]
    if not anyone:
        return []
    common = {path: value for path, value in settings.overrides.items() if _section(path) in common_ground.SECTIONS}
    experiment = resolve.resolve(
        registry, files, game=game, learner=anyone[0], recipe=settings.recipe, overrides=common, or_default=True,
        sampled=True,
    )  # fmt: skip
    return list(compose.played_game(experiment).strategies)


def _meetings(registry: Registry, files: Sequence[RecipeFile], settings: Tournament, game: str) -> Iterator[Meeting]:
    players = _players(registry, files, settings, game)
    _check_sections(registry, settings, players)
    for r, row in enumerate(players):
        meeting = _meeting(registry, files, settings, game, row, row)
        symmetric = meeting.composition.game.symmetric
        for c, column in enumerate(players):
            if c == r:
                yield meeting
            elif c > r or not symmetric:
                yield _seated(registry, files, settings, game, row, column)


def _seated(
    registry: Registry, files: Sequence[RecipeFile], settings: Tournament, game: str, row: Entrant, column: Entrant
) -> Meeting:
    """The match of two entrants. In a symmetric game, a learner that alone is fitted against the other takes seat 1.

    Matches that need the same fit then share it.
    """
    meeting = _meeting(registry, files, settings, game, row, column)
    composition = meeting.composition
    against = [player.wants_rivals for player in composition.players]
    if composition.game.symmetric and against == [False, True]:
        return _meeting(registry, files, settings, game, column, row)
    return meeting


def _section(path: str) -> str:
    """The section of a hyper-parameter, its name up to the first dot."""
    return path.partition(".")[0]


def _check_sections(registry: Registry, settings: Tournament, players: Sequence[Entrant]) -> None:
    """Raise BadValue if an override belongs to nothing that takes part."""
    names = [player.name for player in players]
    inside = [part for name in names for part in parts_of(registry.find("learner", name))]
    more = [*(["sample"] if settings.sampled else []), *(["evaluate"] if settings.evaluate else [])]
    sections = list(dict.fromkeys((*names, "game", "policy", *more, *inside, "fit")))
    for path in settings.overrides:
        if _section(path) not in sections:
            raise BadValue(f"expected LEARNER.NAME=VALUE with one of {', '.join(sections)}, got {path!r}")
        if _section(path) == "fit" and path not in (ways := [f"fit.{name}" for name in WAYS]):
            raise BadValue(f"expected one of {', '.join(ways)} as a setting of a tournament's fits, got {path!r}")
        if _section(path) == "evaluate" and path.count(".") < 2:
            raise BadValue(f"expected evaluate.EVALUATION.NAME=VALUE in a tournament, got {path!r}")


def _meeting(
    registry: Registry, files: Sequence[RecipeFile], settings: Tournament, game: str, row: Entrant, column: Entrant
) -> Meeting:
    experiment = _resolve(registry, files, settings, game, row, column)
    composition = compose.compose(experiment)
    if composition.game.num_players != 2:
        raise BadCombination(
            f"expected games of two players in a tournament, got {game} with {composition.game.num_players}"
        )
    plan = attrs.evolve(evaluate.plan(experiment, composition), sweep=None, values=(float("nan"),), own_value=None)
    for question in plan.questions:
        if not question.evaluation.quantities(composition):
            raise BadValue(f"expected evaluations that give numbers of a player in a tournament, got {question.name}")
    players = composition.rehearse()
    fits = tuple(
        None
        if player.training is None
        else _fit_of(registry, files, settings, experiment, composition, (row, column), n)
        for n, player in enumerate(players)
    )
    return Meeting(
        game=game,
        row=row.label,
        column=column.label,
        experiment=experiment,
        composition=composition,
        plan=plan,
        players=players,
        fits=fits,
    )


def _resolve(
    registry: Registry, files: Sequence[RecipeFile], settings: Tournament, game: str, row: Entrant, column: Entrant
) -> Experiment:
    """The experiment of a match. Each side has its recipe with the tournament's name, or else its default recipe."""
    overrides: dict[str, Any] = {"fit.seed": settings.seed, "fit.seeds": settings.seeds}
    alone = row.label == column.label
    sides = [("learner", row)] if alone else [("learner", row), ("opponent", column)]
    factories = [loading.load(registry.find("learner", side.name)) for _, side in sides]
    wanted = {part for factory in factories for part in parts(factory)}
    wanted |= {*common_ground.SECTIONS, *(["evaluate"] if alone else [])}
    wanted |= {"fit"} if any(map(may_be_fitted, factories)) else set()  # other matches are the same in any case
    asked = settings.evaluate if alone else ()
    if asked:
        overrides["evaluate.asked"] = list(asked)
    for path, value in settings.overrides.items():
        section, _, name = path.partition(".")
        if section in wanted:
            overrides[path] = value
        for side, entrant in sides:
            if section == entrant.name:
                overrides[f"{side}.{name}"] = value
    for side, entrant in sides:
        overrides |= {f"{side}.{name}": value for name, value in entrant.settings.items()}
    resolved = resolve.resolve(
        registry,
        files,
        game=game,
        learner=row.name,
        opponents=[entrant.name for _, entrant in sides[1:]],
        recipe=settings.recipe,
        overrides=overrides,
        or_default=True,
        sampled=settings.sampled,
    )
    # The recipe's evaluation and name do not change a fit: without them, equal fits have equal hashes.
    evaluated = EvaluateSettings()
    if asked or resolved.sample is not None:
        evaluated = EvaluateSettings(pairs=settings.trials, steps=settings.steps, asked=asked)  # type: ignore[arg-type]
    chosen = resolved.evaluations if asked else ()
    return attrs.evolve(resolved, evaluate=evaluated, evaluations=chosen, source="")


def _fit_of(
    registry: Registry,
    files: Sequence[RecipeFile],
    settings: Tournament,
    experiment: Experiment,
    composition: Composition,
    sides: tuple[Entrant, Entrant],
    n: int,
) -> tuple[Experiment, int]:
    """The experiment that fits player n, and its index there.

    A player that is fitted against its rival is fitted against the learner with the same steps as this rival, if the
    rival names one (`whose_steps`).
    """
    experiment = attrs.evolve(experiment, evaluate=EvaluateSettings(), evaluations=())
    choice = (experiment.learner, *experiment.opponents)[n]
    if len(composition.players) == 1 or not composition.players[n].wants_rivals:
        return attrs.evolve(experiment, learner=choice, opponents=()), 0
    theirs: Choice = (experiment.learner, *experiment.opponents)[1 - n]
    steps_like = whose_steps(composition.rehearse()[1 - n])
    if steps_like is not None and "learner" in registry.kinds_of(steps_like):
        rival = _resolve(registry, files, settings, experiment.game.name, sides[1 - n], Entrant("", steps_like))
        theirs = rival.opponents[0]
    first, second = (choice, theirs) if n == 0 else (theirs, choice)
    return attrs.evolve(experiment, learner=first, opponents=(second,)), n
