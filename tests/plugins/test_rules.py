"""Theory about the update rules: limits, convergence orders, symmetries, fixed points."""

from typing import Any

import attrs
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from meva_evaluations import fixed_points as evaluations_fixed_points

import meva_core as meva
from meva_core import ops as meva_ops
from meva_core.contracts import Game
from meva_core.contracts.components import component, leaf, part, static
from meva_core.contracts.hyperparameters import hyperparameters
from meva_core.errors import Remark
from meva_core.registry import loading

VARIANTS = ("exact", "foerster", "taylor")
IPD, LOGISTIC = meva.make("game", "ipd"), meva.make("game", "logistic")
GOODS = meva.make("game", "public_goods")


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
    return learner.update(params, learner.init(params, x, jax.random.key(1)), x, jax.random.key(0))[0]


def lola(game, variant, look_ahead_rate, rate=1.0):
    return meva.make("learner", "lola", game=game, variant=variant, look_ahead_rate=look_ahead_rate, rate=rate)


def naive(game, rate=1.0):
    return meva.make("learner", "naive", game=game, rate=rate)


def rule_of(name, game, **settings):
    """A rule with those of the settings that it has."""
    known = {h.name for h in hyperparameters(loading.load(meva.installed().find("learner", name)))}
    return meva.make("learner", name, game=game, **{k: v for k, v in settings.items() if k in known})


def small_meva(game, **settings):
    return meva.make("learner", "meva", game=game, value_model={"width": 8, "blocks": 0}, quantiles=4, **settings)


def any_params(model):
    """Not those of an initialiser: every number N(0, 1)."""
    generator = np.random.default_rng(1)
    shapes = jax.eval_shape(model.init, jax.random.key(0))
    return jax.tree.map(lambda leaf: jnp.array(generator.normal(size=leaf.shape), leaf.dtype), shapes)


SMOOTH, TANDEM = Smooth(), meva.make("game", "tandem")
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
    # To the last bit.
    np.testing.assert_array_equal(step(learner, x, any_params(learner.model)), step(naive(SMOOTH, 3.0), x))


def test_a_player_with_discount_zero_is_naive_beside_one_that_is_not():
    learner = small_meva(SMOOTH, discount=(0.9, 0.0), mixing="sum")
    x = SMOOTH.init(jax.random.key(0))
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
    """The slope of log |exact - variant| over log eta, in float64."""
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


# ---------------------------------------------------------------- several steps of look-ahead


def unrolled(game, x, h, count, player):
    """The gradient of what a player earns once the others have taken their steps one by one, by its definition."""

    def value(own):
        now = x.at[player].set(own)
        for _ in range(count):
            ahead = now
            for other in range(len(x)):
                if other != player:
                    gradient = jax.grad(lambda row, j=other, now=now: game.payoff(now.at[j].set(row))[j])(now[other])
                    ahead = ahead.at[other].add(h * gradient)
            now = ahead
        return game.payoff(now)[player]

    return jax.grad(value)(x[player])


@component
class Ring(Game):
    """Players with a number each, who care differently for either neighbour."""

    num_players: int = static(default=3, doc="players")
    policy_size = 1
    symmetric = False

    def init(self, key):
        return jax.random.normal(key, (self.num_players, 1))

    def payoff(self, x):
        own, left, right = x[:, 0], jnp.roll(x[:, 0], 1), jnp.roll(x[:, 0], -1)
        return jnp.sin(own * left) + own * right**2 - 0.5 * own**2 * jnp.cos(left)


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("game", [Smooth(), Ring()], ids=["two players", "three"])
def test_lola_differentiates_through_all_of_its_look_aheads(game, count):
    with jax.enable_x64(True):
        x = jnp.array(np.random.default_rng(2).normal(size=(game.num_players, game.policy_size)))
        got = step(rule_of("lola", game, look_ahead_rate=0.3, look_aheads=count), x)
        expected = jax.jit(lambda x: jnp.stack([unrolled(game, x, 0.3, count, i) for i in range(len(x))]))(x)
    np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-12)


