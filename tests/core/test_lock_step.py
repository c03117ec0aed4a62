"""Fits of learners that are each fitted against the other: loop by loop together, or in turn."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import meva_core as meva
from meva_core import fitting
from meva_core.contracts import Learner, Training, component, leaf, part, static
from meva_core.experiment import compose, resolve
from meva_core.experiment.lock_step import LockStep
from meva_core.match import Fitted
from meva_core.registry import discovery, recipes

SMALL = {"loops": 3, "pairs": 2, "co_players": 1, "steps": 2}


@component
class Chasing(Training):
    """Every loop goes half of the way to where the rival was, plus an offset."""

    learner: Any = part()

    shown = {"place": "place"}  # noqa: RUF012
    linear = ("place",)

    @property
    def num_steps(self):
        return self.learner.loops

    def init(self, key):
        return jnp.asarray(self.learner.first)

    def step(self, state, key):
        (rival,) = (rival for rival in self.learner.rivals if rival is not None)
        state = (state + rival.params + self.learner.offset) / 2
        return state, {"place": state}

    def params(self, state):
        return state


@component
class Chaser(Learner):
    """A number that chases the rival's."""

    rivals: tuple = part(default=())
    first: float = leaf(default=0.0, doc="its first place")
    offset: float = leaf(default=0.0, doc="distance to the rival that it wants")
    loops: int = static(default=3, doc="loops of its fit")

    @property
    def training(self):
        return Chasing(learner=self)

    def update(self, params, state, x, key):
        return jnp.zeros_like(x), state


def together(**second):
    one, other = Chaser(first=8.0), Chaser(first=0.0, offset=2.0, **second)
    one, other = (
        Chaser(first=8.0, rivals=(None, Fitted(learner=other))),
        Chaser(first=0.0, offset=2.0, rivals=(Fitted(learner=one), None), **second),
    )
    return LockStep(learners=(one, other), seats=((-1, 1), (0, -1)), names=("a", "b"))


def fitted(training):
    *_, last = fitting.fit([training], [0], chunk=2)
    (a, b) = fitting.fitted_params([training], last.state)
    return float(a[0]), float(b[0])


def test_each_moves_against_the_parameters_that_the_other_had_before_the_loop():
    """(8, 0) -> (4, 5) -> (4.5, 5.5) -> (5, 6)."""
    assert fitted(together()) == (5.0, 6.0)


def test_a_shorter_fit_rests_after_its_loops_while_the_other_goes_on():
    """(8, 0) -> (4, 5), and then only the first: 4.5, 4.75."""
    training = together(loops=1)
    assert training.num_steps == 3
    assert fitted(training) == (4.75, 5.0)
    chunks = list(fitting.fit([training], [0], chunk=3))
    np.testing.assert_allclose(chunks[-1].metrics["b.place"], [[5.0, 5.0, 5.0]])
    assert training.ends == fitting.History.of(training, [0]).ends == {"a.place": 3, "b.place": 1}


def test_metrics_have_the_names_of_their_learners():
    training = together()
    assert dict(training.shown) == {"a.place": "a: place", "b.place": "b: place"}
    assert training.linear == ("a.place", "b.place")


def seen(learner: Any) -> Any:
    return learner


def composed(*players, sampled=False, **more):
    overrides = {f"{side}.{name}": number for side in ("learner", "opponent") for name, number in SMALL.items()}
    known = discovery.installed()
    return compose.compose(
        resolve.resolve(
            known, [recipes.shipped()], game="ipd", learner=players[0], opponents=players[1:],
            overrides={**overrides, "opponent.rate": 2.0, "fit.seeds": 2, **more}, sampled=sampled,
        )
    )  # fmt: skip


def test_who_is_fitted_with_whom():
    both = composed("good_shepherd", "good_shepherd")
    assert (both.fits, both.together) == ([(0, 1)], (0, 1))
    assert (both.path_of((0, 1)), both.path_of((1,))) == ("learner+opponent", "opponent")
    assert both.label_of((0, 1)) == "good_shepherd (rate=25) and good_shepherd (rate=2) together"
    in_turn = composed("good_shepherd", "good_shepherd", **{"fit.in_turn": True})
    assert (in_turn.fits, in_turn.together) == ([(1,), (0,)], ())
    first, second = map(seen, in_turn.rehearse())
    assert second.rivals == ()
    assert first.rivals[1].learner.rivals == ()


def test_fits_may_be_in_self_play_whoever_is_met():
    alone = composed("good_shepherd", "good_shepherd", **{"fit.self_play": True})
    assert (alone.fits, alone.together) == ([(0,), (1,)], ())
    assert [seen(learner).rivals for learner in alone.rehearse()] == [(), ()]


def test_fits_may_see_the_exact_payoffs_of_a_game_that_is_played():
    def games(**more: Any) -> tuple[list[Any], Any]:
        played: Any = composed("good_shepherd", "good_shepherd", sampled=True, **more)
        return [seen(learner).game for learner in played.rehearse()], played

    (one, other), played = games()
    assert one is other is played.game
    (one, other), played = games(**{"fit.exact": True})
    assert one is other is played.game.exact
    assert "good_shepherd (rate=25) steps by exact payoffs, not by episodes" in played.notes


def test_together_every_learner_has_the_other_as_it_is_after_the_fit():
    both = composed("good_shepherd", "good_shepherd")
    (training, _) = both.trainings((0, 1), {}, 2)
    params = jax.vmap(lambda key: training.params(training.init(key)))(jax.random.split(jax.random.key(0), 2))
    after = both.after((0, 1), {}, params, 2)
    one, other = (seen(after[n].learner) for n in (0, 1))
    np.testing.assert_array_equal(one.rivals[1].params, params[1])
    np.testing.assert_array_equal(other.rivals[0].params, params[0])
    assert one.rivals[0] is other.rivals[1] is None


def run_in(out, **more):
    numbers = {f"{side}.{name}": number for side in ("learner", "opponent") for name, number in SMALL.items()}
    numbers |= {"opponent.rate": 2.0, "evaluate.pairs": 2, "evaluate.steps": 2, "fit.chunk": 1}
    asked = {"set": numbers, "evaluate": ["convergence"], **more}
    return meva.run("ipd", "good_shepherd", opponent="good_shepherd", out=out, **asked)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "together"
    return out, run_in(out)


def test_snapshots_have_both_players_at_the_same_loop(run):
    out, result = run
    moments = list(meva.snapshots(out))
    assert [loops for loops, _ in moments] == [1, 2, 3]
    _, last = moments[-1]
    for found, expected in zip(last.players, result.players, strict=True):
        np.testing.assert_array_equal(found.params, expected.params)
    (_, first), *_ = moments
    assert not np.array_equal(first.players[1].params, last.players[1].params)


def test_a_run_that_is_resumed_ends_in_the_same_way(run):
    out, result = run
    last = sorted((out / "checkpoints" / "learner+opponent").iterdir())[-1]
    last.unlink()
    again = run_in(out, resume=True)
    for found, expected in zip(again.players, result.players, strict=True):
        np.testing.assert_array_equal(found.params, expected.params)
