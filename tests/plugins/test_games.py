"""The bundled games against numbers worked out by hand, plain loops and exhaustive search."""

import itertools
import re

import attrs
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import meva_core as meva
from meva_core import evaluate
from meva_core.contracts import Game, component, kinds
from meva_core.errors import BadValue, MevaError
from meva_core.ops import simultaneous_gradient
from meva_core.registry import loading

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
        """Probabilities of the four outcomes, from each player's own entry."""
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
    traced = []
    payoff = jax.jit(lambda game, x: (traced.append(game), game.payoff(x))[1])
    x = joint("always_cooperate", "always_cooperate")
    generous = meva.make("game", "ipd", table=((-2.0, 0.0), (-3.0, -0.5)), discount=0.5)
    np.testing.assert_allclose(payoff(IPD, x), [-1.0, -1.0], rtol=1e-5)
    np.testing.assert_allclose(payoff(generous, x), [-0.5, -0.5], rtol=1e-5)
    assert len(traced) == 1


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


# ---------------------------------------------------------------- the other games


def float64(game, x):
    with jax.enable_x64(True):
        return np.asarray(game.payoff(jnp.array(x, float)))


# One round of each, both certain of what they do: the discount does not matter then. D is -20, C is +20.
ROUNDS = [
    ("imp", {}, {"DD": (1, -1), "DC": (-1, 1), "CD": (-1, 1), "CC": (1, -1)}),
    ("chicken", {}, {"DD": (-100, -100), "DC": (1, -1), "CD": (-1, 1), "CC": (0, 0)}),
    ("stag_hunt", {}, {"DD": (2, 2), "DC": (3, 1), "CD": (1, 3), "CC": (4, 4)}),
    ("matrix", {}, {"DD": (1, 1), "DC": (5, 0), "CD": (0, 5), "CC": (3, 3)}),
    (
        "matrix",
        {"payoffs_1": [[1, 2], [3, 4]], "payoffs_2": [[5, 6], [7, 8]]},
        {"DD": (1, 5), "DC": (2, 6), "CD": (3, 7), "CC": (4, 8)},
    ),
]


@pytest.mark.parametrize(("name", "settings", "rounds"), ROUNDS)
def test_payoffs_per_round(name, settings, rounds):
    game = meva.make("game", name, **settings)
    for outcome, expected in rounds.items():
        x = np.array([np.full(5, 20.0 if action == "C" else -20.0) for action in outcome])
        np.testing.assert_allclose(float64(game, x), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("first", "second", "symmetric"),
    [
        ([[1, 5], [0, 3]], None, True),
        ([[1, 5], [0, 3]], [[1, 0], [5, 3]], True),
        ([[1, 5], [0, 3]], [[1, 5], [0, 3]], False),
    ],
)
def test_symmetry_of_a_matrix_is_worked_out(first, second, symmetric):
    game = meva.make("game", "matrix", payoffs_1=first, payoffs_2=second)
    assert game.symmetric is symmetric
    edited = jax.tree.map(lambda number: number * jnp.arange(1.0, 2.0)[0], game)
    assert edited.symmetric is symmetric  # whatever is put into its tables
    # It stays what it is where the tables are traced, and where others are put in.
    assert jax.jit(lambda game: jnp.array(game.symmetric))(game) == symmetric
    assert attrs.evolve(game, payoffs_1=((0.0, 1.0), (2.0, 3.0))).symmetric is symmetric


@pytest.mark.parametrize("table", [[[1, 2]], [[1, 2, 3], [4, 5, 6]], [1, 2], "PD", [[1, "x"], [2, 3]]])
def test_matrix_refuses_a_table_of_another_shape(table):
    with pytest.raises(meva.MevaError, match=r"expected .*payoffs_1"):
        meva.make("game", "matrix", payoffs_1=table)


