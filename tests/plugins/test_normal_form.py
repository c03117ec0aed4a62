"""Iterated games of two players with any number of actions."""

import itertools

import attrs
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import meva_core as meva

ROCK_PAPER_SCISSORS = meva.make("game", "normal_form")
THREE_BY_TWO = meva.make(
    "game", "normal_form", payoffs_1=[[3, 0], [5, 1], [2, 2]], payoffs_2=[[3, 5], [0, 1], [1, 4]], discount=0.8
)


def policies(game, seed=0, count=1):
    return jnp.array(np.random.default_rng(seed).normal(size=(count, 2, game.policy_size)))


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_two_actions_are_a_matrix_game(noise):
    tables = {"payoffs_1": [[1, 5], [-2, 3]], "payoffs_2": [[2, 1], [9, 7]], "noise": noise}
    matrix, general = (meva.make("game", name, **tables) for name in ("matrix", "normal_form"))
    with jax.enable_x64(True):
        x = jnp.array(np.random.default_rng(0).normal(size=(20, 2, 5)))
        as_logits = jnp.stack([jnp.zeros_like(x), x], axis=-1).reshape(20, 2, 10)
        found, expected = jax.jit(jax.vmap(general.payoff))(as_logits), jax.jit(jax.vmap(matrix.payoff))(x)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert general.symmetric is False
    np.testing.assert_array_equal(general.payoff_range, [7, 8])


def test_payoffs_by_a_plain_sum_over_rounds():
    """Three actions against two, sixty rounds of the chain played out outcome by outcome."""
    game = THREE_BY_TWO
    with jax.enable_x64(True):
        x = policies(game)[0]
        found = np.asarray(game.payoff(x))
        logits = np.asarray(x).reshape(2, 7, 3)
    first, second = np.exp(logits[0]), np.exp(logits[1, :, :2])
    first, second = (p / p.sum(axis=1, keepdims=True) for p in (first, second))
    now, total = np.outer(first[0], second[0]), np.zeros(2)
    tables = np.array([[[3, 0], [5, 1], [2, 2]], [[3, 5], [0, 1], [1, 4]]])
    for number in range(200):
        total += (1 - 0.8) * 0.8**number * (now * tables).sum(axis=(1, 2))
        after = [now[a, b] * np.outer(first[1 + a * 2 + b], second[1 + b * 3 + a]) for a in range(3) for b in range(2)]
        now = np.sum(after, axis=0)
    np.testing.assert_allclose(found, total, rtol=1e-5)  # the discount is held in single precision


@pytest.mark.parametrize("indifferent", [False, True])
@pytest.mark.parametrize("seat", [0, 1])
def test_the_best_response_is_the_best_of_all_deterministic_policies(seat, indifferent):
    """Player by player, under noise; and of one whose own payoff is always the same, what leaves the other least."""
    table = f"payoffs_{seat + 1}"
    zeros = {table: jax.tree.map(np.zeros_like, getattr(THREE_BY_TWO, table))} if indifferent else {}
    game = attrs.evolve(THREE_BY_TWO, noise=0.1, **zeros)
    every = np.array(list(itertools.product(range(game.actions[seat]), repeat=7)))
    logits = np.where(every[:, :, None] == np.arange(3), 20.0, -20.0).reshape(len(every), -1)

    @jax.jit
    def both(x):
        return game.best_response(x, seat)[0], jax.vmap(lambda row: game.payoff(x.at[seat].set(row)))(jnp.array(logits))

    for x in policies(game, seed=1, count=3).astype(jnp.float32):
        answer, payoffs = both(x)
        place = np.flatnonzero(np.all(logits == np.asarray(answer), axis=1))
        assert len(place) == 1
        wanted = -payoffs[:, 1 - seat] if indifferent else payoffs[:, seat]
        assert float(wanted[place[0]]) == pytest.approx(float(wanted.max()), abs=1e-5)


def test_rock_paper_scissors():
    game = ROCK_PAPER_SCISSORS
    assert game.symmetric
    assert game.policy_size == 30
    assert game.entry_names[:4] == ("P(0|start)", "P(1|start)", "P(2|start)", "P(0|00)")
    strategies = game.strategies
    assert list(strategies) == ["random", "always_0", "always_1", "always_2", "copy"]

    def against(first, second):
        return np.asarray(game.payoff(jnp.stack([strategies[first], strategies[second]])))

    np.testing.assert_allclose(against("always_1", "always_0"), [1, -1], atol=1e-5)  # paper beats rock
    np.testing.assert_allclose(against("random", "always_2"), 0, atol=1e-5)
    # Against one that copies, who plays rock, paper, scissors in turn wins every round but, on average, the first.
    x = jnp.stack([strategies["random"], strategies["copy"]])
    found = meva.best_response(game, x, 0, jax.random.key(0))
    np.testing.assert_allclose(found.payoffs, [0.96, -0.96], atol=1e-4)


@pytest.mark.long
def test_what_one_player_lacks_is_never_played():
    game = THREE_BY_TWO
    x = policies(game)[0]
    shown = np.asarray(game.entries(x)).reshape(2, 7, 3)
    np.testing.assert_allclose(shown.sum(axis=-1), 1, rtol=1e-6)
    assert np.all(shown[1, :, 2] == 0)
    # Probabilities may be given in place of logits, those of what is never played with them.
    given = meva.make("learner", "fixed", game=game, probabilities=shown.reshape(2, -1).tolist())
    np.testing.assert_allclose(game.entries(given.held()).reshape(2, 7, 3), shown, atol=1e-6)
    assert "copy" not in game.strategies
    assert list(game.strategies) == ["random", "always_0", "always_1"]
    # Logits that mean nothing have no gradient.
    gradient = np.asarray(jax.jacobian(game.payoff)(x))[:, 1].reshape(2, 7, 3)
    assert np.all(gradient[..., 2] == 0)
    assert np.all(gradient[..., :2] != 0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"payoffs_1": [[1, 2, 3], [4, 5, 6]]}, "expected game.payoffs_2 with a table of 2 x 3, got none"),
        ({"payoffs_1": [[1, 2], [3, 4]], "payoffs_2": [[1, 2, 3], [4, 5, 6]]}, "2 x 2, got 2 x 3"),
        ({"payoffs_1": [[1, 2], [3]]}, "expected a table of 2 to 8 rows of 2 to 8 finite numbers each"),
        ({"payoffs_1": [[1.0] * 9] * 9}, "expected a table of 2 to 8 rows of 2 to 8 finite numbers each"),
        ({"payoffs_1": [[1.0]]}, "expected a table of 2 to 8 rows of 2 to 8 finite numbers each"),
        ({"payoffs_1": []}, "expected a table of 2 to 8 rows of 2 to 8 finite numbers each"),
        ({"payoffs_1": [1, 2]}, "expected list of lists of floats"),
    ],
)
def test_other_tables_are_refused(settings, message):
    with pytest.raises(meva.MevaError, match=message):
        meva.make("game", "normal_form", **settings)
