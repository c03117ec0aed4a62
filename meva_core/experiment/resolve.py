"""Names, a recipe and overrides -> an experiment; and an experiment with some hyper-parameters changed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import numpy as np

from meva_core.contracts import conversion
from meva_core.contracts.components import hyperparameters
from meva_core.errors import BadValue, MevaError, did_you_mean
from meva_core.experiment.choice import MODELS, models_of
from meva_core.experiment.experiment import AGAINST_FROM, SCHEMA, Experiment, from_plain
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
    everything = [*_plugin_files(registry, game, (learner, *opponents)), *files]
    sections, opponent_sections, chosen, source = _recipe_sections(
        registry, everything, game, learner, opponents, recipe, or_default
    )
    defaults = recipes.defaults(files)
    for name, table in zip([learner, *opponents], [sections, *opponent_sections], strict=True):
        wanted = models_of(registry.find("learner", name))
        for part in MODELS:
            if part in wanted:
                table[part] = {"name": defaults[part], **table[part]}
            else:
                del table[part]
    of_recipe = dict(sections["game"])
    for path, value in (overrides or {}).items():
        _override(sections, opponent_sections, path, value)
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
        "evaluate": {"against": defaults["against"], **sections["evaluate"]},
        "opponents": [
            {"name": name, **table["learner"], **{part: table[part] for part in MODELS if part in table}}
            for name, table in zip(opponents, opponent_sections, strict=True)
        ],
    }
    resolved = _with_rate_to_shape(files, from_plain(registry, plain, "experiment").as_installed())
    if any(map(_of_fit, overrides or {})):
        return resolved
    against = [opponent.name for opponent in resolved.opponents]  # none where they equal the learner
    counted = claims.measured(everything, resolved.game.name, resolved.learner.name, chosen, against)
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
    if opponents:
        plain["opponents"] = [
            {**table["learner"], **{part: table[part] for part in MODELS if part in table}} for table in players
        ]
    found = from_plain(registry, plain, "experiment")
    if found.against is None or "evaluate.against" not in overrides:
        return found
    return found.shaping(found.against.as_installed())


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
    registry: Registry,
    everything: Sequence[recipes.RecipeFile],
    game: str,
    learner: str,
    opponents: Sequence[str],
    recipe: str,
    or_default: bool,
) -> tuple[dict[str, dict[str, Any]], list[dict[str, dict[str, Any]]], str, str]:
    """Sections of the game and the learner, sections of each opponent, the recipe that the learner's came from, and its
    source."""
    # `plugin:name` chooses between plugins; recipes go by the name.
    game, learner = registry.find("game", game).name, registry.find("learner", learner).name
    opponents = [registry.find("learner", opponent).name for opponent in opponents]
    lacking = or_default and recipe not in recipes.names(everything, game, learner)
    chosen = "default" if lacking else recipe
    own = recipes.find(everything, game, learner, chosen)
    sections: dict[str, Any] = {s: dict(own.sections[s]) if own else {} for s in recipes.SECTIONS}
    sections["who"] = learner
    opponent_sections = []
    for opponent in opponents:
        has = recipe in recipes.names(everything, game, opponent)
        theirs = recipes.find(everything, game, opponent, recipe if has else "default")
        tables: dict[str, Any] = {s: dict(theirs.sections[s]) if theirs else {} for s in ("learner", *MODELS)}
        opponent_sections.append({**tables, "who": opponent})
    source = own.source if own else "the classes' own defaults; no recipe on record"
    return sections, opponent_sections, chosen, source


def _of_fit(path: str) -> bool:
    """True if an override changes what is fitted, so that what was measured of the recipe says nothing about it."""
    return path.partition(".")[0] not in ("fit", "evaluate")


def _with_rate_to_shape(files: Sequence[recipes.RecipeFile], experiment: Experiment) -> Experiment:
    """The experiment with the rate of the learner to be shaped, from its own recipe for the game, where there is such a
    learner and the one that shapes it, which never moves, has no rate to lend it."""
    evaluate, against = experiment.evaluate, experiment.against
    lent = evaluate.against_rate or np.any(experiment.learner.settings["rate"])
    if lent or against is None or experiment.opponents:
        return experiment
    everything = [*_files_of([experiment.game.offer, against.offer]), *files]
    own = recipes.find(everything, experiment.game.name, against.name, "default")
    rate = conversion.structure(
        loading.load(against.offer), own.sections["learner"] if own else {}, "evaluate.against"
    )["rate"]
    return attrs.evolve(experiment, evaluate=attrs.evolve(evaluate, against_rate=rate))


def _plugin_files(registry: Registry, game: str, learners: Sequence[str]) -> list[recipes.RecipeFile]:
    return _files_of([registry.find("game", game), *(registry.find("learner", name) for name in learners)])


def _files_of(offers: Sequence[Offer]) -> list[recipes.RecipeFile]:
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
        if (section, name) == ("evaluate", "against"):
            sections[section].pop(AGAINST_FROM, None)  # it said who another was
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
