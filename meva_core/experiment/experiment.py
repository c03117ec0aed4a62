"""An experiment: the game, the players and all hyper-parameters. It holds everything that a run depends on.

Names are resolved once, when an experiment is created. From then on the experiment records the plugin behind every
name, and so does its file:

    [learner]
    name = "some_learner"
    rate = 25.0

    [learner.from]
    plugin = "some_plugin"
    distribution = "some-distribution"
    version = "1.0.0"

If a setting of an evaluation names an entry, evaluate.NAME.SETTING, its origin is in [evaluate.NAME.SETTING_from].
In a file written by hand, `from` may name only the plugin or only the distribution, and may be left out if only one
plugin offers the name. The origin is part of the hash: equal hashes mean equal code.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs
import tomli_w

from meva_core.contracts.components import static
from meva_core.contracts.hyperparameters import as_plain
from meva_core.contracts.validators import between, one_of
from meva_core.errors import BadCombination
from meva_core.experiment.choice import Choice, without_none

SCHEMA = 3
WAYS = ("in_turn", "self_play", "exact")  # settings of [fit] that say how learners are fitted
DEFAULT = "default"  # in evaluate.asked: all evaluations that run by default


@attrs.frozen(kw_only=True)
class FitSettings:
    """Settings of a fit that are the same for every kind of learner."""

    seed: int = static(default=0, doc="first random seed", check=between(0, 2**31 - 2**16))
    seeds: int = static(default=1, doc="independent fits, in one program: seed, seed + 1, ...", check=between(1, 2**16))
    chunk: int = static(default=10, doc="outer loops between two checkpoints", check=between(1, 10**6))
    on_divergence: str = static(
        default="continue", doc="what the other seeds do if one diverges", check=one_of("stop", "continue")
    )
    in_turn: bool = static(
        default=False,
        doc="of learners that are each fitted against the other, first the opponents alone, then the learner against "
        "them; default: all together, loop by loop",
    )
    self_play: bool = static(
        default=False, doc="every fit is one in self-play; default: against those whom the learner meets"
    )
    exact: bool = static(
        default=False,
        doc="learners that are fitted see the exact payoffs, if there are any, of a game that is played; default: "
        "episodes",
    )

    @property
    def every_seed(self) -> list[int]:
        """The random seeds, one per fit."""
        return list(range(self.seed, self.seed + self.seeds))


@attrs.frozen(kw_only=True)
class EvaluateSettings:
    """Settings of the evaluation of fitted learners."""

    pairs: int = static(default=256, doc="joint policies per seed and row", check=between(1, 10**7))
    steps: int = static(default=1000, doc="steps of every match", check=between(1, 10**7))
    values: tuple[float, ...] = static(
        default=(), doc="rows: values of the learner's sweep; empty: the learner's choice"
    )
    asked: tuple[str, ...] = static(
        default=(DEFAULT,), doc="names of the evaluations to run; default: all that run by default"
    )
    float64: bool = static(default=False, doc="evaluate in double precision")


@attrs.frozen(kw_only=True)
class Experiment:
    """A fully resolved experiment: every hyper-parameter is written out, so later changes of defaults have no effect.

    policy: the meaning of the players' numbers, from the table [policy]; None for the game's own policies. by_seat:
        the policies of seats that have others, seat -> policy, counted from 1, from the tables [policy.SEAT].
    sample: hyper-parameters of `meva_core.sampling.Rollouts`, if the game is played; None if its payoffs are computed.

    In the file, the tables of the first learner's parts are at the top level; they also apply to every other learner
    whose own table does not contain a table for that part.
    """

    game: Choice
    learner: Choice
    opponents: tuple[Choice, ...] = ()  # empty: self-play
    fit: FitSettings = attrs.field(factory=FitSettings)
    evaluate: EvaluateSettings = attrs.field(factory=EvaluateSettings)
    evaluations: tuple[Choice, ...] = ()
    policy: Choice | None = None
    by_seat: Mapping[int, Choice] = attrs.field(factory=dict)
    sample: Mapping[str, Any] | None = None
    recipe: str = "default"
    source: str = ""

    @property
    def hash(self) -> str:
        """The hash of everything that decides the numbers, including the plugins and their versions."""
        return hash_of(self.to_plain())

    @property
    def fit_hash(self) -> str:
        """The hash of everything that decides the fit; the evaluation does not change it."""
        return hash_of(self.of_fit)

    @property
    def of_fit(self) -> dict[str, Any]:
        """Everything that decides the fit, as plain tables."""
        return {key: table for key, table in decisive(self.to_plain()).items() if key != "evaluate"}

    @property
    def of_matches(self) -> dict[str, Any]:
        """Everything that decides the matches, as plain tables."""
        settings = as_plain(attrs.asdict(self.evaluate))
        return {**self.of_fit, "evaluate": {name: settings[name] for name in ("pairs", "steps", "values", "float64")}}

    @property
    def seeds(self) -> list[int]:
        """The random seeds, one per fit."""
        return self.fit.every_seed

    def to_plain(self) -> dict[str, Any]:
        """Tables of numbers, strings and lists; `reading.from_plain` reads them."""
        plain: dict[str, Any] = {"schema": SCHEMA, "recipe": self.recipe, "source": self.source}
        plain["game"] = self.game.to_plain()
        if self.policy is not None:
            own = {str(seat): policy.to_plain() for seat, policy in self.by_seat.items()}
            plain["policy"] = {**self.policy.to_plain(), **own}
        if self.sample is not None:
            plain["sample"] = without_none(as_plain(self.sample))
        plain["learner"] = self.learner.to_plain()
        plain.update(self.learner.parts_to_plain())
        plain["fit"] = as_plain(attrs.asdict(self.fit))
        plain["evaluate"] = without_none(as_plain(attrs.asdict(self.evaluate)))
        plain["evaluate"] |= {each.name: each.numbers_to_plain() for each in self.evaluations}
        if self.opponents:
            plain["opponents"] = [{**rival.to_plain(), **rival.parts_to_plain()} for rival in self.opponents]
        return plain

    @property
    def cast(self) -> list[Choice]:
        """The game, the policies if there are any, and every player with its parts."""
        return [
            choice for each in (self.game, *self.policies, self.learner, *self.opponents) for choice in each.everybody
        ]

    @property
    def participants(self) -> list[Choice]:
        """The cast, the evaluations, and the entries that the evaluations name."""
        return [*self.cast, *(choice for evaluation in self.evaluations for choice in evaluation.everybody)]

    @property
    def policies(self) -> list[Choice]:
        """The policy of all seats, if there is one, and those of single seats."""
        return [] if self.policy is None else [self.policy, *self.by_seat.values()]

    def as_installed(self) -> Experiment:
        """The same experiment with the origins of the installed plugins, as a new run records them: a file may name
        other versions, or no origin."""
        learner = self.learner.as_installed()
        installed = attrs.evolve(
            self,
            game=self.game.as_installed(),
            policy=None if self.policy is None else self.policy.as_installed(),
            by_seat={seat: policy.as_installed() for seat, policy in self.by_seat.items()},
            learner=learner,
            opponents=unless_self_play(learner, tuple(rival.as_installed() for rival in self.opponents)),
        )
        return installed.with_evaluations(evaluation.as_installed() for evaluation in self.evaluations)

    def with_evaluations(self, evaluations: Iterable[Choice]) -> Experiment:
        """The same experiment with other records of its evaluations, in the same order. If one has another name,
        `evaluate.asked` has that name too."""
        evaluations = tuple(evaluations)
        names = {old.name: new.name for old, new in zip(self.evaluations, evaluations, strict=True)}
        asked = tuple(names.get(name, name) for name in self.evaluate.asked)
        return attrs.evolve(self, evaluate=attrs.evolve(self.evaluate, asked=asked), evaluations=evaluations)

    @property
    def changed_versions(self) -> list[str]:
        """Installed versions that differ from the recorded ones, as "meva-hawks 1.1 (was 1.0)", each once."""
        pairs = [(choice.origin, choice.offer.origin) for choice in self.participants]
        changes = [
            f"{here.distribution} {here.version} (was {was.version})"
            for was, here in pairs
            if was is not None and here is not None and was.version != here.version
        ]
        return list(dict.fromkeys(changes))

    def to_toml(self) -> str:
        """The text of an experiment.toml."""
        return tomli_w.dumps(self.to_plain())


def decisive(plain: Mapping[str, Any]) -> dict[str, Any]:
    """The part of an experiment that decides its numbers: everything except the recipe's name and source, the list of
    evaluations in `evaluate.asked`, `fit.chunk`, `fit.on_divergence` and [run]. The settings in WAYS are left out if
    they are False, as in files from before they existed."""
    tables = {key: value for key, value in plain.items() if key not in ("recipe", "source", "run")}
    if isinstance(evaluate := tables.get("evaluate"), Mapping):  # every evaluation that runs has a table
        tables["evaluate"] = {key: value for key, value in evaluate.items() if key != "asked"}
    if isinstance(fit := tables.get("fit"), Mapping):
        rest = {key: value for key, value in fit.items() if key not in ("chunk", "on_divergence")}
        tables["fit"] = {key: value for key, value in rest.items() if key not in WAYS or value}
    return tables


def dotted(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Every value by its name in --set: learner.rate; opponent.rate, or opponent.2.rate if there are several."""
    return dict(_dotted(_with_opponents(plain)))


