"""Every learner against every learner, each learnt one fitted against the rule that it meets.

Shapes: S seeds (fits), N trials, P = 2 players.
"""

from __future__ import annotations

import functools
import tempfile
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import jax
import numpy as np
from jax import Array

from meva_core import (
    blame,
    compose,
    contracts,
    devices,
    disk,
    entrants,
    evaluate,
    fitting,
    local,
    programs,
    recipes,
    resolving,
    runner,
    values,
)
from meva_core import experiment as experiments
from meva_core import match as matching
from meva_core.component import parts
from meva_core.compose import Composition
from meva_core.entrants import Entrant
from meva_core.errors import BadCombination, BadFolder, BadValue
from meva_core.experiment import Choice, EvaluateSettings, Experiment
from meva_core.match import Fitted, Held, Match
from meva_core.ops import stacked
from meva_core.progress import Progress
from meva_core.protocols import Learner
from meva_core.recipes import RecipeFile
from meva_core.registry import Registry
from meva_core.report import standings
from meva_core.report.scores import Scores

_TRIALS = 2**32 - 7  # folded into a seed's key: a number that no outer loop of its fit reaches


@attrs.frozen(kw_only=True)
class Tournament:
    """What is asked. learners: entrants, or texts that `entrants.parse` reads. `overrides` are hyper-parameters by
    learner, {"lola.variant": "taylor"} or {"meva.value_model.width": 32}, of "game", or for all who have one of
    "value_model" and "explorer"; an entrant's own settings come before them."""

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
        """Who takes part, as they are written."""
        return [each if isinstance(each, Entrant) else entrants.parse(each) for each in self.learners]

    @property
    def labels(self) -> list[str]:
        """Their names in tables and files."""
        return [entrant.label for entrant in self.entrants]

    def players(self, known: Registry, game: str) -> list[Entrant]:
        """The entrants as learners in a game. Raises MevaError where one is neither a learner nor a strategy of it."""
        strategies = self._strategies(known, game)
        return [entrants.as_learner(known, each, game, strategies) for each in self.entrants]

    def _strategies(self, known: Registry, game: str) -> list[str]:
        offer = known.find("game", game)
        settings = {path.partition(".")[2]: value for path, value in self.overrides.items() if path.startswith("game.")}
        given = {**values.structure(offer.load(), settings, "game"), **offer.parts}
        made = values.construct(offer.load(), given, "game")
        if not offer.bundled:
            contracts.game(offer, made)
        return list(made.strategies)


@blame.named()
def tournament(
    game: Any,
    learners: Sequence[Any],
    *,
    trials: int = 1024,
    steps: int = 300,
    seed: int = 0,
    seeds: int = 5,
    recipe: str = "tournament",
    set: Mapping[str, Any] | None = None,
    registry_file: str | Path | None = None,
    progress: Progress | None = None,
) -> Scores:
    """Let every learner meet every learner; what `meva tournament` does, without a folder.

    game: a name, or a class or object of your own. learners: as after --learners, ["naive", "tit_for_tat",
    "lola:look_ahead_rate=50"], or classes and objects. `set` changes hyper-parameters by learner, {"lola.variant":
    "taylor"}. Raises MevaError on bad input.
    """
    devices.prepare()
    numbers = {"trials": trials, "steps": steps, "seed": seed, "seeds": seeds}
    if not isinstance(learners, (list, tuple)) or not learners:
        raise BadValue(f"expected a list of learners, got {learners!r}")
    known, files = runner.plugins(registry_file)
    cast = local.cast(known, game, learners[0], list(learners[1:]), {})
    known = cast.known
    of_game = {path: value for path, value in cast.overrides.items() if path.startswith("game.")}
    asked = Tournament(
        games=(cast.game,),
        learners=tuple(_entrants(cast, learners)),
        recipe=values.convert(recipe, str, "recipe"),
        overrides={**of_game, **(set or {})},
        **{name: values.convert(number, int, name) for name, number in numbers.items()},
    )
    planned = meetings(known, files, asked)
    cast.check_games(planned[0].composition.game)
    with tempfile.TemporaryDirectory() as fits:
        met = list(play(known, asked, planned, Path(fits), progress or Progress(), lambda meeting: None))
    return Scores(standings.summary(asked, met))


def _entrants(cast: local.Cast, learners: Sequence[Any]) -> Iterator[str | Entrant]:
    """Texts as they are; classes and objects under their class's name, numbered where it comes again."""
    labels: list[str] = []
    paths = ["learner", *(["opponent"] if len(learners) == 2 else [f"opponent.{n}" for n in range(1, len(learners))])]
    for given, name, path in zip(learners, [cast.learner, *cast.opponents], paths, strict=True):
        if isinstance(given, str):
            yield given
            continue
        label = (given if isinstance(given, type) else type(given)).__name__
        labels.append(label)
        again = labels.count(label)
        own = {key[len(path) + 1 :]: value for key, value in cast.overrides.items() if key.startswith(f"{path}.")}
        yield Entrant(label if again == 1 else f"{label} {again}", name, own)


