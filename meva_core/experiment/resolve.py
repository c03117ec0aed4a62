"""Names, a recipe and overrides -> an experiment; and an experiment with some hyper-parameters changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from meva_core.contracts import conversion, kinds
from meva_core.contracts.hooks import kind_label
from meva_core.contracts.hyperparameters import hyperparameters, pace
from meva_core.contracts.playing import learns_from
from meva_core.errors import BadValue, MevaError
from meva_core.experiment import drafts, evaluations, settling
from meva_core.experiment.choice import Choice, parts_of
from meva_core.experiment.cookbook import Cookbook, cookbook
from meva_core.experiment.drafts import Draft, Side
from meva_core.experiment.experiment import SCHEMA, Experiment
from meva_core.experiment.reading import from_plain
from meva_core.registry import checks, claims, loading, recipes
from meva_core.registry.entries import Offer, Registry
from meva_core.registry.recipes import Recipe

NO_RECIPE = Recipe("default", "the classes' own defaults; there is no recipe", {})
SAMPLED = {"pairs": 4, "steps": 200}  # [evaluate] of games that are played, where matches take much longer
NEAR = 4.0  # no remark if the payoffs' range differs from that of the recipe's game by at most this factor


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
    sampled: bool = False,
) -> Experiment:
    """An experiment from names, a recipe and overrides, `{"learner.rate": 1.5}`.

    Each learner takes its hyper-parameters and those of its parts from its own recipe for the game. An opponent without
    a recipe of that name uses its default recipe; with `or_default` so does the learner. The override `critic.width`
    applies to every learner that has a part of that name, `learner.critic.width` to one side only. The source ends with
    the recipe's measured results, unless an override changes the fit.

    sampled: the game is played, also if its payoffs could be computed; without it, that is so if a learner learns from
    episodes. Then its policies are the default ones, unless others are chosen, and matches are fewer and shorter.
    """
    offers = [registry.find("learner", name) for name in (learner, *opponents)]
    book = cookbook(registry, files, registry.find("game", game), offers)
    used = _recipes(book, recipe, or_default)
    own, chosen = used[0], used[0].name
    draft = _draft(book, used, game, (learner, *opponents))
    if sampled or draft.sample is not None or must_be_played(registry.find("game", game), offers):
        draft = _sampled(draft, book)
    of_recipe, chosen_policy, rate = dict(draft.game), draft.policy.get("name"), _rate(draft.learner.own, offers[0])
    source = own.source
    for path, value in (overrides or {}).items():
        draft.override(path, value)
    _check_names(draft, offers)
    evaluations.check_overrides(registry, draft.evaluate, overrides or {})
    if draft.game != of_recipe:
        source += _in_another_unit(registry, of_recipe, draft, overrides or {})
    if own is not NO_RECIPE and draft.policies != ([] if chosen_policy is None else [chosen_policy]):
        source += _for_tables(registry, draft.policies)
    evaluate = evaluations.tables(registry, draft.evaluate, book.evaluations(0))
    head = {"schema": SCHEMA, "recipe": recipe, "source": source}
    plain = {**head, **draft.to_plain(), "evaluate": evaluate}
    written = from_plain(registry, plain, "experiment").as_installed()
    resolved = settling.settled(registry, files, written, rate)
    if any(map(_of_fit, overrides or {})):
        return resolved
    against = [opponent.name for opponent in resolved.opponents]  # empty if they equal the learner
    everything = book.where(book.learners[0].name, chosen)
    counted = claims.measured(everything, book.game, resolved.learner.name, chosen, against)
    return attrs.evolve(resolved, source="; ".join([resolved.source, *counted]))


def sections(
    registry: Registry, files: Sequence[recipes.RecipeFile], game: str, learner: str, recipe: str
) -> Mapping[str, Mapping[str, Any]]:
    """The tables of a learner's recipe for a game; those of its default recipe if it has none of this name."""
    book = cookbook(registry, files, registry.find("game", game), [registry.find("learner", learner)])
    (found,) = _recipes(book, recipe, or_default=True)
    return found.sections


