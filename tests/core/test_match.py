"""The loop of simultaneous steps against a plain Python loop, and who moves which row."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from meva_core import match as matching
from meva_core.contracts import Game, Learner, component, leaf, part, static
from meva_core.match import Fitted, Match

TRACED = []  # names of learners, in the order in which their updates were traced


@component
class Sum(Game):
    """Payoff: the sum of the own row, and a hundredth of everybody's."""

    num_players: int = static(default=2, doc="P")
    policy_size = 3
    symmetric = True

    def init(self, key):
        return jax.random.normal(key, (self.num_players, 3))

    def payoff(self, x):
        return jnp.sum(x, axis=1) + 0.01 * jnp.sum(x)


@component
class Momentum(Learner):
    """Steps are rate * (row number + 1) * x, and a tenth of the step before: state along the trajectory."""

    game: Any = part(default=None)
    rate: float = leaf(default=0.1, doc="learning rate")
    name: str = static(default="momentum", doc="for the record of traces")
    first: float = leaf(default=0.0, doc="where it starts from, 0: from what was drawn")

    def start(self, params, x, key):
        return jnp.where(self.first == 0, x, self.first)

    def init(self, params, x, key):
        return jnp.zeros_like(x)

    def update(self, params, state, x, key):
        TRACED.append(self.name)
        step = self.rate * (1 + jnp.arange(x.shape[0], dtype=x.dtype)[:, None]) * x + 0.1 * state
        return step, step


@component
class Noise(Learner):
    """Steps are noise."""

    rate: float = leaf(default=1.0, doc="learning rate")

    def update(self, params, state, x, key):
        return self.rate * jax.random.normal(key, x.shape), state


@component
class Drawn(Learner):
    """Steps are a state that is drawn once."""

    rate: float = leaf(default=1.0, doc="learning rate")

    def init(self, params, x, key):
        return self.rate * jax.random.normal(key, x.shape)

    def update(self, params, state, x, key):
        return state, state


@component
class Keyless(Learner):
    """A learner of contract 1, whose init is given no key."""

    rate: float = leaf(default=1.0, doc="learning rate")

    def init(self, params, x):
        return self.rate * jnp.ones_like(x)

    def update(self, params, state, x, key):
        return state, state


@component
class Fixed(Learner):
    """Steps are its params."""

    rate: float = leaf(default=1.0, doc="not used")

    def update(self, params, state, x, key):
        return jnp.broadcast_to(params, x.shape), state


def versus(game, first, second):
    return Match(game=game, players=(first, second), seats=(0, 1))


X = jnp.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.5]])
KEY = jax.random.key(0)


