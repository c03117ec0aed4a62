"""Classes and objects that Python callers pass in place of names: they get names, under which the rest of the pipeline
finds their offers.

A class that a plugin offers has the name of its entry. Any other class is registered for one call only, under its
module and class, `__main__:Hawk`, a form that no entry's name can have. So a class that is defined again is a new
class, and no old definition is ever used.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs

from meva_core.contracts import kinds
from meva_core.contracts.hooks import KINDS, Entry, kind_label
from meva_core.contracts.hyperparameters import as_plain, hyperparameters, part_kinds, parts, settings
from meva_core.contracts.protocols import Game
from meva_core.errors import BadCombination, BadPlugin, BadValue
from meva_core.experiment.parts import Builder
from meva_core.registry import loading
from meva_core.registry.entries import Offer, Registry


@attrs.frozen(eq=False, kw_only=True)
class Local(Offer):
    """A class that no plugin offers. parts: the object's parts that compositions do not supply."""

    factory: type

    @property
    def origin(self) -> None:
        """None: the name identifies the class completely."""

    @property
    def name(self) -> str:
        """The module and class, followed by the parts if there are any."""
        inside = ", ".join(f"{name}={described(part)}" for name, part in self.parts.items())
        return identity(self.factory) + (f"({inside})" if inside else "")

    def goes_by(self, name: str) -> bool:
        """True for the full name alone."""
        return name == self.name

    def __str__(self) -> str:
        return f"{kind_label(self.kind)} {self.factory.__qualname__} (defined in {self.factory.__module__})"

    def import_factory(self) -> Any:
        """The class; nothing has to be imported."""
        return self.factory

    def fault(self, text: str, *, raised: bool = False) -> BadPlugin:
        """The error for a class that breaks its contract."""
        return BadPlugin(f"{self}: {text}")


@attrs.frozen
class Taken:
    """A value that was passed at `path`: its name in `registry`, and an object's hyper-parameters under the dotted
    names of overrides. game: the game that a learner was built with, if any."""

    registry: Registry
    name: str
    overrides: dict[str, Any]
    game: Any = None


def take(registry: Registry, kind: str, given: Any, path: str) -> Taken:
    """Accept a name unchanged, and register a class or an object of `kind` as an offer. Raises BadValue for anything
    else."""
    if isinstance(given, str):
        return Taken(registry, given, {})
    if isinstance(given, type):
        kinds.check_class(kind, given, path)
        own_offer = offer(registry, kind, given, {})
        return Taken(_with(registry, own_offer), _name(registry, own_offer), {})
    kinds.check_any(kind, given, path)
    own = {name: getattr(given, name) for name in parts(type(given))}
    game, rivals = own.get("game"), own.get("rivals", ())
    if any(rival is not None for rival in rivals):
        raise BadValue(f"expected a learner without rivals, since the run supplies them, got some @ {path}")
    defaults = {field.name: field.default for field in attrs.fields(type(given))}
    own_offer = offer(registry, kind, type(given), {n: part for n, part in own.items() if part is not defaults[n]})
    registry = _with(registry, own_offer)
    composed = KINDS[kind].fixed
    overrides = {f"{path}.{name}": value for name, value in settings(given).items() if name not in composed}
    for part, of in part_kinds(type(given)).items():
        registry, name, inner = _part(registry, of, own[part], f"{path}.{part}")
        overrides |= {f"{path}.{part}.name": name, **inner}
    return Taken(registry, _name(registry, own_offer), overrides, game)


def offer(registry: Registry, kind: str, cls: type, given_parts: Mapping[str, Any]) -> Offer:
    """The offer of a class: the plugin's, or else a new `Local`. given_parts: parts of an object; the offer keeps those
    that compositions do not supply."""
    given = (*KINDS[kind].core_parts, *part_kinds(cls))
    own = {name: part for name, part in given_parts.items() if name not in given}
    if not own:
        for candidate in _candidates(registry, kind, cls):
            if loading.load(candidate) is cls:
                return candidate
    summary = (cls.__doc__ or "").strip().partition("\n")[0]
    entry = Entry(re.sub(r"\W", "_", cls.__name__, flags=re.ASCII), identity(cls), summary)
    return Local(kind=kind, entry=entry, plugin=cls.__module__, distribution="", parts=own, factory=cls)


