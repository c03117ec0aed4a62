"""The bundled games against numbers worked out by hand, plain loops and exhaustive search."""

from typing import Any

import attrs
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import meva_core as meva
from meva_core.component import component
from meva_core.errors import BadValue
from meva_core.ops import simultaneous_gradient
from meva_core.protocols import Game

IPD = meva.make("game", "ipd")
LOGISTIC = meva.make("game", "logistic")
# Rewards of (player 1, player 2) by (action of 1, action of 2), 0 = D, 1 = C.
REWARDS = {(0, 0): (-2, -2), (0, 1): (0, -3), (1, 0): (-3, 0), (1, 1): (-1, -1)}


def joint(first, second):
    return jnp.stack([IPD.strategies[first], IPD.strategies[second]])


def sigmoid(z):
    return 1 / (1 + np.exp(-np.asarray(z)))


def random_policies(count):
    return 2 * np.random.default_rng(0).normal(size=(count, 2, 5))


# ---------------------------------------------------------------- iterated prisoner's dilemma


@pytest.mark.parametrize(
    ("first", "second", "payoffs"),
    [
        ("always_defect", "always_defect", (-2, -2)),
        ("always_cooperate", "always_cooperate", (-1, -1)),
        ("always_cooperate", "always_defect", (-3, 0)),
        ("always_defect", "always_cooperate", (0, -3)),
        ("tit_for_tat", "tit_for_tat", (-1, -1)),
        # First round CD, -3 and 0, then DD for ever: 0.04 * (-3, 0) + 0.96 * (-2, -2).
        ("tit_for_tat", "always_defect", (-2.04, -1.92)),
        ("always_defect", "tit_for_tat", (-1.92, -2.04)),
        # Both uniform: the mean of -2, 0, -3, -1.
        ("random", "random", (-1.5, -1.5)),
        # CD at first; win-stay lose-shift then defects, DD; cooperates, CD; defects ... : DD at odd rounds.
        # -3 (1-b)/(1-b^2) - 2 b (1-b)/(1-b^2) = -(3 + 2b)/(1+b), and -2b/(1+b) for the defector; b = 0.96.
        ("win_stay_lose_shift", "always_defect", (-4.92 / 1.96, -1.92 / 1.96)),
    ],
)
def test_ipd_by_hand(first, second, payoffs):
    np.testing.assert_allclose(IPD.payoff(joint(first, second)), payoffs, rtol=1e-5, atol=1e-6)


def plain_chain(x, discount, rounds):
    """Payoffs and shares of [DD, DC, CD, CC], player 1's action first, by walking the Markov chain."""
    p = sigmoid(x)
    outcomes = [(0, 0), (0, 1), (1, 0), (1, 1)]

    def joint_probability(entry_of_1, entry_of_2):
        """Of the four outcomes, from each player's own entry."""
        c1, c2 = p[0][entry_of_1], p[1][entry_of_2]
        return np.array([(c1 if a else 1 - c1) * (c2 if b else 1 - c2) for a, b in outcomes])

    # Entries [start, DD, DC, CD, CC], own action first: after (a, b) player 1 reads 1 + 2a + b, player 2 1 + 2b + a.
    transition = np.stack([joint_probability(1 + 2 * a + b, 1 + 2 * b + a) for a, b in outcomes])
    now, payoffs, shares = joint_probability(0, 0), np.zeros(2), np.zeros(4)
    rewards = np.array([REWARDS[o] for o in outcomes])
    for t in range(rounds):
        weight = (1 - discount) * discount**t
        payoffs += weight * now @ rewards
        shares += weight * now
        now = now @ transition
    return payoffs, shares


@pytest.mark.parametrize("discount", [0.0, 0.5, 0.96])
def test_ipd_is_the_discounted_sum_over_the_markov_chain(discount):
    with jax.enable_x64(True):
        game = attrs.evolve(IPD, discount=discount)
        for x in random_policies(4):
            # 0.96^800 < 1e-14: what is left out does not show.
            payoffs, shares = plain_chain(x, discount, 800)
            np.testing.assert_allclose(game.payoff(jnp.array(x)), payoffs, rtol=1e-10)
            found = game.outcomes(jnp.array(x))
            np.testing.assert_allclose([found[name] for name in ("DD", "DC", "CD", "CC")], shares, rtol=1e-10)


