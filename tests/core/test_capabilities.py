"""Capabilities of learners: declared as today or as in contract 1, and used by other components."""

from typing import Any

import attrs
import jax
import jax.numpy as jnp
import pytest
from meva_meta_value.capability import HasMetaValue

import meva_core as meva
from meva_core import runner
from meva_core.contracts import (
    Facing,
    Learner,
    Myopic,
    PlaysStrategies,
    StepsLike,
    capabilities,
    component,
    leaf,
    static,
)
from meva_core.contracts.hyperparameters import copies
from meva_core.errors import BadCombination, BadValue
from meva_core.studies import entrants, meetings
from meva_core.testing import installed

pytestmark = pytest.mark.usefixtures("no_figures")

TANDEM = meva.make("game", "tandem")
VALUE = {"width": 4, "blocks": 0}


class Resting(Learner):
    """Stays, and is asked what it can do."""

    def update(self, params, state, x, key):
        return jnp.zeros_like(x), state


@component
class Plain(Resting):
    """Can do nothing beside."""


@component
class Former(Resting):
    """Written for contract 1: `Learner` had these, and no base but it."""

    myopic = True
    met_as = "naive"
    plays_strategies = "strategy"
    strategy: str | None = static(default=None, doc="a strategy of the game")
    share: float = leaf(default=0.5, doc="of what is to come")

    def facing(self, rivals):
        return attrs.evolve(self, share=0.0)

    def meta_value(self, params, x):
        return self.share * x[:, 0], jnp.full(2, self.share)


@component
class FarSighted(Former):
    """Says in so many words that it is not myopic."""

    myopic = False


def test_a_learner_can_what_it_says_and_no_more():
    kinds = (Facing, HasMetaValue, Myopic, PlaysStrategies, StepsLike)

    def can(learner):
        return {kind.__name__ for kind in kinds if isinstance(learner, kind)}

    expected = {"naive": {"Myopic"}, "lola": set(), "fixed": {"PlaysStrategies"}, "m_maml": {"StepsLike"}}
    assert {name: can(meva.make("learner", name, game=TANDEM)) for name in expected} == expected
    assert can(meva.make("learner", "meva", game=TANDEM, value_model=VALUE)) == {"Facing", "HasMetaValue"}
    assert can(Plain()) == set()
    assert can(Former()) == {"Facing", "HasMetaValue", "Myopic", "PlaysStrategies"}


def test_a_learner_of_contract_1_is_met_by_its_former_name():
    assert capabilities.whose_steps(Plain()) is None
    assert capabilities.whose_steps(meva.make("learner", "m_maml", game=TANDEM)) == "naive"
    with pytest.warns(DeprecationWarning, match=r"Former\.met_as is deprecated: rename it steps_like"):
        assert capabilities.whose_steps(Former()) == "naive"


def test_a_meta_value_faces_the_myopic_of_either_contract():
    learner = meva.make("learner", "meva", game=TANDEM, value_model=VALUE, discount=0.9)
    assert learner.facing((None, Former())).discount.tolist() == pytest.approx([0.9, 0.0])
    for other in (Plain(), FarSighted()):
        with pytest.raises(BadCombination, match=f"does not hold against {type(other).__name__} in seat 2"):
            learner.facing((None, other))


ALIKE = """
from meva_core.contracts import Entry, StepsLike, component, hookimpl
from toy import Toy


@hookimpl
def meva_learners():
    yield Entry("alike", "alike:Alike", "steps as {whom} does")


@component
class Alike(StepsLike, Toy):
    steps_like = "{whom}"
"""


@pytest.mark.parametrize(("whom", "fitted_against"), [("lookahead", "lookahead"), ("nobody", "alike")])
def test_a_tournament_fits_against_whose_steps_they_are_where_it_is_there(whom, fitted_against, toy, fake_plugin):
    """A learner that names one that is not installed is met as itself."""
    fake_plugin("alike", ALIKE.format(whom=whom))
    asked = meetings.Tournament(games=("tandem",), learners=("alike", "toy_foe"), seeds=1)
    [met] = [m for m in meetings.meetings(*runner.plugins(None), asked) if m.row != m.column]
    [fit] = [fit[0] for fit in met.fits if fit is not None and fit[0].opponents]
    assert {fit.learner.name, *(o.name for o in fit.opponents)} == {"toy_foe", fitted_against}


def test_a_strategy_is_played_by_whoever_plays_strategies():
    entrant = entrants.as_learner(meva.installed(), entrants.parse("tit_for_tat"), "ipd", ["tit_for_tat"])
    assert (entrant.name, entrant.settings) == ("fixed", {"strategy": "tit_for_tat"})


# ---------------------------------------------------------------- no rate


def test_a_learner_without_a_rate_is_played_and_surveyed_seed_by_seed():
    game = meva.make("game", "ipd")
    always = meva.make("learner", "fixed", game=game, probabilities=(1.0, 0.0, 1.0, 0.0, 1.0))
    assert not hasattr(always, "rate")
    for players in (always, jax.tree.map(lambda number: jnp.stack([number] * 2), meva.Fitted(learner=always))):
        found = meva.survey(game, players, seeds=2, pairs=1, steps=1)
        assert found.payoffs.shape[0] == 2


@pytest.mark.parametrize("rows", [(0.5,), ((0.5,), (0.2,)), None])
def test_copies_of_a_component_are_counted_where_its_numbers_tell(rows):
    fixed = meva.make("learner", "fixed", game=TANDEM, policy=rows)
    assert copies(fixed) is None
    stacked = jax.tree.map(lambda number: jnp.stack([number] * 3), fixed)
    assert copies(stacked) == (None if rows is None else 3)


def test_a_discount_for_each_player_is_no_pile_of_learners():
    learner = meva.make("learner", "meva", game=TANDEM, value_model=VALUE)
    assert copies(learner.facing((None, Former()))) is None


def test_a_rate_of_a_learner_that_has_none_is_unknown(meva_run, tmp_path):
    outcome = meva_run("--game", "ipd", "--learner", "fixed", "--set", "learner.rate=2.0", "--out", tmp_path / "run")
    assert outcome.code == 2
    [line] = outcome.err.splitlines()
    assert line.startswith("error: unknown hyper-parameter 'rate' @ learner")


def test_one_without_a_rate_may_be_shaped_yet_be_given_none():
    few = {"evaluate.pairs": 2, "evaluate.steps": 2, "evaluate.shaping.against": "fixed"}
    result = meva.run("tandem", "naive", evaluate=["shaping"], set=few)
    assert result.summary()["rows"][0]["against"]["learner"] == "fixed"
    with pytest.raises(BadValue, match=r"expected no evaluate\.shaping\.rate with fixed, which has no rate, got 2"):
        meva.run("tandem", "naive", evaluate=["shaping"], set={**few, "evaluate.shaping.rate": 2.0})


# ---------------------------------------------------------------- small

MANY = """
from meva_core.contracts import Entry, Learner, component, hookimpl, part, static


@hookimpl
def meva_learners():
    yield Entry("many", "many:Many", "learns from many environments at a time")


@component
class Many(Learner):
    game: object = part()
    value_model: object = part()
    num_envs: int = static(default=4096, doc="environments")

    small = {"num_envs": 2}

    def update(self, params, state, x, key):
        return 0 * x, state
"""


def test_the_kit_makes_learners_as_small_as_they_say(fake_plugin):
    fake_plugin("many", MANY)
    known = meva.installed()
    made: Any = installed.learner(known, known.find("learner", "many"), TANDEM)
    assert made.num_envs == 2
    assert made.value_model(1, 1, False).num_features == 8  # the network says so itself
