"""Theorems that hold for every registered game and rule, in double precision."""

import re
from typing import Any

import attrs
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import meva_core as meva
from meva_core.contracts import Game
from meva_core.contracts.components import component, leaf, part
from meva_core.contracts.hyperparameters import hyperparameters, parts, settings
from meva_core.registry import loading

KEY = jax.random.key(0)
KNOWN = meva.installed()
GAMES = [offer.name for offer in KNOWN.of_kind("game") if hasattr(loading.load(offer), "payoff")]
MADE = {name: meva.make("game", name) for name in GAMES}
START = {name: np.zeros((game.num_players, game.policy_size), np.float32) for name, game in MADE.items()}
SMALL = {"order": 1, "quantiles": 4, "formulation": "correction", "value_model": {"width": 8, "blocks": 0}}
# Learners that payoffs alone do not define; their theorems are in plugins/test_pola.py and others.
OF_EPISODES = ("a2c", "advantage_alignment", "coala_pg_sampled", "copycat", "in_context", "lili", "loqa")
OF_EPISODES += ("m_fos_sampled", "ppo", "reinforce", "shaper")
FITTED = ("coala_pg", "good_shepherd", "m_fos")  # they stay where they are, or choose policies by a network
ELSEWHERE = ("pola", "pola_dice", "best_response_shaping", "detective_shaping", *FITTED, *OF_EPISODES)
OF_OTHERS = ("look_ahead_rate", "weight", "discount")  # at 0 nobody else is thought of


@component
class Measured(Game):
    """Another game, its payoffs in another unit and from another zero."""

    game: Any = part()
    unit: float = leaf(default=1.0, doc="payoffs are multiplied by it")
    zero: float = leaf(default=0.0, doc="and this is added")

    num_players = property(lambda self: self.game.num_players)  # type: ignore[assignment]
    policy_size = property(lambda self: self.game.policy_size)  # type: ignore[assignment]
    symmetric = property(lambda self: self.game.symmetric)  # type: ignore[assignment]
    plane = property(lambda self: self.game.plane)  # type: ignore[assignment]
    payoff_range = property(lambda self: jnp.abs(self.unit) * self.game.payoff_range)  # type: ignore[assignment]

    def init(self, key):
        return self.game.init(key)

    def payoff(self, x):
        return self.unit * self.game.payoff(x) + self.zero

    def outcomes(self, x):
        return self.game.outcomes(x)

    def best_response(self, x, seat):
        return self.game.best_response(x, seat)


def class_of(label):
    return loading.load(KNOWN.find("learner", label.partition(" ")[0]))


def known(label):
    return {h.name: h for h in hyperparameters(class_of(label))}


def labels():
    """Every learner, one of variants by each: "lola taylor"."""
    for offer in KNOWN.of_kind("learner"):
        if offer.name in ELSEWHERE:
            continue
        variant = known(offer.name).get("variant")
        words = re.findall(r"'(\w+)'", variant.check.expected) if variant and variant.check else [""]
        yield from (f"{offer.name} {word}".strip() for word in words)


LEARNERS = list(labels())
every_game = pytest.mark.parametrize("name", GAMES)
# Of those with one payoff function and other tables, one: for a rule they are one program.
KINDS = list({type(game).payoff: name for name, game in reversed(MADE.items())}.values())
# For -m long: in CI hamiltonian stands for the quadratic ones, and chicken for those of two players with many numbers.
LATER = ("cournot", "tandem", "normal_form")
marked = {name: pytest.param(name, marks=[pytest.mark.long] * (name in LATER)) for name in KINDS}
every_kind_of_game = pytest.mark.parametrize("name", marked.values())
later = {name: name in LATER or MADE[name].num_players > 2 for name in KINDS}
every_kind_of_game_of_two = pytest.mark.parametrize(  # others for -m long
    "name", [pytest.param(name, marks=[pytest.mark.long] * late) for name, late in later.items()]
)
UNITS = [(1e-3, 0.0), (1e3, 0.0), (1.0, 10.0)]  # of payoffs, and what is added to them
TOLERANCE = {"single": 1e-4, "double": 1e-9}
WITHOUT_NETWORK = [label for label in LEARNERS if "value_model" not in parts(class_of(label))]


# Among three players in CI: rules whose loops over players differ.
AMONG_THREE = ("cgd", "cola", "lola exact", "meva", "naive")


def every_rule_in_every_kind_of_game(rules, names=KINDS):
    """Parameters of a theorem; the pairs that take longest are for -m long."""

    def takes_long(name, rule):
        return name in LATER or (MADE[name].num_players > 2 and rule not in AMONG_THREE)

    pairs = [(name, rule) for name in names for rule in rules]
    marked = [pytest.param(*pair, marks=[pytest.mark.long] * takes_long(*pair)) for pair in pairs]
    return pytest.mark.parametrize(("name", "rule"), marked)


# Single precision is another program for every game, for -m long; plugins/test_golden.py has it in CI.
in_double_precision_or_single = pytest.mark.parametrize(
    "precision", ["double", pytest.param("single", marks=pytest.mark.long)]
)