def test_ipd_discount_zero_is_the_first_round():
    # P(C) at the start 1/2 and sigmoid(ln 3) = 3/4; nothing else matters.
    x = jnp.array([[0.0, 5, -3, 2, 1], [np.log(3.0), -1, 2, -3, 4]])
    # DD 1/8, DC 3/8, CD 1/8, CC 3/8: f1 = -2/8 - 3/8 - 3/8 = -1; f2 = -2/8 - 9/8 + 0 - 3/8 = -14/8.
    np.testing.assert_allclose(attrs.evolve(IPD, discount=0.0).payoff(x), [-1.0, -1.75], rtol=1e-6)


def test_ipd_outcomes_sum_to_one_and_name_player_1_first():
    for x in random_policies(4):
        assert sum(IPD.outcomes(jnp.array(x, jnp.float32)).values()) == pytest.approx(1, abs=1e-5)
    outcomes = IPD.outcomes(joint("always_cooperate", "always_defect"))
    assert {name: round(float(share), 5) for name, share in outcomes.items()} == {"DD": 0, "DC": 0, "CD": 1, "CC": 0}


@pytest.mark.parametrize("game", [IPD, LOGISTIC])
def test_symmetry(game):
    x = game.init(jax.random.key(3))
    assert game.symmetric
    assert abs(game.payoff(x)[0] - game.payoff(x)[1]) > 1e-2  # else there is nothing to see
    np.testing.assert_allclose(game.payoff(x[::-1]), game.payoff(x)[::-1], rtol=1e-5)


def test_ipd_table_and_discount_are_leaves():
    payoff: Any = jax.jit(lambda game, x: game.payoff(x))
    x = joint("always_cooperate", "always_cooperate")
    generous = meva.make("game", "ipd", table=((-2.0, 0.0), (-3.0, -0.5)), discount=0.5)
    np.testing.assert_allclose(payoff(IPD, x), [-1.0, -1.0], rtol=1e-5)
    np.testing.assert_allclose(payoff(generous, x), [-0.5, -0.5], rtol=1e-5)
    assert payoff._cache_size() == 1


def test_ipd_refuses_a_discount_whose_sum_does_not_converge():
    with pytest.raises(BadValue, match=r">= 0 and < 1, got 1\.0 @ ipd\.discount"):
        meva.make("game", "ipd", discount=1.0)


# ---------------------------------------------------------------- best responses


def respond(game, policy, seat, **settings):
    """The best response of player `seat` to `policy` in the other seat: (responder's, other's) payoff."""
    x = jnp.zeros((2, game.policy_size)).at[1 - seat].set(policy)
    found = meva.best_response(game, x, seat, jax.random.key(0), **settings)
    # What is reported is what is had: the payoffs are those of the policy returned.
    np.testing.assert_allclose(game.payoff(x.at[seat].set(found.policy)), found.payoffs, rtol=1e-5, atol=1e-6)
    return found, (float(found.payoffs[seat]), float(found.payoffs[1 - seat]))


@pytest.mark.parametrize("seat", [0, 1])
@pytest.mark.parametrize(
    ("strategy", "payoffs"),
    [
        ("tit_for_tat", (-1, -1)),  # to cooperate is best
        ("always_cooperate", (0, -3)),
        ("always_defect", (-2, -2)),
        # CC for ever -1; D against C, then DD, DC ... : 0, -2, 0, -2 ...: -2b/(1+b) = -0.98 is better, for the other
        # -3, -2, -3 ...: -(3 + 2b)/(1+b).
        ("win_stay_lose_shift", (-1.92 / 1.96, -4.92 / 1.96)),
    ],
)
def test_exact_best_responses(strategy, payoffs, seat):
    _, reported = respond(IPD, IPD.strategies[strategy], seat)
    assert reported == pytest.approx(payoffs, abs=1e-5)


def test_no_policy_beats_the_exact_best_response():
    generator = np.random.default_rng(2)
    for seat in (0, 1):
        x = jnp.array(generator.normal(size=(2, 5)), jnp.float32)
        best = meva.best_response(IPD, x, seat, jax.random.key(0)).payoffs[seat]
        others = jnp.array(8 * generator.normal(size=(500, 5)), jnp.float32)
        assert best >= jnp.max(jax.vmap(lambda p, x=x, seat=seat: IPD.payoff(x.at[seat].set(p))[seat])(others)) - 1e-5


@pytest.mark.parametrize("seat", [0, 1])
def test_ties_count_at_our_worst(seat):
    # Whoever meets a cooperator has 1, a defector 0, whatever he does himself: the responder does not mind, and
    # has 1 from always_cooperate in any case; it may leave us 1 or 0, and 0 is what counts.
    game = meva.make("game", "ipd", table=((0.0, 1.0), (0.0, 1.0)))
    _, reported = respond(game, game.strategies["always_cooperate"], seat)
    assert reported == pytest.approx((1, 0), abs=1e-5)


