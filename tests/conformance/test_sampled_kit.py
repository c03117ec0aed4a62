"""The kit for sampled games: what is broken on purpose fails it, and with a word of help."""

import jax
import jax.numpy as jnp
import pytest

import meva_core as meva
from meva_core.contracts import Frames, Mark, SampledGame, component, kinds, leaf
from meva_core.errors import BadPlugin, BadValue
from meva_core.registry import checks
from meva_core.testing import check_game


class Base(SampledGame):
    """Both players are paid for the action 1; everybody sees the time."""

    num_actions = 2
    observation_size = 1
    horizon = 3
    discount = 1.0
    symmetric = True

    @property
    def payoff_range(self):
        return jnp.ones(2)

    def reset(self, key):
        return jnp.zeros((), jnp.int32), jnp.zeros((2, 1))

    def step(self, state, actions, key):
        return state + 1, jnp.full((2, 1), state + 1.0), actions.astype(float)


@component
class Good(Base):
    """Nothing wrong."""

    bonus: float = leaf(default=1.0, doc="not used")


@component
class OneReward(Base):
    """One reward for both."""

    def step(self, state, actions, key):
        return state, jnp.zeros((2, 1)), jnp.sum(actions).astype(float)


@component
class OtherState(Base):
    """The state becomes a float."""

    def step(self, state, actions, key):
        return state + 1.5, jnp.zeros((2, 1)), actions.astype(float)


@component
class NarrowRange(Base):
    """Rewards that are larger than the range."""

    def step(self, state, actions, key):
        return state, jnp.zeros((2, 1)), 3.0 * actions


@component
class NotListed(Base):
    """Lists the first observation only."""

    observations = jnp.zeros((1, 1))


@component
class BadShares(Base):
    """A share above one."""

    def measures(self, episodes):
        return {"all": jnp.array(2.0)}


@component
class ListOfShares(Base):
    """Shares without names."""

    def measures(self, episodes):
        return [jnp.mean(episodes.rewards)]


@component
class ShareOfEach(Base):
    """A share for each player."""

    def measures(self, episodes):
        return {"each": jnp.mean(episodes.rewards, axis=(0, 1))}


@component
class TooManyNames(Base):
    """Names of two observations, of one that is listed."""

    observations = jnp.zeros((1, 1))
    observation_names = ("early", "late")


@component
class OneNumber(Base):
    """A number where observations are listed."""

    observations = 3


@component
class NamesOfNothing(Base):
    """Names of observations that are not listed."""

    observation_names = ("early", "late")


@component
class BadScript(Base):
    """Logits of three actions."""

    @property
    def scripts(self):
        return {"three": lambda observation, seat: jnp.zeros(3)}


@component
class OffTheBoard(Base):
    """A mark in a second row, of which there is none."""

    def frames(self, episode):
        return Frames(((Mark(1, 0, "x"),),) * 3, rows=("",), columns=("",), players=("a", "b"), caption="")


@component
class NoFrames(Base):
    """Pictures that are none."""

    def frames(self, episode):
        return "a picture"


@component
class NoStep(SampledGame):
    """Cannot be played."""

    def reset(self, key):
        return jnp.zeros(()), jnp.zeros((2, 1))


def test_a_good_game_passes():
    check_game(Good())


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        (OneReward(), r"step\(...\)\[2\]: expected shape \(2,\), got \(\)"),
        (OtherState(), r"step\(...\)\[0\]: expected int32\[\] as in the state before, got float32\[\]"),
        (NarrowRange(), r"payoff_range: expected at least the range of rewards in random play"),
        (NotListed(), r"observations: expected all that a player may have, but \[1.\] is missing"),
        (BadShares(), r"measures\(episodes\)\['all'\]: expected a share from 0 to 1, got 2.0"),
        (OffTheBoard(), r"frames\(episode\).boards: expected marks in 1 rows and 1 columns"),
        (NoFrames(), r"frames\(episode\): expected Frames or None, got str"),
        (BadScript(), r"scripts\['three'\]\(observation, 0\): expected shape \(2,\), got \(3,\)"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_a_broken_game_fails(rules, message):
    with pytest.raises(AssertionError, match=message):
        check_game(rules)


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        (OneReward(), r"the rewards of step\(state, actions, key\): expected float32\[2\], got float32\[\]"),
        (ListOfShares(), r"measures\(episodes\): expected a dictionary, got \[float32\[\]\]"),
        (ShareOfEach(), r"measures\(episodes\)\['each'\]: expected float32\[\], got float32\[2\]"),
        (TooManyNames(), r"observation_names: expected no names, or 1 different ones, got \('early', 'late'\)"),
        (OneNumber(), "observations: expected None, or an array of two axes, got 3"),
        (NamesOfNothing(), r"observation_names: expected no names, since no observations are listed"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_a_broken_game_is_one_line_before_it_is_played(rules, message):
    offer = meva.installed().find("game", "coin_game")
    checks.game(offer, Good())
    with pytest.raises(BadPlugin, match=message):
        checks.game(offer, rules)


def test_the_forms_of_a_game():
    assert kinds.form("game", Good) == kinds.form("game", NoStep) == "sampled_game"
    assert kinds.of(Good) == "game"
    assert kinds.describe(Good()) == "a sampled game (Good)"
    assert kinds.form("game", int) == "game"
    with pytest.raises(BadValue, match="expected a method step of sampled game NoStep, got none @ game"):
        meva.make("game", NoStep)


def self_play():
    return meva.self_play(Good(), meva.Fitted(learner=meva.make("learner", "naive", game="tandem")))  # type: ignore


@pytest.mark.parametrize(
    "play",
    [
        pytest.param(lambda: meva.make("learner", "naive", game=Good()), id="make"),
        pytest.param(self_play, id="self_play"),
    ],
)
def test_where_only_an_exact_game_will_do_a_sampled_one_is_one_line(play):
    expected = r"expected an exact game, got a sampled game \(\w+\): its payoffs are estimates from episodes"
    with pytest.raises(BadValue, match=expected):
        play()


def test_the_good_rules_count_time():
    rules = Good()
    state, _ = rules.reset(jax.random.key(0))
    state, seen, rewards = rules.step(state, jnp.array([0, 1]), jax.random.key(0))
    assert (int(state), seen.tolist(), rewards.tolist()) == (1, [[1.0], [1.0]], [0.0, 1.0])