def must_be_played(game: Offer, learners: Sequence[Offer]) -> bool:
    """True if a game has rules only, or if it can be played and a learner learns from episodes."""
    if kinds.form("game", loading.load(game)) == "sampled_game":
        return True
    sources = (learns_from(loading.load(learner)) for learner in learners)
    return hasattr(loading.load(game), "rules") and "episodes" in sources


def revised(
    registry: Registry, files: Sequence[recipes.RecipeFile], experiment: Experiment, overrides: Mapping[str, Any]
) -> Experiment:
    """The experiment with some hyper-parameters changed, `{"learner.rate": 1.5}`.

    Evaluations that it did not have before get the settings that `resolve` would give them.
    """
    draft = drafts.of_experiment(experiment)
    for path, value in overrides.items():
        draft.override(path, value)
    evaluate, rate, before = draft.evaluate, None, {choice.offer: choice for choice in experiment.evaluations}
    if "evaluate.asked" in overrides:
        book = cookbook(registry, files, experiment.game.offer, [experiment.learner.offer])
        (recipe,) = _recipes(book, experiment.recipe, or_default=True)
        rate = _rate(recipe.sections.get("learner", {}), experiment.learner.offer)
        own = {name: table for name, table in recipe.sections.get("evaluate", {}).items() if isinstance(table, Mapping)}
        defaults = _merged(book.evaluations(0), own)
        of_others = (name for name in defaults if not any(offer.goes_by(name) for offer in before))
        evaluate = evaluations.tables(registry, evaluate, {name: defaults[name] for name in of_others})
    evaluations.check_overrides(registry, evaluate, overrides)
    plain = {**experiment.to_plain(), **draft.to_plain(), "evaluate": evaluate}
    changed = from_plain(registry, plain, "experiment")
    new = tuple(choice.as_installed() for choice in changed.evaluations if choice.offer not in before)
    of_new = settling.settled(registry, files, attrs.evolve(changed, evaluations=new), rate).evaluations
    settled = {choice.offer: choice for choice in of_new}
    return changed.with_evaluations(
        settled[choice.offer] if choice.offer in settled else _as_meant(choice, before[choice.offer])
        for choice in changed.evaluations
    )


