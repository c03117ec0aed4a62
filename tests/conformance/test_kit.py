"""The kit itself: what is broken on purpose fails it, and with a word of help."""

import contextlib
import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from meva_core.contracts import Entry, Explorer, Game, Learner, Policy, ValueModel, component, leaf, part, static
from meva_core.testing import checks


class Base(Game):
    """Two players who gain by what the other does: quick to compile, and right."""

    policy_size = 2
    symmetric = True

    def init(self, key):
        return jax.random.normal(key, (2, 2))

    def payoff(self, x):
        return jnp.sum(x[::-1] * jnp.array([1.0, 2.0]) - x**2, axis=1)


@component
class Good(Base):
    """Nothing wrong."""


@component
class WrongShape(Base):
    """One payoff for both."""

    def payoff(self, x):
        return jnp.sum(x)


@component
class FalselySymmetric(Base):
    """The second player gains more."""

    def payoff(self, x):
        return jnp.sum(x, axis=1) * jnp.array([1.0, 2.0])


@component
class AlwaysTheSame(Base):
    """Deaf to the key."""

    def init(self, key):
        return jnp.ones((2, 2))


@component
class NotANumber(Base):
    """The logarithm of what may be negative."""

    def payoff(self, x):
        return jnp.sum(jnp.log(x), axis=1)


@component
class BadNames(Base):
    """Three names for two numbers."""

    @property
    def entry_names(self):
        return ("a", "b", "c")


@component
class BadShares(Base):
    """A share above one."""

    def outcomes(self, x):
        return {"all": jnp.array(2.0)}


@component
class BadAnswers(Base):
    """Says that 5 is a best response; 0 is."""

    def best_response(self, x, seat):
        return jnp.full((1, 2), 5.0)


@component
class BadPlane(Base):
    """A plane, where policies are two numbers."""

    plane = (-1.0, 1.0)


def test_a_good_game_passes():
    checks.check_game(Good())


