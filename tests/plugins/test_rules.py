"""Theory about the update rules: limits, convergence orders, symmetries, fixed points."""

import attrs
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import meva_core as meva
from meva_core.component import component
from meva_core.protocols import Game

VARIANTS = ("exact", "foerster", "taylor")
IPD, LOGISTIC = meva.make("game", "ipd"), meva.make("game", "logistic")


@component
class Tandem(Game):
    """f1 = -((a+b)^2 - 2a), f2 = -((a+b)^2 - 2b) (Letcher et al., 2019)."""

    policy_size = 1
    symmetric = True

    def init(self, key):
        return jax.random.normal(key, (2, 1))

    def payoff(self, x):
        return 2 * x[:, 0] - jnp.sum(x) ** 2


@component
class Smooth(Game):
    """Two numbers each, nothing linear or separable, and quick to compile (LOLA on ipd is in the golden file)."""

    policy_size = 2
    symmetric = True

    def init(self, key):
        return jax.random.normal(key, (2, 2))

    def payoff(self, x):
        other = x[::-1]
        return jnp.sin(x[:, 0] * other[:, 1]) - 0.5 * x[:, 1] * other[:, 0] ** 2 + jnp.tanh(x[:, 1] + 2 * other[:, 0])


@jax.jit
def step(learner, x, params=None):
    return learner.update(params, learner.init(params, x), x, jax.random.key(0))[0]


def lola(game, variant, look_ahead_rate, rate=1.0):
    return meva.make("learner", "lola", game=game, variant=variant, look_ahead_rate=look_ahead_rate, rate=rate)


def naive(game, rate=1.0):
    return meva.make("learner", "naive", game=game, rate=rate)


def small_meva(game, **settings):
    return meva.make("learner", "meva", game=game, value_model={"width": 8, "blocks": 0}, quantiles=4, **settings)


def any_params(model):
    """Not those of an initialiser: every number N(0, 1)."""
    generator = np.random.default_rng(1)
    shapes = jax.eval_shape(model.init, jax.random.key(0))
    return jax.tree.map(lambda leaf: jnp.array(generator.normal(size=leaf.shape), leaf.dtype), shapes)


SMOOTH = Smooth()
games = pytest.mark.parametrize("game", [SMOOTH, LOGISTIC], ids=["smooth", "logistic"])

# ---------------------------------------------------------------- limits


