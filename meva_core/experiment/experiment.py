"""An experiment: who plays what with which numbers. All that a run depends on, and nothing else.

Names are resolved once, when an experiment is made: from then on it holds who was meant, and its file says so beside
every name,

    [learner]
    name = "lola"
    rate = 25.0

    [learner.from]
    plugin = "meva_gradient_rules"
    distribution = "meva"
    version = "1.0.0"

of the learner to be shaped in [evaluate.against_from]. Written by hand, `from` may name the plugin or the distribution
alone, or be left out where only one plugin offers the name. It is in the hash: equal hashes mean equal code.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import tomli_w

from meva_core.contracts import conversion
from meva_core.contracts.components import as_plain, between, not_negative, one_of, positive, static
from meva_core.errors import BadCombination, BadValue, did_you_mean
from meva_core.experiment.choice import FROM, MODELS, Choice, models_of, read_choice, read_name, without_none
from meva_core.registry import recipes
from meva_core.registry.entries import Registry

SCHEMA = 2
AGAINST_FROM = "against_from"  # of [evaluate]: the origin of the learner to be shaped


@attrs.frozen(kw_only=True)
class FitSettings:
    """How a learner is fitted, whichever it is."""

    seed: int = static(default=0, doc="first random seed", check=between(0, 2**31 - 2**16))
    seeds: int = static(default=1, doc="independent fits, in one program: seed, seed + 1, ...", check=between(1, 2**16))
    chunk: int = static(default=10, doc="outer loops between two checkpoints", check=between(1, 10**6))
    on_divergence: str = static(
        default="continue", doc="what the other seeds do where one diverges", check=one_of("stop", "continue")
    )

    @property
    def every_seed(self) -> list[int]:
        """One per fit."""
        return list(range(self.seed, self.seed + self.seeds))


@attrs.frozen(kw_only=True)
class EvaluateSettings:
    """What is asked of the fitted learners."""

    pairs: int = static(default=256, doc="joint policies per seed and row", check=between(1, 10**7))
    steps: int = static(default=1000, doc="steps of every match", check=between(1, 10**7))
    values: tuple[float, ...] = static(
        default=(), doc="rows: values of the learner's sweep; empty: the learner's choice"
    )
    against: str | None = static(default=None, doc="the learner to be shaped; unset: nobody")
    against_rate: float | None = static(
        default=None,
        doc="its learning rate; unset: the learner's, or of a learner that has none, what its own recipe says",
        check=positive,
    )
    response_steps: int = static(
        default=100, doc="gradient steps of a best response, where none is exact", check=between(1, 10**7)
    )
    response_restarts: int = static(default=8, doc="fresh starts of such a best response", check=between(1, 10**5))
    response_rate: float = static(default=1.0, doc="learning rate of such a best response", check=positive)
    grid: int = static(default=29, doc="starts along each axis of a survey of basins", check=between(2, 1000))
    grid_steps: int = static(default=200, doc="steps from each of them", check=between(1, 10**7))
    nudge: float = static(
        default=0.0,
        doc="if above 0, starts whose end changes when they are moved by so much are told apart",
        check=not_negative,
    )
    polytope: int = static(
        default=0,
        doc="random opponents for a polytope of payoffs along a match with the learner to be shaped",
        check=between(0, 10**6),
    )
    float64: bool = static(default=False, doc="evaluate in double precision")


@attrs.frozen(kw_only=True)
class Experiment:
    """Fully resolved: every hyper-parameter is written out, so that later defaults change nothing.

    In its file a model's table stands inside the table of the learner that has it; for all whose do not, it stands
    at the top, as [value_model] and [explorer] of the first learner do.
    """

    game: Choice
    learner: Choice
    opponents: tuple[Choice, ...] = ()  # empty: self-play
    against: Choice | None = None  # who `evaluate.against` names; its numbers are settled when that is asked
    fit: FitSettings = attrs.field(factory=FitSettings)
    evaluate: EvaluateSettings = attrs.field(factory=EvaluateSettings)
    recipe: str = "default"
    source: str = ""

    @property
    def hash(self) -> str:
        """Equal hashes, equal numbers: the plugins, and their versions, are in it."""
        return hash_of(self.to_plain())

    @property
    def fit_hash(self) -> str:
        """Equal hashes, equal fits, however they are evaluated."""
        return hash_of(self.of_fit)

    @property
    def of_fit(self) -> dict[str, Any]:
        """All that decides the fit, as plain tables."""
        return {key: table for key, table in decisive(self.to_plain()).items() if key != "evaluate"}

    @property
    def seeds(self) -> list[int]:
        """One per fit."""
        return self.fit.every_seed

    def to_plain(self) -> dict[str, Any]:
        """Tables of numbers, strings and lists; `from_plain` reads them."""
        plain: dict[str, Any] = {"schema": SCHEMA, "recipe": self.recipe, "source": self.source}
        plain["game"] = self.game.to_plain()
        plain["learner"] = self.learner.to_plain()
        plain.update(self.learner.models_to_plain())
        plain["fit"] = as_plain(attrs.asdict(self.fit))
        plain["evaluate"] = without_none(as_plain(attrs.asdict(self.evaluate)))
        if self.against is not None and self.against.origin is not None:
            plain["evaluate"][AGAINST_FROM] = self.against.origin.to_plain()
        if self.opponents:
            plain["opponents"] = [{**rival.to_plain(), **rival.models_to_plain()} for rival in self.opponents]
        return plain

    @property
    def participants(self) -> list[Choice]:
        """The game, and every player with its models."""
        players = (self.learner, *self.opponents)
        return [self.game, *(choice for player in players for choice in (player, *player.models.values()))]

    def as_installed(self) -> Experiment:
        """The same experiment of what is installed here, as a new run has it: a file may be of other versions, or leave
        open who is meant."""
        learner = self.learner.as_installed()
        found = attrs.evolve(
            self,
            game=self.game.as_installed(),
            learner=learner,
            opponents=_unless_self_play(learner, tuple(rival.as_installed() for rival in self.opponents)),
        )
        return found if self.against is None else found.shaping(self.against.as_installed())

    def shaping(self, against: Choice) -> Experiment:
        """The same experiment with this learner to be shaped."""
        return attrs.evolve(self, against=against, evaluate=attrs.evolve(self.evaluate, against=against.name))

    @property
    def changed_versions(self) -> list[str]:
        """Versions that are not those on record: "meva-hawks 1.1 (was 1.0)", each once."""
        shaped = [] if self.against is None else [self.against]
        pairs = [(choice.origin, choice.offer.origin) for choice in (*self.participants, *shaped)]
        told = [
            f"{here.distribution} {here.version} (was {was.version})"
            for was, here in pairs
            if was is not None and here is not None and was.version != here.version
        ]
        return list(dict.fromkeys(told))

    def to_toml(self) -> str:
        """The text of an experiment.toml."""
        return tomli_w.dumps(self.to_plain())


def decisive(plain: Mapping[str, Any]) -> dict[str, Any]:
    """What decides the numbers: not what an experiment is called, in which pieces its fit is done, nor [run]."""
    found = {key: value for key, value in plain.items() if key not in ("recipe", "source", "run")}
    if isinstance(fit := found.get("fit"), Mapping):
        found["fit"] = {key: value for key, value in fit.items() if key not in ("chunk", "on_divergence")}
    return found


def dotted(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Every number by the name that --set gives it: learner.rate; opponent.rate, or of several opponent.2.rate."""
    return dict(_dotted(_with_opponents(plain)))


