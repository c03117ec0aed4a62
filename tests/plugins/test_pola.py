"""Proximal LOLA: its limits, and what it does not depend on. In double precision."""

from typing import Any

import attrs
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from meva_policies.mlp import MLP
from meva_policies.table import Table
from meva_proximal.reciprocity import Reciprocity, retaliation_of

import meva_core as meva
from meva_core.contracts import Asking, Game
from meva_core.contracts.components import component, leaf, part
from meva_core.errors import BadCombination
from meva_core.match import Held
from meva_core.sampling import WithPolicies, policy_arguments

H = 25.0  # look-ahead rate 1 on unnormalised payoffs
CONVERGED = {"ascent_rate": 2.0, "tolerance": 1e-10, "ascent_steps": 3000}


@component
class Coordinates(Game):
    """A game whose player 1 has the numbers of its logits in other coordinates, logits = basis numbers."""

    game: Any = part()
    basis: jax.Array = leaf(doc="f32[D, D]")

    policy_size = 5
    symmetric = False

    def init(self, key):
        return self.game.init(key)

    def logits(self, x):
        return jnp.stack([self.basis @ x[0], x[1]])

    def payoff(self, x):
        return self.game.payoff(self.logits(x))

    def to_logits(self, x):
        return self.game.to_logits(self.logits(x))


@component
class Bent(Game):
    """The ultimatum game, whose players have the logits x + x^3."""

    game: Any = part()

    policy_size = 1
    symmetric = False

    def init(self, key):
        return self.game.init(key)

    def payoff(self, x):
        return self.game.payoff(x + x**3)

    def to_logits(self, x):
        return self.game.to_logits(x + x**3)


@pytest.fixture(scope="module", autouse=True)
def in_double_precision():
    with jax.enable_x64(True):
        yield


@pytest.fixture(scope="module")
def game():
    return meva.make("game", "contribution", factor=1.33)


@pytest.fixture(scope="module")
def x():
    return jax.random.normal(jax.random.key(3), (2, 5))


@jax.jit
def steps(learner, x):
    return learner.update(None, (), x, jax.random.key(0))[0]


def pola(game, variant="outer", **settings):
    return meva.make("learner", "pola", game=game, variant=variant, **{**CONVERGED, "look_ahead_rate": H, **settings})


def lola(game):
    return meva.make("learner", "lola", game=game, look_ahead_rate=H)


def test_one_step_of_the_ascent_is_lola_at_any_rate(game, x):
    for rate in (0.1, 10.0, 1000.0):
        found = steps(pola(game, rate=rate, ascent_rate=0.3, ascent_steps=1), x)
        np.testing.assert_allclose(found, 0.3 * rate * steps(lola(game), x), rtol=1e-9)


def test_for_small_rates_it_is_lola_with_a_natural_gradient(game, x):
    """The Fisher matrix of a table is diagonal, p (1 - p); the relative error falls like the rate."""
    p = jax.nn.sigmoid(x)
    natural = steps(lola(game), x) / (p * (1 - p))
    rates = np.array([1e-2, 1e-3, 1e-4])
    found = [steps(pola(game, rate=rate, tolerance=1e-14), x) / rate for rate in rates]
    errors = [jnp.linalg.norm(step - natural) for step in found]
    shares = np.array(errors) / np.linalg.norm(natural)
    slopes = np.diff(np.log10(shares)) / np.diff(np.log10(rates))
    np.testing.assert_allclose(slopes, 1.0, atol=0.02)
    assert shares[-1] < 1e-4


@pytest.mark.parametrize("variant", ["outer", pytest.param("ideal", marks=pytest.mark.long)])
def test_at_a_tiny_rate_nobody_moves(game, x, variant):
    assert jnp.abs(steps(pola(game, variant, rate=1e-9, look_ahead_rate=1.0), x)).max() < 1e-6