def test_play_against_a_plain_loop():
    match = versus(Sum(), Fitted(learner=Momentum(rate=0.1)), Fitted(learner=Momentum(rate=-0.2)))
    played = matching.play(match, X, KEY, 5)
    x, before = np.array(X, np.float64), np.zeros((2, 3))
    payoffs, lengths = [x.sum(axis=1) + 0.01 * x.sum()], []
    for _ in range(5):
        # Row 0: rate 0.1 times 1; row 1: rate -0.2 times 2; and a tenth of the own step before.
        before = np.array([[0.1], [-0.4]]) * x + 0.1 * before
        x = x + before
        payoffs.append(x.sum(axis=1) + 0.01 * x.sum())
        lengths.append(np.sqrt((before**2).sum(axis=1)))
    np.testing.assert_allclose(played.x, x, rtol=1e-5)
    np.testing.assert_allclose(played.payoffs, payoffs, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(played.lengths, lengths, rtol=1e-4)


def test_a_match_of_those_who_stand_still_can_be_differentiated():
    """The length of a step of 0 has no gradient, which must not spoil the others."""
    match = matching.self_play(Sum(), Fitted(learner=Fixed(), params=jnp.zeros(3)))
    found = jax.jacrev(lambda x: tuple(matching.play(match, x, KEY, 2)))(X)
    np.testing.assert_array_equal(found[0].reshape(6, 6), np.eye(6))
    assert all(np.isfinite(leaf).all() for leaf in found)


def test_trajectory_is_where_play_passes():
    match = matching.self_play(Sum(), Fitted(learner=Noise()))
    xs, played = matching.trajectory(match, X, KEY, 4), matching.play(match, X, KEY, 4)
    assert xs.shape == (5, 2, 3)
    np.testing.assert_array_equal(xs[0], X)
    np.testing.assert_allclose(xs[-1], played.x, rtol=1e-6)
    np.testing.assert_allclose(jax.vmap(Sum().payoff)(xs), played.payoffs, rtol=1e-5, atol=1e-6)


def test_no_steps():
    played = matching.play(matching.self_play(Sum(), Fitted(learner=Noise())), X, KEY, 0)
    np.testing.assert_array_equal(played.x, X)
    assert played.payoffs.shape == (1, 2)


def test_each_learner_moves_its_own_row():
    players = tuple(Fitted(learner=Fixed(), params=jnp.array(step)) for step in (1.0, 10.0))
    # Seats of three players: the second learner, the first, the second.
    match = Match(game=Sum(num_players=3), players=players, seats=(1, 0, 1))
    played = matching.play(match, jnp.zeros((3, 3)), KEY, 2)
    np.testing.assert_array_equal(played.x[:, 0], [20.0, 2.0, 20.0])


def test_one_learner_in_all_seats_computes_once():
    TRACED.clear()
    jax.eval_shape(lambda x: matching.play(matching.self_play(Sum(), Fitted(learner=Momentum())), x, KEY, 3), X)
    assert TRACED == ["momentum"]
    TRACED.clear()
    players = tuple(Fitted(learner=Momentum(name=name)) for name in ("a", "b"))
    match = Match(game=Sum(num_players=3), players=players, seats=(0, 1, 0))
    jax.eval_shape(lambda x: matching.play(match, x, KEY, 3), jnp.zeros((3, 3)))
    assert TRACED == ["a", "b"]


def test_noise_is_fresh_at_every_step_and_for_every_player():
    match = versus(Sum(), Fitted(learner=Noise()), Fitted(learner=Noise()))
    xs = matching.trajectory(match, jnp.zeros((2, 3)), KEY, 3)
    steps = np.asarray(xs[1:] - xs[:-1])  # [3, 2, 3]
    assert len(np.unique(np.round(steps, 4))) == steps.size
    # In self-play the rows are one learner's: the same noise would be had by both players of a match of two.
    alone = matching.trajectory(matching.self_play(Sum(), Fitted(learner=Noise())), jnp.zeros((2, 3)), KEY, 3)
    np.testing.assert_allclose(alone[:, 0], xs[:, 0], rtol=1e-5)
    assert not np.allclose(alone[1:, 1], xs[1:, 1])


def test_the_noise_of_a_step_is_of_its_key_and_the_players_number():
    """A stream of its own: that states may be drawn changes no number of those who draw none."""
    xs = matching.trajectory(versus(Sum(), Fitted(learner=Noise()), Fitted(learner=Noise())), X, KEY, 2)
    for n, key in enumerate(jax.random.split(KEY, 2)):
        noise = [jax.random.normal(jax.random.fold_in(key, player), X.shape)[player] for player in (0, 1)]
        np.testing.assert_allclose(xs[n + 1] - xs[n], jnp.stack(noise), rtol=1e-5)


def test_a_state_may_begin_at_random():
    def steps(learner, key):
        xs = matching.trajectory(versus(Sum(), Fitted(learner=learner), Fitted(learner=Drawn())), X, key, 2)
        return np.asarray(xs[1:] - xs[:-1])

    found = steps(Drawn(), KEY)
    np.testing.assert_allclose(found[0], found[1], rtol=1e-5)  # drawn once
    np.testing.assert_array_equal(found, steps(Drawn(), KEY))
    drawn = [found[0], steps(Drawn(), jax.random.key(1))[0], steps(Noise(), KEY)[:, 0]]
    numbers = np.concatenate([np.ravel(each) for each in drawn])
    assert len(np.unique(np.round(numbers, 4))) == numbers.size  # for each player and key, and apart from steps' noise


def test_a_learner_whose_state_needs_no_key_plays_on_with_a_warning():
    with pytest.warns(DeprecationWarning, match=r"Keyless\.init\(params, x\): expected init\(params, x, key\)"):
        played = matching.play(matching.self_play(Sum(), Fitted(learner=Keyless())), X, KEY, 2)
    np.testing.assert_allclose(played.x, X + 2, rtol=1e-6)


def test_start_lets_each_move_its_own_row():
    game = Sum()
    both = versus(game, Fitted(learner=Momentum()), Fitted(learner=Momentum(first=7.0)))
    x = matching.start(both, KEY)
    np.testing.assert_array_equal(x[1], 7.0)
    np.testing.assert_array_equal(x[0], matching.start(matching.self_play(game, Fitted(learner=Noise())), KEY)[0])
    assert not np.any(x[0] == 7.0)


def test_with_setting_changes_one_player():
    match = versus(Sum(), Fitted(learner=Momentum()), Fitted(learner=Momentum()))
    changed = matching.with_setting(match, 1, "rate", 0.7)
    rates = [[getattr(player.learner, "rate", None) for player in each.players] for each in (changed, match)]
    assert rates == [[0.1, 0.7], [0.1, 0.1]]


def test_vmapped_settings_are_a_loop_over_settings():
    match = versus(Sum(), Fitted(learner=Momentum()), Fitted(learner=Momentum()))
    rates = jnp.array([0.1, -0.3, 0.5])

    def ended(rate):
        return matching.play(matching.with_setting(match, 0, "rate", rate), X, KEY, 3).x

    each = jax.vmap(ended)(rates)
    for rate, x in zip(rates, each, strict=True):
        np.testing.assert_allclose(x, ended(float(rate)), rtol=1e-5)
