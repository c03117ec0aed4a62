"""Best response shaping on exact games, in double precision."""

from typing import Any

import attrs
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from meva_best_response.best_response_shaping import BestResponseShaping
from meva_best_response.replies import deterministic_replies

import meva_core as meva
from meva_core import evaluate, runner
from meva_core.errors import BadCombination
from meva_core.experiment import compose, resolve
from meva_core.sampling import WithPolicies, policy_arguments

KEY = jax.random.key(0)
TABLE = np.array([[-2.0, 0.0], [-3.0, -1.0]])


@pytest.fixture(scope="module", autouse=True)
def in_double_precision():
    with jax.enable_x64(True):
        yield


@pytest.fixture(scope="module")
def game():
    return meva.make("game", "ipd")


@pytest.fixture(scope="module")
def x():
    return jax.random.normal(jax.random.key(3), (2, 5))


@jax.jit
def steps(learner, x):
    return learner.update(None, (), x, KEY)[0]


@jax.jit
def worths(learner, x):
    """The objective of both players, f64[2]."""
    return jnp.stack([learner.worth(x[seat], seat) for seat in range(2)])


@jax.jit
def against_best_responses(learner, x):
    """The payoff of each player against its soft best response, f64[2]."""
    return jnp.stack([learner.against_best_response(x, seat) for seat in range(2)])


@jax.jit
def best_responses(game, x):
    return evaluate.best_responses(game, x, KEY)


@jax.jit
def against_all(game, x):
    """Payoffs f64[32, 2] of the first row of x against every deterministic policy."""
    return jax.vmap(lambda reply: game.payoff(x.at[1].set(reply)))(game.best_response(x, 1))


def sharp(game, **settings):
    """A learner whose opponent's reply is the best response itself."""
    weight = 1.0 if game.symmetric else None
    return BestResponseShaping(game=game, **{"temperature": 1e-6, "self_play_weight": weight, **settings})


def test_replies_are_all_deterministic_policies(game):
    listed = {tuple(reply) for reply in np.asarray(deterministic_replies(game, 1)).tolist()}
    assert listed == {tuple(reply) for reply in np.asarray(game.best_response(jnp.zeros((2, 5)), 1)).tolist()}


def test_replies_use_only_the_actions_that_a_player_has():
    game = meva.make(
        "game", "normal_form", payoffs_1=((3.0, 0.0, 1.0), (5.0, 1.0, 0.0)), payoffs_2=((1.0, 2.0, 3.0),) * 2
    )
    for seat, count in enumerate((2**7, 3**7)):
        replies = deterministic_replies(game, seat)
        own = game.entries(jnp.broadcast_to(replies[:, None], (count, 2, 21))[0])[seat]
        assert replies.shape == (count, 21)
        assert own.sum() == pytest.approx(7)


@pytest.mark.parametrize(
    ("name", "settings", "complaint"),
    [
        ("public_goods", {}, "got PublicGoods of 3 players"),
        ("cournot", {}, "got Cournot of 2 players"),
        ("normal_form", {}, "expected at most 4096 deterministic replies to list, got 59049 in NormalForm"),
    ],
)
def test_games_without_a_list_of_replies_are_refused_in_one_line(name, settings, complaint):
    with pytest.raises(BadCombination, match=complaint) as refused:
        meva.make("learner", "best_response_shaping", game=meva.make("game", name, **settings))
    assert "\n" not in str(refused.value)


def test_nobody_plays_against_itself_in_a_game_that_is_not_symmetric():
    game = meva.make("game", "imp")
    with pytest.raises(BadCombination, match="self_play_weight unset in MatchingPennies"):
        BestResponseShaping(game=game, self_play_weight=1.0)
    x = game.init(KEY)
    learner = BestResponseShaping(game=game)
    np.testing.assert_array_equal(worths(learner, x), against_best_responses(learner, x))


@pytest.mark.parametrize("temperature", [0.02, 0.5])
def test_steps_are_differences_of_the_objective(game, x, temperature):
    """A step is the rate times the gradient, through the replies too; the other's policy has no effect on it."""
    learner, size = BestResponseShaping(game=game, rate=3.0, temperature=temperature, self_play_weight=0.7), 1e-6
    found = steps(learner, x)
    for move in np.eye(10).reshape(10, 2, 5):
        apart = (worths(learner, x + size * move) - worths(learner, x - size * move)) / (2 * size)
        np.testing.assert_allclose(jnp.sum(found * move, axis=1), 3.0 * apart, rtol=1e-6, atol=1e-8)


def test_the_objective_by_hand(game, x):
    """The mean of our payoffs over the 32 replies, weighted by what each gives to the other."""
    paid = against_all(game, x)
    weights = np.exp((paid[:, 1] - 1e-3 * paid[:, 0]) / (0.2 * 3))
    expected = weights @ paid[:, 0] / weights.sum() + 0.5 * game.payoff(jnp.stack([x[0], x[0]]))[0]
    learner = BestResponseShaping(game=game, temperature=0.2, self_play_weight=0.5)
    assert worths(learner, x)[0] == pytest.approx(float(expected))


