"""What a careless caller hands to games and matches is told in one line where it is traced, and costs nothing then."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import meva_core
from meva_core import evaluate, match
from meva_core.contracts import Game, Learner, component, leaf, part, static
from meva_core.errors import BadCombination, BadValue
from meva_core.testing import checks

meva: Any = meva_core  # a careless caller: types do not hold
matching: Any = match
IPD, KEY = meva.make("game", "ipd"), jax.random.key(0)
X = IPD.init(KEY)


@component
class Hill(Game):
    """Payoffs of a shape that can be chosen."""

    returns: str = static(default="rows", doc="what payoff returns")
    policy_size = 5
    symmetric = True

    def init(self, key):
        return jax.random.normal(key, (2, 5))

    def payoff(self, x):
        return {"rows": -jnp.sum(x**2, axis=1), "sum": -jnp.sum(x**2), "none": None}[self.returns]


class Undecorated(Hill):
    """A subclass that lacks @component: no pytree of its own."""


@component
class Flat(Game):
    """A game without payoff."""

    policy_size = 5
    symmetric = True

    def init(self, key):
        return jax.random.normal(key, (2, 5))


@component
class Shift(Learner):
    """Steps, or whatever else it is asked for."""

    game: Any = part(default=None)
    rate: float = leaf(default=1.0, doc="learning rate")
    gives: str = static(default="steps", doc="what update returns")

    def init(self, params, x, key):
        return jnp.zeros(2)

    def update(self, params, state, x, key):
        steps = self.rate * jnp.ones_like(x)
        return {
            "steps": (steps, state),
            "row": (steps[0], state),
            "alone": steps,
            "state": (steps, state[0]),
        }[self.gives]


@component
class Strided(Learner):
    """Works with one rate alone."""

    rate: float = leaf(default=1.0, doc="learning rate")

    def update(self, params, state, x, key):
        return jnp.full((2, 5), self.rate), state


class Plain(Learner):
    """A learner that lacks @component."""

    rate = 1.0

    def update(self, params, state, x, key):
        return x, state


def against(game, learner):
    return meva.Match(game=game, players=(meva.Fitted(learner=learner),), seats=(0, 0))


@pytest.mark.parametrize(
    ("x", "said"),
    [
        (jnp.zeros((3, 5)), "PrisonersDilemma: expected x of shape (2, 5), got (3, 5)"),
        (np.zeros((2, 4)), "PrisonersDilemma: expected x of shape (2, 5), got (2, 4)"),
        (np.zeros((7, 2, 5)), "PrisonersDilemma: expected x of shape (2, 5), got (7, 2, 5): use jax.vmap for many"),
        (0.5, "PrisonersDilemma: expected x of shape (2, 5), got ()"),
        ("tit_for_tat", "expected numbers as x for PrisonersDilemma, got <U11"),
        ([[1], [2, 3]], "expected an array of numbers as x for PrisonersDilemma, got [[1], [2, 3]]"),
        (None, "expected numbers as x for PrisonersDilemma, got object"),
        (np.zeros((2, 5), bool), "expected numbers as x for PrisonersDilemma, got bool"),
    ],
)
def test_policies_of_another_shape(x, said):
    asked: Any = [
        IPD.payoff,
        IPD.outcomes,
        IPD.entries,
        lambda x: IPD.best_response(x, 0),
        lambda x: meva.best_response(IPD, x, 0, KEY),
        lambda x: evaluate.exploitability(IPD, x, KEY),
        lambda x: meva.play(against(IPD, Shift()), x, KEY, 2),
        lambda x: matching.step(against(IPD, Shift()), x, KEY),
        lambda x: meva.trajectory(against(IPD, Shift()), x, KEY, 2),
    ]
    for ask in asked:
        with pytest.raises(BadValue) as caught:
            ask(x)
        assert str(caught.value) == said


@pytest.mark.parametrize("convert", [lambda x: np.asarray(x, np.float64), lambda x: np.asarray(x).tolist()])
def test_numbers_of_other_types_are_converted_without_a_warning(convert):
    np.testing.assert_array_equal(IPD.payoff(convert(X)), IPD.payoff(X))
    found, expected = (meva.best_response(IPD, x, 1, KEY) for x in (convert(X), X))
    np.testing.assert_array_equal(found.policy, expected.policy)
    played = meva.play(against(IPD, Shift()), convert(X), KEY, 2)
    np.testing.assert_array_equal(played.x, X + 2)


def test_whole_numbers_are_policies_too():
    np.testing.assert_array_equal(IPD.payoff(np.ones((2, 5), int)), IPD.payoff(jnp.ones((2, 5))))
    np.testing.assert_array_equal(IPD.payoff(jnp.ones((2, 5), int)), IPD.payoff(jnp.ones((2, 5))))


def test_double_precision_stays():
    with jax.enable_x64(True):
        assert IPD.payoff(np.zeros((2, 5))).dtype == jnp.float64


def test_the_check_leaves_nothing_in_the_program():
    unchecked = type(IPD).payoff.__wrapped__
    programs = [str(jax.make_jaxpr(payoff)(IPD, X)) for payoff in (type(IPD).payoff, unchecked)]
    assert programs[0] == programs[1]


def test_the_check_holds_under_transformations():
    many = jnp.stack([X, X + 1])
    payoffs = jax.jit(jax.vmap(IPD.payoff))(many)
    np.testing.assert_allclose(payoffs[1], IPD.payoff(X + 1), rtol=1e-5)
    gradient = jax.grad(lambda x: IPD.payoff(x)[0])(X)
    assert gradient.shape == X.shape
    scanned = jax.lax.scan(lambda x, _: (x + 1, IPD.payoff(x)), X, None, length=2)[1]
    np.testing.assert_allclose(scanned, payoffs, rtol=1e-5)
    with pytest.raises(BadValue, match=r"expected x of shape \(2, 5\), got \(2, 2, 5\)"):
        jax.jit(IPD.payoff)(many)


@pytest.mark.parametrize(
    ("game", "learner", "said"),
    [
        (Hill(), Shift(gives="row"), "Shift.update: expected steps of shape (2, 5), got (5,)"),
        (Hill(), Shift(gives="alone"), "Shift.update: expected (steps, state), got float32[2,5]"),
        (Hill(), Shift(gives="state"), "Shift.update: expected a state float32[2] as before, got float32[]"),
        (Hill(returns="sum"), Shift(), "Hill.payoff: expected payoffs of shape (2,), got ()"),
        (Hill(returns="none"), Shift(), "Hill.payoff: expected payoffs of shape (2,), got None"),
        (Flat(), Shift(), "expected a method payoff of game Flat, got none"),
        (Hill(), Shift(game=meva.make("game", "logistic")), "expected learners of the game that is played, Hill, got "),
        (Hill(), Flat(), "expected a learner, got Flat() (Flat)"),
        (Shift(), Shift(), "expected a game, got a learner (Shift)"),
        ("ipd", Shift(), "expected a game, got 'ipd' (str)"),
        (Hill, Shift(), "expected a game, got the class Hill"),
        (Undecorated(), Shift(), "write @component (meva_core.contracts) above it"),
        (Hill(), Plain(), "write @component (meva_core.contracts) above it"),
    ],
)
def test_a_match_checks_what_it_is_given(game, learner, said):
    with pytest.raises((BadValue, BadCombination)) as caught:
        meva.play(against(game, learner), jnp.zeros((2, 5)), KEY, 2)
    assert said in str(caught.value)


def test_players_of_several_fits_are_told_apart():
    several = jax.tree.map(lambda leaf: jnp.stack([leaf] * 2), Strided())
    assert meva.play(against(Hill(), Strided()), jnp.zeros((2, 5)), KEY, 1).x.shape == (2, 5)
    with pytest.raises(BadCombination, match="expected a player of one fit, got Strided of 2 seeds: take one with"):
        meva.play(against(Hill(), several), jnp.zeros((2, 5)), KEY, 1)


def test_a_method_that_is_missing_is_told():
    with pytest.raises(BadCombination, match=r"^expected a method payoff of class Flat, got none$"):
        Flat().payoff(X)


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda: meva.play(IPD, X, KEY, 1), "expected a Match, such as meva.self_play(game, player), got a game"),
        (lambda: meva.play(meva.self_play(IPD, Shift()), X, KEY, 1), "expected meva.Fitted(learner=...) as a player"),
        (lambda: meva.self_play("ipd", meva.Fitted(learner=Shift())), "expected a game, got 'ipd' (str)"),
        (lambda: meva.play(against(IPD, Shift()), X, KEY, 2.5), "expected a whole number for num_steps, got 2.5"),
        (lambda: meva.play(against(IPD, Shift()), X, KEY, -1), "expected a whole number >= 0 for num_steps, got -1"),
        (
            lambda: meva.play(against(IPD, Shift()), X, "0", 1),
            "expected a random key, such as jax.random.key(0), got '0'",
        ),
        (lambda: meva.matches(against(IPD, Shift()), KEY, 0, 1), "expected a whole number >= 1 for count, got 0"),
        (lambda: meva.best_response(IPD, X, 2, KEY), "expected a seat from 0 to 1, got 2"),
        (
            lambda: meva.play(meva.Match(game=IPD, players=(meva.Fitted(learner=Shift()),), seats=(0, 1)), X, KEY, 1),
            "for each of 2 seats, got seats (0, 1)",
        ),
        (lambda: checks.check_learner(Shift()), "expected a game: check_learner(learner, "),
    ],
)
def test_one_line_for_what_does_not_belong(ask, said):
    with pytest.raises(BadValue) as caught:
        ask()
    assert said in str(caught.value)


def test_a_whole_number_is_the_seed_of_a_key():
    played = against(IPD, Shift())
    np.testing.assert_array_equal(matching.start(played, 3), matching.start(played, jax.random.key(3)))


def test_a_learner_is_checked_on_its_own_game():
    checks.check_learner(Shift(game=Hill()))
