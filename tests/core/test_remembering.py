"""Policies that remember the episodes before: what they begin with, what counts, and who remembers in a match."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from meva_policies.gru import GRU

import meva_core as meva
from meva_core.contracts import Learner, component, static
from meva_core.match import Fitted, Match, advance, begin, lifetime
from meva_core.sampling import Enumerated, Rollouts, policy_arguments

IPD = meva.make("game", "ipd", discount=0.6)
RULES = IPD.rules()
POLICY = GRU(**policy_arguments(RULES), width=3)
KEY = jax.random.key(0)
SIZES = {"rules": RULES, "policies": (POLICY, POLICY), "horizon": 4}


@component
class Still(Learner):
    """Stays where it is, with memory."""

    doubled: bool = static(default=False, doc="the memory is doubled before the next episodes")

    remembers = True

    def update(self, params, state, x, key):
        return jnp.zeros_like(x), state

    def carry(self, memory):
        return 2 * memory if self.doubled else memory


@component
class Forgetful(Learner):
    """Stays where it is, without memory."""

    def update(self, params, state, x, key):
        return jnp.zeros_like(x), state


def looped(row, memory, observations, alive):
    """Memory and logits by a plain loop."""
    row, logits = row[: POLICY.policy_size], []
    for seen, counts in zip(observations, alive, strict=True):
        out, after = POLICY.act(row, memory, seen)
        logits.append(out)
        memory = after if counts else memory
    return memory, jnp.stack(logits)


@pytest.mark.parametrize("stopping", [pytest.param("horizon", marks=pytest.mark.long), "geometric"])
def test_episodes_begin_with_memories_and_say_what_is_remembered_until_their_end(stopping):
    game = Rollouts(**SIZES, episodes=6, stopping=stopping)
    x = game.init(KEY)
    memory = jax.random.normal(KEY, (6, 3))
    played = jax.jit(lambda: game.play(x, jax.random.key(4), (memory, None)))()
    assert bool(jnp.all(played.alive == 1)) is (stopping == "horizon")
    n = int(jnp.argmin(played.alive.sum(axis=1)))  # the shortest
    alive = played.alive[n]
    for seat, first in ((0, memory), (1, jnp.zeros((6, 3)))):
        last, logits = looped(x[seat], first[n], played.observations[n, :, seat], alive)
        np.testing.assert_allclose(played.memories[seat][n], last, atol=1e-5)
        taken = jax.nn.log_softmax(logits)[jnp.arange(4), played.actions[n, :, seat]]
        np.testing.assert_allclose(played.log_probs[n, :, seat] * alive, taken * alive, atol=1e-5)


@pytest.mark.long
def test_fresh_memories_change_no_episode():
    game = Rollouts(**SIZES, episodes=3)
    x, fresh = game.init(KEY), jnp.zeros((3, 3))
    plain, given = (jax.jit(lambda m=m: game.play(x, KEY, m))() for m in (None, (fresh, fresh)))
    for one, other in zip(plain[:-1], given[:-1], strict=True):
        np.testing.assert_array_equal(one, other)


def test_all_episodes_that_may_happen_begin_with_memories_too():
    game = Enumerated(**{**SIZES, "horizon": 2})
    memory = jnp.ones((16, 3))
    played = jax.jit(lambda x: game.play(x, KEY, (memory, None)))(game.init(KEY))
    assert [each.shape for each in played.memories] == [(16, 3), (16, 3)]


def match_of(first: Any, second: Any, episodes: int = 2) -> Match:
    game = Rollouts(**SIZES, episodes=episodes)
    return Match(game=game, players=(Fitted(learner=first), Fitted(learner=second)), seats=(0, 1))


def test_in_a_match_only_those_who_remember_begin_with_what_they_remember():
    match = match_of(Still(doubled=True), Forgetful())
    x = match.game.init(KEY)
    _, (seen, after) = jax.jit(lambda: lifetime(match, x, KEY, 2, lambda step: (step.episodes, step.memories)))()
    assert after[1] is None
    for n in (0, 1):
        first, _ = looped(x[0], jnp.zeros(3), seen.observations[0, n, :, 0], np.ones(4))
        np.testing.assert_allclose(after[0][0, n], 2 * first, atol=1e-5)
        second, _ = looped(x[0], 2 * first, seen.observations[1, n, :, 0], np.ones(4))
        np.testing.assert_allclose(after[0][1, n], 2 * second, atol=1e-5)


@pytest.mark.long
def test_the_payoffs_of_a_match_are_those_of_policies_with_what_they_remember():
    match = match_of(Still(), Forgetful(), episodes=64)
    game: Any = match.game
    x = 5 * game.init(KEY)

    @jax.jit
    def after(memory):
        going = begin(match, x, KEY)._replace(memories=(jnp.full((64, 3), memory), None))
        going, payoffs, _ = advance(match, going, KEY)
        return payoffs, game.estimate(game.play(x, jax.random.key(0), going.memories))

    payoffs, expected = after(50.0)
    np.testing.assert_allclose(payoffs, expected, atol=1e-5)
    assert not np.allclose(payoffs, after(-50.0)[0])


def test_where_nobody_remembers_a_match_has_no_memories():
    match = match_of(Forgetful(), Forgetful())
    assert begin(match, match.game.init(KEY), KEY).memories == ()
    assert begin(meva.self_play(IPD, Fitted(learner=Still())), IPD.init(KEY), KEY).memories == ()
