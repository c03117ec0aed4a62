"""The evaluations of an experiment: which of them run, and their settings in the table [evaluate]."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs

from meva_core.contracts import conversion
from meva_core.errors import BadPlugin, BadValue, MevaError, Remark, UnknownName, did_you_mean
from meva_core.experiment.choice import FROM, Choice, read_choice, read_name
from meva_core.experiment.experiment import DEFAULT, EvaluateSettings
from meva_core.registry import loading, toml_tables
from meva_core.registry.entries import Offer, Registry
from meva_core.registry.recipes import RecipeFile

Tables = Mapping[str, Any]  # the table [evaluate]: its own settings, and a table for each evaluation


def tables(registry: Registry, table: Tables, defaults: Tables) -> dict[str, Any]:
    """The table [evaluate], with an inner table for each evaluation that runs and for those that it builds on; tables
    of other evaluations are left out. defaults: settings of evaluations, which `table` replaces.

    Raises UnknownName if an evaluation that is asked by name, or one that it builds on, is not installed.
    """
    numbers = {name: value for name, value in table.items() if not isinstance(value, Mapping)}
    for name, value in numbers.items():
        if any(offer.goes_by(name) for offer in registry.of_kind("evaluation")):
            raise BadValue(f"expected evaluate.{name}.NAME, got {value!r}: name one of its hyper-parameters")
    chosen = running(registry, _selection(table), table)
    return {**numbers, **{name: {**_of(defaults, offer), **_of(table, offer)} for name, offer in chosen.items()}}


def running(
    registry: Registry, selection: Sequence[str], table: Tables, recorded: Sequence[Offer] | None = None
) -> dict[str, Offer]:
    """The evaluations that run if these names are selected, by the names of their tables, in the registry's order.

    The name `default` selects from `recorded`, or else from all that are installed. An evaluation that runs by default
    is left out if one that it builds on is not installed. It is left out with a `Remark` if its class, or that of one
    that it builds on, comes from a third party and cannot be loaded, or if another one of its name runs: a bundled
    one comes before those of third parties.

    An evaluation that is asked by name is never left out: this raises UnknownName if one that it builds on is not
    installed, and BadPlugin if a class cannot be loaded. Raises BadValue if two evaluations of one name are asked.
    """
    chosen = {name: _find(registry, name, table) for name in selection if name != DEFAULT}
    for name, offer in chosen.items():
        if lacking := [below for below, other in _below(registry, offer, table, chosen).items() if other is None]:
            raise UnknownName(
                f"expected evaluation {' and '.join(lacking)}, which {name} builds on, got none of this name: "
                f"install its plugin, or leave {name} out"
            )
    if DEFAULT in selection:
        by_name = {offer.name for offer in chosen.values()}
        offers = registry.of_kind("evaluation") if recorded is None else recorded
        for offer in sorted(offers, key=lambda offer: not offer.bundled):
            if offer.name in by_name or not _runs_by_default(registry, offer, table):
                continue
            if namesakes := [other for other in chosen.values() if other.name == offer.name]:
                _warn_of(offer, namesakes[0])
            else:
                chosen[_name(registry, offer)] = offer
    for offer in list(chosen.values()):
        for other in _below(registry, offer, table, chosen).values():
            if other is not None and other not in chosen.values():
                chosen[_name(registry, other)] = other
    names = {offer.name: name for name, offer in chosen.items()}
    for name, offer in chosen.items():
        if names[offer.name] != name:
            raise BadValue(f"expected one evaluation called {offer.name}, got {name} and {names[offer.name]}: ask one")
    return {name: chosen[name] for name in sorted(chosen, key=lambda name: registry.offers.index(chosen[name]))}


def _runs_by_default(registry: Registry, offer: Offer, table: Tables) -> bool:
    """True if an evaluation runs by default, and so can all that it builds on.

    Warns (Remark) if a class of a third party cannot be loaded. Raises BadPlugin if that happens to a bundled one.
    """
    try:
        return loading.load(offer).by_default and None not in _below(registry, offer, table).values()
    except BadPlugin as error:
        if offer.bundled:
            raise
        warnings.warn(f"{error}; until then evaluation {offer.name} does not run", Remark, stacklevel=2)
        return False


def _warn_of(offer: Offer, runs: Offer) -> None:
    warnings.warn(
        f"evaluation {offer.plugin}:{offer.name} does not run, since {runs.plugin} offers one of this name: "
        f"to run it instead, select it with --evaluate {DEFAULT},{offer.plugin}:{offer.name}",
        Remark,
        stacklevel=3,
    )


def _selection(table: Tables) -> tuple[str, ...]:
    """The names in evaluate.asked."""
    return conversion.convert(table.get("asked", [DEFAULT]), tuple[str, ...], "evaluate.asked")


def _below(
    registry: Registry, offer: Offer, table: Tables, chosen: Mapping[str, Offer] | None = None
) -> dict[str, Offer | None]:
    """The evaluations that one builds on, directly or through others, by name; None for those that are not installed.

    If several plugins offer the name, it means the evaluation that is among `chosen`, or that `table` records, or that
    comes from the same plugin as the one above it, in this order.
    """
    below: dict[str, Offer | None] = {}
    left = [(name, offer) for name in loading.load(offer).builds_on]
    while left:
        name, above = left.pop(0)
        if name in below:
            continue
        other = next((other for other in (chosen or {}).values() if other.name == name), None)
        namesakes = [each for each in registry.of_kind("evaluation") if each.goes_by(name)]
        if other is None and namesakes and not _recorded(table, name):
            other = next((each for each in namesakes if each.plugin == above.plugin), None)
        if other is None and namesakes:
            other = _find(registry, name, table)
        if other is not None:
            left += [(each, other) for each in loading.load(other).builds_on]
        below[name] = other
    return below


def _find(registry: Registry, name: str, table: Tables) -> Offer:
    """The evaluation of this name: the one that its table records, if there is one."""
    named = {"name": name, **_recorded(table, name)}
    return read_name(registry, "evaluation", named, f"evaluate.{name}.{FROM}").offer


def _recorded(table: Tables, name: str) -> dict[str, Any]:
    """The origin that a table records for an evaluation, {"from": ...}; {} if it records none."""
    own = table.get(name)
    return {FROM: own[FROM]} if isinstance(own, Mapping) and FROM in own else {}


def _name(registry: Registry, offer: Offer) -> str:
    """The name of an evaluation, with its plugin if several plugins offer the name."""
    several = sum(other.goes_by(offer.name) for other in registry.of_kind("evaluation")) > 1
    return f"{offer.plugin}:{offer.name}" if several else offer.name


def _of(table: Tables, offer: Offer) -> dict[str, Any]:
    """The settings of an evaluation, under whichever of its names the table has them."""
    return {key: value for name, own in table.items() if offer.goes_by(name) for key, value in own.items()}


# ---------------------------------------------------------------- checks


def check_overrides(registry: Registry, table: Tables, overrides: Iterable[str]) -> None:
    """Raise BadValue if an override is for an evaluation that does not run, UnknownName if it is for none."""
    selection = _selection(table)
    chosen = running(registry, selection, table)
    for path in overrides:
        section, _, rest = path.partition(".")
        name, dot, _ = rest.partition(".")
        if section != "evaluate" or not dot or name in chosen or any(o.goes_by(name) for o in chosen.values()):
            continue
        registry.find("evaluation", name)
        raise BadValue(
            f"expected settings of an evaluation that runs ({', '.join(chosen)}), got {path}: "
            f"add it with --evaluate {','.join([*selection, name])}"
        )


def check_preferences(registry: Registry, file: RecipeFile, where: str) -> None:
    """Check the settings of evaluations in a user's recipe file, also of those that do not run: they are preferences
    that stand for all experiments. Raises the errors of `read`, which name the place in the file `where`."""
    read(registry, file.evaluations, f"{where}: defaults.evaluate")
    for game, learners in file.tables.items():
        for learner, recipes in learners.items():
            for name, recipe in recipes.items():
                read(registry, recipe.get("evaluate", {}), f"{where}: recipes.{game}.{learner}.{name}.evaluate")


def read(registry: Registry, plain: Any, path: str = "evaluate") -> tuple[EvaluateSettings, list[Choice]]:
    """Read the table [evaluate] at `path`: its own settings, and the evaluations that it has tables for.

    Raises UnknownName for a table of an evaluation that is not installed, and BadValue for an unknown setting or a
    value of another type.
    """
    own = {name: each for name, each in toml_tables.table(plain, path).items() if isinstance(each, Mapping)}
    numbers = {name: value for name, value in plain.items() if name not in own}
    _check_settings(registry, numbers, path)
    settings = conversion.construct(EvaluateSettings, conversion.structure(EvaluateSettings, numbers, path), path)
    return settings, [_read_one(registry, name, table, f"{path}.{name}") for name, table in own.items()]


def _read_one(registry: Registry, name: str, table: Tables, path: str) -> Choice:
    try:
        return read_choice(registry, "evaluation", {"name": name, **table}, path)
    except UnknownName as error:
        raise UnknownName(f"{error} @ {path}") from error


def check_asked(registry: Registry, settings: EvaluateSettings, chosen: Sequence[Choice], plain: Tables) -> None:
    """Raise BadValue unless an experiment's file has a table for every evaluation that is asked by name, and for no
    evaluation that is neither asked nor built on."""
    names = [DEFAULT, *(choice.name for choice in chosen)]
    for name in settings.asked:
        if name not in names:
            registry.find("evaluation", name)
            raise BadValue(f"expected a table [evaluate.{name}] for this evaluation, got none @ evaluate.asked")
    offers = running(registry, settings.asked, plain, [choice.offer for choice in chosen])
    for choice in chosen:
        if choice.offer not in offers.values():
            raise BadValue(
                f"expected tables of evaluations that run ({', '.join(offers)}), got [evaluate.{choice.name}]: "
                "add its name to evaluate.asked, or leave the table out"
            )


def _check_settings(registry: Registry, names: Iterable[str], path: str) -> None:
    """Raise BadValue for a setting that now belongs to an evaluation; the message names that evaluation."""
    own = [field.name for field in attrs.fields(EvaluateSettings)]
    offers = registry.of_kind("evaluation")
    for name in names:
        if name in own:
            continue
        for offer in offers:
            if (now := _formerly(offer).get(name)) is not None:
                raise BadValue(f"{path}.{name} is now {path}.{offer.name}.{now}: use that instead")
        hint = did_you_mean(name, [*own, *(offer.name for offer in offers)])
        raise BadValue(f"unknown hyper-parameter {path}.{name}{hint}")


def _formerly(offer: Offer) -> Mapping[str, str]:
    try:
        return loading.load(offer).formerly
    except MevaError:  # nobody asks for it
        return {}
