"""Named strategies, by what defines them: against random opponents, in symmetric and asymmetric games."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from meva_games.lazily import Lazily

import meva_core as meva

ASYMMETRIC = {"payoffs_1": [[1.0, 4.0], [0.0, 3.0]], "payoffs_2": [[2.0, 1.0], [9.0, 7.0]]}
GAMES = {
    "ipd": meva.make("game", "ipd"),
    "axelrod": meva.make("game", "matrix", discount=0.9),
    "asymmetric": meva.make("game", "matrix", **ASYMMETRIC),
}


def against_random(game, strategy, seat, number, count=100):
    """Payoffs f64[count, 2], the strategy's own first, with the strategy in a seat against random policies."""
    with jax.enable_x64(True):
        x = jnp.array(np.random.default_rng(0).normal(scale=3, size=(count, 2, 5)))
        named = game.strategies[strategy]
        policy = jnp.broadcast_to(named if number is None else named(*number), (2, 5)).astype(float)
        found = jax.jit(jax.vmap(lambda x: game.payoff(x.at[seat].set(policy[seat]))))(x)
    return np.asarray(found)[:, [seat, 1 - seat]]


def in_double_precision(game):
    return jax.tree.map(lambda number: np.float64(number), game)


@pytest.mark.parametrize("seat", [0, 1])
@pytest.mark.parametrize("name", GAMES)
def test_an_equaliser_grants_everybody_its_target(name, seat):
    with jax.enable_x64(True):
        game = in_double_precision(GAMES[name])
        # Between P and R of the other: unset, their middle; else a third of the way.
        low, high = (float(game.own_tables[1 - seat, action, action]) for action in (0, 1))
        paid = against_random(game, "equaliser", seat, ())
        np.testing.assert_allclose(paid[:, 1], (low + high) / 2, atol=1e-6 * (high - low))
        assert np.ptp(paid[:, 0]) > 0.1  # while its own payoff is not held
        if game.symmetric:
            target = (2 * low + high) / 3
            paid = against_random(game, "equaliser", seat, (target,))
            np.testing.assert_allclose(paid[:, 1], target, atol=1e-6 * (high - low))


@pytest.mark.parametrize("seat", [0, 1])
@pytest.mark.parametrize("name", GAMES)
@pytest.mark.parametrize(("strategy", "action"), [("extortion", 0), ("generous_zero_determinant", 1)])
def test_zero_determinant_strategies_hold_payoffs_to_their_line(name, seat, strategy, action):
    """Own payoff less that of mutual defection or cooperation is the factor times the other's."""
    with jax.enable_x64(True):
        game = in_double_precision(GAMES[name])
        own, other = (float(game.own_tables[player, action, action]) for player in (seat, 1 - seat))
        paid = against_random(game, strategy, seat, (3.0,))
    np.testing.assert_allclose(paid[:, 0] - own, 3 * (paid[:, 1] - other), atol=1e-6)
    sign = 1 if action == 0 else -1
    assert np.all(sign * (paid[:, 1] - other) > 0)


@pytest.mark.parametrize("strategy", ["extort_2", "generous_2", "set_2"])
def test_zero_determinant_strategies_of_the_literature_do_so_in_its_game(strategy):
    """At payoffs 3, 1, 0 and 5, and a discount near 1: Stewart & Plotkin (2012), table 1."""
    with jax.enable_x64(True):
        game = meva.make("game", "matrix", discount=1 - 1e-6, payoffs_1=[[1.0, 5.0], [0.0, 3.0]])
        own, other = against_random(game, strategy, 0, None).T
    claims = {"extort_2": (own - 1) - 2 * (other - 1), "generous_2": (own - 3) - 2 * (other - 3), "set_2": other - 2}
    np.testing.assert_allclose(claims[strategy], 0, atol=1e-3)


@pytest.mark.parametrize(
    ("strategy", "number", "message"),
    [
        ("equaliser", (0.0,), "equaliser: expected a target that it can hold the other's payoff to .* got 0: a longer"),
        ("extortion", (0.5,), "extortion: expected a factor > 0 that is feasible .* discount 0.96, got 0.5"),
        ("extortion", (-2.0,), "extortion: expected a factor > 0"),
        ("generous_zero_determinant", (0.5,), "generous_zero_determinant: expected a factor > 0 that is feasible"),
    ],
)
def test_what_cannot_be_held_is_refused(strategy, number, message):
    with pytest.raises(meva.MevaError, match=message):
        GAMES["ipd"].strategies[strategy](*number)


def test_a_game_without_room_has_no_equaliser():
    # In matching pennies no action is what the other likes, whatever it does.
    with pytest.raises(meva.MevaError, match=r"equaliser: .* got none"):
        meva.make("learner", "fixed", game=meva.make("game", "imp"), strategy="equaliser")


MEMORY_ONE = {
    "suspicious_tit_for_tat": [0, 0, 1, 0, 1],
    "grim": [1, 0, 0, 0, 1],
    "firm_but_fair": [1, 2 / 3, 1, 0, 1],
    "alternator": [1, 1, 1, 0, 0],
    "random": [0.5] * 5,
    "anti_tit_for_tat": [1, 1, 0, 1, 0],
    "bully": [0, 1, 0, 1, 0],
    "win_shift_lose_stay": [0, 0, 1, 1, 0],
    "grofman": [1, 1, 2 / 7, 2 / 7, 1],
    "joss": [1, 0, 0.9, 0, 0.9],
    "stochastic_cooperator": [1, 0.42, 0.266, 0.229, 0.935],
}


