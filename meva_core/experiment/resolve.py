"""Names, a recipe and overrides -> an experiment; and an experiment with some hyper-parameters changed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from meva_core.contracts import conversion
from meva_core.contracts.components import hyperparameters
from meva_core.errors import BadValue, MevaError, did_you_mean
from meva_core.experiment.choice import FROM, MODELS, Choice, models_of
from meva_core.experiment.cookbook import Cookbook, cookbook
from meva_core.experiment.experiment import DEFAULT, SCHEMA, Experiment, from_plain
from meva_core.registry import checks, claims, loading, recipes
from meva_core.registry.entries import Offer, Registry

NEAR = 4.0  # payoffs whose range differs from the recipe's by a smaller factor take its rates without a word


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
    The source ends with what was measured of the recipe, where no override changes what is fitted.
    """
    offers = [registry.find("learner", name) for name in (learner, *opponents)]
    book = cookbook(registry, files, registry.find("game", game), offers)
    sections, opponent_sections, chosen, source = _recipe_sections(book, recipe, or_default)
    for n, (offer, table) in enumerate(zip(offers, [sections, *opponent_sections], strict=True)):
        wanted, defaults = models_of(offer), book.defaults(n)
        for part in MODELS:
            if part in wanted:
                table[part] = {"name": defaults[part], **table[part]}
            else:
                del table[part]
    of_recipe = dict(sections["game"])
    for path, value in (overrides or {}).items():
        _override(sections, opponent_sections, path, value)
    _check_asked(registry, sections["evaluate"], overrides or {})
    if sections["game"] != of_recipe:
        source += _in_another_unit(registry, game, of_recipe, learner, sections, overrides or {})
    plain = {
        "schema": SCHEMA,
        "recipe": recipe,
        "source": source,
        "game": {"name": game, **sections["game"]},
        "learner": {"name": learner, **sections["learner"]},
        **{part: sections[part] for part in MODELS if part in sections},
        "fit": sections["fit"],
        "evaluate": _evaluations(registry, sections["evaluate"], book.evaluations(0)),
        "opponents": [
            {"name": name, **table["learner"], **{part: table[part] for part in MODELS if part in table}}
            for name, table in zip(opponents, opponent_sections, strict=True)
        ],
    }
    resolved = _settled(registry, files, from_plain(registry, plain, "experiment").as_installed(), sections["rate"])
    if any(map(_of_fit, overrides or {})):
        return resolved
    against = [opponent.name for opponent in resolved.opponents]  # none where they equal the learner
    everything = book.where(book.learners[0].name, chosen)
    counted = claims.measured(everything, book.game, resolved.learner.name, chosen, against)
    return attrs.evolve(resolved, source="; ".join([resolved.source, *counted]))


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
    if "evaluate.asked" in overrides:
        sections["evaluate"] = _evaluations(registry, sections["evaluate"], {})
    _check_asked(registry, sections["evaluate"], overrides)
    plain |= {section: sections[section] for section in recipes.SECTIONS if section in sections}
    if opponents:
        plain["opponents"] = [
            {**table["learner"], **{part: table[part] for part in MODELS if part in table}} for table in players
        ]
    found = from_plain(registry, plain, "experiment")
    before = {evaluation.name: evaluation for evaluation in experiment.evaluations}
    evaluations = (_as_meant(evaluation, before.get(evaluation.name)) for evaluation in found.evaluations)
    return attrs.evolve(found, evaluations=tuple(evaluations))


def _as_meant(evaluation: Choice, before: Choice | None) -> Choice:
    """The evaluation with the origins of what is new in it, itself or somebody whom it names."""
    if before is None:
        return evaluation.as_installed()
    new = {
        setting: choice.as_installed()
        for setting, choice in evaluation.named.items()
        if setting not in before.named or choice.name != before.named[setting].name
    }
    settings = {**evaluation.settings, **{setting: choice.name for setting, choice in new.items()}}
    return attrs.evolve(evaluation, settings=settings, named={**evaluation.named, **new})


def _in_another_unit(
    registry: Registry,
    game: str,
    of_recipe: Mapping[str, Any],
    learner: str,
    sections: Mapping[str, Mapping[str, Any]],
    overrides: Mapping[str, Any],
) -> str:
    """A clause about rates that are meant for payoffs that range over far less, or far more, than those of the game
    that the user has made of it; empty where there is nothing to say."""
    if of_recipe == sections["game"]:
        return ""
    offer = registry.find("game", game)
    try:
        meant, played = (_payoff_range(offer, settings) for settings in (of_recipe, sections["game"]))
    except MevaError:
        return ""  # what is wrong with the game is said where it is composed
    if not meant > 0 or not played > 0 or 1 / NEAR <= played / meant <= NEAR:
        return ""
    numbers = {
        h.name: sections["learner"].get(h.name, h.default)
        for h in hyperparameters(loading.load(registry.find("learner", learner)))
        if h.per_payoff and f"learner.{h.name}" not in overrides
    }
    told = [f"learner.{name}={value * meant / played:.4g}" for name, value in numbers.items() if _is_number(value)]
    if not told:
        return ""
    return f"; its rates are for payoffs that range over {meant:g}, not {played:g}: likely wanted {', '.join(told)}"