def hash_of(plain: Mapping[str, Any]) -> str:
    """Hash of everything that decides the numbers, as twelve hexadecimal digits."""
    text = json.dumps(decisive(plain), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def unless_self_play(learner: Choice, rivals: tuple[Choice, ...]) -> tuple[Choice, ...]:
    """The opponents, or an empty tuple if every one of them equals the learner."""
    return () if all(rival == learner for rival in rivals) else rivals


def opponent_path(opponents: int, n: int) -> str:
    """The name in --set of opponent n, counted from 0. opponents: the number of opponents."""
    return "opponent" if opponents == 1 else f"opponent.{n + 1}"


def check_seats(experiment: Experiment, num_players: int) -> None:
    """Raise BadCombination unless there is one opponent for every other seat, or none (self-play)."""
    given = len(experiment.opponents)
    if given and given != num_players - 1:
        raise BadCombination(
            f"{experiment.game.name} has {num_players} players: expected {num_players - 1} opponents "
            f"(repeat --opponent in seat order) or none for self-play, got {given}"
        )


def _with_opponents(plain: Mapping[str, Any]) -> dict[str, Any]:
    """The tables with opponents under their names in --set: opponent.rate, or opponent.2.rate if there are several."""
    named = {key: value for key, value in plain.items() if key != "opponents"}
    match plain.get("opponents", []):
        case []:
            return named
        case [rival]:
            return {**named, "opponent": rival}
        case rivals:
            return {**named, "opponent": {str(n): rival for n, rival in enumerate(rivals, start=1)}}


def _dotted(table: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _dotted(value, f"{above}{key}.")
        else:
            yield above + key, value
