"""An experiment: who plays what with which numbers. All that a run depends on, and nothing else."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import tomli_w

from meva_core import recipes, values
from meva_core.component import as_plain, between, not_negative, one_of, parts, positive, static
from meva_core.errors import BadCombination, BadValue, did_you_mean
from meva_core.registry import Offer, Registry

SCHEMA = 2
PARTS_OF_MODELS = ("outputs", "conditions")  # set by the learner, not by users
MODELS = ("value_model", "explorer")  # what a learner may have of its own


@attrs.frozen(kw_only=True)
class FitSettings:
    """How a learner is fitted, whichever it is."""

    seed: int = static(default=0, doc="first random seed", check=between(0, 2**31 - 2**16))
    seeds: int = static(default=1, doc="independent fits, in one program: seed, seed + 1, ...", check=between(1, 2**16))
    chunk: int = static(default=10, doc="outer loops between two checkpoints", check=between(1, 10**6))
    on_divergence: str = static(
        default="continue", doc="what the other seeds do where one diverges", check=one_of("stop", "continue")
    )


@attrs.frozen(kw_only=True)
class EvaluateSettings:
    """What is asked of the fitted learners."""

    pairs: int = static(default=256, doc="joint policies per seed and row", check=between(1, 10**7))
    steps: int = static(default=1000, doc="steps of every match", check=between(1, 10**7))
    values: tuple[float, ...] = static(
        default=(), doc="rows: values of the learner's sweep; empty: the learner's choice"
    )
    against: str | None = static(default=None, doc="the learner to be shaped, at the learner's rate; unset: nobody")
    response_steps: int = static(
        default=300, doc="gradient steps of a best response, where none is exact", check=between(1, 10**7)
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


def _without_none(table: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in table.items() if value is not None}


@attrs.frozen
class Choice:
    """An entry's name and all its hyper-parameters; a learner's with its value model and explorer, where it has one."""

    name: str
    settings: Mapping[str, Any] = attrs.field(factory=dict)
    value_model: Choice | None = None
    explorer: Choice | None = None

    @property
    def models(self) -> dict[str, Choice]:
        """Its value model and its explorer, those it has."""
        return _without_none({part: getattr(self, part) for part in MODELS})

    def to_plain(self) -> dict[str, Any]:
        """Without the models. TOML knows no None: what is left to the composition is left out."""
        return {"name": self.name, **_without_none(as_plain(self.settings))}

    def models_to_plain(self) -> dict[str, Any]:
        """A table for each model."""
        return {part: model.to_plain() for part, model in self.models.items()}


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
    recipe: str = "default"
    source: str = ""

    @property
    def hash(self) -> str:
        """Equal hashes, equal numbers."""
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
        return list(range(self.fit.seed, self.fit.seed + self.fit.seeds))

    def to_plain(self) -> dict[str, Any]:
        """Tables of numbers, strings and lists; `from_plain` reads them."""
        plain: dict[str, Any] = {"schema": SCHEMA, "recipe": self.recipe, "source": self.source}
        plain["game"] = self.game.to_plain()
        plain["learner"] = self.learner.to_plain()
        plain.update(self.learner.models_to_plain())
        plain["fit"] = as_plain(attrs.asdict(self.fit))
        plain["evaluate"] = _without_none(as_plain(attrs.asdict(self.evaluate)))
        if self.opponents:
            plain["opponents"] = [{**rival.to_plain(), **rival.models_to_plain()} for rival in self.opponents]
        return plain

    def to_toml(self) -> str:
        """The text of an experiment.toml."""
        return tomli_w.dumps(self.to_plain())


def decisive(plain: Mapping[str, Any]) -> dict[str, Any]:
    """What decides the numbers: not what an experiment is called, in which pieces its fit is done, nor [run]."""
    found = {key: value for key, value in plain.items() if key not in ("recipe", "source", "run")}
    if isinstance(fit := found.get("fit"), Mapping):
        found["fit"] = {key: value for key, value in fit.items() if key not in ("chunk", "on_divergence")}
    return found


def hash_of(plain: Mapping[str, Any]) -> str:
    """Twelve hexadecimal digits of what decides the numbers."""
    text = json.dumps(decisive(plain), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def resolve(
    registry: Registry,
    files: Sequence[recipes.RecipeFile],
    *,
    game: str,
    learner: str,
    opponents: Sequence[str] = (),
    recipe: str = "default",
    overrides: Mapping[str, Any] | None = None,
    or_default: bool = False,
) -> Experiment:
    """An experiment from names, a recipe and overrides, `{"learner.rate": 1.5}`.

    Each learner's numbers come from its own recipe for the game, those of its value model and explorer too (an
    opponent without a recipe of that name uses its default, and with `or_default` so does the learner). An override
    of value_model or explorer is for everybody who has one, `learner.value_model.width` for one side alone.
    """
    sections, opponent_sections, source = _recipe_sections(
        registry, files, game, learner, opponents, recipe, or_default
    )
    defaults = recipes.defaults(files)
    for name, table in zip([learner, *opponents], [sections, *opponent_sections], strict=True):
        wanted = _wanted(registry, name)
        for part in MODELS:
            if part in wanted:
                table[part] = {"name": defaults[part], **table[part]}
            else:
                del table[part]
    for path, value in (overrides or {}).items():
        _override(sections, opponent_sections, path, value)
    plain = {
        "schema": SCHEMA,
        "recipe": recipe,
        "source": source,
        "game": {"name": game, **sections["game"]},
        "learner": {"name": learner, **sections["learner"]},
        **{part: sections[part] for part in MODELS if part in sections},
        "fit": sections["fit"],
        "evaluate": {"against": defaults["against"], **sections["evaluate"]},
        "opponents": [
            {"name": name, **table["learner"], **{part: table[part] for part in MODELS if part in table}}
            for name, table in zip(opponents, opponent_sections, strict=True)
        ],
    }
    return from_plain(registry, plain, "experiment")


def read(registry: Registry, path: Path) -> Experiment:
    """An experiment from its TOML file."""
    plain = recipes.read_toml(path)
    plain.pop("run", None)  # versions and hash of the run it was written by
    return from_plain(registry, plain, str(path))


def from_plain(registry: Registry, plain: Mapping[str, Any], where: str) -> Experiment:
    """Check everything that can be checked without building: names, types, missing and unknown keys."""
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
    evaluate = _settings(EvaluateSettings, plain.get("evaluate", {}), "evaluate")
    if evaluate.against is not None:
        registry.find("learner", evaluate.against)
    models = {part: plain[part] for part in MODELS if part in plain}
    for part in models:
        if not any(part in _wanted(registry, name) for name in _names([plain["learner"], *opponents])):
            raise BadValue(f"expected a learner that has one beside [{part}], got none @ {where}")
    learner = _player(registry, plain["learner"], models, "learner")
    rivals = tuple(_player(registry, o, models, _opponent_path(opponents, n)) for n, o in enumerate(opponents))
    return Experiment(
        game=_choice(registry, "game", plain["game"], "game"),
        learner=learner,
        opponents=() if all(rival == learner for rival in rivals) else rivals,
        fit=_settings(FitSettings, plain.get("fit", {}), "fit"),
        evaluate=evaluate,
        recipe=values.convert(plain.get("recipe", "default"), str, "recipe"),
        source=values.convert(plain.get("source", ""), str, "source"),
    )


def revised(registry: Registry, experiment: Experiment, overrides: Mapping[str, Any]) -> Experiment:
    """The experiment with some hyper-parameters changed, `{"learner.rate": 1.5}`."""
    plain = experiment.to_plain()
    opponents = plain.get("opponents", [])
    sections: dict[str, Any] = {section: plain[section] for section in recipes.SECTIONS if section in plain}
    sections["who"] = experiment.learner.name
    players = []
    for rival in opponents:
        own = {key: value for key, value in rival.items() if key not in MODELS}
        players.append(
            {"learner": own, "who": rival["name"], **{part: rival[part] for part in MODELS if part in rival}}
        )
    for path, value in overrides.items():
        _override(sections, players, path, value)
    if opponents:
        plain["opponents"] = [
            {**table["learner"], **{part: table[part] for part in MODELS if part in table}} for table in players
        ]
    return from_plain(registry, plain, "experiment")


def _recipe_sections(
    registry: Registry,
    files: Sequence[recipes.RecipeFile],
    game: str,
    learner: str,
    opponents: Sequence[str],
    recipe: str,
    or_default: bool,
) -> tuple[dict[str, dict[str, Any]], list[dict[str, dict[str, Any]]], str]:
    everything = [*_plugin_files(registry, game, (learner, *opponents)), *files]
    game, learner, opponents = _bare(game), _bare(learner), [_bare(opponent) for opponent in opponents]
    lacking = or_default and recipe not in recipes.names(everything, game, learner)
    own = recipes.find(everything, game, learner, "default" if lacking else recipe)
    sections: dict[str, Any] = {s: dict(own.sections[s]) if own else {} for s in recipes.SECTIONS}
    sections["who"] = learner
    opponent_sections = []
    for opponent in opponents:
        has = recipe in recipes.names(everything, game, opponent)
        theirs = recipes.find(everything, game, opponent, recipe if has else "default")
        tables: dict[str, Any] = {s: dict(theirs.sections[s]) if theirs else {} for s in ("learner", *MODELS)}
        opponent_sections.append({**tables, "who": opponent})
    return sections, opponent_sections, own.source if own else "the classes' own defaults; no recipe on record"


def _bare(name: str) -> str:
    """`plugin:name` chooses between plugins; recipes go by the name."""
    return name.rpartition(":")[2]


def _plugin_files(registry: Registry, game: str, learners: Sequence[str]) -> list[recipes.RecipeFile]:
    offers = [registry.find("game", game), *(registry.find("learner", name) for name in learners)]
    return [own for offer in dict.fromkeys(offers) if (own := offer.recipes()) is not None]


def _override(sections: dict[str, dict], opponents: list[dict[str, dict]], path: str, value: Any) -> None:
    section, _, name = path.partition(".")
    if section == "opponent":
        number, _, rest = name.partition(".")
        numbered = re.fullmatch("[0-9]+", number) is not None
        if (rest if numbered else name) == "name":
            raise BadValue(f"expected --opponent {value}, got {path}: recipes go by the names of game and learner")
        if not opponents:
            raise BadValue(f"expected --opponent NAME beside {path}, got self-play")
        meant = opponents
        if numbered:
            if not 1 <= int(number) <= len(opponents):
                raise BadValue(f"expected an opponent from 1 to {len(opponents)}, got {number} @ {path}")
            meant, name = [opponents[int(number) - 1]], rest
        _put(meant, name, path, value)
        return
    if name == "name" and section in ("game", "learner"):
        raise BadValue(f"expected --{section} {value}, got {path}: recipes go by the names of game and learner")
    if section not in recipes.SECTIONS:
        raise BadValue(f"expected SECTION.NAME, got {path!r}{did_you_mean(section, [*recipes.SECTIONS, 'opponent'])}")
    if section == "learner":
        _put([sections], name, path, value)
    elif section in MODELS:
        everybody = [sections, *opponents]
        _put([table for table in everybody if section in table] or everybody, path, path, value)
    elif not name:
        raise BadValue(f"expected {section}.NAME, got {path!r}: name one of its hyper-parameters")
    else:
        sections[section][name] = value


def _put(players: list[dict[str, dict]], inner: str, path: str, value: Any) -> None:
    """`inner`: a hyper-parameter of the learner, or value_model.NAME or explorer.NAME."""
    section, _, name = inner.partition(".")
    if section not in MODELS:
        section, name = "learner", inner
    if not name:
        raise BadValue(f"expected {path.rstrip('.')}.NAME, got {path!r}: name one of its hyper-parameters")
    for player in players:
        if section not in player:
            raise BadValue(
                f"expected a learner that has one for settings of {section}, got {path}: {player['who']} has none"
            )
        if name == "name" and section in MODELS and player[section].get("name") != value:
            player[section].clear()  # another one's numbers mean nothing to it
        player[section][name] = value


def _wanted(registry: Registry, learner: str) -> set[str]:
    """The models that a learner has."""
    return set(parts(registry.find("learner", learner).load())).intersection(MODELS)


def _player(registry: Registry, plain: Any, models: Mapping[str, Any], path: str) -> Choice:
    """A learner with its models: from its own table, or else `models`."""
    own = {part: plain[part] for part in MODELS if part in plain} if isinstance(plain, Mapping) else {}
    bare = {key: value for key, value in plain.items() if key not in MODELS} if own else plain
    choice = _choice(registry, "learner", bare, path)
    wanted = _wanted(registry, choice.name)
    found = {}
    for part in MODELS:
        if part in own and part not in wanted:
            raise BadValue(f"expected a learner that has one to read {part}, got {choice.name!r} @ {path}.{part}")
        if part in wanted:
            if part not in own and part not in models:
                raise BadValue(f"expected a table [{part}] for {choice.name!r}, got none @ {path}")
            found[part] = _choice(registry, part, {**models, **own}[part], f"{path}.{part}" if part in own else part)
    return attrs.evolve(choice, **found)


def _names(tables: Sequence[Any]) -> list[str]:
    """Of learners that are known by one; what is wrong with the rest is said where they are read."""
    return [table["name"] for table in tables if isinstance(table, Mapping) and isinstance(table.get("name"), str)]


def _choice(registry: Registry, kind: str, plain: Any, path: str) -> Choice:
    if not isinstance(plain, Mapping) or not isinstance(plain.get("name"), str):
        raise BadValue(f"expected a table with a name, got {plain!r} @ {path}")
    offer: Offer = registry.find(kind, plain["name"])
    given = {key: value for key, value in plain.items() if key != "name"}
    fixed = PARTS_OF_MODELS if kind == "value_model" else ()
    return Choice(plain["name"], values.structure(offer.load(), given, path, fixed=fixed))


def _settings(cls: type, plain: Any, path: str) -> Any:
    if not isinstance(plain, Mapping):
        raise BadValue(f"expected a table, got {plain!r} @ {path}")
    return values.construct(cls, values.structure(cls, plain, path), path)


def _opponent_path(opponents: list, n: int) -> str:
    return "opponent" if len(opponents) == 1 else f"opponent.{n + 1}"


def check_seats(experiment: Experiment, num_players: int) -> None:
    """BadCombination unless there is one opponent for every other seat, or none (self-play)."""
    given = len(experiment.opponents)
    if given and given != num_players - 1:
        raise BadCombination(
            f"{experiment.game.name} has {num_players} players: expected {num_players - 1} opponents "
            f"(repeat --opponent in seat order) or none for self-play, got {given}"
        )
