"""The settings of a tournament, and its matches, composed but not yet played.

Shapes: S seeds (fits), N trials, P = 2 players.
"""

from __future__ import annotations

import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from meva_core import evaluate
from meva_core.contracts import conversion
from meva_core.contracts.capabilities import whose_steps
from meva_core.contracts.hyperparameters import parts
from meva_core.contracts.protocols import Learner
from meva_core.errors import BadCombination, BadFolder, BadValue
from meva_core.experiment import compose, resolve
from meva_core.experiment.choice import Choice, parts_of, read_choice
from meva_core.experiment.compose import Composition
from meva_core.experiment.experiment import EvaluateSettings, Experiment
from meva_core.registry import loading
from meva_core.registry.entries import Registry
from meva_core.registry.recipes import RecipeFile
from meva_core.registry.toml_reading import read_toml
from meva_core.storage import files as disk
from meva_core.studies import entrants
from meva_core.studies.entrants import Entrant


@attrs.frozen(kw_only=True)
class Tournament:
    """Settings of a tournament. Raises BadValue for a number out of range, no name, or a name that appears twice.

    learners: entrants, or texts that `entrants.parse` reads.
    trials, steps: matches per pair and fit, and steps of every match. seed, seeds: first seed and number of fits.
    overrides: hyper-parameters by learner, {"lola.variant": "taylor"} or {"maml.critic.width": 32}; by "game" or
    "policy", where policy.name chooses the policies of all players; or by a part, for all learners that have it,
    {"critic.width": 32}. An entrant's own settings override these.
    """

    games: tuple[str, ...]
    learners: tuple[str | Entrant, ...]
    trials: int = 1024
    steps: int = 300
    seed: int = 0
    seeds: int = 5
    recipe: str = "tournament"
    overrides: Mapping[str, Any] = attrs.field(factory=dict)

    def __attrs_post_init__(self) -> None:
        for name, most in (("trials", 10**7), ("steps", 10**7), ("seeds", 2**16)):
            if not 1 <= getattr(self, name) <= most:
                raise BadValue(f"expected --{name} between 1 and {most}, got {getattr(self, name)}")
        for option, names in (("--game", self.games), ("--learners", self.labels)):
            if not names:
                raise BadValue(f"expected at least one name for {option}, got none")
            twice = [name for n, name in enumerate(names) if name in names[:n]]
            if twice:
                raise BadValue(f"expected every name once in {option}, got {twice[0]!r} twice")

    @property
    def entrants(self) -> list[Entrant]:
        """The participants; texts are parsed."""
        return [each if isinstance(each, Entrant) else entrants.parse(each) for each in self.learners]

    @property
    def labels(self) -> list[str]:
        """The entrants' names in tables and files."""
        return [entrant.label for entrant in self.entrants]

    def players(self, registry: Registry, game: str) -> list[Entrant]:
        """The entrants as learners in a game. Raises MevaError if one is neither a learner nor a strategy of it."""
        own = read_choice(registry, "game", {**self._table("game"), "name": game}, "game")
        policy = self._table("policy")
        chosen = read_choice(registry, "policy", policy, "policy") if "name" in policy else None
        strategies = compose.game_between(own, chosen).strategies
        return [entrants.as_learner(registry, each, game, strategies, policy.get("name")) for each in self.entrants]

    def _table(self, section: str) -> dict[str, Any]:
        """The overrides of a section."""
        own = ((path.partition("."), value) for path, value in self.overrides.items())
        return {name: value for (of, _, name), value in own if of == section}


@attrs.frozen
class Begun:
    """The content of tournament.toml: settings, the user's registry file, the folder of the fits, provenance."""

    tournament: Tournament
    registry_file: Path | None
    fits: Path
    record: Mapping[str, Any]


def read(folder: Path) -> Begun:
    """Read tournament.toml. Raises BadFolder or BadValue if it is missing or has another layout."""
    path = folder / "tournament.toml"
    if not path.is_file():
        raise BadFolder(f"expected a folder with a tournament.toml to resume, got {folder}")
    types = {**typing.get_type_hints(Tournament), "registry": str, "fits": str, "run": dict}
    content = {name: conversion.convert(value, types.get(name), name) for name, value in read_toml(path).items()}
    registry, fits, record = (content.pop(name, None) for name in ("registry", "fits", "run"))
    try:
        settings = Tournament(**content)
        return Begun(settings, registry and Path(registry), Path(fits) if fits else folder / "fits", record or {})
    except TypeError as error:
        raise BadFolder(f"expected a tournament.toml as meva tournament writes it, got {path}: {error}") from error


