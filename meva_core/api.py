"""Composition in Python: `make` gives plain objects to call, jit and vmap."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meva_core import blame, compose, recipes, registry, values
from meva_core.component import parts
from meva_core.errors import BadValue, UnknownName, did_you_mean
from meva_core.experiment import MODELS, PARTS_OF_MODELS, Choice
from meva_core.protocols import Game


@blame.named()
def make(kind: str, name: str, **settings: Any) -> Any:
    """An entry's component with its hyper-parameters: `make("learner", "lola", game=game, rate=1.0)`.

    kind: game, learner, value_model or explorer. Hyper-parameters that are not given have the class's defaults
    (recipes are for `run`). Parts are given as objects (`game=`, `rivals=`); `value_model=` and `explorer=` of a
    learner also as a name, or as {"name": ..., hyper-parameters}. Raises MevaError on bad input.
    """
    if kind not in registry.KINDS:
        raise UnknownName(f"unknown kind {kind!r}{did_you_mean(kind, registry.KINDS)}")
    known = registry.installed()
    factory = known.find(kind, name).load()
    wanted = parts(factory)
    given = {part: settings.pop(part) for part in wanted if part in settings}
    game: Any = given.get("game")
    if "game" in wanted and game is None:
        raise BadValue(f'expected game=make("game", ...) for {kind} {name!r}, got none')
    defaults = recipes.shipped().defaults
    for part in MODELS:
        if part in wanted:
            given[part] = _part(known, part, given.get(part, defaults[part]), game)
    return values.construct(factory, {**values.structure(factory, settings, name), **given}, name)


def _part(known: registry.Registry, kind: str, given: Any, game: Game) -> Any:
    """A value model's builder or an explorer, from an object, a name, or a name with hyper-parameters."""
    if isinstance(given, str):
        given = {"name": given}
    if not isinstance(given, Mapping):
        return given
    settings = dict(given)
    name = settings.pop("name", recipes.shipped().defaults[kind])
    factory = known.find(kind, name).load()
    fixed = PARTS_OF_MODELS if kind == "value_model" else ()
    choice = Choice(name, values.structure(factory, settings, kind, fixed=fixed))
    if kind == "value_model":
        return compose.model_builder(known, choice, game)
    return compose.build(known, kind, choice, kind)