@pytest.mark.parametrize(
    ("game", "message"),
    [
        (WrongShape(), r"payoff\(x\): expected shape \(2,\), got \(\)"),
        (FalselySymmetric(), r"symmetric: expected payoff\(x\[p\]\) == payoff\(x\)\[p\]"),
        (AlwaysTheSame(), r"init\(key\): expected different policies for a different key"),
        (NotANumber(), r"payoff\(x\): expected finite numbers"),
        (BadNames(), r"entry_names: expected 2 names"),
        (BadShares(), r"outcomes\(x\)\['all'\]: expected a share between 0 and 1"),
        (BadAnswers(), r"best_response\(x, 0\): expected the best answer"),
        (BadPlane(), r"plane: expected two players with one number each"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_a_broken_game_fails(game, message):
    with pytest.raises(AssertionError, match=message):
        checks.check_game(game)


# ---------------------------------------------------------------- entries


PAPER = """
@book{key2000,
  author = {Somebody},
  title = {A {Game}},
  year = 2000,
}
"""


@pytest.mark.parametrize("bibtex", ["", PAPER, PAPER + PAPER.replace("key", "other")])
def test_a_good_entry_passes(bibtex):
    checks.check_entry(Entry("good", "module:Class", "one line", bibtex=bibtex))


@pytest.mark.parametrize("summary", ["", "two\nlines"])
def test_a_summary_that_is_not_one_line_fails(summary):
    with pytest.raises(AssertionError, match="summary: expected one line"):
        checks.check_entry(Entry("bad", "module:Class", summary))


@pytest.mark.parametrize(
    ("bibtex", "message"),
    [
        ("Somebody (2000)", "bibtex: expected @type{key, ...}, got 'Somebody (2000)'"),
        (PAPER[:-3], "bibtex: expected as many } as { in key2000, got 3 and 4"),
        (PAPER.replace("author", "by"), "bibtex: expected author = ... in key2000"),
        (PAPER.replace("title", "name"), "bibtex: expected title = ... in key2000"),
        (PAPER.replace("year", "when"), "bibtex: expected year = ... in key2000"),
        (PAPER + "@misc{second,\n  author = {A},\n  year = 2001\n}", "bibtex: expected title = ... in second"),
    ],
)
def test_broken_bibtex_fails(bibtex, message):
    with pytest.raises(AssertionError, match=re.escape(message)):
        checks.check_entry(Entry("bad", "module:Class", "one line", bibtex=bibtex))


# ---------------------------------------------------------------- learners


@component
class GoodLearner(Learner):
    """Towards zero."""

    rate: float = leaf(default=0.1, doc="how fast")

    def update(self, params, state, x, key):
        return -self.rate * x, state


@component
class OneRow(Learner):
    """Moves the first row only, as if it knew where it sits."""

    rate: float = leaf(default=0.1, doc="how fast")

    def update(self, params, state, x, key):
        return -self.rate * x[0], state


@component
class StaticRate(Learner):
    """A new rate is a new program."""

    rate: float = static(default=0.1, doc="how fast")

    def update(self, params, state, x, key):
        return -self.rate * x, state


CALLS = []


@component
class Impure(Learner):
    """Remembers how often it was called, outside of its state."""

    rate: float = leaf(default=0.1, doc="how fast")

    def update(self, params, state, x, key):
        CALLS.append(1)
        return -self.rate * len(CALLS) * x, state


@component
class LooksAtNumbers(Learner):
    """Cannot be traced."""

    rate: float = leaf(default=0.1, doc="how fast")

    def update(self, params, state, x, key):
        return (-self.rate if x[0, 0] > 0 else self.rate) * x, state


@component
class NeverStill(GoodLearner):
    """Says that it never moves from zero, and does."""

    def held(self):
        return jnp.zeros((2, 2))

    def start(self, params, x, key):
        return jnp.zeros_like(x)


def test_a_learner_that_says_it_never_moves_does_not():
    with pytest.raises(AssertionError, match=r"held\(\): expected steps of 0 where it is not None"):
        checks.check_learner(NeverStill(), Good())


def test_a_good_learner_passes():
    checks.check_learner(GoodLearner(), Good())


def test_steps_of_the_wrong_shape_fail():
    with pytest.raises(AssertionError, match=r"update\(...\)\[0\]: expected shape \(2, 2\), got \(2,\)"):
        checks.check_learner(OneRow(), Good())


def test_an_impure_learner_fails():
    with pytest.raises(AssertionError, match=r"update: (jit|vmap) differs from calling it"):
        checks.check_learner(Impure(), Good())


def test_a_learner_that_cannot_be_traced_fails():
    with pytest.raises(jax.errors.TracerBoolConversionError):
        checks.check_learner(LooksAtNumbers(), Good())


def test_a_learner_whose_rate_is_static_fails():
    with pytest.raises(AssertionError, match="rate"):
        checks.check_learner(StaticRate(), Good())


# ---------------------------------------------------------------- value models


@component
class GoodModel(ValueModel):
    """Features are the own and the other's policy, and the condition."""

    outputs: int = static(default=1, doc="K")
    game: Any = part(default=None)

    num_features = 5

    def init(self, key):
        return {"w": jax.random.normal(key, (5, self.outputs))}

    def features(self, params, x, others, condition):
        return jnp.sin(jnp.concatenate([x, 2 * x * others[::-1], condition], axis=-1))

    def head(self, params, features):
        return features @ params["w"]


@component
class IgnoresOthers(GoodModel):
    """Reads the other from x too: then the one backward pass mixes everybody's gradients."""

    def features(self, params, x, others, condition):
        return super().features(params, x, x, condition)


@component
class WrongCount(GoodModel):
    """Says six, has five."""

    num_features = 6


@component
class TellsPlayersApart(GoodModel):
    """Equivariant whoever asks? It is not."""

    def features(self, params, x, others, condition):
        return super().features(params, x, others, condition) * jnp.array([[1.0], [2.0]])


def builder(factory):
    return lambda outputs, conditions, equivariant: factory(outputs=outputs)


def test_a_good_value_model_passes():
    checks.check_value_model(builder(GoodModel), Good())


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        (IgnoresOthers, r"features: row 0 must read player 0 from `x` and the rest from `others`"),
        (WrongCount, r"features\(...\): expected shape \(2, 6\), got \(2, 5\)"),
        (TellsPlayersApart, r"equivariant: expected features\(x\[p\]\) == features\(x\)\[p\]"),
    ],
)
def test_a_broken_value_model_fails(factory, message):
    with pytest.raises(AssertionError, match=message):
        checks.check_value_model(builder(factory), Good())


# ---------------------------------------------------------------- explorers


@component
class BadExplorer(Explorer):
    """Halves the features."""

    def perturb_features(self, noise, features):
        return features[:, ::2]


@component
class Restless(Explorer):
    """Other noise each time, from NumPy's global state rather than from the key."""

    def perturb_step(self, noise, step, key):
        return step + float(np.random.default_rng().normal())


def test_a_broken_explorer_fails():
    with pytest.raises(AssertionError, match=r"perturb_features: expected shape \(2, 16\), got \(2, 8\)"):
        checks.check_explorer(BadExplorer())


def test_noise_that_is_not_the_keys_fails():
    with pytest.raises(AssertionError):
        checks.check_explorer(Restless())


# ---------------------------------------------------------------- policies


@component
class Affine(Policy):
    """Logits that are the numbers themselves; a base of the broken ones."""

    num_actions: int = static(doc="A")
    policy_size = property(lambda self: self.num_actions)  # type: ignore[assignment]

    def init(self, key):
        return jax.random.normal(key, (self.num_actions,))

    def act(self, x, memory, observation):
        return x, memory


@component
class Deaf(Affine):
    """Does not read its numbers."""

    def act(self, x, memory, observation):
        return jnp.ones(self.num_actions), memory


@component
class Absent(Affine):
    """Keeps a memory that it never uses."""

    memory_size = 2

    def act(self, x, memory, observation):
        return x, memory + observation[:2]


@component
class Frozen(Absent):
    """Keeps a memory that never changes."""

    def act(self, x, memory, observation):
        return x, memory


@component
class Endless(Affine):
    """Logits that are not finite."""

    def act(self, x, memory, observation):
        return x / 0, memory


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        (Affine, None),
        (Deaf, "act: expected logits that depend on the numbers, got a gradient of 0"),
        (Absent, "act: expected logits that need the memory"),
        (Frozen, "act: expected another memory after an observation"),
        (Endless, "the logits of act"),
    ],
)
def test_policies_of_the_kit(factory, message):
    kept = contextlib.nullcontext() if message is None else pytest.raises(AssertionError, match=message)
    with kept:
        checks.check_policy(lambda observation_size, num_actions, one_hot: factory(num_actions=num_actions))