@pytest.mark.parametrize("seat", [0, 1])
@pytest.mark.parametrize("other", [-5.0307, 0.5, 5.0307])
def test_ascended_best_response_is_the_best_of_a_grid(seat, other):
    alternatives = jnp.linspace(-15, 15, 6001)
    x = jnp.zeros((2, 1)).at[1 - seat].set(other)
    best = jnp.max(jax.vmap(lambda a: LOGISTIC.payoff(x.at[seat].set(a))[seat])(alternatives))
    _, (own, _) = respond(LOGISTIC, jnp.array([other]), seat)
    assert own == pytest.approx(float(best), abs=1e-3)


@component
class Quartic(Game):
    """f_i = -x_i^4: a plain ascent at rate 1 from far away flies off to NaN."""

    policy_size = 1
    symmetric = True

    def init(self, key):
        return jax.random.uniform(key, (2, 1), minval=-0.2, maxval=0.2)

    def payoff(self, x):
        return -(x[:, 0] ** 4)


def test_an_ascent_that_diverges_is_not_the_best():
    found = meva.best_response(Quartic(), jnp.array([[10.0], [0.0]]), 0, jax.random.key(0))
    assert float(found.payoffs[0]) == pytest.approx(0, abs=1e-4)


# ---------------------------------------------------------------- logistic game


def test_logistic_by_hand():
    # sigma(1) = 0.7310586, 1 - 2 sigma(-1) = tanh(1/2) = 0.4621172: f1 = -1.3513388 - 1/10000 (a^2 b^2 = 1, a^2 = b^2);
    # f2 = -4 sigma(-1) (1 - 2 sigma(1)) - 1/10000 = 4 * 0.2689414 * 0.4621172 - 0.0001 = 0.4971298 - 0.0001.
    payoffs = LOGISTIC.payoff(jnp.array([[1.0], [-1.0]]))
    np.testing.assert_allclose(payoffs, [-1.3514388, 0.4970298], rtol=1e-5)
    # At (2, 0) the confinement is 4 * 4 / 10000 = 0.0016: f1 = 0 - 0.0016, f2 = -2 (1 - 2 sigma(2)) - 0.0016.
    payoffs = LOGISTIC.payoff(jnp.array([[2.0], [0.0]]))
    np.testing.assert_allclose(payoffs, [-0.0016, 2 * np.tanh(1.0) - 0.0016], rtol=1e-5)


@pytest.mark.parametrize(("point", "payoff"), [(5.0307, 3.8584), (-5.0307, -0.0897)])
def test_logistic_fixed_points(point, payoff):
    with jax.enable_x64(True):
        x = jnp.full((2, 1), point)
        np.testing.assert_allclose(LOGISTIC.payoff(x), [payoff, payoff], atol=5e-5)
        # Known to four decimals; the gradient changes by about 0.03 per unit there, so by 2e-6.
        np.testing.assert_allclose(simultaneous_gradient(LOGISTIC.payoff, x), 0, atol=3e-6)


def test_logistic_outcome_is_the_quadrant():
    points = {(1.0, 2.0): 1, (-1.0, 2.0): 0, (1.0, -2.0): 0, (-1.0, -2.0): 0, (np.nan, 1.0): 0, (0.0, 1.0): 0}
    for (a, b), inside in points.items():
        assert LOGISTIC.outcomes(jnp.array([[a], [b]]))["B"] == inside


def test_logistic_starts_are_uniform():
    starts = np.sort(np.ravel(jax.vmap(LOGISTIC.init)(jax.random.split(jax.random.key(0), 1000))))
    assert starts[0] >= -8
    assert starts[-1] <= 8
    # Kolmogorov-Smirnov at 1 %: 1.63 / sqrt(n).
    ranks = (np.arange(2000) + 0.5) / 2000
    assert np.max(np.abs((starts + 8) / 16 - ranks)) < 1.63 / np.sqrt(2000)


def test_ipd_starts_are_standard_normal():
    starts = np.asarray(jax.vmap(IPD.init)(jax.random.split(jax.random.key(0), 1000))).reshape(1000, 10)
    # Means within 4.5 / sqrt(1000) and mean squares within 4.5 sqrt(2 / 1000), ten of each.
    assert np.all(np.abs(starts.mean(axis=0)) < 4.5 / np.sqrt(1000))
    assert np.all(np.abs((starts**2).mean(axis=0) - 1) < 4.5 * np.sqrt(2 / 1000))