@attrs.frozen
class Cast:
    """The cast of a run, by their names in `registry`. overrides: the objects' hyper-parameters by dotted name,
    replaced by the caller's overrides. made_for: the games that the learners were built with."""

    registry: Registry
    game: str
    learner: str
    opponents: list[str]
    overrides: dict[str, Any]
    made_for: list[Any]

    def check_games(self, played: Game) -> None:
        """Raise BadCombination if a learner was built for a game other than the one that is played."""
        for game in self.made_for:
            if described(game) != described(played):
                raise BadCombination(
                    f"expected learners made for the game that is run, {described(played)}, got one made for "
                    f"{described(game)}: pass the learner's class, or make it with that game"
                )

    def check_importable(self) -> None:
        """Raise BadValue if another process could not import a class that no plugin offers."""
        for own in (offer for offer in self.registry.offers if isinstance(offer, Local)):
            if own.factory.__module__ == "__main__" or "<locals>" in own.factory.__qualname__:
                raise BadValue(
                    f"expected classes that other processes can import, got {identity(own.factory)}: move it to the "
                    "top of a module, or leave out jobs and executor"
                )


def check_overrides(given: Any) -> Mapping[str, Any]:
    """The hyper-parameters by name that a Python caller sets; {} for None. Raises BadValue for anything else."""
    overrides = {} if given is None else given
    if not isinstance(overrides, Mapping) or not all(isinstance(name, str) for name in overrides):
        raise BadValue(f'expected set={{"SECTION.NAME": value}}, got {given!r}')
    return overrides


def check_paths(**given: Any) -> None:
    """Raise BadValue, with the name of the argument, for what is neither a path nor None."""
    for name, path in given.items():
        if not isinstance(path, (str, os.PathLike, type(None))):
            raise BadValue(f"expected a path for {name}, got {path!r}")


def cast(
    registry: Registry, game: Any, learner: Any, opponents: Any, overrides: Mapping[str, Any], policy: Any = None
) -> Cast:
    """Turn names, classes and objects into names. opponents: one opponent, or a list of them. policy: one for all
    seats, or a list of them by seat; None for the game's own policies."""
    rivals = opponents if isinstance(opponents, (list, tuple)) else [] if opponents is None else [opponents]
    everybody = [Taken(registry, "", {})]
    paths = ["opponent"] if len(rivals) == 1 else [f"opponent.{n}" for n in range(1, len(rivals) + 1)]
    roles = [("game", game, "game"), ("learner", learner, "learner")]
    for kind, given, path in roles + [("learner", rival, path) for rival, path in zip(rivals, paths, strict=True)]:
        everybody.append(take(everybody[-1].registry, kind, given, path))
    played, first, *others = everybody[1:]
    for path, given in by_seat(policy):
        taken = take(everybody[-1].registry, "policy", given, path)
        everybody.append(attrs.evolve(taken, overrides={f"{path}.name": taken.name, **taken.overrides}))
    registry, named, learners = everybody[-1].registry, {}, [taken.name for taken in (first, *others)]
    for path, value in overrides.items():
        if path == "evaluate.asked" and isinstance(value, list):
            registry, value = _evaluations(registry, value, path)
        elif isinstance(value, type) and (kind := _named_at(registry, path, learners)) is not None:
            taken = take(registry, kind, value, path)
            registry, value = taken.registry, taken.name
        named[path] = value
    return Cast(
        registry=registry,
        game=played.name,
        learner=first.name,
        opponents=[other.name for other in others],
        overrides={**{name: value for one in everybody for name, value in one.overrides.items()}, **named},
        made_for=[one.game for one in (first, *others) if one.game is not None],
    )