@pytest.mark.parametrize("variant", ["outer", pytest.param("ideal", marks=pytest.mark.long)])
def test_what_a_player_does_next_does_not_depend_on_its_coordinates(game, x, variant):
    """Not even if they are badly conditioned, though there the ascent to the same point takes some 5000 steps; what
    LOLA's player does next depends on them."""
    basis = jnp.eye(5).at[jnp.array([0, 2, 3, 4]), 1].set(-2.0)
    other = Coordinates(game=game, basis=basis)
    there = jnp.stack([jnp.linalg.solve(basis, x[0]), x[1]])

    def acts(rule, on, x):
        return jax.nn.sigmoid(on.to_logits(x + steps(rule, x))[0, :, 1])

    settings = {"rate": 5.0, "look_ahead_rate": 5.0, "ascent_rate": 0.2, "tolerance": 1e-7, "ascent_steps": 20_000}
    mine = acts(pola(game, variant, **settings), game, x)
    np.testing.assert_allclose(acts(pola(other, variant, **settings), other, there), mine, atol=1e-6)
    assert jnp.abs(mine - jax.nn.sigmoid(x[0])).max() > 1e-2
    assert jnp.abs(acts(lola(other), other, there) - acts(lola(game), game, x)).max() > 1e-3


@pytest.mark.parametrize("natural", [False, True])
@pytest.mark.parametrize("bent", [False, True])
def test_ideal_finds_the_maximum_that_a_search_finds_in_any_numbers(natural, bent):
    """Payoffs of the ultimatum game are linear in each player's probability p. From q, at rate h and a payoff of slope
    v, the response is the root of h v p (1 - p) = p - q, and the own policy the best of a fine grid."""
    rate, h, start = 0.8, 0.5, np.array([0.3, 0.6])

    def response(v, q):
        return (h * v - 1 + np.sqrt((h * v - 1) ** 2 + 4 * h * v * q)) / (2 * h * v)

    def best(worth, q):
        divergence = q * np.log(q / p) + (1 - q) * np.log((1 - q) / (1 - p))
        return p[np.argmax(rate * worth - divergence)]

    p = np.linspace(0, 1, 10**6 + 1)[1:-1] + 1e-9  # so that no slope is 0
    accepts, fair = response(2 * (1 - p), start[1]), response(5 - 8 * p, start[0])
    expected = [best(5 * p + 8 * (1 - p) * accepts, start[0]), best(5 * fair + 2 * (1 - fair) * p, start[1])]
    game = meva.make("game", "ultimatum")
    if bent:
        game = Bent(game=game)
        logits = np.log(start / (1 - start))
        x = np.array([np.roots([1, 0, 1, -each])[-1].real for each in logits])[:, None]
    else:
        x = np.log(start / (1 - start))[:, None]
    settings = {"rate": rate, "look_ahead_rate": h, "natural": natural, "ascent_rate": 0.3, "tolerance": 1e-9}
    after = game.to_logits(jnp.asarray(x) + steps(pola(game, "ideal", **settings), jnp.asarray(x)))
    np.testing.assert_allclose(jax.nn.softmax(after)[:, 0, 1], expected, atol=2e-6)


@pytest.mark.long
@pytest.mark.parametrize("variant", ["outer", "ideal"])
def test_natural_ascents_go_the_same_way_in_networks_as_in_tables(variant):
    """Up to terms of second order: for half the rate of the ascent and twice its steps they are half as far apart. The
    other has a table, since a naive step of `outer` depends on its numbers."""
    ipd = meva.make("game", "ipd")
    given = policy_arguments(ipd.rules())
    nets = WithPolicies(game=ipd, policies=(MLP(**given, width=8), Table(**given)))
    x = nets.init(jax.random.key(0)).astype(float)

    def apart(natural, share):
        ways = []
        for game, start in ((nets, x), (ipd, nets.tables(x))):
            settings = {"rate": 5.0, "look_ahead_rate": 5.0, "natural": natural, "tolerance": 0.0}
            settings |= {"ascent_rate": 0.04 * share, "ascent_steps": round(10 / share)}
            ways.append(game.to_logits(start + steps(pola(game, variant, **settings), start))[0, :, 1])
        return jnp.abs(ways[0] - ways[1]).max()

    far = apart(True, 1.0)
    assert 0 < far < 0.1 * apart(False, 1.0)
    np.testing.assert_allclose(apart(True, 0.5), far / 2, rtol=0.2)


