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
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import tomli_w

from meva_core.contracts import conversion
from meva_core.contracts.components import as_plain, between, one_of, static
from meva_core.errors import BadCombination, BadValue, did_you_mean
from meva_core.experiment.choice import MODELS, Choice, models_of, read_choice, without_none
from meva_core.registry import loading, recipes
from meva_core.registry.entries import Registry

SCHEMA = 3
DEFAULT = "default"  # in evaluate.asked: all evaluations that are asked by default


@attrs.frozen(kw_only=True)
class FitSettings:
    """Settings of a learner's fit, whichever learner it is."""

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
    """Settings of the evaluation of fitted learners."""

    pairs: int = static(default=256, doc="joint policies per seed and row", check=between(1, 10**7))
    steps: int = static(default=1000, doc="steps of every match", check=between(1, 10**7))
    values: tuple[float, ...] = static(
        default=(), doc="rows: values of the learner's sweep; empty: the learner's choice"
    )
    asked: tuple[str, ...] = static(
        default=(DEFAULT,), doc="names of evaluations; default: all that are asked unless somebody picks"
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
    fit: FitSettings = attrs.field(factory=FitSettings)
    evaluate: EvaluateSettings = attrs.field(factory=EvaluateSettings)
    evaluations: tuple[Choice, ...] = ()
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
        plain["evaluate"] |= {each.name: each.numbers_to_plain() for each in self.evaluations}
        if self.opponents:
            plain["opponents"] = [{**rival.to_plain(), **rival.models_to_plain()} for rival in self.opponents]
        return plain

    @property
    def cast(self) -> list[Choice]:
        """The game, and every player with its models."""
        return [choice for each in (self.game, self.learner, *self.opponents) for choice in each.everybody]

    @property
    def participants(self) -> list[Choice]:
        """The cast, the evaluations, and whom these name."""
        return [*self.cast, *(choice for evaluation in self.evaluations for choice in evaluation.everybody)]

    def as_installed(self) -> Experiment:
        """The same experiment of what is installed here, as a new run has it: a file may be of other versions, or leave
        open who is meant."""
        learner = self.learner.as_installed()
        evaluations = tuple(evaluation.as_installed() for evaluation in self.evaluations)
        called = {old.name: new.name for old, new in zip(self.evaluations, evaluations, strict=True)}
        asked = tuple(called.get(name, name) for name in self.evaluate.asked)
        return attrs.evolve(
            self,
            game=self.game.as_installed(),
            learner=learner,
            opponents=_unless_self_play(learner, tuple(rival.as_installed() for rival in self.opponents)),
            evaluate=attrs.evolve(self.evaluate, asked=asked),
            evaluations=evaluations,
        )

    @property
    def changed_versions(self) -> list[str]:
        """Versions that are not those on record: "meva-hawks 1.1 (was 1.0)", each once."""
        pairs = [(choice.origin, choice.offer.origin) for choice in self.participants]
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
    """The part of an experiment that decides its numbers: without its recipe's name and source, how evaluations were
    picked, in which pieces a fit is done, and [run]."""
    found = {key: value for key, value in plain.items() if key not in ("recipe", "source", "run")}
    if isinstance(evaluate := found.get("evaluate"), Mapping):  # who is asked has a table
        found["evaluate"] = {key: value for key, value in evaluate.items() if key != "asked"}
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
    run = plain.pop("run", None)  # versions and hash of the run it was written by
    versions = run.get("versions", {}) if isinstance(run, Mapping) else {}
    if isinstance(schema := plain.get("schema"), int) and 0 < schema < SCHEMA and isinstance(versions, Mapping):
        raise BadValue(
            f"expected schema {SCHEMA}, got {schema} @ {path}: meva {versions.get('meva', 'of an earlier version')} "
            "wrote it, and runs it again; this version makes its page (meva report)"
        )
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
    evaluate, evaluations = _evaluate(registry, plain.get("evaluate", {}))
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
        fit=_settings(FitSettings, plain.get("fit", {}), "fit"),
        evaluate=evaluate,
        evaluations=evaluations,
        recipe=conversion.convert(plain.get("recipe", "default"), str, "recipe"),
        source=conversion.convert(plain.get("source", ""), str, "source"),
    )


def _unless_self_play(learner: Choice, rivals: tuple[Choice, ...]) -> tuple[Choice, ...]:
    """The opponents; none where each is the learner itself."""
    return () if all(rival == learner for rival in rivals) else rivals


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


def _evaluate(registry: Registry, plain: Any) -> tuple[EvaluateSettings, tuple[Choice, ...]]:
    """The table [evaluate]: its own numbers, and a table for each evaluation that is asked."""
    if not isinstance(plain, Mapping):
        raise BadValue(f"expected a table, got {plain!r} @ evaluate")
    tables = {name: table for name, table in plain.items() if isinstance(table, Mapping)}
    numbers = {name: value for name, value in plain.items() if name not in tables}
    check_evaluate_settings(registry, numbers)
    settings = _settings(EvaluateSettings, numbers, "evaluate")
    for name in settings.asked:
        if name not in tables and name != DEFAULT:
            raise BadValue(f"expected a table [evaluate.{name}] for what is asked, got none @ evaluate.asked")
    chosen = [
        read_choice(registry, "evaluation", {"name": name, **tables[name]}, f"evaluate.{name}") for name in tables
    ]
    return settings, tuple(chosen)


def check_evaluate_settings(registry: Registry, names: Iterable[str]) -> None:
    """Raise BadValue for a setting that is an evaluation's today, and say which."""
    own = [field.name for field in attrs.fields(EvaluateSettings)]
    for name in names:
        if name in own:
            continue
        for offer in registry.of_kind("evaluation"):
            now = loading.load(offer).formerly.get(name)
            if now is not None:
                raise BadValue(f"evaluate.{name} is now evaluate.{offer.name}.{now}: write that instead")
        evaluations = [offer.name for offer in registry.of_kind("evaluation")]
        raise BadValue(f"unknown hyper-parameter evaluate.{name}{did_you_mean(name, [*own, *evaluations])}")


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
