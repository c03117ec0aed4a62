"""The same game with payoffs in another unit, or from another zero: the same policies, and numbers in that unit."""

import itertools
from typing import Any

import attrs
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import test_theory as theory
from meva_evaluations import basins as evaluations_basins
from meva_evaluations import cross_play as evaluations_cross_play
from meva_evaluations import fixed_points as evaluations_fixed_points
from meva_evaluations import polytope as evaluations_polytope
from meva_evaluations import versus
from test_theory import assert_same, in_unit, per_range

import meva_core as meva
from meva_core import evaluate
from meva_core.contracts.hyperparameters import parts
from meva_core.match import Fitted
from meva_core.ops import stacked

KEY = jax.random.key(0)
RULES = [label for label in theory.LEARNERS if theory.class_of(label).training is None]
PAIRS, STEPS = 6, 8
in_both_precisions = pytest.mark.parametrize("precision", theory.TOLERANCE)


def policies_and_payoffs(game, learner, rival):
    """All that evaluations find: what is policies, shares and whether it settled; payoffs; differences of payoffs."""
    match = meva.self_play(game, Fitted(learner=learner))
    ended = evaluate.matches(match, KEY, PAIRS, STEPS)
    x = ended.x[0]
    responses = evaluate.best_responses(game, x, KEY, steps=20, restarts=2)
    exploitable = evaluate.exploitability(game, x, KEY, steps=20, restarts=2)
    plain = {"ended": ended.x, "settled": ended.settled, "outcomes": ended.outcomes, "lengths": ended.lengths}
    plain |= {"answers": responses.policy, "agreement": responses.agreement}
    paid = {"payoffs": ended.payoffs, "responses": responses.payoffs}
    apart = {"gain": exploitable.gain, "loss": exploitable.loss, "range": game.payoff_range}
    shaped = evaluate.matches(versus.against(game, Fitted(learner=learner), rival), KEY, 2, 2)
    plain["shaped"], paid["shaped payoffs"] = shaped.x, shaped.payoffs
    if game.num_players == 2:
        others = theory.random_answers(game, 5)
        shown = evaluations_polytope.over_training(match, ended.x[0], KEY, others, 3)
        plain["straightness"] = shown.straightness
        paid |= {
            "cloud": shown.cloud,
            "along": shown.payoffs,
            "polytope": evaluations_polytope.polytope(game, x[0], others).payoffs,
        }
    if game.plane is not None:
        low, high = game.plane
        starts = evaluations_basins.grid(low, high, 3)
        plain["basins"] = evaluations_basins.basins(match, starts, KEY, STEPS)
        plain["rest"] = evaluations_fixed_points.rest(match, jnp.full((2, 1), 0.3), KEY, iterations=5)
        plain["equilibrium"] = evaluations_fixed_points.equilibrium(game, jnp.full((2, 1), 0.3), iterations=5)
    return plain, paid, apart


found_by: Any = jax.jit(policies_and_payoffs)


def check(name, rule, precision):
    tolerance = theory.TOLERANCE[precision]
    with jax.enable_x64(precision == "double"):
        game = theory.game_of(name)
        learner, rival = per_range(game, rule, 1.0), per_range(game, "naive", 1.0)
        plain, paid, apart = found_by(game, learner, rival)
        if (
            precision == "single"
        ):  # which decides by rounding among answers that pay the same: their payoffs are compared
            plain.pop("answers")
        size = float(np.max(np.abs(paid["payoffs"])))
        for unit, zero in theory.UNITS:
            other = attrs.evolve(game, unit=unit, zero=zero * float(np.max(game.payoff_range)))
            told, payoffs, differences = found_by(other, *(in_unit(rule, other, unit) for rule in (learner, rival)))
            assert_same({name: told[name] for name in plain}, plain, tolerance, 1.0)
            centred = jax.tree.map(lambda p, z=other.zero: p - z, payoffs)
            assert_same(centred, jax.tree.map(lambda p, u=unit: u * p, paid), tolerance, unit * size + other.zero)
            assert_same(differences, jax.tree.map(lambda d, u=unit: u * d, apart), tolerance, unit * size + other.zero)


# Programs of payoff functions, but those that take longest, and of quadratic games one; the next test has all.
LATER = ("public_goods", *theory.LATER)


@pytest.mark.parametrize(
    ("name", "precision"),
    [
        *((name, "double") for name in theory.KINDS if name not in LATER),
        ("logistic", "single"),
        pytest.param("chicken", "single", marks=pytest.mark.long),
    ],
)
def test_evaluations_know_no_unit(name, precision):
    check(name, "naive", precision)


@pytest.mark.long
@pytest.mark.parametrize(("name", "rule"), list(itertools.product(theory.GAMES, RULES)))
@in_both_precisions
def test_evaluations_of_every_game_and_rule_know_no_unit(name, rule, precision):
    check(name, rule, precision)


@pytest.mark.parametrize("name", ["logistic", "chicken"])
def test_fits_against_each_other_know_no_unit(name):
    """Cross-play of two rules of one kind, as of two fits."""
    with jax.enable_x64(True):
        game = theory.game_of(name)
        rules, other = [per_range(game, "naive", steps) for steps in (0.5, 1.0)], attrs.evolve(game, unit=1e3)
        expected = evaluations_cross_play.cross_play(game, Fitted(learner=stacked(rules)), KEY, 3, 4)
        found = evaluations_cross_play.cross_play(
            other, Fitted(learner=stacked([in_unit(r, other, 1e3) for r in rules])), KEY, 3, 4
        )
        np.testing.assert_allclose(found, 1e3 * expected, rtol=1e-9)


FITTED = {
    "meva": {"loops": 1, "batch_size": 4, "trajectory": 4, "stride": 2, "quantiles": 4},
    "cola": {"loops": 1, "batch_size": 4, "highest_rate": 2.0},
    "m_maml": {"loops": 1, "batch_size": 4, "steps": 3},
}


@pytest.mark.parametrize("name", [pytest.param("logistic", marks=pytest.mark.long), "ipd"])
@pytest.mark.parametrize("rule", FITTED)
def test_fits_know_no_unit(name, rule):
    """A unit of a power of two, in which nothing rounds otherwise: the same network, or start, to the last bit."""
    small = {"value_model": {"width": 8, "blocks": 0}} if "value_model" in parts(theory.class_of(rule)) else {}
    game, unit = theory.game_of(name), 2.0**10
    learner = meva.make("learner", rule, game=game, rate=0.5, **FITTED[rule], **small)
    other = in_unit(learner, attrs.evolve(game, unit=unit), unit)

    @jax.jit
    def fitted(learner):
        state, metrics = learner.training.step(learner.training.init(KEY), KEY)
        return (
            learner.training.params(state),
            metrics,
            learner.update(learner.training.params(state), (), X[name], KEY)[0],
        )

    params, metrics, steps = fitted(learner)
    found, in_other, others = fitted(other)
    if rule == "m_maml":
        found = found._replace(rate=found.rate * unit)
    jax.tree.map(np.testing.assert_array_equal, found, params)
    np.testing.assert_array_equal(others, steps)
    np.testing.assert_array_equal(in_other["gradient_norm"], metrics["gradient_norm"])


X = {name: theory.start(meva.make("game", name)) for name in ("logistic", "ipd")}
