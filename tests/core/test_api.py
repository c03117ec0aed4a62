"""`make`: what is composed with what, and one line for what does not belong together."""

from typing import Any

import jax
import pytest

import meva_core
from meva_core.contracts import Explorer, Game, Learner, component, leaf, part
from meva_core.errors import BadValue, UnknownName

meva: Any = meva_core  # a careless caller: types do not hold
IPD = meva.make("game", "ipd")
NAIVE = meva.make("learner", "naive", game=IPD)
MODEL = {"width": 8, "blocks": 0}


@component
class Flat(Game):
    """Pays nothing."""

    unit: float = leaf(default=1.0, doc="of the payoff")
    policy_size = 1
    symmetric = True

    def init(self, key):
        return jax.random.normal(key, (2, 1))

    def payoff(self, x):
        return 0 * self.unit * x[:, 0]


@component
class Rule(Learner):
    """Stays, on a game that it has to be given, as a second one."""

    game: Game = part()
    other: Any = part()
    rate: float = leaf(default=1.0, doc="learning rate")

    def update(self, params, state, x, key):
        return 0 * x, state


@component
class Shy(Explorer):
    """Perturbs nothing, by a number."""

    scale: float = leaf(default=1.0, doc="of nothing")


@pytest.mark.parametrize("game", ["ipd", type(IPD), {"name": "ipd"}, IPD])
def test_a_game_by_its_name_its_class_or_itself(game):
    made = meva.make("learner", "lola", game=game, rate=2.0)
    assert made.game == IPD
    assert made == meva.make("learner", "lola", game=IPD, rate=2.0)


def test_classes_of_ones_own():
    assert meva.make("game", Flat, unit=2) == Flat(unit=2.0)
    assert meva.make("learner", Rule, game=Flat, other=IPD) == Rule(game=Flat(), other=IPD)
    with pytest.raises(BadValue, match=r"^expected float, got 'x' \(str\) @ Flat\.unit$"):
        meva.make("game", Flat, unit="x")


@pytest.mark.parametrize("explorer", [Shy, Shy(), {"name": Shy, "scale": 1}])
def test_explorers_and_value_models_of_ones_own(explorer):
    model = type(meva.make("learner", "meva", game=Flat, value_model=MODEL).model)
    made = meva.make("learner", "meva", game=Flat, value_model={"name": model, **MODEL}, explorer=explorer)
    assert made.explorer == Shy()
    assert made.model == meva.make("learner", "meva", game=Flat, value_model=MODEL).model


@pytest.mark.parametrize(
    ("args", "settings", "said"),
    [
        (("learner", "lola"), {"game": NAIVE}, "expected a game, got a learner (Naive) @ lola.game"),
        (("learner", "lola"), {"game": 3}, "expected a game, got 3 (int) @ lola.game"),
        (("learner", "lola"), {"game": Rule}, "expected a game, got the class Rule @ game"),
        (("learner", "lola"), {"game": None}, "expected game=make(\"game\", ...) for learner 'lola', got none"),
        (
            ("learner", "meva"),
            {"game": IPD, "explorer": None},
            'expected an explorer: its name, {"name": ..., hyper-parameters}, or what meva.make gives, got None '
            "@ meva.explorer",
        ),
        (("learner", "meva"), {"game": IPD, "explorer": IPD}, "got a game (PrisonersDilemma) @ meva.explorer"),
        (("learner", "meva"), {"game": IPD, "value_model": 3}, "expected a value model: its name, "),
        (("learner", "meva"), {"game": IPD, "value_model": 3}, "got 3 (int) @ meva.value_model"),
        (("learner", "meva"), {"game": IPD, "value_model": Shy}, "expected a value model, got the class Shy"),
        (("learner", "meva"), {"game": IPD, "rivals": NAIVE}, "for each of 2 seats a rival, meva.Fitted(learner=...)"),
        (("learner", "meva"), {"game": IPD, "rivals": (None, NAIVE)}, "got None, a learner (Naive) @ meva.rivals"),
        (("learner", Rule), {"game": IPD}, "expected other=... for learner 'Rule', got none"),
        (
            ("learner", "lola", IPD),
            {},
            'as in make("learner", "lola", game=...), got a game (PrisonersDilemma)',
        ),
        (("game", None), {}, "expected make('game', NAME), or a component class, got None (known: "),
        (("game",), {}, "expected make('game', NAME), or a component class, got None (known: "),
        (("game", IPD), {}, "or a component class, got a game (PrisonersDilemma)"),
        (("game", Rule), {}, "expected a game, got the class Rule @ game"),
        (("game", int), {}, "expected a game, got the class int @ game"),
        (
            ("game", type("Bare", (Flat,), {})),
            {},
            "got Bare, a plain class: write @component (meva_core.contracts)",
        ),
    ],
)
def test_one_line_for_what_does_not_belong_together(args, settings, said):
    with pytest.raises(BadValue) as caught:
        meva.make(*args, **settings)
    assert said in str(caught.value)


@pytest.mark.parametrize("kind", ["gam", IPD, None])
def test_an_unknown_kind(kind):
    with pytest.raises(UnknownName, match="unknown kind"):
        meva.make(kind, "ipd")
