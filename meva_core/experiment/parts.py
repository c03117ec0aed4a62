"""The parts of a learner: components, or builders of components for which the learner supplies some arguments."""

from __future__ import annotations

from typing import Any

import attrs

from meva_core.contracts import conversion
from meva_core.contracts.components import component, part, static
from meva_core.contracts.hooks import KINDS
from meva_core.contracts.hyperparameters import parts
from meva_core.contracts.protocols import Game
from meva_core.errors import BadCombination
from meva_core.experiment.choice import Choice
from meva_core.registry import loading


@component
class Builder:
    """A builder of a part that needs arguments from its learner: the learner calls it with the arguments that the
    part's kind lists (`hooks.Kind.arguments`), in that order or by name. It returns the component that the user
    chose."""

    game: Game = part()
    kind: str = static(doc="kind of the part")
    factory: type = static(doc="the part's class")
    settings: tuple[tuple[str, Any], ...] = static(doc="its hyper-parameters")
    path: str = static(doc="where the hyper-parameters were given, for messages")

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Build the component. Raises TypeError unless the arguments are exactly `Kind.arguments`, BadValue if a
        hyper-parameter is out of range, and BadCombination if the learner does not allow the user's choice."""
        wanted, given = KINDS[self.kind].arguments, dict(self.settings)
        values = {**dict(zip(wanted, arguments, strict=False)), **named}
        if len(arguments) > len(wanted) or set(values) != set(wanted):
            got = ", ".join([*map(repr, arguments), *named])
            raise TypeError(f"expected {', '.join(wanted)} for {self.path}, got {got}")
        for name, (needed, instead) in KINDS[self.kind].allowed.items():
            if name in given:
                values[name] = self._chosen(name, given[name], values[name], needed, instead)
            else:
                del values[name]
        fields = {field.name for field in attrs.fields(self.factory)}
        extra = {name: value for name, value in {"game": self.game, **values}.items() if name in fields}
        return conversion.construct(self.factory, {**given, **extra}, self.path)

    def _chosen(self, name: str, users: bool | None, allowed: bool, needed: str, instead: str) -> bool:
        """The user's choice, or `allowed` if the user made none. Raises BadCombination if the choice is not allowed."""
        if users and not allowed:
            raise BadCombination(f"expected {needed} for {self.path}.{name} = true, got {instead}: leave it unset")
        return allowed if users is None else users


def build(choice: Choice, path: str, **extra: Any) -> Any:
    """Build one component with its hyper-parameters; `extra` holds its parts."""
    offer = choice.offer
    return conversion.construct(loading.load(offer), {**offer.parts, **choice.settings, **extra}, path)


def as_part(choice: Choice, game: Any, path: str) -> Any:
    """The part that a learner of `game` receives for a choice: a component, or its builder. game: None if the learner
    has no game."""
    kind, factory = choice.offer.kind, loading.load(choice.offer)
    if KINDS[kind].arguments:
        settings = tuple(choice.settings.items())
        return Builder(game=game, kind=kind, factory=factory, settings=settings, path=path)
    return build(
        choice, path, **({"game": game} if "game" in KINDS[kind].core_parts and "game" in parts(factory) else {})
    )