@pytest.mark.parametrize("as_arrays", [False, True])
def test_tables_of_either_order_are_one_game(as_arrays):
    """A game that looks different to each: as it is printed, C first, and D first."""
    turn = jnp.asarray if as_arrays else (lambda table: table)
    textbook = meva.make("game", "matrix", textbook_1=turn([[3, 0], [5, 1]]), textbook_2=turn([[4, 7], [-2, 2]]))
    ours = meva.make("game", "matrix", payoffs_1=turn([[1, 5], [0, 3]]), payoffs_2=turn([[2, -2], [7, 4]]))
    assert textbook == ours
    assert not textbook.symmetric
    always = [ours.strategies["always_cooperate"], ours.strategies["always_defect"]]
    np.testing.assert_allclose(textbook.payoff(jnp.stack(always)), [0.0, 7.0], atol=1e-5)
    pays = "DD 1 and 2, DC 5 and -2, CD 0 and 7, CC 3 and 4"
    assert textbook.notes == ours.notes == (f"payoffs: {pays} (player 1 first)",)


def test_a_textbook_s_table_alone_is_both_players():
    assert meva.make("game", "matrix", textbook_1=[[3, 0], [5, 1]]) == meva.make("game", "matrix")


@pytest.mark.parametrize(
    "tables",
    [
        {"textbook_2": [[3, 0], [5, 1]]},
        {"textbook_1": [[3, 0], [5, 1]], "payoffs_2": [[3, 0], [5, 1]]},
        {"textbook_1": [[3, 0], [5, 1]], "payoffs_1": [[2, 0], [5, 1]]},
    ],
)
def test_tables_are_in_one_order(tables):
    with pytest.raises(meva.MevaError, match=r"both players' tables in one order: .* with D first, or .* with C first"):
        meva.make("game", "matrix", **tables)


@pytest.mark.parametrize("seat", [0, 1])
@pytest.mark.parametrize("name", ["ipd", "matrix", "stag_hunt"])
def test_extortion_gets_its_share_of_whatever_there_is(name, seat):
    # Its surplus over P is three times the other's, against anybody (Hilbe et al., 2015).
    game = meva.make("game", name)
    generator = np.random.default_rng(0)
    for _ in range(5):
        x = generator.normal(size=(2, 5))
        x[seat] = game.strategies["extortion"](3.0)[seat]
        own, other = float64(game, x)[[seat, 1 - seat]] - float(game.tables[0, 0, 0])
        assert own == pytest.approx(3 * other, rel=1e-4)
        assert other > 0.05


def test_generous_tit_for_tat_by_hand():
    # T, R, P, S = 5, 3, 1, 0: min(1 - 2/3, 2/4) = 1/3; of the prisoner's dilemma here 0, -1, -2, -3: min(1/2, 1/2).
    for name, forgives in (("matrix", 1 / 3), ("ipd", 1 / 2)):
        policy = jax.nn.sigmoid(meva.make("game", name).strategies["generous_tit_for_tat"])
        np.testing.assert_allclose(policy, np.tile([1, forgives, 1, forgives, 1], (2, 1)), atol=1e-6)


def test_quadratic_games_by_hand():
    # a = 1, b = 2: tandem -(9 - 2), -(9 - 4); hamiltonian -2, 2.
    x = [[1.0], [2.0]]
    np.testing.assert_allclose(float64(meva.make("game", "tandem"), x), [-7, -5])
    np.testing.assert_allclose(float64(meva.make("game", "hamiltonian"), x), [-2, 2])


def test_ultimatum_by_hand():
    # p = 3/4, q = 1/2: 5 * 3/4 + 8 * 1/4 * 1/2 = 4.75 and 3.75 + 0.25 = 4; nobody gets anything with 1/8.
    game, x = meva.make("game", "ultimatum"), [[np.log(3)], [0.0]]
    np.testing.assert_allclose(float64(game, x), [4.75, 4.0])
    shares = game.outcomes(jnp.array(x))
    assert float(shares["refused"]) == pytest.approx(1 / 8)
    assert float(sum(shares.values())) == pytest.approx(1)