def test_many_small_look_aheads_tend_to_the_others_flow():
    # K steps of rate h / K differ from their limit by O(1 / K).
    with jax.enable_x64(True):
        game, counts = Smooth(), np.array([2, 4, 8, 16, 64])
        x = jnp.array(np.random.default_rng(3).normal(size=(2, 2)))
        steps = [step(rule_of("lola", game, look_ahead_rate=float(0.5 / k), look_aheads=int(k)), x) for k in counts]
    distances = [np.linalg.norm(each - steps[-1]) for each in steps[:3]]
    assert np.polyfit(np.log(counts[:3]), np.log(distances), 1)[0] == pytest.approx(-1, abs=0.2)


@pytest.mark.parametrize("variant", ["foerster", "taylor"])
def test_lola_of_first_order_looks_one_step_ahead(variant):
    with pytest.raises(meva.MevaError, match=f"expected look_aheads = 1 for variant '{variant}'.* got 2"):
        rule_of("lola", TANDEM, variant=variant, look_aheads=2)


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
#   naive     2 - 2s = 0: s = 1; so too lookahead and cgd, which only rescale it there, sga, which has nothing to
#             correct in a game without rotation, extragradient and consensus.
#   foerster  adds h * (-2s) * d_i (2 - 2s) = 4hs: 2 - 2s + 0.4s = 0: s = 2 / 1.6 = 1.25.
#   taylor    adds d_i [h (-2s)(2 - 2s)] = h (8s - 4): 1.6 - 1.2s = 0: s = 4/3.
#   exact     f_i(a, b + h (2 - 2s)), s' = s + h (2 - 2s): 2 - 2 s' (1 - 2h) = 2 - 1.6 (0.8 s + 0.2) = 0: s = 1.3125.
#   hola2     with g = 1.68 - 1.28 s that of exact and s' = s + h g: 2 - 2 s' (1 - 1.28 h) = 0, s' = 2 / 1.744:
#             s = (2 / 1.744 - 0.168) / 0.872 = 1.122464.
AT_REST = [
    ("naive", {}, 1.0),
    ("lookahead", {}, 1.0),
    ("lola", {"variant": "foerster"}, 1.25),
    ("lola", {"variant": "taylor"}, 4 / 3),
    ("lola", {"variant": "exact"}, 1.3125),
    ("hola", {"order": 1}, 1.3125),
    ("hola", {"order": 2}, (2 / 1.744 - 0.168) / 0.872),
    ("sos", {}, 1.0),
    ("sga", {}, 1.0),
    ("cgd", {}, 1.0),
    ("extragradient", {}, 1.0),
    ("consensus", {"rate": 0.05}, 1.0),
]


@pytest.mark.parametrize(("rule", "settings", "sum_at_rest"), AT_REST)
def test_where_tandem_comes_to_rest(rule, settings, sum_at_rest):
    with jax.enable_x64(True):
        learner = rule_of(rule, TANDEM, **{"rate": 0.1, "look_ahead_rate": 0.1, **settings})
        match = meva.self_play(TANDEM, meva.Fitted(learner=learner))
        played = jax.jit(lambda x: meva.play(match, x, jax.random.key(0), 500))(jnp.array([[0.3], [-0.8]]))
        assert float(jnp.sum(played.x)) == pytest.approx(sum_at_rest, abs=1e-6)


def test_consensus_cycles_on_tandem_at_rate_a_tenth():
    # s' = s + 2 * 0.1 (1 + 4) (2 - 2s) / 2 ... = 2 - s: a cycle of two around 1.
    learner = rule_of("consensus", TANDEM, rate=0.1)
    x = jnp.array([[0.3], [-0.8]])
    once = x + step(learner, x)
    assert float(jnp.sum(once)) == pytest.approx(2 - float(jnp.sum(x)), abs=1e-5)


# ---------------------------------------------------------------- one rule in terms of another


@games
@pytest.mark.parametrize("rule", ["lookahead", "hola", "sos", "cgd", "extragradient"])
def test_who_looks_nowhere_is_naive(game, rule):
    x = game.init(jax.random.key(0))
    learner = rule_of(rule, game, rate=0.7, look_ahead_rate=0.0)
    np.testing.assert_allclose(step(learner, x), step(naive(game, 0.7), x), rtol=1e-5, atol=1e-7)


@games
@pytest.mark.parametrize("rule", ["consensus", "sga"])
def test_an_adjustment_of_no_weight_is_naive(game, rule):
    x = game.init(jax.random.key(0))
    np.testing.assert_allclose(step(rule_of(rule, game, weight=0.0), x), step(naive(game), x), rtol=1e-6)