def hash_of(plain: Mapping[str, Any]) -> str:
    """Twelve hexadecimal digits of what decides the numbers."""
    text = json.dumps(decisive(plain), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def read(registry: Registry, path: Path) -> Experiment:
    """An experiment from its TOML file, its hash that of the file."""
    plain = recipes.read_toml(path)
    plain.pop("run", None)  # versions and hash of the run it was written by
    return from_plain(registry, plain, str(path))


def from_plain(registry: Registry, plain: Mapping[str, Any], where: str) -> Experiment:
    """Check everything that can be checked without building: names, types, missing and unknown keys. Raises BadValue,
    UnknownName where somebody who is meant is not installed, and BadPlugin where a name alone is two plugins'."""
    known = ("schema", "recipe", "source", "opponents", *recipes.SECTIONS)
    for key in plain:
        if key not in known:
            raise BadValue(f"unknown key {key!r} @ {where}{did_you_mean(key, known)}")
    if plain.get("schema") != SCHEMA:
        raise BadValue(f"expected schema {SCHEMA}, got {plain.get('schema')!r} @ {where}: written by another version?")
    for key in ("game", "learner"):
        if key not in plain:
            raise BadValue(f"expected a table [{key}], got none @ {where}")
    opponents = plain.get("opponents", [])
    if not isinstance(opponents, list):
        raise BadValue(f"expected a list of tables, got {opponents!r} @ {where}: opponents")
    evaluate, against = _evaluate(registry, plain.get("evaluate", {}))
    models = {part: plain[part] for part in MODELS if part in plain}
    learner = _player(registry, plain["learner"], models, "learner")
    rivals = tuple(_player(registry, o, models, opponent_path(len(opponents), n)) for n, o in enumerate(opponents))
    for part in models:
        if not any(part in player.models for player in (learner, *rivals)):
            raise BadValue(f"expected a learner that has one beside [{part}], got none @ {where}")
    return Experiment(
        game=read_choice(registry, "game", plain["game"], "game"),
        learner=learner,
        opponents=_unless_self_play(learner, rivals),
        against=against,
        fit=_settings(FitSettings, plain.get("fit", {}), "fit"),
        evaluate=evaluate,
        recipe=conversion.convert(plain.get("recipe", "default"), str, "recipe"),
        source=conversion.convert(plain.get("source", ""), str, "source"),
    )


def _unless_self_play(learner: Choice, rivals: tuple[Choice, ...]) -> tuple[Choice, ...]:
    """The opponents; none where each is the learner itself."""
    return () if all(rival == learner for rival in rivals) else rivals


def _evaluate(registry: Registry, plain: Any) -> tuple[EvaluateSettings, Choice | None]:
    """What is asked, and the learner to be shaped."""
    table = dict(plain) if isinstance(plain, Mapping) else plain
    origin = table.pop(AGAINST_FROM, None) if isinstance(table, dict) else None
    found = _settings(EvaluateSettings, table, "evaluate")
    if found.against is None:
        return found, None
    named = {"name": found.against} | ({} if origin is None else {FROM: origin})
    return found, read_name(registry, "learner", named, f"evaluate.{AGAINST_FROM}")


def _player(registry: Registry, plain: Any, models: Mapping[str, Any], path: str) -> Choice:
    """A learner with its models: from its own table, or else `models`."""
    own = {part: plain[part] for part in MODELS if part in plain} if isinstance(plain, Mapping) else {}
    bare = {key: value for key, value in plain.items() if key not in MODELS} if own else plain
    choice = read_choice(registry, "learner", bare, path)
    wanted = models_of(choice.offer)
    found = {}
    for part in MODELS:
        if part in own and part not in wanted:
            raise BadValue(f"expected a learner that has one to read {part}, got {choice.name!r} @ {path}.{part}")
        if part in wanted:
            if part not in own and part not in models:
                raise BadValue(f"expected a table [{part}] for {choice.name!r}, got none @ {path}")
            where = f"{path}.{part}" if part in own else part
            found[part] = read_choice(registry, part, {**models, **own}[part], where)
    return attrs.evolve(choice, **found)


def _settings(cls: type, plain: Any, path: str) -> Any:
    if not isinstance(plain, Mapping):
        raise BadValue(f"expected a table, got {plain!r} @ {path}")
    return conversion.construct(cls, conversion.structure(cls, plain, path), path)


def opponent_path(opponents: int, n: int) -> str:
    """The name that --set gives opponent n, counted from 0, of so many."""
    return "opponent" if opponents == 1 else f"opponent.{n + 1}"


def check_seats(experiment: Experiment, num_players: int) -> None:
    """BadCombination unless there is one opponent for every other seat, or none (self-play)."""
    given = len(experiment.opponents)
    if given and given != num_players - 1:
        raise BadCombination(
            f"{experiment.game.name} has {num_players} players: expected {num_players - 1} opponents "
            f"(repeat --opponent in seat order) or none for self-play, got {given}"
        )


def _with_opponents(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Opponents by the names that --set gives them: opponent.rate, or of several opponent.2.rate."""
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