def by_seat(policy: Any) -> list[tuple[str, Any]]:
    """The policies that a caller passes, each with its section in overrides. The first is for all seats that have no
    other. Raises BadValue for an empty list."""
    if policy is None:
        return []
    if isinstance(policy, (list, tuple)) and not policy:
        raise BadValue(f"expected a policy, or a list of policies by seat, got {policy!r}")
    every, *others = policy if isinstance(policy, (list, tuple)) else [policy]
    return [("policy", every), *((f"policy.{seat}", other) for seat, other in enumerate(others, start=2))]


def identity(cls: type) -> str:
    """The module and class in the format of `Entry.factory`."""
    return f"{cls.__module__}:{cls.__qualname__}"


def described(component: Any) -> str:
    """Describe a component with its hyper-parameters and parts in one line; equal components have equal lines."""
    if not attrs.has(type(component)):
        return repr(component)
    inside = {name: repr(as_plain(value)) for name, value in settings(component).items()}
    inside |= {name: described(getattr(component, name)) for name in parts(type(component))}
    return f"{identity(type(component))}({', '.join(f'{name}={value}' for name, value in inside.items())})"


def _evaluations(registry: Registry, evaluations: list[Any], path: str) -> tuple[Registry, list[Any]]:
    """Turn names and classes of evaluations into names."""
    names = []
    for each in evaluations:
        if isinstance(each, type):
            taken = take(registry, "evaluation", each, path)
            registry, each = taken.registry, taken.name
        names.append(each)
    return registry, names


def _named_at(registry: Registry, path: str, learners: Iterable[str]) -> str | None:
    """The kind of component whose name an override sets; None if it sets anything else. learners: names of the learners
    whose parts can be set."""
    section, _, rest = path.partition(".")
    evaluation, _, setting = rest.rpartition(".")
    if section == "evaluate" and any(offer.goes_by(evaluation) for offer in registry.of_kind("evaluation")):
        own = hyperparameters(loading.load(registry.find("evaluation", evaluation)))
        return next((h.names or None for h in own if h.name == setting), None)
    if re.fullmatch(r"policy(\.[0-9]+)?\.name", path):
        return section
    if not path.endswith(".name"):
        return None
    part, chosen = path.split(".")[-2], [part_kinds(loading.load(registry.find("learner", name))) for name in learners]
    return next((of[part] for of in chosen if part in of), None)


def _part(registry: Registry, kind: str, part: Any, path: str) -> tuple[Registry, str, dict[str, Any]]:
    """Register a learner's part that users choose; returns the registry, its name and its overrides."""
    if isinstance(part, Builder):
        taken = take(registry, kind, part.factory, path)
        return taken.registry, taken.name, {f"{path}.{name}": value for name, value in part.settings}
    if KINDS[kind].arguments:
        spoken = kinds.article(kind_label(kind))
        raise BadValue(f"expected {spoken} as meva.make gives it to a learner, got {kinds.describe(part)} @ {path}")
    taken = take(registry, kind, part, path)
    return taken.registry, taken.name, taken.overrides


def _candidates(registry: Registry, kind: str, cls: type) -> Iterator[Offer]:
    """Offers whose factory has the name of the class: only these have to be imported for a comparison."""
    for offer in registry.of_kind(kind):
        if not isinstance(offer, Local) and offer.entry.factory.rpartition(":")[2] == cls.__qualname__:
            yield offer


def _with(registry: Registry, offer: Offer) -> Registry:
    if not isinstance(offer, Local):
        return registry
    for other in registry.of_kind(offer.kind):
        if isinstance(other, Local) and other.name == offer.name:
            if other.factory is not offer.factory:
                raise BadValue(
                    f"expected one class {offer.name}, got two: the class was defined again, so make its objects again"
                )
            return registry
    return attrs.evolve(registry, offers=(*registry.offers, offer))


def _name(registry: Registry, offer: Offer) -> str:
    """A name of the offer that is unique within its kind."""
    others = [other for other in registry.of_kind(offer.kind) if other is not offer and other.goes_by(offer.name)]
    return offer.name if isinstance(offer, Local) or not others else f"{offer.plugin}:{offer.name}"
