"""Checks that components of third-party plugins keep the contracts in `protocols`.

The checks evaluate a component abstractly when an experiment is composed. A wrong shape is then reported in one line
that names the plugin, and costs no fit. The project's own tests check bundled plugins. Every check raises BadPlugin.

Shapes: P players, D numbers per policy, H features, K outputs, C conditions, N alternatives.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, cast

import attrs
import jax
import jax.numpy as jnp

from meva_core.contracts import conversion, kinds, streams
from meva_core.contracts.abstract import abstract, floats, key
from meva_core.contracts.capabilities import Myopic, PlaysStrategies, StepsLike
from meva_core.contracts.episodes import Episodes
from meva_core.contracts.hooks import KINDS, PARTS
from meva_core.contracts.hyperparameters import Hyperparameter, as_plain, hyperparameters, part_kinds
from meva_core.contracts.playing import Policy, SampledGame, learns_from
from meva_core.contracts.protocols import Explorer, Game, Learner, Sweep, ValueModel
from meva_core.contracts.states import first_state
from meva_core.errors import BadValue
from meva_core.registry import recipes
from meva_core.registry.entries import Offer
from meva_core.registry.shape_checks import Asked, whole

OUTPUTS, CONDITIONS = 4, 1  # sizes of the value models that are built for a check
UNSEEN = ({"layer": floats(16, OUTPUTS)}, 16)  # parameters and H without a value model


def factory(offer: Offer, cls: type) -> None:
    """Check that a class has the methods of its kind, parts that can be supplied, and defaults that it accepts."""
    asked = Asked(offer, cls)
    form = kinds.form(offer.kind, cls)
    protocol = kinds.PROTOCOLS[form]
    settings = {h.name: h for h in asked.answer("its hyper-parameters", lambda: hyperparameters(cls))}
    fields = {field.name for field in attrs.fields(cls)}
    for name in kinds.lacking(form, cls):
        asked.refuse(f"class {cls.__name__}", f"a method {name}", "none")
    if offer.kind == "game":
        _family(asked, cls)
    if offer.kind == "evaluation":
        _evaluation(asked)
    if offer.kind == "learner" and (paced := getattr(cls, "paced_by", None)) not in (*settings, None, Learner.paced_by):
        asked.refuse("paced_by", f"one of {', '.join(settings)} or None", paced)
    if isinstance(cls, PlaysStrategies) and cls.plays_strategies not in (*settings, None):
        asked.refuse("plays_strategies", f"one of {', '.join(settings)} or None", cls.plays_strategies)
    _small(asked, cls, settings)
    wanted = {name for name in (*dir(protocol), *protocol.__annotations__) if not name.startswith("_")}
    for name in sorted(wanted - fields - kinds.OPTIONAL):
        if not hasattr(cls, name):
            asked.refuse(f"class {cls.__name__}", f"{name} (or {protocol.__name__} as its base)", "none")
    _parts(asked, offer, cls)
    for name, h in settings.items():
        if not h.required:
            _default(asked, name, h)


def _parts(asked: Asked, offer: Offer, cls: type) -> None:
    """Check that the framework supplies every required part, and that parts that users choose have usable names."""
    core_parts, chosen = KINDS[offer.kind].core_parts, part_kinds(cls) if offer.kind == "learner" else {}
    handed_in = ", ".join((*core_parts, *(PARTS if offer.kind == "learner" else ()))) or "no name"
    handed_in += " or part(kind=...)" if offer.kind == "learner" else ""
    for field in attrs.fields(cls):
        needed = field.metadata["kind"] == "part" and field.default is attrs.NOTHING
        if needed and field.name not in (*core_parts, *chosen, *offer.parts):
            asked.refuse(f"class {cls.__name__}", f"parts of {handed_in}", field.name)
    for name in chosen:
        if name in core_parts or not recipes.names_part(name):
            asked.refuse(f"class {cls.__name__}", "a part name that has no other meaning in an experiment", name)


def _family(asked: Asked, cls: type) -> None:
    """Check the class attributes of a game that recipes read: `family` and `payoff_scale`."""
    family, scale = getattr(cls, "family", None), getattr(cls, "payoff_scale", 1.0)
    if not isinstance(family, str | None):
        asked.refuse("family", "text or None, an attribute of the class", family)
    if isinstance(scale, bool) or not isinstance(scale, (int, float)) or not 0 < scale < math.inf:
        asked.refuse("payoff_scale", "a number above 0, an attribute of the class", scale)


def _evaluation(asked: Asked) -> None:
    """Check the class attributes of an evaluation."""

    def texts(value: Any) -> bool:
        return isinstance(value, (tuple, list)) and all(isinstance(text, str) for text in value)

    def stream(value: Any) -> bool:
        return value is None or (whole(value) and any(int(value) in numbers for numbers in allowed))

    allowed = (streams.NAMED, streams.RESERVED) if asked.offer.bundled else (streams.NAMED,)

    asked.attribute("builds_on", "names of evaluations", texts)
    asked.attribute("by_default", "True or False", lambda value: value in (True, False))
    asked.attribute("first_seed", "True or False", lambda value: value in (True, False))
    asked.attribute("formerly", "a dictionary of former names to present names", _labels)
    asked.attribute("stream", "None or a whole number from 2**31 to 2**32 - 65", stream)


def _small(asked: Asked, cls: type, settings: Mapping[str, Any]) -> None:
    """Check that `small`, the settings for tests, names only hyper-parameters of the class."""
    small = getattr(cls, "small", {})
    if not isinstance(small, Mapping) or not small.keys() <= settings.keys():
        names = ", ".join(settings) or "no hyper-parameter"
        asked.refuse("small", f"values of {names}, an attribute of the class", small)


def game(offer: Offer, made: Game | SampledGame) -> None:
    """Check shapes and types of a game's attributes and of the results of its methods."""
    if kinds.form("game", type(made)) == "game":
        _exact_game(offer, cast(Game, made))
    else:
        _sampled_game(offer, cast(SampledGame, made))


