"""The conformance kit for installed plugins: checks each entry, at a small size, on a selection of games."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jax

from meva_core.contracts import kinds
from meva_core.contracts.hooks import KINDS
from meva_core.contracts.hyperparameters import hyperparameters, part_kinds, parts
from meva_core.contracts.playing import Playable, learns_from
from meva_core.contracts.protocols import Game, Learner
from meva_core.errors import BadCombination, BadPlugin, UnknownName, did_you_mean
from meva_core.experiment import make
from meva_core.registry import checks as contract
from meva_core.registry import loading, recipes
from meva_core.registry.entries import Offer, Plugin, Registry
from meva_core.sampling import Rollouts, policy_arguments, rules_behind
from meva_core.testing import checks, evaluations


def check(registry: Registry, offer: Offer, games: Sequence[str] = ()) -> list[str]:
    """Run the kit on one entry and return the names of the games used, none for an entry that needs no other game.

    All other entries are checked on each of `games`, by default `default_games`, or if the entry refuses all of those,
    `smallest_played`. A game that the entry refuses with BadCombination is skipped. Learners that take estimates of
    payoffs, and value models, are also checked in episodes of one of these games, "ipd in episodes", but only for
    shapes and types, which compiles nothing.
    Raises BadCombination if the entry refuses all games, AssertionError with the expected and the actual value, and any
    exception that the entry itself raises.
    """
    checks.check_entry(offer.entry)
    if not _needs_a_game(offer):
        built = KINDS[offer.kind].arguments
        _check_of(offer)(builder(offer) if built else make.make(offer.kind, full_name(offer), **small(offer)))
        return []
    chosen = games or default_games(registry, offer)
    played, refused, in_episodes = [], [], []
    if _takes_estimates(offer):
        in_episodes = _check_in_episodes(registry, offer, games or [*chosen, *smallest_played(registry)])
    for name in chosen:
        try:
            game = made_for(registry, offer, name)
            _check_on(registry, offer, game, name)
            played.append(name)
        except BadCombination as error:
            refused.append(error)
    if not played and not games and (other := smallest_played(registry)):
        return check(registry, offer, other)
    if not played:
        raise refused[0]
    return [*played, *in_episodes]


def _check_in_episodes(registry: Registry, offer: Offer, games: Sequence[str]) -> list[str]:
    """Check an entry on the first game that can be played and that it accepts; the words for that game, in a list, or
    [] if there is none."""
    for name in games:
        try:
            game = make.make("game", name)
            if not isinstance(game, Playable):
                continue
            game = _in_episodes(registry, offer, game)
            if offer.kind == "learner":
                contract.learner(offer, learner(registry, offer, game), game)
            else:
                contract.parts({"model": offer}, {"model": builder(offer, game=game)}, game)
            return [f"{name} in episodes"]
        except BadCombination:
            continue
        except BadPlugin as error:
            text = str(error).removeprefix(f"{offer}: ")
            raise AssertionError(f"in episodes of {name.rpartition(':')[2]}: {text}") from error
    return []


def made_for(registry: Registry, offer: Offer, name: str) -> Any:
    """A game by its name, as an entry can be checked on it: played in a few short episodes, if it has no exact payoffs
    or the entry is a learner that learns from episodes, between policies of the first kind that the entry accepts.
    Raises BadCombination if the game cannot be played."""
    game = make.make("game", name)
    learns = offer.kind == "learner" and learns_from(loading.load(offer)) == "episodes"
    if offer.kind == "evaluation" or not (learns or _is_played(game)):
        return game
    return _in_episodes(registry, offer, game)


def _in_episodes(registry: Registry, offer: Offer, game: Any) -> Rollouts:
    """A game played in a few short episodes, between policies of the first kind that the entry accepts, or else of the
    first kind that plays it."""
    rules: Any = game
    if not _is_played(game):
        if not isinstance(game, Playable):
            raise BadCombination(f"expected a game that can be played in episodes, got {type(game).__name__}")
        rules = game.rules()

    def games() -> Iterator[Rollouts]:
        for kind in _kinds_of_policies(registry, rules):
            own = _policy(kind, rules)
            yield Rollouts(rules=rules, policies=(own,) * rules.num_players, episodes=4, horizon=3)

    return next((game for game in games() if _accepts(offer, game)), next(games()))


def _kinds_of_policies(registry: Registry, rules: Any) -> Iterator[Offer]:
    """Yield the kinds of policies that can play by these rules, the default one first."""
    default = registry.find("policy", recipes.shipped().defaults["policy"])
    for kind in (default, *(other for other in registry.of_kind("policy") if other != default)):
        with contextlib.suppress(BadCombination):
            _policy(kind, rules)
            yield kind


def _policy(kind: Offer, rules: Any) -> Any:
    return make.make("policy", full_name(kind), **policy_arguments(rules), **small(kind))


def _is_played(game: Any) -> bool:
    """True for the rules of a game without exact payoffs."""
    return kinds.form("game", type(game)) == "sampled_game"


def _accepts(offer: Offer, game: Any) -> bool:
    """False if an entry says that it cannot be made for a game; all other errors show when it is checked."""
    try:
        if offer.kind == "learner":
            make.make("learner", full_name(offer), game=game)
        else:
            builder(offer, game=game)(1, 1, False)
    except Exception as error:
        return not isinstance(error, BadCombination)
    return True


def default_games(registry: Registry, offer: Offer) -> list[str]:
    """Names of the games to check an entry on: the exact games of its own plugin and a few bundled ones.

    The bundled ones are the game with the smallest policies for each number of players, symmetric and not symmetric.
    """
    smallest: dict[tuple[int, bool], tuple[int, str]] = {}
    own = []
    for other in registry.of_kind("game"):
        if other.plugin == offer.plugin and not other.bundled and _is_exact(other):
            own.append(full_name(other))
        elif other.bundled and _is_exact(other):
            game = make.make("game", full_name(other))
            kind, this = (game.num_players, game.symmetric), (game.policy_size, full_name(other))
            smallest[kind] = min(this, smallest.get(kind, this))
    return own + [name for _, name in smallest.values()]


def _takes_estimates(offer: Offer) -> bool:
    """True for learners that take estimates of payoffs, and for what they build for a game, such as value models."""
    if offer.kind == "learner":
        return learns_from(loading.load(offer)) == "sample"
    return bool(KINDS[offer.kind].arguments)


def smallest_played(registry: Registry) -> list[str]:
    """The name of the bundled game of two players with the smallest policies that can be played in episodes, in a
    list; [] if there is none."""
    bundled = [full_name(other) for other in registry.of_kind("game") if other.bundled and _is_exact(other)]
    games: dict[str, Any] = {name: make.make("game", name) for name in bundled}
    two = [name for name, game in games.items() if game.num_players == 2 and isinstance(game, Playable)]
    return sorted(two, key=lambda name: games[name].policy_size)[:1]


def named(registry: Registry, name: str) -> list[Offer] | Plugin:
    """Entries with the name `name` or `plugin:name`, or else all entries of the plugin or distribution `name`.

    Returns the plugin itself if it could not be loaded. Raises UnknownName if nothing has the name.
    """
    if entries := [registry.find(kind, name) for kind in registry.kinds_of(name)]:
        return entries
    for plugin in registry.plugins:
        if plugin.fault and name in (plugin.name, plugin.distribution):
            return plugin
    if entries := [offer for offer in registry.offers if name in (offer.plugin, offer.distribution)]:
        return entries
    names = {each for o in registry.offers for each in (o.name, o.plugin, o.distribution)} | {
        p.name for p in registry.plugins
    }
    raise UnknownName(f"unknown entry, plugin or distribution {name!r}{did_you_mean(name, names)}")


def _is_exact(game: Offer) -> bool:
    """True for a game with exact payoffs, which every learner plays, and for one that cannot be imported."""
    try:
        return kinds.form("game", loading.load(game)) == "game"
    except BadPlugin:
        return True


@contextlib.contextmanager
def quickly() -> Iterator[None]:
    """Context manager that disables most compiler optimisations, since compilation takes longer than the checks."""
    before = jax.config.read("jax_disable_most_optimizations")
    jax.config.update("jax_disable_most_optimizations", True)
    try:
        yield
    finally:
        jax.config.update("jax_disable_most_optimizations", before)


def learner(registry: Registry, offer: Offer, game: Game) -> Learner:
    """Build a learner with the default parts, all with the hyper-parameters of `small`."""
    cls = loading.load(offer)
    arguments: dict[str, Any] = {"game": game} if "game" in parts(cls) else {}
    rules = rules_behind(game)
    for name, kind in part_kinds(cls).items():
        default = registry.find(kind, recipes.shipped().defaults[kind])
        if kind == "policy" and rules is not None:
            default = next(_kinds_of_policies(registry, rules))
        arguments[name] = {"name": default.name, **small(default)}
    return make.make("learner", full_name(offer), **arguments, **small(offer))


def small(offer: Offer) -> Mapping[str, Any]:
    """Hyper-parameters that make an entry small, from its class: most of the cost of a check is compilation."""
    return getattr(loading.load(offer), "small", {})


def builder(offer: Offer, **parts: Any) -> Any:
    """A function that builds an entry with the values of `small` from its kind's `arguments`, as far as it has them."""

    def build(*arguments: Any) -> Any:
        named, fields = zip(KINDS[offer.kind].arguments, arguments, strict=True), _names(offer)
        supplied = {name: value for name, value in named if name in fields}
        return make.make(offer.kind, full_name(offer), **parts, **{**small(offer), **supplied})

    return build