@attrs.frozen
class Begun:
    """What a tournament's folder says of it: what was asked, the user's registry file, where its fits are kept, and by
    what it was begun."""

    asked: Tournament
    registry_file: Path | None
    fits: Path
    record: Mapping[str, Any]


def read(folder: Path) -> Begun:
    """What tournament.toml says. BadFolder or BadValue where it is not as a tournament writes it."""
    path = folder / "tournament.toml"
    if not path.is_file():
        raise BadFolder(f"expected a folder with a tournament.toml to resume, got {folder}")
    types = {**typing.get_type_hints(Tournament), "registry": str, "fits": str, "run": dict}
    content = {name: values.convert(value, types.get(name), name) for name, value in recipes.read_toml(path).items()}
    registry, fits, record = (content.pop(name, None) for name in ("registry", "fits", "run"))
    try:
        asked = Tournament(**content)
        return Begun(asked, registry and Path(registry), Path(fits) if fits else folder / "fits", record or {})
    except TypeError as error:
        raise BadFolder(f"expected a tournament.toml as meva tournament writes it, got {path}: {error}") from error


@attrs.frozen(kw_only=True)
class Meeting:
    """One match to play: `row` in seat 1 against `column` in seat 2, by their labels. players: of the composition, as
    if they were fitted. fits: per player, the experiment that fits it, and which of that experiment's players it is;
    None for a rule without parameters."""

    game: str
    row: str
    column: str
    experiment: Experiment
    composition: Composition
    players: tuple[Learner, ...]
    fits: tuple[tuple[Experiment, int] | None, ...]

    @property
    def name(self) -> str:
        """The name of its file, without the ending."""
        return disk.file_name_of_its_own("--".join((self.game, self.row, self.column)))

    @property
    def still(self) -> bool:
        """Whether nobody ever moves, and so every trial is like the first."""
        return all(player.held() is not None for player in self.players)

    @property
    def hashes(self) -> list[str]:
        """Hashes of all that decides its numbers but trials and steps."""
        return [self.experiment.fit_hash, *(f[0].fit_hash for f in self.fits if f is not None)]


@attrs.frozen(kw_only=True)
class Met:
    """Payoffs f32[S, N, P] after the last step, N = 1 where nobody moves; seeds: those that did not diverge in a
    fit."""

    meeting: Meeting
    payoffs: np.ndarray
    seeds: tuple[int, ...]


def meetings(known: Registry, files: Sequence[RecipeFile], asked: Tournament) -> list[Meeting]:
    """All matches, composed and rehearsed, so that bad input costs no fit. Of a symmetric game one seating of each
    pair tells both. Raises MevaError on names, numbers and combinations that do not work."""
    found = []
    for game in asked.games:
        players = asked.players(known, game)
        _check_sections(asked, players)
        for r, row in enumerate(players):
            meeting = _meeting(known, files, asked, game, row, row)
            symmetric = meeting.composition.game.symmetric
            for c, column in enumerate(players):
                if c == r:
                    found.append(meeting)
                elif c > r or not symmetric:
                    found.append(_seated(known, files, asked, game, row, column))
    return found


def _seated(
    known: Registry, files: Sequence[RecipeFile], asked: Tournament, game: str, row: Entrant, column: Entrant
) -> Meeting:
    """Two who meet. In a symmetric game whoever is fitted against the other sits first: one fit for all who are met
    alike."""
    meeting = _meeting(known, files, asked, game, row, column)
    composition = meeting.composition
    if composition.game.symmetric and len(composition.players) > 1 and composition.players[1].wants_rivals:
        return _meeting(known, files, asked, game, column, row)
    return meeting


def _check_sections(asked: Tournament, players: Sequence[Entrant]) -> None:
    """BadValue where a hyper-parameter is nobody's."""
    sections = list(dict.fromkeys((*(player.name for player in players), "game", *experiments.MODELS)))
    for path in asked.overrides:
        if path.partition(".")[0] not in sections:
            raise BadValue(f"expected LEARNER.NAME=VALUE with one of {', '.join(sections)}, got {path!r}")


def play(
    known: Registry,
    asked: Tournament,
    planned: Sequence[Meeting],
    fits: Path,
    progress: Progress,
    done: Callable[[Meeting], Met | None],
) -> Iterator[Met]:
    """Fit and play, one meeting after the other. `done` gives what an earlier run left; fits are kept in `fits`,
    a folder per fit's hash, and used again."""
    programs.ready()
    kept: dict[str, tuple[list[Fitted], list[int]]] = {}
    for meeting in planned:
        met = done(meeting)
        if met is None:
            for needed in (f[0] for f in meeting.fits if f is not None):
                if needed.fit_hash not in kept:
                    kept[needed.fit_hash] = runner.fitted(needed, known, fits / needed.fit_hash, progress)
            if not meeting.still:
                progress.said(f"{meeting.row} against {meeting.column}")
            met = _play(asked, meeting, kept)
        yield met