def _sampled_game(offer: Offer, made: SampledGame) -> None:
    """Check shapes and types of a sampled game's attributes, and of the results of its methods."""
    asked = Asked(offer, made)
    players = asked.attribute("num_players", "a whole number >= 1", whole)
    actions = asked.attribute("num_actions", "a whole number >= 1", whole)
    size = asked.attribute("observation_size", "a whole number >= 1", whole)
    asked.attribute("horizon", "a whole number >= 1", whole)
    asked.attribute("discount", "a number from 0 to 1", lambda value: 0 <= float(value) <= 1)
    asked.attribute("symmetric", "True or False", lambda value: value in (True, False))
    asked.attribute("action_names", f"{actions} names", lambda value: [type(t) for t in value] == [str] * actions)
    listed = asked.attribute(
        "observations", "None, or an array of two axes", lambda value: value is None or jnp.ndim(value) == 2
    )
    count = 0 if listed is None else len(listed)
    asked.attribute(
        "observation_names",
        f"no names, or {count} different ones" if count else "no names, since no observations are listed",
        lambda value: len({*value}) == len(value) and [type(t) for t in value] in ([], [str] * count),
    )
    asked.attribute("scripts", "functions by name", lambda value: isinstance(value, Mapping))
    asked.array("payoff_range", asked.answer("payoff_range", lambda: abstract(jnp.asarray(made.payoff_range))), players)
    state, seen = asked.pair("reset(key)", asked.shapes("reset(key)", "reset", key()))
    asked.array("the observations of reset(key)", seen, players, size)
    what = "step(state, actions, key)"
    after = asked.shapes(what, "step", state, jax.ShapeDtypeStruct((players,), jnp.int32), key())
    if not isinstance(after, tuple) or len(after) != 3:
        asked.refuse(what, "a state, observations and rewards", after)
    asked.same(f"the state of {what}", after[0], state)
    asked.array(f"the observations of {what}", after[1], players, size)
    asked.array(f"the rewards of {what}", after[2], players)
    steps = 1, made.horizon  # of one episode
    actions: Any = jax.ShapeDtypeStruct((*steps, players), jnp.int32)
    episodes = Episodes(
        observations=floats(*steps, players, size),
        actions=actions,
        rewards=floats(*steps, players),
        log_probs=floats(*steps, players),
        alive=floats(*steps),
        final=floats(1, players, size),
    )
    _shares(asked, "measures(episodes)", asked.shapes("measures(episodes)", "measures", episodes))


def _shares(asked: Asked, what: str, found: Any) -> None:
    """Check that a result is a dictionary of numbers."""
    if not isinstance(found, dict):
        asked.refuse(what, "a dictionary", found)
    for name, share in found.items():
        asked.array(f"{what}[{name!r}]", share)