def parts_to_fit(offer: Offer) -> bool:
    """True if a learner has other parts than the game, and so may need training."""
    return bool(set(parts(loading.load(offer))) - {"game"})


def full_name(offer: Offer) -> str:
    """`plugin:entry`, unique among installed entries."""
    return f"{offer.plugin}:{offer.name}"


def _check_of(offer: Offer) -> Any:
    """The function of the kit for an entry's kind: `checks.check_KIND(component)`, or (component, game)."""
    return getattr(checks, f"check_{offer.kind}")


def _needs_a_game(offer: Offer) -> bool:
    """True if an entry can be checked only together with a game."""
    return offer.kind == "evaluation" or "game" in list(inspect.signature(_check_of(offer)).parameters)[1:]


def _check_on(registry: Registry, offer: Offer, game: Game, called: str) -> None:
    if offer.kind == "evaluation":
        try:
            if not _is_played(game):
                return _check_evaluation(offer, _rule_for(registry, game), called, sampled=False)
        except BadCombination:
            if not isinstance(game, Playable):
                raise
        return _check_evaluation(offer, _still(registry), called, sampled=True)
    if offer.kind == "learner":
        return checks.check_learner(learner(registry, offer, game), game)
    _check_of(offer)(builder(offer, game=game), game)


def _check_evaluation(offer: Offer, rule: Offer, game: str, *, sampled: bool) -> None:
    settings = {f"evaluate.{full_name(offer)}.{name}": value for name, value in small(offer).items()}
    called, learner = full_name(offer), full_name(rule)
    evaluations.check_evaluation(called, game=game, learner=learner, settings=settings, sampled=sampled)


def _still(registry: Registry) -> Offer:
    """A bundled learner that does not learn, and so plays every game and compiles fast."""
    learners = (offer for offer in registry.of_kind("learner") if offer.bundled and not parts_to_fit(offer))
    return next(offer for offer in learners if learns_from(loading.load(offer)) == "nothing")


def _rule_for(registry: Registry, game: Game) -> Offer:
    """A bundled learner without a fit that plays this game."""
    for offer in registry.of_kind("learner"):
        if offer.bundled and not parts_to_fit(offer):
            with contextlib.suppress(BadCombination):
                learner(registry, offer, game)
                return offer
    raise BadCombination(f"expected a bundled learner that plays {type(game).__name__}, got none")


def _names(offer: Offer) -> set[str]:
    """Names of an entry's hyper-parameters."""
    return {h.name for h in hyperparameters(loading.load(offer))}