def _merged(*tables: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Settings of evaluations, by name; the last table wins."""
    names = dict.fromkeys(name for table in tables for name in table)
    return {name: {key: value for table in tables for key, value in table.get(name, {}).items()} for name in names}


def _as_meant(evaluation: Choice, before: Choice) -> Choice:
    """An evaluation under the name that it had before, with the origins of the installed plugins for the entries that
    it did not name before."""
    new = {
        setting: choice.as_installed()
        for setting, choice in evaluation.named.items()
        if setting not in before.named or choice.name != before.named[setting].name
    }
    settings = {**evaluation.settings, **{setting: choice.name for setting, choice in new.items()}}
    return attrs.evolve(evaluation, name=before.name, settings=settings, named={**evaluation.named, **new})


def _in_another_unit(
    registry: Registry, of_recipe: Mapping[str, Any], draft: Draft, overrides: Mapping[str, Any]
) -> str:
    """A clause for the source if the range of the game's payoffs differs much from that in the recipe, so that the
    recipe's rates do not fit; else an empty string. of_recipe: the game's table in the recipe, before overrides."""
    offer = registry.find("game", draft.game["name"])
    try:
        meant, played = (_payoff_range(offer, settings) for settings in (of_recipe, draft.game))
    except MevaError:
        return ""  # composition reports the error in the game
    if not meant > 0 or not played > 0 or 1 / NEAR <= played / meant <= NEAR:
        return ""
    numbers = {
        h.name: draft.learner.own.get(h.name, h.default)
        for h in hyperparameters(loading.load(registry.find("learner", draft.learner.name)))
        if h.per_payoff and f"learner.{h.name}" not in overrides
    }
    advice = [f"learner.{name}={value * meant / played:.4g}" for name, value in numbers.items() if _is_number(value)]
    if not advice:
        return ""
    return f"; its rates are for payoffs with a range of {meant:g}, not {played:g}: consider {', '.join(advice)}"


def _for_tables(registry: Registry, policies: Sequence[str]) -> str:
    """A clause for the source if the recipe's rates were chosen for the game's own policies, and some of `policies` are
    of another kind; else an empty string."""
    others = [name for name in policies if not getattr(loading.load(registry.find("policy", name)), "tabular", False)]
    return f"; its rates were chosen for tables, and {' and '.join(others)} policies may need others" if others else ""


def _payoff_range(offer: Offer, settings: Mapping[str, Any]) -> float:
    factory, numbers = loading.load(offer), {key: value for key, value in settings.items() if key != "name"}
    built = conversion.construct(factory, {**offer.parts, **conversion.structure(factory, numbers, "game")}, "game")
    if not offer.bundled:
        checks.game(offer, built)
    return float(max(built.payoff_range))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _recipes(book: Cookbook, recipe: str, or_default: bool) -> list[Recipe]:
    """The recipe of each learner, the experiment's learner first; an empty recipe if a learner has none."""
    learner, *opponents = book.learners
    names = ["default" if or_default and not book.has(learner, recipe) else recipe]
    names += [recipe if book.has(opponent, recipe) else "default" for opponent in opponents]
    found = [book.find(offer, name) for offer, name in zip(book.learners, names, strict=True)]
    return [own or NO_RECIPE for own in found]


def _draft(book: Cookbook, used: Sequence[Recipe], game: str, learners: Sequence[str]) -> Draft:
    """The draft from the recipes, one for each learner; parts that no recipe names are the default entries."""
    sides = [_side(book, n, name, own) for n, (name, own) in enumerate(zip(learners, used, strict=True))]
    numbers = {section: dict(used[0].sections.get(section, {})) for section in ("game", "policy", "fit", "evaluate")}
    played, policy = {"name": game, **numbers["game"]}, numbers["policy"]
    sample = dict(of_recipe) if (of_recipe := used[0].sections.get("sample")) else None
    return Draft(played, policy, sample, sides[0], sides[1:], numbers["fit"], numbers["evaluate"])


def _sampled(draft: Draft, book: Cookbook) -> Draft:
    """The draft of a game that is played. Unless its recipe is for samples, it has other matches."""
    policy = {"name": book.defaults(0)["policy"], **draft.policy}
    if draft.sample is not None:
        return attrs.evolve(draft, policy=policy)
    return attrs.evolve(draft, policy=policy, sample={}, evaluate={**draft.evaluate, **SAMPLED})


def _side(book: Cookbook, n: int, name: str, own: Recipe) -> Side:
    defaults, parts = book.defaults(n), dict[str, dict[str, Any]]()
    for part, kind in parts_of(book.learners[n]).items():
        by_default = {"name": defaults[kind]} if kind in defaults else {}
        parts[part] = {**by_default, **own.sections.get(part, {})}
    return Side({"name": name, **own.sections.get("learner", {})}, parts)


def _check_names(draft: Draft, offers: Sequence[Offer]) -> None:
    """Raise BadValue if no entry is chosen for a part."""
    for side, offer in zip(draft.sides, offers, strict=True):
        for part, kind in parts_of(offer).items():
            if "name" not in side.parts[part]:
                raise BadValue(
                    f"expected {part}.name, the name of {kinds.article(kind_label(kind))} for {side.name}, got none: "
                    f"set it, or [defaults] {kind} in a recipe file"
                )


def _rate(settings: Mapping[str, Any], offer: Offer) -> float | None:
    """The number that a learner's steps are proportional to; None if it has none, or if it is not positive. settings:
    the learner's own, without those that have their defaults."""
    if (of := pace(loading.load(offer))) is None:
        return None
    rate: Any = settings.get(of.name, of.default)
    return conversion.convert(rate, float, f"learner.{of.name}") if _is_number(rate) and rate > 0 else None


def _of_fit(path: str) -> bool:
    """True if an override changes what is fitted, so that the recipe's measured results no longer apply."""
    return path.partition(".")[0] not in ("fit", "evaluate")