@games
def test_hola_of_order_one_is_exact_lola(game):
    x = game.init(jax.random.key(0))
    first = rule_of("hola", game, order=1, look_ahead_rate=0.5)
    np.testing.assert_allclose(step(first, x), step(lola(game, "exact", 0.5), x), rtol=1e-5, atol=1e-7)


@games
def test_sos_is_lookahead_and_a_share_of_shaping_to_first_order(game):
    # With all of the shaping (a = 0 asks for none to be held back where they agree) it differs from taylor LOLA by
    # nothing: d_i [f_i + h d_j f_i . d_j f_j] = g + h H_o g + h chi.
    x = game.init(jax.random.key(0))
    g = step(naive(game), x)
    ahead = g + 0.5 * meva_ops.off_diagonal_product(game.payoff, x, g)
    chi = meva_ops.shaping_gradient(game.payoff, x)
    np.testing.assert_allclose(ahead + 0.5 * chi, step(lola(game, "taylor", 0.5), x), rtol=1e-4, atol=1e-6)
    share = (step(rule_of("sos", game, look_ahead_rate=0.5), x) - ahead) / (0.5 * chi)
    np.testing.assert_allclose(share, share[0, 0], rtol=1e-3)  # one share for everybody
    assert -1e-3 <= float(share[0, 0]) <= 1 + 1e-3


def test_shaping_fades_where_the_gradient_does():
    # p_2 = |g|^2 below b: near tandem's line of rest SOS is LookAhead, and with a larger payoff_scale it is not yet.
    x = jnp.array([[0.5], [0.51]])  # g = 2 - 2s = -0.02 each, |g|^2 = 8e-4 < b^2
    plain = step(rule_of("sos", TANDEM, look_ahead_rate=0.1), x)
    ahead = step(rule_of("lookahead", TANDEM, look_ahead_rate=0.1), x)
    # chi = d_i [stop(-2s) (2 - 2s)] = 4s = 4.04.
    np.testing.assert_allclose(plain - ahead, 8e-4 * 0.1 * 4.04, rtol=1e-3)
    scaled = step(rule_of("sos", TANDEM, look_ahead_rate=0.1, payoff_scale=25.0), x)
    assert np.all(scaled - ahead > 10 * (plain - ahead))


@games
def test_products_are_those_of_the_matrix(game):
    x, v = game.init(jax.random.key(0)), game.init(jax.random.key(1))
    full = jax.jit(jax.jacobian(lambda x: meva_ops.simultaneous_gradient(game.payoff, x)))(x)
    off = full * (1 - np.eye(2))[:, None, :, None]
    for product, matrix in (
        (meva_ops.jacobian_product, full),
        (meva_ops.transposed_product, np.transpose(full, (2, 3, 0, 1))),
        (meva_ops.off_diagonal_product, off),
    ):
        np.testing.assert_allclose(
            product(game.payoff, x, v), np.einsum("idje,je->id", matrix, v), rtol=1e-4, atol=1e-5
        )