def _payoff_range(offer: Offer, settings: Mapping[str, Any]) -> float:
    factory = loading.load(offer)
    built = conversion.construct(factory, {**offer.parts, **conversion.structure(factory, settings, "game")}, "game")
    if not offer.bundled:
        checks.game(offer, built)
    return float(max(built.payoff_range))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _recipe_sections(
    book: Cookbook, recipe: str, or_default: bool
) -> tuple[dict[str, Any], list[dict[str, dict[str, Any]]], str, str]:
    """Sections of the game and the learner, sections of each opponent, the recipe that the learner's came from, and its
    source."""
    learner, *opponents = book.learners
    chosen = "default" if or_default and not book.has(learner, recipe) else recipe
    own = book.find(learner, chosen)
    sections: dict[str, Any] = {s: dict(own.sections[s]) if own else {} for s in recipes.SECTIONS}
    sections["who"] = learner.name
    classes = {h.name: h.default for h in hyperparameters(loading.load(learner))}
    rate = sections["learner"].get("rate", classes.get("rate"))
    sections["rate"] = conversion.convert(rate, float, "learner.rate") if _is_number(rate) and rate > 0 else None
    opponent_sections = []
    for opponent in opponents:
        theirs = book.find(opponent, recipe if book.has(opponent, recipe) else "default")
        tables: dict[str, Any] = {s: dict(theirs.sections[s]) if theirs else {} for s in ("learner", *MODELS)}
        opponent_sections.append({**tables, "who": opponent.name})
    source = own.source if own else "the classes' own defaults; no recipe on record"
    return sections, opponent_sections, chosen, source


def _of_fit(path: str) -> bool:
    """True if an override changes what is fitted, so that what was measured of the recipe says nothing about it."""
    return path.partition(".")[0] not in ("fit", "evaluate")


@attrs.frozen
class About:
    """The experiment as `Evaluation.settle` is told of it.

    rate: the learner's in its recipe, before anybody changed it; None where it has none. of_recipe: a learner that an
    evaluation names -> its hyper-parameters, from its default recipe for the game.
    """

    learner: Choice
    opponents: tuple[Choice, ...]
    rate: float | None
    of_recipe: Callable[[Choice], Mapping[str, Any]]


def _settled(
    registry: Registry, files: Sequence[recipes.RecipeFile], experiment: Experiment, rate: float | None
) -> Experiment:
    """The experiment with what its evaluations take from the rest of it. rate: the learner's in its recipe, if any."""

    def of_recipe(choice: Choice) -> Mapping[str, Any]:
        own = cookbook(registry, files, experiment.game.offer, [choice.offer]).find(choice.offer, "default")
        return conversion.structure(loading.load(choice.offer), own.sections["learner"] if own else {}, choice.name)

    about, settled = About(experiment.learner, experiment.opponents, rate, of_recipe), []
    for choice in experiment.evaluations:
        settings = loading.load(choice.offer).settle(choice.settings, choice.named, about)
        settled.append(attrs.evolve(choice, settings=settings))
    return attrs.evolve(experiment, evaluations=tuple(settled))


def _evaluations(
    registry: Registry, table: Mapping[str, Any], defaults: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """The table [evaluate] with one inside it for each evaluation that is asked, and for those that these build on;
    tables of others are left out."""
    numbers = {name: value for name, value in table.items() if not isinstance(value, Mapping)}
    asked = conversion.convert(numbers.get("asked", [DEFAULT]), tuple[str, ...], "evaluate.asked")
    chosen: list[str] = []

    def choose(name: str) -> None:
        if name not in chosen:
            chosen.append(name)
            for other in loading.load(registry.find("evaluation", name)).builds_on:
                choose(other)

    for name in (offer.name for offer in registry.of_kind("evaluation")):
        if name in numbers:
            raise BadValue(f"expected evaluate.{name}.NAME, got {numbers[name]!r}: name one of its hyper-parameters")
    for name in asked:
        if name != DEFAULT:
            choose(name)
            continue
        for offer in registry.of_kind("evaluation"):
            if loading.load(offer).by_default:
                choose(offer.name)
    order = [offer.name for offer in registry.offers if offer.kind == "evaluation"]
    chosen.sort(key=lambda name: order.index(registry.find("evaluation", name).name))
    return {**numbers, **{name: {**defaults.get(name, {}), **table.get(name, {})} for name in chosen}}


def _check_asked(registry: Registry, table: Mapping[str, Any], overrides: Mapping[str, Any]) -> None:
    """BadValue where an override is for an evaluation that is not asked, or for none."""
    asked = _evaluations(registry, table, {})
    for path in overrides:
        section, _, rest = path.partition(".")
        name, dot, _ = rest.partition(".")
        if section != "evaluate" or not dot or name in asked:
            continue
        registry.find("evaluation", name)
        evaluations = ", ".join(key for key, value in asked.items() if isinstance(value, Mapping))
        raise BadValue(
            f"expected settings of an evaluation that is asked ({evaluations}), got {path}: "
            f"ask it too, --evaluate {DEFAULT},{name}"
        )


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
    elif section == "evaluate" and "." in name:
        evaluation, _, setting = name.partition(".")
        table = {**sections[section].get(evaluation, {}), setting: value}
        table.pop(f"{setting}_{FROM}", None)  # it said who another was
        sections[section][evaluation] = table
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
