"""The parts that a learner is composed with: components, or builders of those in which the learner has a say."""

from __future__ import annotations

from typing import Any

import attrs

from meva_core.contracts import conversion
from meva_core.contracts.components import component, part, parts, static
from meva_core.contracts.hooks import KINDS
from meva_core.contracts.protocols import Game
from meva_core.errors import BadCombination
from meva_core.experiment.choice import Choice
from meva_core.registry import loading


@component
class Builder:
    """A part of which its learner has a say: called with what the part's kind asks (`hooks.Kind.asked`), in that order
    or by name, it gives the component of the user's choice."""

    game: Game = part()
    kind: str = static(doc="of the part")
    factory: type = static(doc="the part's class")
    settings: tuple[tuple[str, Any], ...] = static(doc="its hyper-parameters")
    path: str = static(doc="where those were given, for messages")

    def __call__(self, *asked: Any, **named: Any) -> Any:
        """The component. Raises TypeError unless all is said that is asked, BadValue where a hyper-parameter is out of
        range, and BadCombination where the user wants what the learner does not allow."""
        wanted, given = KINDS[self.kind].asked, dict(self.settings)
        said = {**dict(zip(wanted, asked, strict=False)), **named}
        if len(asked) > len(wanted) or set(said) != set(wanted):
            got = ", ".join([*map(repr, asked), *named])
            raise TypeError(f"expected {', '.join(wanted)} for {self.path}, got {got}")
        for name, (needed, instead) in KINDS[self.kind].allowed.items():
            if name in given:
                said[name] = self._chosen(name, given[name], said[name], needed, instead)
            else:
                del said[name]
        fields = {field.name for field in attrs.fields(self.factory)}
        extra = {name: value for name, value in {"game": self.game, **said}.items() if name in fields}
        return conversion.construct(self.factory, {**given, **extra}, self.path)

    def _chosen(self, name: str, users: bool | None, allowed: bool, needed: str, instead: str) -> bool:
        """The user's choice where there is one and it is allowed; else what is allowed."""
        if users and not allowed:
            raise BadCombination(f"expected {needed} for {self.path}.{name} = true, got {instead}: leave it unset")
        return allowed if users is None else users


def build(choice: Choice, path: str, **extra: Any) -> Any:
    """One component with its settings; `extra` are its parts."""
    offer = choice.offer
    return conversion.construct(loading.load(offer), {**offer.parts, **choice.settings, **extra}, path)


def as_part(choice: Choice, game: Any, path: str) -> Any:
    """The part that a learner of `game` is handed for a choice: a component, or its builder. game: None where
    the learner has none."""
    kind, factory = choice.offer.kind, loading.load(choice.offer)
    if KINDS[kind].asked:
        settings = tuple(choice.settings.items())
        return Builder(game=game, kind=kind, factory=factory, settings=settings, path=path)
    return build(choice, path, **({"game": game} if "game" in KINDS[kind].given and "game" in parts(factory) else {}))