def test_two_players_of_public_goods_play_a_matrix_game():
    # m = 1.6: CC 1.6, DD 1, DC 1 + 0.8, CD 0.8.
    goods = meva.make("game", "public_goods", num_players=2, multiplier=1.6)
    matrix = meva.make("game", "matrix", payoffs_1=[[1, 1.8], [0.8, 1.6]])
    x = np.random.default_rng(0).normal(size=(20, 2, 5))
    for joint in x:
        np.testing.assert_allclose(float64(goods, joint), float64(matrix, joint), rtol=1e-6, atol=1e-9)


def test_public_goods_by_a_plain_sum_over_rounds():
    # Three players, discount 0.5, sixty rounds of the chain played out state by state.
    game = meva.make("game", "public_goods", num_players=3, multiplier=2.0, discount=0.5)
    x = np.random.default_rng(1).normal(size=(3, 7))
    give = 1 / (1 + np.exp(-x))
    states = [(a, b, c) for a in (0, 1) for b in (0, 1) for c in (0, 1)]

    def chances(probabilities):
        return np.array(
            [np.prod([p if s else 1 - p for p, s in zip(probabilities, state, strict=True)]) for state in states]
        )

    def after(state):
        return chances([give[i, 1 + 3 * state[i] + sum(state) - state[i]] for i in range(3)])

    rewards = np.array([[1 - s + 2.0 * sum(state) / 3 for s in state] for state in states])
    now, total = chances(give[:, 0]), np.zeros(3)
    for round_number in range(60):
        total += 0.5 * 0.5**round_number * now @ rewards
        now = np.sum([p * after(state) for p, state in zip(now, states, strict=True)], axis=0)
    np.testing.assert_allclose(float64(game, x), total, rtol=1e-9)
    assert sum(map(float, game.outcomes(jnp.array(x)).values())) == pytest.approx(1, abs=1e-5)


def test_contributing_is_best_for_all_and_keeping_for_each():
    game = meva.make("game", "public_goods", num_players=4, multiplier=2.0)
    give, keep = np.full(9, 20.0), np.full(9, -20.0)
    np.testing.assert_allclose(float64(game, [give] * 4), 2, atol=1e-6)
    np.testing.assert_allclose(float64(game, [keep] * 4), 1, atol=1e-6)
    np.testing.assert_allclose(float64(game, [keep, give, give, give]), [2.5, 1.5, 1.5, 1.5], atol=1e-6)


# ---------------------------------------------------------------- precision, units, noise


@jax.jit
def payoff(game, x):
    return game.payoff(x)


@pytest.mark.parametrize(
    ("zero", "discount", "within"),
    [(0.0, 0.999999, 1e-5), (100.0, 0.999, 1e-4), (1e4, 0.99, 1e-3), (1e4, 0.999, 1e-3)],
)
def test_single_precision_keeps_payoffs_of_long_games_and_of_large_numbers(zero, discount, within):
    """Random against random: a fourth of every entry, 2.25."""
    table = [[1 + zero, 5 + zero], [zero, 3 + zero]]
    game = meva.make("game", "matrix", payoffs_1=table, discount=discount)
    found = np.asarray(payoff(game, jnp.zeros((2, 5))), float)
    np.testing.assert_allclose(found - zero, 2.25, atol=within)


@pytest.mark.parametrize("name", ["matrix", "public_goods"])
@pytest.mark.parametrize("discount", [0.96, 0.9999])
def test_errors_of_single_precision(name, discount):
    error, of_gradients = evaluate.single_precision(meva.make("game", name, discount=discount))
    assert error < 1e-5
    assert of_gradients < 1e-3


def test_imprecise_payoffs_are_told():
    game = meva.make("game", "matrix", payoffs_1=[[10001.0, 10005.0], [10000.0, 10003.0]])
    told = evaluate.imprecise(game, np.array([10002.25, np.nan]))
    assert told is not None
    assert told.endswith("set evaluate.float64=true to evaluate in double precision")
    assert evaluate.imprecise(IPD, np.array([-2.0, np.inf])) is None  # infinite ones are told as diverged
    assert evaluate.imprecise(IPD, np.array([1e9])) is None  # far from where it starts, but not from its own fault