@games
@pytest.mark.parametrize("variant", VARIANTS)
def test_lola_that_looks_nowhere_is_naive(game, variant):
    x = game.init(jax.random.key(0))
    expected = step(naive(game, 0.7), x)
    np.testing.assert_allclose(step(lola(game, variant, 0.0, 0.7), x), expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("mixing", ["convex", "sum"])
def test_meva_that_discounts_all_is_naive(mixing):
    learner = small_meva(SMOOTH, discount=0.0, formulation="correction", mixing=mixing, rate=3.0)
    x = SMOOTH.init(jax.random.key(0))
    with jax.disable_jit():  # to the last bit: no fusion
        np.testing.assert_array_equal(step(learner, x, any_params(learner.model)), step(naive(SMOOTH, 3.0), x))


def test_a_player_with_discount_zero_is_naive_beside_one_that_is_not():
    learner = small_meva(SMOOTH, discount=(0.9, 0.0), mixing="sum")
    x = SMOOTH.init(jax.random.key(0))
    with jax.disable_jit():
        mixed, plain = step(learner, x, any_params(learner.model)), step(naive(SMOOTH), x)
    np.testing.assert_array_equal(mixed[1], plain[1])
    assert np.max(np.abs(mixed[0] - plain[0])) > 1e-3


@pytest.mark.parametrize("mixing", ["convex", "sum"])
def test_meva_mixes_as_it_says(mixing):
    # (1 - g) naive + g value gradient, or naive + g value gradient; each player's own g.
    game, g = IPD, np.array([[0.9], [0.3]])
    learner = small_meva(game, discount=(0.9, 0.3), mixing=mixing, rate=2.0)
    x, params = game.init(jax.random.key(0)), any_params(learner.model)

    def value(x):
        features = learner.model.features(params, x, x, jnp.array(g, jnp.float32))
        return jnp.mean(learner.model.head(params, features), axis=-1)

    full = jax.jit(jax.jacobian(value))(x)
    gradient = np.stack([full[0, 0], full[1, 1]])
    weight = 1 - g if mixing == "convex" else 1.0
    expected = 2 * (weight * step(naive(game), x) + g * gradient)
    np.testing.assert_allclose(step(learner, x, params), expected, rtol=1e-4, atol=1e-5)
    # The formulation `value` follows the gradient of the value alone.
    plain = step(attrs.evolve(learner, formulation="value"), x, params)
    np.testing.assert_allclose(plain, 2 * gradient, rtol=1e-4, atol=1e-5)


# ---------------------------------------------------------------- orders

LOOK_AHEADS = np.array([0.04, 0.02, 0.01, 0.005])


def slope(game, variant):
    """Of log |exact - variant| over log eta, in float64."""
    with jax.enable_x64(True):
        x = jnp.array(np.random.default_rng(0).normal(size=(2, game.policy_size)))
        rules = [lola(game, v, 1.0) for v in ("exact", variant)]
        etas = jnp.array(LOOK_AHEADS)
        steps = [jax.vmap(lambda h, rule=rule: step(attrs.evolve(rule, look_ahead_rate=h), x))(etas) for rule in rules]
        distances = np.linalg.norm(steps[0] - steps[1], axis=(1, 2))
    return np.polyfit(np.log(LOOK_AHEADS), np.log(distances), 1)[0]


@games
def test_lola_exact_minus_taylor_falls_as_the_square(game):
    assert slope(game, "taylor") == pytest.approx(2, abs=0.1)


@games
def test_lola_exact_minus_foerster_falls_only_linearly(game):
    assert slope(game, "foerster") == pytest.approx(1, abs=0.1)


# ---------------------------------------------------------------- symmetry


@games
@pytest.mark.parametrize("rule", ["naive", *VARIANTS, "meva"])
def test_steps_commute_with_exchanging_the_players(game, rule):
    learner = {"naive": naive, "meva": small_meva}[rule](game) if rule not in VARIANTS else lola(game, rule, 0.5)
    params = any_params(learner.model) if rule == "meva" else None
    x = game.init(jax.random.key(3))
    steps = step(learner, x, params)
    assert np.max(np.abs(steps[0] - steps[1])) > 1e-4  # else there is nothing to exchange
    np.testing.assert_allclose(step(learner, x[::-1], params), steps[::-1], rtol=2e-4, atol=1e-5)


# ---------------------------------------------------------------- fixed points

# On tandem with rate = look-ahead rate = 0.1, s = a + b comes to rest where all directions vanish. d_i f_i = 2 - 2s
# and d_j f_i = -2s. With h = 0.1:
#   naive     2 - 2s = 0: s = 1.
#   foerster  adds h * (-2s) * d_i (2 - 2s) = 4hs: 2 - 2s + 0.4s = 0: s = 2 / 1.6 = 1.25.
#   taylor    adds d_i [h (-2s)(2 - 2s)] = h (8s - 4): 1.6 - 1.2s = 0: s = 4/3.
#   exact     f_i(a, b + h (2 - 2s)), s' = s + h (2 - 2s): 2 - 2 s' (1 - 2h) = 2 - 1.6 (0.8 s + 0.2) = 0: s = 1.3125.


@pytest.mark.parametrize(
    ("variant", "sum_at_rest"), [(None, 1.0), ("foerster", 1.25), ("taylor", 4 / 3), ("exact", 1.3125)]
)
def test_where_tandem_comes_to_rest(variant, sum_at_rest):
    game = Tandem()
    learner = naive(game, 0.1) if variant is None else lola(game, variant, 0.1, 0.1)
    match = meva.self_play(game, meva.Fitted(learner=learner))
    played = jax.jit(lambda x: meva.play(match, x, jax.random.key(0), 200))(jnp.array([[0.3], [-0.8]]))
    assert float(jnp.sum(played.x)) == pytest.approx(sum_at_rest, abs=1e-4)