def test_ideal_with_responses_of_rate_0_meets_others_who_stay(game, x):
    still = [steps(pola(game, variant, rate=5.0, look_ahead_rate=0.0), x) for variant in ("outer", "ideal")]
    np.testing.assert_allclose(*still, atol=1e-9)


def test_ideal_responds_with_the_maximum_and_its_derivative(game, x):
    """The maximum over responses is a root of their gradient, and moves with the other's policy as differences say."""
    learner = pola(game, "ideal", rate=5.0, look_ahead_rate=5.0)

    step, along = jax.random.normal(jax.random.key(4), (2, 5))

    @jax.jit
    def respond(x):
        y, pull = jax.vjp(lambda x: learner._response(x, x[1], 1), x)
        return y, pull(along)[0][0], jax.grad(lambda y: worth(x, x.at[1].set(y)))(y)

    def worth(x, moved):
        return 5.0 * game.payoff(moved)[1] - learner._divergence(x, moved, 1)

    _, slope, left = respond(x)
    assert jnp.abs(left).max() < 1e-9
    difference = (respond(x.at[0].add(1e-4 * step))[0] - respond(x.at[0].add(-1e-4 * step))[0]) / 2e-4
    np.testing.assert_allclose(slope @ step, along @ difference, rtol=1e-5)


@pytest.mark.long
def test_the_others_of_three_respond_too(x):
    goods = meva.make("game", "public_goods")
    x = jax.random.normal(jax.random.key(5), (3, goods.policy_size))
    found = steps(pola(goods, rate=2.0, ascent_rate=0.3, ascent_steps=1), x)
    np.testing.assert_allclose(found, 0.6 * steps(lola(goods), x), rtol=1e-9)


def test_published_settings_lead_to_reciprocity(game):
    """Mean of P(C|DD), P(C|DC), P(C|CD), P(C|CC), P(C|start) after two updates, as in the authors' procedure."""
    learner = attrs.evolve(pola(game), rate=250.0, look_ahead_rate=125.0, ascent_rate=0.03, tolerance=1e-3)
    starts = jax.vmap(game.init)(jax.random.split(jax.random.key(0), 4))
    after = jax.jit(jax.vmap(lambda x: x + steps(learner, x)))
    ends = jax.nn.sigmoid(after(after(starts))).mean(axis=(0, 1))
    np.testing.assert_allclose(ends, [0.95, 0.12, 0.96, 0.12, 1.0], atol=0.05)


@pytest.mark.parametrize(
    ("first", "second", "shares"),
    [
        ("tit_for_tat", "tit_for_tat", (1, 1)),
        ("always_cooperate", "always_cooperate", (0, 1)),  # no retaliation
        ("suspicious_tit_for_tat", "suspicious_tit_for_tat", (0, 0)),  # no cooperation
        ("tit_for_tat", "always_cooperate", (0, 1)),  # not both
        ("always_cooperate", "always_defect", (0, 0.5)),
        ("always_defect", "always_cooperate", (0, 0.5)),
    ],
)
def test_reciprocity_is_retaliation_and_cooperation(game, first, second, shares):
    held = jnp.stack([game.strategies[name] for name in (first, second)])
    match = meva.self_play(game, meva.Fitted(learner=Held(policies=held)))
    found = measured(match)
    assert (found["share"].tolist(), found["share_at_the_end"].tolist()) == ([shares[0]] * 2, [shares[0]] * 2)
    np.testing.assert_allclose(found["cooperation"], shares[1], atol=1e-6)


@jax.jit
def measured(match):
    return Reciprocity().ask(match, jax.random.key(0), Asking(planned=None, pairs=2, steps=1))


def test_retaliation_comes_after_mutual_defection_and_after_the_others(game):
    x = game.from_entries(jnp.array([[0.1, 0.2, 0.3, 0.4, 0.5], [0.6, 0.7, 0.8, 0.9, 1.0]]))
    np.testing.assert_allclose(retaliation_of(game, x), [[0.2, 0.4], [0.7, 0.9]], rtol=1e-6)


def test_a_game_without_probabilities_is_refused():
    with pytest.raises(BadCombination, match=r"expected a game whose policies are probabilities .* got Logistic"):
        meva.make("learner", "pola", game=meva.make("game", "logistic"))
