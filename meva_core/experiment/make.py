"""Composition in Python: `make` gives plain objects to call, jit and vmap."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from meva_core.contracts import conversion, hooks, kinds
from meva_core.contracts.hooks import kind_label
from meva_core.contracts.hyperparameters import part_kinds, parts
from meva_core.contracts.protocols import Game
from meva_core.errors import BadValue, UnknownName, did_you_mean
from meva_core.experiment import local
from meva_core.experiment.choice import read_choice
from meva_core.experiment.parts import as_part
from meva_core.match import Fitted
from meva_core.registry import attribution, discovery, entries, loading, recipes


@attribution.named()
def make(kind: str, name: Any = None, *unnamed: Any, **settings: Any) -> Any:
    """An entry's component with its hyper-parameters: `make("learner", "lola", game=game, rate=1.0)`.

    kind: game, learner, or another kind that `meva list` shows. name: an entry's name, or your own component class.
    Missing hyper-parameters take the class's defaults (only `run` uses recipes). Parts are objects (`rivals=`). The
    game and the parts that users choose (`critic=`) may also be a name, {"name": ..., hyper-parameters}, or a class.
    Raises MevaError on bad input.

    >>> import meva_core as meva
    >>> meva.make("learner", "naive", game="ipd", rate=25.0)
    Naive(rate=25.0, gradient='plain', damping=0.01)
    >>> meva.make("game", "public_goods", num_players=4).policy_size
    9
    """
    if not isinstance(kind, str) or kind not in hooks.KINDS:
        raise UnknownName(f"unknown kind {kind!r}{did_you_mean(str(kind), hooks.KINDS)}")
    registry = discovery.installed()
    if not isinstance(name, (str, type)):
        hint = did_you_mean("", {offer.name for offer in registry.of_kind(kind)})
        raise BadValue(f"expected make({kind!r}, NAME), or a component class, got {kinds.describe(name)}{hint}")
    called = name if isinstance(name, str) else name.__name__
    if unnamed:
        raise BadValue(
            f'expected parts and hyper-parameters by name, as in make("{kind}", "{called}", game=...), '
            f"got {kinds.describe(unnamed[0])} without a name"
        )
    if isinstance(name, str):
        factory = loading.load(registry.find(kind, name))
        given = _parts(registry, kind, factory, called, settings)
    else:
        kinds.check_class(kind, name, kind)
        given = _parts(registry, kind, name, called, settings)
        factory = loading.load(local.offer(registry, kind, name, given))
    return conversion.construct(factory, {**conversion.structure(factory, settings, called), **given}, called)


def _parts(
    registry: entries.Registry, kind: str, factory: type, called: str, settings: dict[str, Any]
) -> dict[str, Any]:
    """Remove the parts of a component from `settings`, check them, and return them."""
    wanted = parts(factory)
    given = {name: settings.pop(name) for name in wanted if name in settings}
    if "game" in wanted:
        given["game"] = _game(given.get("game"), f"{called}.game", f"{kind_label(kind)} {called!r}")
    for part, of in part_kinds(factory).items():
        given[part] = _chosen(registry, of, given.get(part, {}), given.get("game"), f"{called}.{part}")
    if given.get("rivals"):
        given["rivals"] = _rivals(given["rivals"], given["game"], f"{called}.rivals")
    for field in attrs.fields(factory):
        if field.name in wanted and field.name not in given and field.default is attrs.NOTHING:
            raise BadValue(f"expected {field.name}=... for {kind_label(kind)} {called!r}, got none")
    return given


def _game(given: Any, path: str, whose: str) -> Game:
    """Build the game from an object, a class, a name, or a name with hyper-parameters."""
    if given is None:
        raise BadValue(f'expected game=make("game", ...) for {whose}, got none')
    if isinstance(given, (str, type)):
        return make("game", given)
    if isinstance(given, Mapping):
        return make("game", **given)
    kinds.check("game", given, path)
    return given


def _chosen(registry: entries.Registry, kind: str, given: Any, game: Any, path: str) -> Any:
    """Build a part from an object, a class, a name, or hyper-parameters with a name (or the default name). Returns a
    builder if the part's kind needs arguments from the learner."""
    default, name = recipes.shipped().defaults.get(kind), path.rpartition(".")[2]
    settings = dict(given) if isinstance(given, Mapping) else {}
    named = settings.pop("name", default) if isinstance(given, Mapping) else given
    if isinstance(named, (str, type)):
        taken = local.take(registry, kind, named, path)
        return as_part(read_choice(taken.registry, kind, {**settings, "name": taken.name}, name), game, name)
    builder = bool(hooks.KINDS[kind].arguments)
    if builder and callable(named):
        return named
    if builder or kinds.lacking(kind, type(named)):
        raise BadValue(
            f'expected {kinds.article(kind_label(kind))}: its name, {{"name": ..., hyper-parameters}}, or what '
            f"meva.make gives, got {kinds.describe(named)} @ {path}"
        )
    kinds.check(kind, named, path)
    return named


def _rivals(given: Any, game: Game, path: str) -> tuple[Fitted | None, ...]:
    """Check the rivals: per seat a fitted rival, or None."""
    seats = tuple(given) if isinstance(given, (tuple, list)) else (given,)
    if len(seats) != game.num_players or not all(rival is None or isinstance(rival, Fitted) for rival in seats):
        told = ", ".join(map(kinds.describe, seats))
        raise BadValue(
            f"expected for each of {game.num_players} seats a rival, meva.Fitted(learner=...), or None where the "
            f"learner itself sits, got {told} @ {path}"
        )
    return seats