@pytest.mark.parametrize("name", ["ipd", "imp"])
def test_at_temperature_0_the_reply_is_the_best_response(name):
    game = meva.make("game", name)
    for seed in range(5):
        x = 2 * game.init(jax.random.key(seed))
        expected = jnp.diagonal(best_responses(game, x).payoffs[::-1])  # of the player who does not respond
        np.testing.assert_allclose(
            against_best_responses(sharp(game), x), expected, rtol=1e-4
        )  # replies may be near ties


def test_at_temperature_0_ties_are_the_worst_for_us(game):
    """An equaliser gives the responder the same, whatever it does; so it does what costs us most."""
    x = jnp.broadcast_to(game.strategies["equaliser"](), (2, 5))
    paid = against_all(game, x)
    assert np.ptp(paid[:, 1]) < 1e-9
    assert np.ptp(paid[:, 0]) > 0.5
    np.testing.assert_allclose(against_best_responses(sharp(game), x), np.min(paid[:, 0]), rtol=1e-6)
    np.testing.assert_allclose(best_responses(game, x).payoffs[1, 0], np.min(paid[:, 0]), rtol=1e-6)


def test_while_the_reply_stays_the_same_a_step_is_the_plain_gradient(game, x):
    replies = best_responses(game, x).policy
    learner, naive = sharp(game, self_play_weight=0.0), meva.make("learner", "naive", game=game)
    for seat in range(2):
        other = 1 - seat
        expected = steps(naive, x.at[other].set(replies[other]))[seat]
        assert jnp.linalg.norm(expected) > 1e-3
        np.testing.assert_allclose(steps(learner, x)[seat], expected, rtol=1e-6, atol=1e-6)


def slopes(learner, policy):
    """Derivatives f64[5] of player 1's objective in its probabilities of cooperation, at a policy f64[5]."""
    p = jax.nn.sigmoid(policy)
    return steps(learner, jnp.stack([policy, policy]))[0] / (p * jax.nn.sigmoid(-policy))


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_tit_for_tat_rests(game, weight):
    """Its best response cooperates, and no probability could change to its advantage: one of 1 could only fall, one of
    0 only rise. Who always cooperates has such a probability."""
    learner = sharp(game, self_play_weight=weight)

    def outwards(name):
        policy = game.strategies[name]
        return jnp.sign(policy) * slopes(learner, policy)

    policy = game.strategies["tit_for_tat"]
    np.testing.assert_allclose(against_best_responses(learner, jnp.stack([policy, policy])), -1.0, atol=1e-6)
    assert jnp.all(outwards("tit_for_tat") >= -1e-5)
    assert jnp.any(outwards("always_cooperate") < -0.1)


def test_steps_know_no_unit_of_payoffs(game, x):
    learner = BestResponseShaping(game=game, rate=2.0, temperature=0.1, self_play_weight=1.0)
    for unit, zero in ((1e-3, 0.0), (1e3, 0.0), (1.0, 100.0)):
        other = meva.make("game", "ipd", table=tuple(map(tuple, (unit * TABLE + zero).tolist())))
        found = steps(attrs.evolve(learner, game=other, rate=2.0 / unit), x)
        np.testing.assert_allclose(found, steps(learner, x), rtol=1e-7)


def test_seats_are_no_different(game, x):
    learner = BestResponseShaping(game=game, self_play_weight=1.0)
    np.testing.assert_allclose(steps(learner, x[::-1]), steps(learner, x)[::-1], rtol=1e-12)
    first, second = ((0.0, 2.0), (-1.0, 1.0)), ((3.0, 0.0), (4.0, -2.0))
    seats = meva.make("game", "matrix", payoffs_1=first, payoffs_2=second)
    swapped = meva.make(
        "game", "matrix", payoffs_1=tuple(zip(*second, strict=True)), payoffs_2=tuple(zip(*first, strict=True))
    )
    found, expected = steps(BestResponseShaping(game=swapped), x[::-1]), steps(BestResponseShaping(game=seats), x)
    np.testing.assert_allclose(found, expected[::-1], rtol=1e-9)


def test_networks_meet_the_replies_of_their_game(game):
    network = meva.make("policy", "mlp", width=3, **policy_arguments(game.rules()))
    with_networks = WithPolicies(game=game, policies=(network, network))
    x = with_networks.init(KEY)
    found = worths(BestResponseShaping(game=with_networks), x)
    np.testing.assert_allclose(
        found, worths(BestResponseShaping(game=game, self_play_weight=1.0), with_networks.tables(x)), rtol=1e-9
    )


def test_the_recipe_also_serves_seats_with_policies_of_different_kinds():
    """The payoff against itself is unset there, since a policy has only one seat that it can be in."""
    seats = {"policy.name": "table", "policy.2.name": "mlp"}
    names: Any = {"game": "ipd", "learner": "best_response_shaping", "overrides": seats}
    composition = compose.compose(resolve.resolve(*runner.plugins(), **names))
    assert not composition.game.symmetric
    learners: Any = composition.rehearse()
    assert all(learner.self_play_weight is None for learner in learners)