def _exact_game(offer: Offer, made: Game) -> None:
    asked = Asked(offer, made)
    players = asked.attribute("num_players", "a whole number >= 1", whole)
    size = asked.attribute("policy_size", "a whole number >= 1", whole)
    asked.attribute("symmetric", "True or False", lambda value: value in (True, False))
    asked.attribute("plane", "(low, high) or None", lambda value: value is None or value[0] < value[1])
    asked.attribute(
        "notes", "texts", lambda value: not isinstance(value, str) and all(isinstance(t, str) for t in value)
    )
    x = asked.array("init(key)", asked.shapes("init(key)", "init", key()), players, size)
    asked.array("payoff(x)", asked.shapes("payoff(x)", "payoff", x), players)
    asked.array("payoff_range", asked.answer("payoff_range", lambda: abstract(jnp.asarray(made.payoff_range))), players)
    entries = asked.shapes("entries(x)", "entries", x)
    names = asked.attribute("entry_names", "names", lambda value: all(isinstance(name, str) for name in value))
    count = size if getattr(entries, "shape", None) == (players, size) else len(names)
    asked.array("entries(x)", entries, players, count)
    if (back := asked.shapes("from_entries(entries)", "from_entries", entries)) is not None:
        asked.array("from_entries(entries)", back, players, size)
    if len(names) != count:
        asked.refuse("entry_names", f"{count} names, one for each number of a policy", list(names))
    _shares(asked, "outcomes(x)", asked.shapes("outcomes(x)", "outcomes", x))
    strategies = asked.attribute("strategies", "a mapping", lambda value: isinstance(value, Mapping))
    for name, strategy in strategies.items():
        if not callable(strategy):
            what = f"strategies[{name!r}]"
            got = asked.answer(what, lambda strategy=strategy: abstract(jnp.asarray(strategy)))
            asked.array(what, got, *((players, size) if len(got.shape) == 2 else (size,)))
    for seat in range(players):
        what = f"best_response(x, {seat})"
        if (answers := asked.shapes(what, "best_response", x, static=(seat,))) is not None:
            asked.array(what, answers, None, size)


def policy(offer: Offer, made: Policy, observation_size: int, num_actions: int) -> None:
    """Check the sizes of a policy, and the shapes of its numbers, its memory and its logits."""
    asked = Asked(offer, made)
    size = asked.attribute("policy_size", "a whole number >= 1", whole)
    memory_size = asked.attribute("memory_size", "a whole number >= 0", lambda value: value == 0 or whole(value))
    asked.attribute("tabular", "True or False", lambda value: value in (True, False))
    x = asked.array("init(key)", asked.shapes("init(key)", "init", key()), size)
    memory = asked.array("begin(x)", asked.shapes("begin(x)", "begin", x), memory_size)
    what = "act(x, memory, observation)"
    logits, after = asked.pair(what, asked.shapes(what, "act", x, memory, floats(observation_size)))
    asked.array(f"the logits of {what}", logits, num_actions)
    asked.same(f"the memory of {what}", after, memory)


def learner(offer: Offer, made: Learner, on: Game) -> Any:
    """Check a learner's attributes and methods, and its training, on a game. Returns the shapes of its parameters."""
    asked = Asked(offer, made)
    x, shape = policies(on), (on.num_players, on.policy_size)
    training(offer, made)
    params = fitted(offer, made)
    sweep = asked.attribute("sweep", "a Sweep or None", lambda value: value is None or isinstance(value, Sweep))
    if sweep is not None and not hasattr(made, sweep.name):
        asked.refuse("sweep", "the name of a hyper-parameter", sweep.name)
    asked.array("start(params, x, key)", asked.shapes("start(params, x, key)", "start", params, x, key()), *shape)
    if (held := asked.shapes("held()", "held")) is not None:
        asked.array("held()", held, *shape)
    first = "init(params, x, key)"
    state = asked.answer(first, lambda: jax.eval_shape(first_state, abstract(made), params, x, key()))
    if learns_from(made) == "episodes":
        what = "learn(params, state, x, episodes, key)"
        episodes = jax.eval_shape(lambda game, x, key: game.play(x, key), abstract(on), x, key())
        steps, after = asked.pair(what, asked.shapes(what, "learn", params, state, x, episodes, key()))
    else:
        what = "update(params, state, x, key)"
        steps, after = asked.pair(what, asked.shapes(what, "update", params, state, x, key()))
    asked.array(f"the steps of {what}", steps, *shape)
    asked.same(f"the state of {what}", after, state)
    _capabilities(asked, made)
    return params