@pytest.fixture(autouse=True)
def in_double_precision():
    with jax.enable_x64(True):
        yield


def game_of(name, **settings):
    return Measured(game=meva.make("game", name, **settings))


def rule_of(label, game, **numbers):
    name, _, variant = label.partition(" ")
    there = {*known(label), *parts(class_of(label))}
    wanted = {**SMALL, "variant": variant or None, "rate": 0.5, "look_ahead_rate": 0.3, "weight": 0.2, **numbers}
    given = {key: value for key, value in wanted.items() if key in there and value is not None}
    return meva.make("learner", name, game=game, **given)


@jax.jit
def update(learner, params, x):
    return learner.update(params, learner.init(params, x, KEY), x, KEY)[0]


@jax.jit
def payoff(game, x):
    return game.payoff(x)


@jax.jit
def shares_of_outcomes(game, x):
    """f64[number of outcomes]."""
    return jnp.array(list(game.outcomes(x).values()))


_networks = {}


def parameters(learner):
    """Before any fit; None of a rule without. A network's, which take long to make, once for all games of a size."""
    training = learner.training
    if training is None or "value_model" not in parts(type(learner)):
        return training and training.params(training.init(KEY))
    game = learner.game
    like = (type(learner), game.num_players, game.policy_size, game.symmetric)
    if like not in _networks:
        _networks[like] = training.params(training.init(KEY))
    return _networks[like]


def step(learner, x):
    """f64[P, D], numbers all of them."""
    steps = np.asarray(update(learner, parameters(learner), x))
    assert np.isfinite(steps).all()
    return steps


def start(game, seed=3):
    return game.init(jax.random.key(seed))


def random_answers(game, count):
    """f64[N, D], far out too."""
    return jnp.array(np.random.default_rng(0).normal(size=(count, game.policy_size)) * 5)


# ---------------------------------------------------------------- rules


@every_rule_in_every_kind_of_game([label for label in LEARNERS if set(OF_OTHERS) & known(label).keys()])
def test_who_gives_the_others_no_thought_is_naive(name, rule):
    game = game_of(name)
    learner = rule_of(rule, game, **dict.fromkeys(OF_OTHERS, 0.0))
    for seed in range(2):
        x = start(game, seed)
        np.testing.assert_allclose(step(learner, x), step(rule_of("naive", game), x), rtol=1e-9, atol=1e-12)


@every_rule_in_every_kind_of_game(LEARNERS, [name for name in KINDS if MADE[name].symmetric])
def test_a_symmetric_game_commutes_with_exchanging_players(name, rule):
    game = game_of(name)
    learner, x = rule_of(rule, game), start(game)
    payoffs, steps = payoff(game, x), step(learner, x)
    for order in (np.roll(np.arange(game.num_players), 1), np.arange(game.num_players)[::-1]):
        np.testing.assert_allclose(payoff(game, x[order]), payoffs[order], rtol=1e-9)
        np.testing.assert_allclose(step(learner, x[order]), steps[order], rtol=1e-7, atol=1e-10)


@every_rule_in_every_kind_of_game(LEARNERS)
def test_where_payoffs_have_their_zero_moves_nobody(name, rule):
    game = game_of(name)
    moved = attrs.evolve(game, zero=100.0)
    x = start(game)
    np.testing.assert_allclose(step(rule_of(rule, moved), x), step(rule_of(rule, game), x), rtol=1e-7, atol=1e-10)


# ---------------------------------------------------------------- units


def in_unit(learner, game, unit):
    """The learner on another game, with its numbers per payoff in that one's unit."""
    numbers = {h.name: getattr(learner, h.name) / unit for h in hyperparameters(type(learner)) if h.per_payoff}
    return attrs.evolve(learner, game=game, **numbers)


def per_range(game, rule, steps):
    """A rule whose rates are so many steps of the payoffs' range."""
    rate = steps / float(np.max(game.payoff_range))
    return rule_of(rule, game, rate=rate, look_ahead_rate=rate, weight=rate, payoff_scale=rate)


def assert_same(found, expected, tolerance, size):
    """But for rounding, beside numbers as large as `size`, or as the largest of them."""
    for (path, mine), theirs in zip(jax.tree_util.tree_leaves_with_path(found), jax.tree.leaves(expected), strict=True):
        largest = max(size, float(np.max(np.abs(theirs), initial=0.0)))
        np.testing.assert_allclose(
            mine, theirs, rtol=tolerance, atol=tolerance * largest, err_msg=jax.tree_util.keystr(path)
        )


@in_double_precision_or_single
@every_rule_in_every_kind_of_game(WITHOUT_NETWORK)
def test_steps_know_no_unit(name, rule, precision):
    """Numbers per payoff to match, thresholds such as SGA's epsilon and SOS's b as they are."""
    with jax.enable_x64(precision == "double"):
        game = game_of(name)
        learner, x = per_range(game, rule, 3.0), start(game)
        expected = step(learner, x)
        for unit, zero in UNITS:
            other = attrs.evolve(game, unit=unit, zero=zero)
            assert_same(step(in_unit(learner, other, unit), x), expected, TOLERANCE[precision], 0.0)