def test_three_players_look_ahead_at_everybody_else():
    # public_goods: the sum over the others in the shaping term, and the rows, by a plain loop over players.
    game = meva.make("game", "public_goods", num_players=3)
    with jax.enable_x64(True):
        x, h = jnp.array(np.random.default_rng(0).normal(size=(3, 7))), 0.3

        @jax.jit
        def expected(x):
            g = [jax.grad(lambda row, i=i: game.payoff(x.at[i].set(row))[i])(x[i]) for i in range(3)]
            aheads = [x + h * jnp.stack(g).at[i].set(0.0) for i in range(3)]
            return jnp.stack(
                [jax.grad(lambda row, i=i: game.payoff(aheads[i].at[i].set(row))[i])(x[i]) for i in range(3)]
            )

        got = step(rule_of("lookahead", game, look_ahead_rate=h), x)
        np.testing.assert_allclose(got, expected(x), rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("order", [0, -1])
def test_hola_refuses_an_order_below_one(order):
    with pytest.raises(meva.MevaError, match=f"expected between 1 and 8, got {order} @ hola.order"):
        rule_of("hola", TANDEM, order=order)


# ---------------------------------------------------------------- fixed policies


def test_fixed_plays_its_strategy_and_never_moves():
    learner = meva.make("learner", "fixed", game=IPD, strategy="tit_for_tat")
    x = IPD.init(jax.random.key(0))
    np.testing.assert_array_equal(learner.start(None, x, jax.random.key(1)), np.tile([20, -20, 20, -20, 20], (2, 1)))
    np.testing.assert_array_equal(step(learner, x), np.zeros((2, 5)))


def test_fixed_with_nothing_given_stays_where_it_starts():
    x = LOGISTIC.init(jax.random.key(0))
    np.testing.assert_array_equal(meva.make("learner", "fixed", game=LOGISTIC).start(None, x, jax.random.key(1)), x)


def test_fixed_takes_probabilities_for_all_seats_or_for_each():
    named = {name: meva.make("learner", "fixed", game=IPD, strategy=name).held() for name in ("tit_for_tat", "random")}
    given = {"tit_for_tat": (1.0, 0.0, 1.0, 0.0, 1.0), "random": (0.5,) * 5}
    for name, row in given.items():
        np.testing.assert_array_equal(meva.make("learner", "fixed", game=IPD, probabilities=row).held(), named[name])
    apart = meva.make("learner", "fixed", game=IPD, probabilities=tuple(given.values())).held()
    np.testing.assert_array_equal(apart, [named["tit_for_tat"][0], named["random"][0]])
    rows = ((3.0,) * 5, (-2.0,) * 5)
    np.testing.assert_array_equal(meva.make("learner", "fixed", game=IPD, policy=rows).held(), rows)


@pytest.mark.parametrize("game", [IPD, GOODS], ids=["ipd", "public_goods"])
def test_probabilities_are_what_is_played(game):
    shape = (game.num_players, game.policy_size)
    wanted = jax.random.uniform(jax.random.key(0), shape).at[0, :2].set([0.0, 1.0])
    learner = meva.make("learner", "fixed", game=game, probabilities=tuple(map(tuple, wanted.tolist())))
    np.testing.assert_allclose(game.entries(learner.held()), wanted, atol=1e-6)


def test_numbers_that_look_like_probabilities_are_told_to_be_logits(meva_run, tmp_path):
    with pytest.warns(
        Remark, match=r"read as logits, which mean P\(C\|start\) = 0.73, P\(C\|DD\) = 0.5.*probabilities"
    ):
        meva.make("learner", "fixed", game=IPD, policy=(1.0, 0.0, 1.0, 0.0, 1.0))
    meva.make("learner", "fixed", game=IPD, policy=(1.5, 0.0, 1.0, 0.0, 1.0))  # and no warning
    meva.make("learner", "fixed", game=IPD, probabilities=(0.5,) * 5)
    meva.make("learner", "fixed", game=LOGISTIC, policy=(0.5,))
    given = (
        "--set",
        "learner.policy=[1,0,1,0,1]",
        "--set",
        "evaluate.basins.nudge=1",
    )  # which is refused before it is run
    outcome = meva_run("--game", "ipd", "--learner", "fixed", *given, "--out", tmp_path / "run")
    warning, error = outcome.err.splitlines()
    assert warning.startswith("warning: learner.policy is read as logits, which mean P(C|start) = 0.73, ")
    assert error.startswith(
        "error: expected a game with a plane of two numbers to survey for evaluate.basins.nudge, got a game without"
    )


@pytest.mark.parametrize(
    ("game", "settings", "message"),
    [
        (IPD, {"strategy": "tit_for_tot"}, "unknown strategy 'tit_for_tot' - did you mean 'tit_for_tat'"),
        (IPD, {"policy": [1.0]}, r"expected 5 numbers \(logits of P\(C\|start\), .*got 1"),
        (IPD, {"policy": [[2.0] * 5] * 3}, "or such a row for each of 2 seats, got 5, 5, 5 in rows"),
        (IPD, {"policy": [[2.0] * 5, [2.0] * 4]}, "got 5, 4 in rows"),
        (IPD, {"policy": []}, "expected 5 numbers .*got 0"),
        (IPD, {"policy": [1.0] * 5, "strategy": "random"}, "got learner.strategy and learner.policy"),
        (IPD, {"probabilities": [1.0] * 4}, r"expected 5 numbers \(P\(C\|start\), .*got 4"),
        (IPD, {"probabilities": [0.9, 0.1, 1.2, 0.0, 1.0]}, "expected between 0 and 1"),
        (IPD, {"probabilities": [[0.5] * 5, [0.5, -1.0, 0.5, 0.5, 0.5]]}, "expected between 0 and 1"),
        (LOGISTIC, {"probabilities": [0.5]}, "policies of Logistic are not probabilities"),
        (LOGISTIC, {"strategy": "tit_for_tat"}, "Logistic names no strategies"),
        (IPD, {"strategy": "extortion", "factor": 1.05}, "expected a factor > 0 that is feasible"),
    ],
)
def test_fixed_refuses(game, settings, message):
    with pytest.raises(meva.MevaError, match=message):
        meva.make("learner", "fixed", game=game, **settings)


# ---------------------------------------------------------------- differentiating a step

RULES = ["cgd", "consensus", "extragradient", "hola", "lookahead", "naive", "sga", "sos"]
RULES += [f"lola {variant}" for variant in VARIANTS] + ["meva", "cola"]
SHOWN = ("cgd", "naive", "lola exact", "meva")  # in CI: a solver, no derivative of another's, one, and a network


@pytest.mark.parametrize("name", [pytest.param(r, marks=[pytest.mark.long] * (r not in SHOWN)) for r in RULES])
def test_the_jacobian_of_a_step_is_that_of_differences(name):
    """No rule stops a gradient that whoever differentiates through its step would miss."""
    with jax.enable_x64(True):
        game, (name, _, variant) = Smooth(), name.partition(" ")
        if name in ("meva", "cola"):
            learner = meva.make("learner", name, game=game, rate=0.3, value_model={"width": 8, "blocks": 0})
            params = any_params(learner.model)
        else:
            variants = {"variant": variant} if variant else {}
            learner, params = rule_of(name, game, rate=0.3, look_ahead_rate=0.4, **variants), None
        match = meva.self_play(game, meva.Fitted(learner=learner, params=params))
        x = jnp.array([[0.3, -0.4], [0.8, 0.5]])
        found = evaluations_fixed_points.jacobian(match, x, jax.random.key(0))
        after = jax.jit(lambda x: meva.play(match, x, jax.random.key(0), 1).x)
        size, columns = 1e-5, []
        for direction in jnp.eye(4).reshape(4, 2, 2):
            columns.append((after(x + size * direction) - after(x - size * direction)).ravel() / (2 * size))
        np.testing.assert_allclose(found, np.stack(columns, axis=1), rtol=1e-4, atol=1e-5)


def test_sgas_sign_is_the_published_one_on_normalised_payoffs():
    """Payoffs are 25 times smaller here; numbers of 25 make up for that, and the sign turns."""
    unnormalised = Normalised(game=IPD, unit=25.0)
    published = meva.make("learner", "sga", game=unnormalised)
    ours = meva.make("learner", "sga", game=IPD, rate=25.0, weight=25.0, payoff_scale=25.0)
    never = attrs.evolve(ours, payoff_scale=1.0)
    x = jax.vmap(IPD.init)(jax.random.split(jax.random.key(0), 64))
    expected, found, unturned = (jax.vmap(lambda x, rule=rule: step(rule, x))(x) for rule in (published, ours, never))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    assert 0.25 < np.mean(np.abs(found - unturned).max(axis=(1, 2)) > 1e-3) < 0.75  # 51 % of 256 starts


@component
class Normalised(Game):
    """Another game's payoffs, times a number."""

    game: Any = part()
    unit: float = leaf(doc="that number")

    policy_size, symmetric = 5, True

    def init(self, key):
        return self.game.init(key)

    def payoff(self, x):
        return self.unit * self.game.payoff(x)


@pytest.mark.parametrize("players", [4, pytest.param(5, marks=pytest.mark.long)])  # for whom programs loop
def test_many_players_take_the_steps_of_the_definition(players):
    game = Ring(num_players=players)
    x, h = game.init(jax.random.key(1)), 0.5

    def gradient(x):
        return jnp.stack([jax.grad(lambda x, i=i: game.payoff(x)[i])(x)[i] for i in range(players)])

    def after(x, i):
        return game.payoff((x + h * gradient(x)).at[i].set(x[i]))[i]

    exact = jax.jit(lambda x: jnp.stack([jax.grad(after)(x, i)[i] for i in range(players)]))(x)
    np.testing.assert_allclose(step(lola(game, "exact", h), x), exact, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(step(naive(game), x), gradient(x), rtol=1e-5, atol=1e-7)