@pytest.mark.parametrize("strategy", MEMORY_ONE)
def test_probabilities_of_memory_one_strategies(strategy):
    policy = jax.nn.sigmoid(GAMES["ipd"].strategies[strategy])
    np.testing.assert_allclose(policy, MEMORY_ONE[strategy], atol=1e-6)


def test_strategies_have_their_own_number_unless_told_another():
    game = GAMES["ipd"]
    extortion = meva.make("learner", "fixed", game=game, strategy="extortion")
    np.testing.assert_array_equal(extortion.held(), game.strategies["extortion"](3.0))
    told = meva.make("learner", "fixed", game=game, strategy="extortion", factor=2.0)
    np.testing.assert_array_equal(told.held(), game.strategies["extortion"](2.0))
    # The number may be traced.
    traced = jax.jit(lambda learner: learner.held())(told)
    np.testing.assert_allclose(traced, told.held(), rtol=1e-5)


# ---------------------------------------------------------------- many players


def test_of_two_players_they_are_those_of_the_two_by_two_games():
    two, ipd = meva.make("game", "public_goods", num_players=2).strategies, GAMES["ipd"].strategies
    for name in ("tit_for_tat", "proportional_tit_for_tat", "win_stay_lose_shift", "grim", "random"):
        policy = two[name]() if callable(two[name]) else two[name]
        np.testing.assert_array_equal(policy, ipd[name.removeprefix("proportional_")])


def test_proportional_tit_for_tat_gives_as_often_as_the_others_do():
    """Its own share of rounds with a contribution is 1 - discount plus discount times the others' mean share."""
    game = meva.make("game", "public_goods", num_players=3, discount=0.9)
    with jax.enable_x64(True):
        x = jnp.array(np.random.default_rng(0).normal(size=(20, 3, 7)))
        x = x.at[:, 0].set(game.strategies["proportional_tit_for_tat"])
        # A round pays 1, less 1 for who gives: so with a multiplier of 0 the payoff is the share of rounds kept.
        kept = meva.make("game", "public_goods", num_players=3, discount=0.9, multiplier=0.0)
        gave = 1 - np.asarray(jax.jit(jax.vmap(kept.payoff))(x))
    np.testing.assert_allclose(gave[:, 0], 0.1 + 0.9 * gave[:, 1:].mean(axis=1), atol=1e-6)


def test_tit_for_tat_of_many_players_waits_for_enough_others():
    game = meva.make("game", "public_goods", num_players=4)
    for number, after in (((), [0, 0, 0, 1]), ((2.0,), [0, 0, 1, 1]), ((0.0,), [1, 1, 1, 1])):
        policy = jax.nn.sigmoid(game.strategies["tit_for_tat"](*number))
        np.testing.assert_allclose(policy, [1, *after, *after], atol=1e-6)
    with pytest.raises(meva.MevaError, match="tit_for_tat: expected a number of others from 0 to 3, got 4"):
        game.strategies["tit_for_tat"](4.0)


# ---------------------------------------------------------------- dilemmas by a table


def test_a_social_dilemma_pays_by_how_many_others_cooperate():
    """The default, round by round: all three, two of three, one of three and none cooperate."""
    game = meva.make("game", "social_dilemma")
    sure = game.strategies["always_cooperate"], game.strategies["always_defect"]
    rounds = {"CCC": (7, 7, 7), "CCD": (3, 3, 9), "CDC": (3, 9, 3), "CDD": (0, 5, 5)}
    rounds |= {"DCC": (9, 3, 3), "DDC": (5, 5, 0), "DDD": (1, 1, 1)}
    x = jnp.array([[sure["CD".index(action)] for action in joint] for joint in rounds])
    np.testing.assert_allclose(jax.jit(jax.vmap(game.payoff))(x), list(rounds.values()), atol=1e-4)
    np.testing.assert_array_equal(game.payoff_range, [9, 9, 9])


def test_public_goods_and_the_prisoners_dilemma_are_social_dilemmas():
    def paid(name, x, **settings):
        game = meva.make("game", name, **settings)
        return jax.jit(jax.vmap(game.payoff))(x)

    generator = np.random.default_rng(0)
    with jax.enable_x64(True):
        x = jnp.array(generator.normal(size=(5, 4, 9)))
        gives, keeps = [0.5 * (1 + j) for j in range(4)], [1 + 0.5 * j for j in range(4)]
        table = paid("social_dilemma", x, cooperators=gives, defectors=keeps)
        np.testing.assert_allclose(table, paid("public_goods", x, num_players=4, multiplier=2.0), rtol=1e-12)
        x = jnp.array(generator.normal(size=(5, 2, 5)))
        table = paid("social_dilemma", x, cooperators=[-3.0, -1.0], defectors=[-2.0, 0.0])
        np.testing.assert_allclose(table, paid("ipd", x), rtol=1e-12)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cooperators": [0, 3]}, "as many numbers in game.cooperators as in game.defectors.* got 2 and 3"),
        ({"cooperators": [0], "defectors": [1]}, "2 to 10 finite numbers, one for each player"),
        ({"cooperators": [0] * 11, "defectors": [1] * 11}, "2 to 10 finite numbers, one for each player"),
        ({"cooperators": 3}, "expected list of floats"),
    ],
)
def test_other_tables_are_refused(settings, message):
    with pytest.raises(meva.MevaError, match=message):
        meva.make("game", "social_dilemma", **settings)


def test_strategies_are_made_when_they_are_asked_for():
    asked = []
    found = Lazily({"a": lambda: asked.append("a"), "b": lambda: asked.append("b")})
    assert (list(found), "a" in found, "c" in found, len(found), asked) == (["a", "b"], True, False, 2, [])
    _ = found["b"]
    assert asked == ["b"]
    with pytest.raises(KeyError):
        found["c"]