# ---------------------------------------------------------------- LOLAs


@every_kind_of_game
def test_hola_of_order_one_is_exact_lola(name):
    game = game_of(name)
    for seed in range(2):
        x = start(game, seed)
        np.testing.assert_allclose(
            step(rule_of("hola", game), x), step(rule_of("lola exact", game), x), rtol=1e-9, atol=1e-12
        )


@every_kind_of_game_of_two
@pytest.mark.parametrize(("variant", "order"), [("taylor", 2), ("foerster", 1)])
def test_the_orders_in_which_lolas_differ(name, variant, order):
    game = game_of(name)
    x, etas = start(game), np.array([0.04, 0.02, 0.01, 0.005]) / np.max(np.abs(payoff(game, start(game))))
    rules = [rule_of(f"lola {v}", game) for v in ("exact", variant)]
    exact, other = ([step(attrs.evolve(rule, look_ahead_rate=float(eta)), x) for eta in etas] for rule in rules)
    apart = np.linalg.norm(np.subtract(exact, other), axis=(1, 2))
    if np.max(apart) < 1e-12:  # where payoffs are linear in the other's policy they do not
        assert name in ("hamiltonian", "cournot")
        return
    assert np.polyfit(np.log(etas), np.log(apart), 1)[0] == pytest.approx(order, abs=0.15)


# ---------------------------------------------------------------- games


@every_game
def test_gradients_are_those_of_differences(name):
    game, size = game_of(name), 1e-6
    x = start(game)
    found = jax.jit(jax.jacobian(game.payoff))(x)
    for move in np.eye(x.size).reshape(-1, *x.shape):
        difference = (payoff(game, x + size * move) - payoff(game, x - size * move)) / (2 * size)
        np.testing.assert_allclose(jnp.sum(found * move, axis=(1, 2)), difference, rtol=1e-5, atol=1e-7)


# Asked in the abstract, since every process of the tests collects them all.
LIST_ANSWERS = [
    name for name in GAMES if jax.eval_shape(lambda x, n=name: MADE[n].best_response(x, 0), START[name]) is not None
]
HAVE_OUTCOMES = [name for name in GAMES if len(jax.eval_shape(MADE[name].outcomes, START[name])) > 1]


@pytest.mark.parametrize("name", LIST_ANSWERS)
def test_no_answer_beats_a_best_response(name):
    game = meva.make("game", name)

    @jax.jit
    def best_and_others(x, answers):
        """Payoffs f64[P] of players with their best responses, and f64[P, N] with any other answers."""
        best = [meva.best_response(game, x, seat, KEY).payoffs[seat] for seat in range(game.num_players)]
        others = [
            jax.vmap(lambda row, seat=seat: game.payoff(x.at[seat].set(row))[seat])(answers)
            for seat in range(game.num_players)
        ]
        return jnp.stack(best), jnp.stack(others)

    best, others = best_and_others(start(game), random_answers(game, 300))
    assert np.all(np.max(others, axis=1) <= best + 1e-3)  # within which answers count as ties


@pytest.mark.parametrize("name", HAVE_OUTCOMES)
def test_outcomes_are_shares_and_payoffs_theirs(name):
    game = meva.make("game", name)
    answers = random_answers(game, 8 * game.num_players).reshape(8, game.num_players, game.policy_size)
    for x in answers:
        shares = np.asarray(shares_of_outcomes(game, x))
        assert np.min(shares) >= -1e-12
        assert np.sum(shares) == pytest.approx(1, abs=1e-9)
        if hasattr(game, "tables"):
            np.testing.assert_allclose(payoff(game, x), game.tables.reshape(2, -1) @ shares, rtol=1e-9)


with_discount = [name for name in GAMES if "discount" in settings(meva.make("game", name))]


@pytest.mark.parametrize("name", with_discount)
def test_limits_of_the_discount(name):
    """Without a future only the start matters; with one that has no end it is all that does not."""
    game = meva.make("game", name)
    x = start(game)
    at_start = jnp.array(["start" in entry for entry in game.entry_names])
    move = 1.0 + jnp.arange(x.shape[1]) % 3  # not the same for all logits of one state
    other_start, other_rest = x + jnp.where(at_start, move, 0.0), x + jnp.where(at_start, 0.0, move)
    first, last = (attrs.evolve(game, discount=discount) for discount in (0.0, 1 - 1e-9))
    np.testing.assert_allclose(payoff(first, other_rest), payoff(first, x), rtol=1e-12)
    np.testing.assert_allclose(payoff(last, other_start), payoff(last, x), rtol=1e-6)
    for one, moved in ((first, other_start), (last, other_rest)):
        assert np.max(np.abs(payoff(one, moved) - payoff(one, x))) > 1e-3