EXACT = [offer.name for offer in meva.installed().of_kind("game") if kinds.form("game", loading.load(offer)) == "game"]


@pytest.mark.parametrize("name", EXACT)
def test_payoffs_are_full_products_on_every_device(name):
    """Whatever the default precision of products is, on accelerators less than single."""
    game = meva.make("game", name)
    x = game.init(jax.random.key(2))

    def asked(x):
        return game.payoff(x), jax.jacobian(game.payoff)(x)

    usual = jax.jit(asked)(x)
    with jax.default_matmul_precision("bfloat16"):
        products = re.findall(r"dot_general\[.*?\]\s", str(jax.make_jaxpr(asked)(x)), re.DOTALL)
        assert all("HIGHEST" in product for product in products)
        for found, expected in zip(jax.jit(asked)(x), usual, strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.gpu
def test_payoffs_of_a_gpu_are_those_of_a_processor_in_double_precision():
    """Relative to the range of the game's payoffs, which are met at random policies."""
    if jax.default_backend() == "cpu":
        pytest.skip("this machine has no GPU that jax uses")
    for name in EXACT:
        game = meva.make("game", name)
        x = jax.vmap(game.init)(jax.random.split(jax.random.key(2), 64))
        found = np.asarray(jax.jit(jax.vmap(game.payoff))(x), float)
        with jax.enable_x64(True), jax.default_device(jax.devices("cpu")[0]):
            exact = meva.make("game", name)
            expected = np.asarray(jax.vmap(exact.payoff)(jnp.asarray(np.asarray(x), float)))
        np.testing.assert_allclose(found, expected, atol=1e-5 * np.ptp(expected), err_msg=name)


@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e3])
def test_ties_and_best_responses_are_in_the_games_unit(unit):
    """Tit-for-tat against itself: to cooperate is best, and nothing is to be gained."""
    game = meva.make("game", "ipd", table=[[-2 * unit, 0.0], [-3 * unit, -unit]])
    x = jnp.stack([game.strategies["tit_for_tat"]] * 2)
    found = evaluate.exploitability(game, x, jax.random.key(0))
    np.testing.assert_allclose(found.gain, [0, 0], atol=1e-6 * unit)
    assert meva.best_response(game, x, 0, jax.random.key(0)).payoffs[0] == pytest.approx(-unit, rel=1e-5)


def test_ascent_finds_what_brute_force_finds():
    game = meva.make("game", "public_goods")
    every = 20 * jnp.array(list(itertools.product([-1.0, 1.0], repeat=game.policy_size)))
    x = 2 * game.init(jax.random.key(5))
    best = jnp.max(jax.vmap(lambda row: game.payoff(x.at[0].set(row))[0])(every))
    found = jax.jit(lambda x: meva.best_response(game, x, 0, jax.random.key(1)))(x)
    assert found.payoffs[0] > best - 1e-4
    assert found.agreement > 0.5


def test_ascent_never_ends_below_the_policy_itself():
    game = meva.make("game", "tandem")
    x = jnp.array([[0.5], [0.5]])  # an equilibrium
    found = meva.best_response(game, x, 0, jax.random.key(0), steps=1, restarts=1, rate=1e3)
    assert found.payoffs[0] >= game.payoff(x)[0]