def _capabilities(asked: Asked, made: Learner) -> None:
    """Check the optional capabilities of a learner: `myopic` and `steps_like`."""
    if isinstance(made, Myopic):
        asked.attribute("myopic", "True or False", lambda value: value in (True, False))
    if isinstance(made, StepsLike):
        asked.attribute("steps_like", "the name of a learner or None", lambda value: isinstance(value, str | None))


def training(offer: Offer, of: Learner) -> None:
    """Check that a step of training keeps the shapes of its state, and returns one or more scalar metrics."""
    if (made := Asked(offer, of).answer("training", lambda: of.training)) is None:
        return
    asked = Asked(offer, made)
    asked.attribute("num_steps", "a whole number >= 1", whole)
    if hasattr(made, "shown"):
        asked.attribute("shown", "texts by the names of metrics", _labels)
    state = asked.shapes("training.init(key)", "init", key())
    what = "training.step(state, key)"
    after, metrics = asked.pair(what, asked.shapes(what, "step", state, key()))
    asked.same(f"the state of {what}", after, state)
    if not isinstance(metrics, dict) or not metrics:
        asked.refuse(f"the metrics of {what}", "a dictionary of one or more", metrics)
    for name, value in metrics.items():
        asked.array(f"the metric {name!r} of {what}", value)


def _labels(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(text, str) for each in value.items() for text in each)


def fitted(offer: Offer, of: Learner) -> Any:
    """The shapes of a learner's parameters after training; None for a learner without training."""
    if (made := Asked(offer, of).answer("training", lambda: of.training)) is None:
        return None
    state = Asked(offer, made).shapes("training.init(key)", "init", key())
    return Asked(offer, made).shapes("training.params(state)", "params", state)


def parts(offers: Mapping[str, Offer], given: Mapping[str, Any], on: Game) -> None:
    """Check the parts of a learner. `given`: name of a part -> what the learner receives.

    Value models are checked first, since explorers perturb their parameters and features; bundled explorers are not
    checked.
    """
    of = {name: kinds.PROTOCOLS[offer.kind] for name, offer in offers.items()}
    seen = [_perturbed(offers[name], given[name], on) for name, protocol in of.items() if protocol is ValueModel]
    for name, offer in offers.items():
        if of[name] is Explorer and not offer.bundled:
            for params, features in seen or [UNSEEN]:
                perturbing(offer, given[name], on, params, features)


def _perturbed(offer: Offer, build: Callable[[int, int, bool], ValueModel], on: Game) -> tuple[Any, int]:
    """Check a value model. Returns the shapes of its parameters, and H."""
    asked = Asked(offer, build(OUTPUTS, CONDITIONS, False))
    features = asked.attribute("num_features", "a whole number >= 1", whole)
    x, players = policies(on), on.num_players
    params = asked.shapes("init(key)", "init", key())
    what = "features(params, x, others, condition)"
    got = asked.shapes(what, "features", params, x, x, floats(players, CONDITIONS))
    asked.array(what, got, players, features)
    what = "head(params, features)"
    asked.array(what, asked.shapes(what, "head", params, got), players, OUTPUTS)
    return params, features


def perturbing(offer: Offer, made: Explorer, on: Game, params: Any, features: int) -> None:
    """Check that perturbed arrays keep their shapes. params, features: a value model's, and H."""
    asked = Asked(offer, made)
    what = "draw(key, params, num_features)"
    noise = asked.shapes(what, "draw", key(), params, static=(features,))
    what = "perturb_params(noise, params)"
    asked.same(what, asked.shapes(what, "perturb_params", noise, params), params)
    what = "perturb_features(noise, features)"
    hidden = floats(on.num_players, features)
    asked.same(what, asked.shapes(what, "perturb_features", noise, hidden), hidden)
    what, step = "perturb_step(noise, step, key)", policies(on)
    asked.same(what, asked.shapes(what, "perturb_step", noise, step, key()), step)


def policies(on: Game) -> Any:
    """The shape of a joint policy."""
    return floats(on.num_players, on.policy_size)


def _default(asked: Asked, name: str, h: Hyperparameter) -> None:
    what = f"the default of {name}"
    value = asked.answer(what, lambda: as_plain(h.default))
    try:
        conversion.convert(h.default, h.type, what)
    except BadValue:
        asked.refuse(what, conversion.type_name(h.type), value)
    check = h.check
    if check is not None and value is not None and not asked.answer(what, lambda: check.accepts(h.default)):
        asked.refuse(what, check.expected, value)
