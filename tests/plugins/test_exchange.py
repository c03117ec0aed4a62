"""The exchange game: closed forms, both rules of division, and seats."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from meva_sampled_games.exchange import Round

import meva_core as meva
from meva_core.contracts import Episodes
from meva_core.testing import check_game, episodes

C, D = "always_cooperate", "always_defect"
# Per round: an item is worth 5 to its better owner, and one of two items is mine; 15 is the divisor.
CLOSED_FORMS = {(C, C): (1 / 2, 1 / 2), (D, D): (3 / 10, 3 / 10), (C, D): (1 / 4, 11 / 20)}


@pytest.mark.parametrize("rule", ["above", "proportion"])
def test_closed_forms_over_all_values(rule):
    """All eight draws of the values, each equally likely, one step each: exact."""
    game = meva.make("game", "exchange", rule=rule)
    first = np.array(np.meshgrid(*[[1.0, 5.0]] * 3)).reshape(3, -1).T

    def earned(values, pair):
        state = Round(jnp.stack([values, 6 - values]), jnp.zeros((2, 3)))
        seen = jnp.concatenate([jnp.ones(3), values, jnp.zeros(3), 6 - values, jnp.zeros(3)]) / 10
        turned = jnp.concatenate([jnp.ones(3), 6 - values, jnp.zeros(3), values, jnp.zeros(3)]) / 10
        actions = jnp.stack(
            [jnp.argmax(game.scripts[n](s, i)) for i, (n, s) in enumerate(zip(pair, (seen, turned), strict=True))]
        )
        return game.step(state, actions, jax.random.key(0))[2]

    for pair, expected in CLOSED_FORMS.items():
        found = jax.vmap(lambda values, pair=pair: earned(values, pair))(jnp.asarray(first, jnp.float32)).mean(axis=0)
        np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("pair", CLOSED_FORMS)
def test_closed_forms_in_play(pair):
    game = meva.make("game", "exchange")
    played = episodes(game, pair, 400, game.horizon)
    np.testing.assert_allclose(played.rewards.mean(axis=(0, 1)), CLOSED_FORMS[pair], atol=0.01)
    shares = game.measures(played)
    higher = {(C, C): 1.0, (D, D): 0.5, (C, D): 0.75}[pair]
    assert float(shares["to the higher value"]) == pytest.approx(higher, abs=0.01)
    assert float(shares["divided"]) == pytest.approx(1)
    values = played.observations[:, :, :, 3:6]
    assert float(jnp.mean(values[:, 1:] == values[:, :-1])) == pytest.approx(0.5, abs=0.01)  # fresh in every round


def test_measures_count_only_what_is_alive():
    """They are those of the first round alone."""
    game = meva.make("game", "exchange")
    played = episodes(game, ("random", "random"), 8, 5)
    once = jax.tree.map(float, game.measures(played._replace(alive=played.alive.at[:, 1:].set(0.0))))
    first = played._replace(**{name: getattr(played, name)[:, :1] for name in ("observations", "actions", "alive")})
    assert {name: float(share) for name, share in game.measures(first).items()} == pytest.approx(once)
    assert 0 < once["divided"] < 1


def test_rules_differ_below_five():
    """Player 1 proposes 2.5 and player 2 nothing: half of the item by one rule, all of it by the other."""
    start = Round(jnp.full((2, 3), 5.0), jnp.zeros((2, 3)))
    for rule, expected in (("above", 0.5), ("proportion", 1.0)):
        game = meva.make("game", "exchange", rule=rule, levels=3)
        action = game.action_names.index("2.5-0-0")
        rewards = game.step(start, jnp.array([action, 0]), jax.random.key(0))[2]
        np.testing.assert_allclose(rewards, [expected * 5 / 15, 0])


def test_both_see_themselves_first():
    game = meva.make("game", "exchange")
    state, _ = game.reset(jax.random.key(0))
    after, seen, _ = game.step(state, jnp.array([7, 0]), jax.random.key(1))
    np.testing.assert_allclose(10 * seen[0], [1, 1, 1, *after.values[0], 5, 5, 5, *after.values[1], 0, 0, 0])
    np.testing.assert_allclose(10 * seen[1], [1, 1, 1, *after.values[1], 0, 0, 0, *after.values[0], 5, 5, 5])
    np.testing.assert_allclose(after.values.sum(axis=0), 6)


@pytest.mark.long
def test_the_contract_with_more_proposals():
    check_game(meva.make("game", "exchange", rule="proportion", levels=3))


def test_frames_tell_what_is_proposed_and_who_gets_what():
    """Player 1 takes what is worth 5 to it, player 2 takes everything."""
    game = meva.make("game", "exchange")
    start = Round(jnp.array([[5.0, 1.0, 1.0], [1.0, 5.0, 5.0]]), jnp.zeros((2, 3)))
    actions, seen = jnp.array([4, 7]), game.reset(jax.random.key(0))[1]
    seen = seen.at[0, 3:6].set(start.values[0] / 10).at[1, 3:6].set(start.values[1] / 10)
    rewards = game.step(start, actions, jax.random.key(0))[2]
    frames = game.frames(Episodes(seen[None], actions[None], rewards[None], rewards[None], jnp.ones(1), seen))
    (board,) = frames.boards
    told = {(mark.row, mark.column): mark.text for mark in board if mark.form == "text"}
    shares = np.array([mark.share for mark in board if mark.form == "bar"]).reshape(2, 3)
    assert told[0, 0] == "worth 5, proposes 5"
    assert told[0, 1] == "worth 1, proposes 0"
    np.testing.assert_allclose(shares, [[0.5, 0, 0], [0.5, 1, 1]])
    np.testing.assert_allclose(np.sum(shares * start.values, axis=1) / 15, rewards, rtol=1e-6)