@pytest.mark.parametrize("name", ["ipd", "imp", "public_goods"])
def test_noise_is_a_policy_that_trembles(name):
    """Folded into the policies by hand: P = (1 - n) p + n (1 - p)."""
    noise = 0.05
    exact, noisy = meva.make("game", name), meva.make("game", name, noise=noise)
    x = exact.init(jax.random.key(4))
    p = jax.nn.sigmoid(x)
    trembling = jax.scipy.special.logit((1 - noise) * p + noise * (1 - p))
    np.testing.assert_allclose(payoff(noisy, x), payoff(exact, trembling), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(noisy.entries(x), p, rtol=1e-6)


def test_tit_for_tat_with_noise_by_hand():
    """Two of them without end: after a tremble all four outcomes are equally likely."""
    game = meva.make("game", "ipd", noise=0.05, discount=0.999999)
    x = jnp.stack([game.strategies["tit_for_tat"]] * 2)
    np.testing.assert_allclose(payoff(game, x), [-1.5, -1.5], rtol=1e-3)


# ---------------------------------------------------------------- the Cournot duopoly


@pytest.mark.parametrize(
    ("quantities", "profits"),
    [
        ((30, 30), (900, 900)),  # Nash: price 40, margin 30
        ((22.5, 22.5), (1012.5, 1012.5)),  # the joint optimum: price 55
        ((45, 0), (2025, 0)),  # a monopoly
        ((45, 22.5), (1012.5, 506.25)),  # a leader and its follower
        ((60, 60), (-1800, -1800)),  # price -20
    ],
)
def test_profits_by_hand(quantities, profits):
    game = meva.make("game", "cournot")
    x = jnp.array(quantities, float)[:, None]
    np.testing.assert_allclose(game.payoff(x), profits, rtol=1e-5, atol=1e-3)


def test_best_responses_of_firms():
    """q = (90 - q_j) / 2; at 30 each nobody has anything to gain."""
    game = meva.make("game", "cournot")
    x = jnp.array([[10.0], [40.0]])
    answers = jnp.stack([game.best_response(x, seat)[0] for seat in (0, 1)])
    np.testing.assert_allclose(answers[:, 0], [25, 40], rtol=1e-6)
    nash = jnp.stack([game.strategies["nash"]] * 2)
    np.testing.assert_allclose(evaluate.exploitability(game, nash, jax.random.key(0)).gain, 0, atol=1e-3)
    np.testing.assert_allclose(simultaneous_gradient(game.payoff, nash), 0, atol=1e-2)
    together = jnp.stack([game.strategies["joint_optimum"]] * 2)
    np.testing.assert_allclose(jax.grad(lambda x: jnp.sum(game.payoff(x)))(together), 0, atol=1e-2)


def test_the_range_of_profits_is_that_of_the_plane():
    game = meva.make("game", "cournot", cost=40.0, slope=2.0)
    low, high = game.plane
    quantities = jnp.linspace(low, high, 101)  # 3/4 of the way is the monopoly's
    profits = jax.vmap(jax.vmap(lambda q, r: game.payoff(jnp.array([[q], [r]])), (0, None)), (None, 0))
    found = profits(quantities, quantities)
    np.testing.assert_allclose(jnp.ptp(found, axis=(0, 1)), game.payoff_range, rtol=1e-5)


@pytest.mark.parametrize(("quantities", "share"), [((22.5, 22.5), 1), ((20, 32), 1), ((20, 33), 0), ((30, 30), 0)])
def test_collusion_is_nearer_to_the_joint_optimum_than_to_nash(quantities, share):
    """Halfway they sell 52.5 together."""
    game = meva.make("game", "cournot")
    assert float(game.outcomes(jnp.array(quantities, float)[:, None])["collusive"]) == share


def test_naive_firms_go_to_nash_and_lola_beyond():
    """LOLA adds rate * d_j f_i * d_i d_j f_j = rate * q_i, so it rests where 90 - 2 q - q + 0.1 q = 0."""
    game = meva.make("game", "cournot")
    rate = 0.1
    start = game.init(jax.random.key(0))
    for name, settings, expected in (
        ("naive", {}, 30),
        ("lola", {"look_ahead_rate": rate, "variant": "foerster"}, 90 / 2.9),
    ):
        learner = meva.make("learner", name, game=game, rate=rate, **settings)
        match = meva.self_play(game, meva.Fitted(learner=learner))
        played = jax.jit(lambda match, x: meva.play(match, x, jax.random.key(0), 300))(match, start)
        np.testing.assert_allclose(played.x, expected, rtol=1e-4)
        assert float(game.outcomes(played.x)["collusive"]) == 0


def test_a_duopoly_in_which_nothing_pays_is_refused():
    with pytest.raises(MevaError, match=r"expected game.intercept above game.cost, .* got 5.0 and 10.0"):
        meva.make("game", "cournot", intercept=5.0)