@attrs.frozen(kw_only=True)
class Meeting:
    """One match to play: `row` in seat 1 against `column` in seat 2, by label.

    players: the learners of the composition in the form that fitted learners have.
    fits: per player, the experiment that fits it and its index among the players there; None for a rule without
    parameters.
    """

    game: str
    row: str
    column: str
    experiment: Experiment
    composition: Composition
    players: tuple[Learner, ...]
    fits: tuple[tuple[Experiment, int] | None, ...]

    @property
    def name(self) -> str:
        """The name of the match's file, without the suffix."""
        return disk.file_name_of_its_own("--".join((self.game, self.row, self.column)))

    @property
    def still(self) -> bool:
        """True if no player changes its policy, so that all trials are equal."""
        return all(player.held() is not None for player in self.players)

    @property
    def hashes(self) -> list[str]:
        """Hashes of everything that determines the results, except trials and steps."""
        return [self.experiment.fit_hash, *(f[0].fit_hash for f in self.fits if f is not None)]


@attrs.frozen(kw_only=True)
class Met:
    """The result of a match: payoffs f32[S, N, P] after the last step, N = 1 if no player changes its policy.

    seeds: those that did not diverge in a fit.
    """

    meeting: Meeting
    payoffs: np.ndarray
    seeds: tuple[int, ...]


def meetings(registry: Registry, files: Sequence[RecipeFile], settings: Tournament) -> list[Meeting]:
    """All matches, composed and checked without a fit. In a symmetric game each pair plays in one seating only.

    Raises MevaError on names, numbers and combinations that do not work.
    """
    schedule = []
    for game in settings.games:
        players = settings.players(registry, game)
        _check_sections(registry, settings, players)
        for r, row in enumerate(players):
            meeting = _meeting(registry, files, settings, game, row, row)
            symmetric = meeting.composition.game.symmetric
            for c, column in enumerate(players):
                if c == r:
                    schedule.append(meeting)
                elif c > r or not symmetric:
                    schedule.append(_seated(registry, files, settings, game, row, column))
    return schedule


def _seated(
    registry: Registry, files: Sequence[RecipeFile], settings: Tournament, game: str, row: Entrant, column: Entrant
) -> Meeting:
    """The match of two entrants. In a symmetric game, a learner that is fitted against the other takes seat 1.

    Matches that need the same fit then share it.
    """
    meeting = _meeting(registry, files, settings, game, row, column)
    composition = meeting.composition
    if composition.game.symmetric and len(composition.players) > 1 and composition.players[1].wants_rivals:
        return _meeting(registry, files, settings, game, column, row)
    return meeting


def _check_sections(registry: Registry, settings: Tournament, players: Sequence[Entrant]) -> None:
    """Raise BadValue if an override belongs to no learner, no part, no game and no policy."""
    names = [player.name for player in players]
    inside = [part for name in names for part in parts_of(registry.find("learner", name))]
    sections = list(dict.fromkeys((*names, "game", "policy", *inside)))
    for path in settings.overrides:
        if path.partition(".")[0] not in sections:
            raise BadValue(f"expected LEARNER.NAME=VALUE with one of {', '.join(sections)}, got {path!r}")


def _meeting(
    registry: Registry, files: Sequence[RecipeFile], settings: Tournament, game: str, row: Entrant, column: Entrant
) -> Meeting:
    experiment = _resolve(registry, files, settings, game, row, column)
    composition = compose.compose(experiment)
    if composition.game.num_players != 2:
        raise BadCombination(
            f"expected games of two players in a tournament, got {game} with {composition.game.num_players}"
        )
    evaluate.plan(experiment, composition)
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
        players=players,
        fits=fits,
    )


def _resolve(
    registry: Registry, files: Sequence[RecipeFile], settings: Tournament, game: str, row: Entrant, column: Entrant
) -> Experiment:
    """The experiment of a match. Each side has its recipe with the tournament's name, or else its default recipe."""
    overrides: dict[str, Any] = {"fit.seed": settings.seed, "fit.seeds": settings.seeds}
    sides = [("learner", row)] if row.label == column.label else [("learner", row), ("opponent", column)]
    wanted = {part for _, side in sides for part in parts(loading.load(registry.find("learner", side.name)))}
    for path, value in settings.overrides.items():
        section, _, name = path.partition(".")
        if section in wanted or section in ("game", "policy"):
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
    )
    if resolved.sample is not None:
        raise BadCombination(
            f"expected learners that can play {game} by exact payoffs, got {row.name} and {column.name}: tournaments "
            "play no episodes yet: leave out those that learn from episodes"
        )
    # The evaluation and the name of the recipe do not change a fit: without them, equal fits have equal hashes.
    return attrs.evolve(resolved, evaluate=EvaluateSettings(), evaluations=(), source="")


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