def _meeting(
    known: Registry, files: Sequence[RecipeFile], asked: Tournament, game: str, row: Entrant, column: Entrant
) -> Meeting:
    experiment = _resolve(known, files, asked, game, row, column)
    composition = compose.compose(known, experiment)
    if composition.game.num_players != 2:
        raise BadCombination(
            f"expected games of two players in a tournament, got {game} with {composition.game.num_players}"
        )
    evaluate.plan(known, experiment, composition)
    players = composition.rehearse()
    fits = tuple(
        None if player.training is None else _fit_of(known, files, asked, experiment, composition, (row, column), n)
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
    known: Registry, files: Sequence[RecipeFile], asked: Tournament, game: str, row: Entrant, column: Entrant
) -> Experiment:
    """The row's recipe of the tournament's name or else its default; a rival without one of that name likewise."""
    overrides: dict[str, Any] = {"fit.seed": asked.seed, "fit.seeds": asked.seeds}
    sides = [("learner", row)] if row.label == column.label else [("learner", row), ("opponent", column)]
    wanted = {part for _, side in sides for part in parts(known.find("learner", side.name).load())}
    for path, value in asked.overrides.items():
        section, _, name = path.partition(".")
        if section in wanted or section == "game":
            overrides[path] = value
        for side, entrant in sides:
            if section == entrant.name:
                overrides[f"{side}.{name}"] = value
    for side, entrant in sides:
        overrides |= {f"{side}.{name}": value for name, value in entrant.settings.items()}
    resolved = resolving.resolve(
        known,
        files,
        game=game,
        learner=row.name,
        opponents=[entrant.name for _, entrant in sides[1:]],
        recipe=asked.recipe,
        overrides=overrides,
        or_default=True,
    )
    # How a fit is surveyed is no part of it, nor what the recipe is called: equal fits, equal hashes.
    return attrs.evolve(resolved, evaluate=EvaluateSettings(), source="")


def _fit_of(
    known: Registry,
    files: Sequence[RecipeFile],
    asked: Tournament,
    experiment: Experiment,
    composition: Composition,
    sides: tuple[Entrant, Entrant],
    n: int,
) -> tuple[Experiment, int]:
    """The experiment that fits player n, and its index there."""
    choice = (experiment.learner, *experiment.opponents)[n]
    if len(composition.players) == 1 or not composition.players[n].wants_rivals:
        return attrs.evolve(experiment, learner=choice, opponents=()), 0
    met_as = getattr(composition.players[1 - n].factory, "met_as", None)
    theirs: Choice = (experiment.learner, *experiment.opponents)[1 - n]
    if met_as is not None:
        rival = _resolve(known, files, asked, experiment.game.name, sides[1 - n], Entrant("", met_as))
        theirs = rival.opponents[0]
    first, second = (choice, theirs) if n == 0 else (theirs, choice)
    return attrs.evolve(experiment, learner=first, opponents=(second,)), n


def _play(asked: Tournament, meeting: Meeting, kept: Mapping[str, tuple[list[Fitted], list[int]]]) -> Met:
    if meeting.still:
        return Met(meeting=meeting, payoffs=_still(meeting), seeds=(asked.seed,))
    fitted = [kept[f[0].fit_hash] for f in meeting.fits if f is not None]
    # Rules without parameters are the same for every seed; where somebody is fitted, they meet every fit.
    seeds = [asked.seed] if not fitted else [s for s in fitted[0][1] if all(s in lost[1] for lost in fitted)]
    players = []
    for n, found in enumerate(meeting.fits):
        if found is None:
            players.append(stacked([Fitted(learner=_shared(meeting.players[n]))] * len(seeds)))
        else:
            of_fit, survivors = kept[found[0].fit_hash]
            rows = np.array([survivors.index(seed) for seed in seeds])
            players.append(jax.tree.map(lambda leaf, rows=rows: leaf[rows], of_fit[found[1]]))
    match = Match(
        game=stacked([meeting.composition.game] * len(seeds)),
        players=tuple(players),
        seats=meeting.composition.seats,
    )
    payoffs = _payoffs(asked.trials, asked.steps)(match, fitting.seed_keys(seeds))
    return Met(meeting=meeting, payoffs=np.asarray(payoffs), seeds=tuple(seeds))


def _shared(learner: Learner) -> Learner:
    """One that plays alike; of all that never move, the same class, so that they share the compiled program."""
    policies = learner.held()
    return learner if policies is None else Held(policies=policies)


def _still(meeting: Meeting) -> np.ndarray:
    """Payoffs f32[1, 1, P] where nobody ever moves."""
    players = tuple(Fitted(learner=_shared(player)) for player in meeting.players)
    match = Match(game=meeting.composition.game, players=players, seats=meeting.composition.seats)
    return np.asarray(_at_the_start(match))[None, None]


@jax.jit
def _at_the_start(match: Match) -> Array:
    return match.game.payoff(matching.start(match, jax.random.key(0)))


@functools.cache
def _payoffs(trials: int, steps: int) -> Callable[[Match, Array], Array]:
    """f32[S, N, P]. Every meeting starts from the same joint policies: differences are the learners'."""

    def one(args: tuple[Match, Array]) -> Array:
        match, key = args
        return evaluate.matches(match, jax.random.fold_in(key, _TRIALS), trials, steps).payoffs

    return jax.jit(lambda match, keys: jax.lax.map(one, (match, keys)))
