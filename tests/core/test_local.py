"""Classes and objects from Python where a name is taken: runs, fits, surveys and folders of a notebook's own."""

from collections.abc import Callable
from typing import Any

import attrs
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import meva_core
from meva_core.compute import devices
from meva_core.compute.progress import Lines, Progress, as_progress
from meva_core.contracts import Explorer, Game, Learner, Training, component, leaf, part, static
from meva_core.errors import BadCombination, BadFolder, BadPlugin, BadValue, Diverged, UnknownName
from meva_core.experiment import local, resolve
from meva_core.match import Fitted
from meva_core.ops import simultaneous_gradient
from meva_core.registry import discovery, recipes

pytestmark = pytest.mark.usefixtures("no_figures")

meva: Any = meva_core  # a careless caller: types do not hold
KNOWN = discovery.installed()
SMALL = {
    "evaluate.pairs": 3,
    "evaluate.steps": 2,
    "evaluate.best_response.steps": 2,
    "evaluate.best_response.restarts": 1,
}


@component
class Hawk(Game):
    """Hawk and dove over a prize, one logit each."""

    v: float = leaf(default=2.0, doc="the prize")
    policy_size = 1
    symmetric = True

    def init(self, key):
        return jax.random.normal(key, (2, 1))

    def payoff(self, x):
        own, other = jax.nn.sigmoid(x[:, 0]), jax.nn.sigmoid(x[::-1, 0])
        return self.v * own * (1 - other) - own * other


@component
class Scaled(Game):
    """Another game, in another unit."""

    inner: Game = part()
    unit: float = leaf(default=2.0, doc="of its payoffs")
    policy_size = 1
    symmetric = True

    def init(self, key):
        return self.inner.init(key)

    def payoff(self, x):
        return self.unit * self.inner.payoff(x)


@component
class Climb(Learner):
    """Gradient ascent by other means."""

    game: Game = part()
    rate: float = leaf(default=0.5, doc="learning rate")

    def update(self, params, state, x, key):
        return self.rate * simultaneous_gradient(self.game.payoff, x), state


def doubled(x):
    return 2 * x


def halved(x):
    return x / 2


@component
class Bent(Hawk):
    """A function of its payoffs."""

    bend: Callable = static(default=doubled, doc="of the payoff")

    def payoff(self, x):
        return self.bend(super().payoff(x))


@component
class Shy(Explorer):
    """Perturbs nothing."""


@component
class Counting(Training):
    """Every loop adds the loop's random number."""

    num_steps: int = static(default=4, doc="loops")
    worst: float = leaf(default=1.0, doc="what is added is divided by it")

    def init(self, key):
        return jnp.zeros(())

    def step(self, state, key):
        state = state + jax.random.uniform(key) / self.worst
        return state, {"loss": state}

    def params(self, state):
        return state


@component
class Learnt(Learner):
    """Steps of the size that was learnt."""

    rate: float = leaf(default=1.0, doc="learning rate")
    loops: int = static(default=4, doc="of the fit")
    worst: float = leaf(default=1.0, doc="0 diverges")

    @property
    def training(self):
        return Counting(num_steps=self.loops, worst=self.worst)

    def update(self, params, state, x, key):
        return self.rate * params * jnp.ones_like(x), state


@component
class Careless(Counting):
    """Forgets its metrics."""

    def step(self, state, key):
        return state


@component
class Forgetful(Learnt):
    """A learner with a fit that breaks its contract."""

    @property
    def training(self):
        return Careless()


def resolved(game, learner, opponents=(), **overrides) -> Any:
    given = {name.replace("__", "."): value for name, value in overrides.items()}
    cast = local.cast(KNOWN, game, learner, opponents, given)
    return resolve.resolve(
        cast.registry,
        [recipes.shipped()],
        game=cast.game,
        learner=cast.learner,
        opponents=cast.opponents,
        overrides=cast.overrides,
    )


# ---------------------------------------------------------------- names for what is handed in


def test_objects_of_entries_are_the_entries_with_their_numbers():
    ipd = meva.make("game", "ipd", discount=0.9)
    lola, naive = meva.make("learner", "lola", game=ipd, variant="taylor"), meva.make("learner", "naive", game=ipd)
    found = resolved(ipd, lola, naive)
    named = resolved("ipd", "lola", "naive", game__discount=0.9, learner__variant="taylor")
    # An object has all its numbers: the recipe's rates, 25, are not its own.
    assert found == resolve.revised(
        KNOWN, [recipes.shipped()], named, {"learner.rate": 1.0, "learner.look_ahead_rate": 1.0, "opponent.rate": 1.0}
    )
    assert resolved(type(ipd), "lola").game.name == "ipd"


def test_models_of_a_learner_come_with_it():
    ipd = meva.make("game", "ipd")
    models = {"value_model": {"width": 8, "blocks": 0}, "explorer": {"name": "gaussian_step", "scale": 0.5}}
    found = resolved(ipd, meva.make("learner", "meva", game=ipd, loops=3, **models)).learner
    assert found.settings["loops"] == 3
    assert (found.parts["value_model"].name, found.parts["value_model"].settings["width"]) == ("paired_mlp", 8)
    assert (found.parts["explorer"].name, found.parts["explorer"].settings["scale"]) == ("gaussian_step", 0.5)


def test_classes_of_ones_own_go_by_module_and_class():
    found = resolved(meva.make("game", Hawk, v=np.float32(3)), Climb, learner__rate=2.0)
    assert (found.game.name, dict(found.game.settings)) == (f"{__name__}:Hawk", {"v": 3.0})
    assert (found.learner.name, dict(found.learner.settings)) == (f"{__name__}:Climb", {"rate": 2.0})
    assert f'name = "{__name__}:Hawk"\nv = 3.0' in found.to_toml()
    assert found.hash != resolved(Hawk(v=4.0), Climb, learner__rate=2.0).hash


def test_a_class_that_is_called_like_an_entry_is_another():
    lola = type("lola", (Climb,), {"__module__": __name__, "__doc__": "Not LOLA."})
    found = resolved("ipd", component(lola))
    assert found.learner.name == f"{__name__}:lola"
    assert found.learner.settings == {"rate": 0.5}  # no recipe of the entry's
    assert found.hash not in (resolved("ipd", "lola").hash, resolved("ipd", "naive").hash)


def test_a_class_where_a_setting_is_a_name():
    found = resolved(Hawk, "meva", evaluate__shaping__against=Climb, explorer__name=Shy)
    (shaping,) = (choice for choice in found.evaluations if choice.name == "shaping")
    assert shaping.settings["against"] == f"{__name__}:Climb"
    assert found.learner.parts["explorer"].name == f"{__name__}:Shy"


def test_a_function_is_known_by_its_name():
    assert resolved(Bent, Climb).to_plain()["game"]["bend"] == f"{__name__}:doubled"
    assert resolved(Bent(bend=halved), Climb).hash != resolved(Bent(), Climb).hash


def test_parts_of_its_own_are_in_a_games_name():
    found = [resolved(Scaled(inner=Hawk(v=v)), Climb).game.name for v in (2.0, 3.0)]
    assert found == [f"{__name__}:Scaled(inner={__name__}:Hawk(v={v}))" for v in (2.0, 3.0)]


def test_recipes_for_any_game_are_for_ones_own_too():
    assert resolved(Hawk, "meva").source.startswith("ours")


@pytest.mark.parametrize(
    ("game", "learner", "opponents", "said"),
    [
        (Climb, "naive", (), "expected a game, got the class Climb @ game"),
        (Hawk, Hawk(), (), "expected a learner, got a game (Hawk) @ learner"),
        (Hawk, None, (), "expected a learner, got None @ learner"),
        (3, "naive", (), "expected a game, got 3 (int) @ game"),
        (Hawk, "naive", [Climb, 3], "expected a learner, got 3 (int) @ opponent.2"),
        (Hawk, "naive", Fitted(learner=Learnt()), "expected a learner, got Fitted() (Fitted) @ opponent"),
        (Hawk, type("Bare", (Learner,), {}), (), "expected a method update of learner Bare, got none @ learner"),
        (Hawk, type("Bare", (Climb,), {}), (), "got Bare, a plain class: write @component"),
    ],
)
def test_what_is_neither_a_name_nor_of_the_kind(game, learner, opponents, said):
    with pytest.raises(BadValue) as caught:
        local.cast(KNOWN, game, learner, opponents, {})
    assert said in str(caught.value)


def defined_again(times):
    @component
    class Again(Game):
        """A class that a notebook's cell defines twice."""

        policy_size = 1
        symmetric = True

        def init(self, key):
            return jax.random.normal(key, (2, 1))

        def payoff(self, x):
            return times * jnp.ones(2)

    return Again


def test_two_classes_of_one_name_are_not_mixed_up():
    first, second = defined_again(1.0), defined_again(2.0)
    registry = local.take(KNOWN, "game", first, "game").registry
    with pytest.raises(BadValue, match="got two: the class was defined again, so make its objects again"):
        local.take(registry, "game", second, "game")


# ---------------------------------------------------------------- run


def test_a_run_of_ones_own_says_what_it_is(tmp_path):
    result = meva.run(Hawk(v=1.5), Climb, opponent=Climb(game=Hawk(v=1.5), rate=np.float64(0.25)), set=SMALL)
    assert f"{__name__}:Climb" in repr(result)
    assert f"{__name__}:Hawk" in repr(result)
    assert result.summary()["game"] == f"{__name__}:Hawk"
    assert result.payoffs.shape == (1, 1, 3, 2)
    paid = jax.vmap(Hawk(v=1.5).payoff)(jnp.asarray(result.policies[0, 0]))
    np.testing.assert_allclose(paid, result.payoffs[0, 0], rtol=1e-5)


def test_a_class_that_is_defined_again_is_the_new_one():
    found = [meva.run(defined_again(times), Climb, set=SMALL).payoffs for times in (1.0, 2.0)]
    np.testing.assert_array_equal(found[0], np.ones((1, 1, 3, 2)))
    np.testing.assert_array_equal(found[1], np.full((1, 1, 3, 2), 2.0))


def test_a_class_that_breaks_its_contract_is_named():
    @component
    class Total(Hawk):
        """Pays one number."""

        def payoff(self, x):
            return jnp.sum(x)

    with pytest.raises(BadPlugin) as caught:
        meva.run(Total, "naive", set=SMALL)
    assert "Total (defined in" in str(caught.value)
    assert str(caught.value).endswith("payoff(x): expected float32[2], got float32[]")


def test_a_learner_is_not_moved_to_another_game_in_silence():
    with pytest.raises(BadCombination, match=r"made for .*:Hawk\(v=3\.0\): pass the learner's class"):
        meva.run(Hawk(v=2.0), Climb(game=Hawk(v=3.0)), set=SMALL)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"set": ["learner.rate"]}, 'expected set={"SECTION.NAME": value}, got ['),
        ({"set": {3: 4}}, 'expected set={"SECTION.NAME": value}, got {3: 4}'),
        ({"out": 3}, "expected a path for out, got 3"),
        ({"registry_file": 3}, "expected a path for registry_file, got 3"),
        ({"resume": True}, "expected out=FOLDER with resume=True, got none"),
        ({"resume": "no"}, "expected bool, got 'no' (str) @ resume"),
        ({"devices": 1.5}, "expected int or nothing, got 1.5 (float) @ devices"),
        ({"devices": 10**6}, "expected 1 to 256 for --devices, got 1000000"),
        ({"recipe": None}, "expected str, got None (NoneType) @ recipe"),
        ({"seeds": np.float64(2.5)}, "expected int, got 2.5 (float64) @ fit.seeds"),
        ({"progress": 3}, "expected True, False or a Progress for progress, got 3"),
    ],
)
def test_run_says_what_it_wants(given, said):
    with pytest.raises(BadValue) as caught:
        meva.run(Hawk, Climb, **given)
    assert said in str(caught.value)


# ---------------------------------------------------------------- folders


class Killed(Exception):
    """An end of the process that no code can handle, like a loss of power."""


class UntilLoop(Progress):
    """Ends the process after so many loops."""

    def __init__(self, loops):
        self.loops, self.done = loops, []

    def chunk(self, chunk):
        self.done.append(chunk.loops)
        if chunk.loops == self.loops:
            raise Killed


def test_a_task_that_is_tried_again_goes_on(tmp_path, meva_run):
    asked: dict[str, Any] = {"set": {**SMALL, "fit.chunk": 1}, "seeds": np.int64(2), "out": tmp_path / "run"}
    with pytest.raises(Killed):
        meva.run(Hawk(), Learnt(), **asked, resume=True, progress=UntilLoop(2))
    again = UntilLoop(-1)
    found = meva.run(Hawk(), Learnt(), **asked, resume=True, devices=np.int64(1), progress=again)
    assert again.done == [2, 3, 4]
    whole = meva.run(Hawk(), Learnt(), **{**asked, "out": None})
    np.testing.assert_array_equal(found.payoffs, whole.payoffs)
    np.testing.assert_array_equal(found.metrics["loss"], whole.metrics["loss"])
    with pytest.raises(BadFolder, match="resume=True"):
        meva.run(Hawk(), Learnt(), **asked)
    with pytest.raises(BadValue, match=r"got learner\.rate = 2\.0 \(was 1\.0\)"):
        meva.run(Hawk(), Learnt(rate=2.0), **asked, resume=True)
    # What was handed in from Python cannot be run from a file: one line says so.
    outcome = meva_run(tmp_path / "run" / "experiment.toml", "--out", tmp_path / "other")
    assert outcome.code == 2
    assert outcome.err.splitlines() == [
        f"error: learner '{__name__}:Learnt' belongs to no plugin: a class that was passed from Python runs only from "
        "there. Pass it again, or make it a plugin (meva plugin new)"
    ]
    with pytest.raises(UnknownName, match="belongs to no plugin"):
        next(meva.snapshots(tmp_path / "run"))
    kept = dict(meva.snapshots(tmp_path / "run", Hawk, Learnt(loops=9)))
    assert list(kept) == [1, 2, 3, 4]
    np.testing.assert_array_equal(kept[4].players[0].params, found.players[0].params)


def test_resuming_elsewhere_is_no_licence_to_write_there(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(BadFolder, match="expected a new or empty folder"):
        meva.run(Hawk, Climb, set=SMALL, out=tmp_path, resume=True)


def test_a_folder_is_gone_on_with_on_as_many_devices(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(devices, "prepare", lambda kind=None, count=None, again=None: asked.append((count, again)))
    meva.run(Hawk, Climb, set=SMALL, out=tmp_path / "run")
    text = (tmp_path / "run" / "experiment.toml").read_text()
    (tmp_path / "run" / "experiment.toml").write_text(text.replace("devices = 1", "devices = 2"))
    for more in ({"resume": True}, {"resume": True, "devices": 1}):
        meva.run(Hawk, Climb, set=SMALL, out=tmp_path / "run", **more)
    assert asked == [(None, None), (None, ("cpu", 2)), (1, None)]


# ---------------------------------------------------------------- fit and survey


def test_fit_gives_what_a_run_fits():
    several, one = meva.fit(Learnt(), seed=3, seeds=2), meva.fit(Learnt(), seed=np.int64(4))
    of_run = meva.run(Hawk, Learnt, seed=3, seeds=2, set=SMALL).players[0]
    np.testing.assert_array_equal(several.params, of_run.params)
    np.testing.assert_array_equal(several.learner.rate, np.ones(2))
    assert one.params == several.params[1]
    assert one.learner == Learnt()
    plain = Climb(game=Hawk())
    assert meva.fit(plain) == Fitted(learner=plain)
    assert meva.fit(plain, seeds=1).learner.rate.shape == (1,)


def test_fit_tells_how_it_goes(capsys):
    meva.fit(Learnt(), progress=True)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "fitting Learnt: 4 loops, compiling"
    assert lines[-1].startswith("  loop 4/4  loss ")
    assert isinstance(as_progress(True), Lines)


@pytest.mark.parametrize(
    ("ask", "error", "said"),
    [
        (lambda: meva.fit("meva"), BadValue, "expected a learner, got 'meva' (str)"),
        (lambda: meva.fit(Learnt), BadValue, "expected a learner, got the class Learnt"),
        (lambda: meva.fit(Learnt(), seeds=0), BadValue, "expected between 1 and 65536, got 0 @ fit.seeds"),
        (lambda: meva.fit(Forgetful()), BadPlugin, "training.step(state, key): expected a pair, got float32[]"),
        (lambda: meva.fit(Learnt(worst=0.0)), Diverged, "seed 0 diverged in loop 0: loss is not a finite number"),
        (lambda: meva.survey("ipd", Climb(game=Hawk())), BadValue, "expected a game, got 'ipd' (str)"),
        (lambda: meva.survey(Hawk(), "naive"), BadValue, "expected a learner, got 'naive' (str)"),
        (lambda: meva.survey(Hawk()), BadValue, "expected one player for all 2 seats, or one for each, got 0"),
        (lambda: meva.survey(Hawk(), Learnt()), BadCombination, "expected a fitted learner, got a learner (Learnt)"),
        (lambda: meva.survey(Hawk(), Climb(game=Hawk()), pairs=0), BadValue, "got 0 @ survey.pairs"),
        (lambda: meva.survey(Hawk(), meva.fit(Climb(game=Hawk()), seeds=2)), BadValue, "expected seeds=2 for a player"),
    ],
)
def test_fit_and_survey_say_what_they_want(ask, error, said):
    with pytest.raises(error) as caught:
        ask()
    assert said in str(caught.value)
    assert "--" not in str(caught.value)


def test_a_survey_finds_what_a_run_finds(capsys):
    options = {name.partition(".")[2].replace("best_response.", "response_"): n for name, n in SMALL.items()}
    of_run = meva.run(Hawk, Learnt, opponent=Climb, seeds=2, set=SMALL)
    climber, fitted = Climb(game=Hawk()), meva.fit(Learnt(), seeds=2)
    found = meva.survey(Hawk(), fitted, climber, seeds=2, **options, progress=True)
    assert capsys.readouterr().out.splitlines() == ["playing matches", "finding best responses"]
    np.testing.assert_allclose(found.payoffs, of_run.payoffs[:, 0], rtol=1e-5)
    np.testing.assert_allclose(found.response, of_run.seen.answers["best_response"].each[0][:, 0], rtol=1e-5)
    own = np.einsum("snii->sni", found.response)
    np.testing.assert_allclose(found.gain, own - found.payoffs, atol=1e-6)
    assert found.gain.min() > -1e-6
    assert "over 2 seeds of 3 matches\nseat 0: " in repr(found)
    # One seed, plain, as a match.
    players = (jax.tree.map(lambda leaf: leaf[0], fitted), Fitted(learner=climber))
    one = meva.survey(meva.Match(game=Hawk(), players=players, seats=(0, 1)), **options)
    np.testing.assert_allclose(one.payoffs, found.payoffs[0], rtol=1e-5)
    assert one.policies.shape == (3, 2, 1)
    assert attrs.fields_dict(type(one)).keys() >= {"settled", "outcomes"}


def test_classes_and_objects_meet_in_a_tournament():
    game, numbers = Hawk(v=3.0), {"trials": 4, "steps": 2}
    rule = Climb(game=game, rate=0.5)
    found = meva.tournament(game, [rule, Climb, "naive", attrs.evolve(rule, rate=2.0)], **numbers)
    assert list(found.labels) == ["Climb", "Climb 2", "naive", "Climb 3"]
    named = meva.tournament(game, ["naive:rate=0.5", "naive"], **numbers)
    np.testing.assert_allclose(found.payoffs[0][0], named.payoffs[0][0], rtol=1e-6)
    assert found.payoffs[3][3] != pytest.approx(found.payoffs[0][0], abs=1e-6)
    with pytest.raises(BadCombination, match="made for the game that is run"):
        meva.tournament(Hawk(v=1.0), [rule], **numbers)
    with pytest.raises(BadValue, match="expected a learner, got"):
        meva.tournament(game, [game], **numbers)
    with pytest.raises(BadValue, match="expected a list of learners, got 'naive'"):
        meva.tournament(game, "naive", **numbers)


def test_classes_and_objects_have_a_folder_of_their_tournament(tmp_path, meva_command):
    out = tmp_path / "out"
    asked: dict[str, Any] = {"trials": 4, "steps": 2, "out": out}
    whole = meva.tournament(Hawk(v=3.0), [Climb(game=Hawk(v=3.0), rate=0.5), Climb, "naive"], **asked, jobs=1)
    (out / "matches").rename(tmp_path / "matches")
    again = meva.tournament(Hawk(v=3.0), [Climb(game=Hawk(v=3.0), rate=0.5), Climb, "naive"], **asked, resume=True)
    np.testing.assert_array_equal(whole.payoffs, again.payoffs)
    with pytest.raises(BadValue, match=rf"got learners = \['Climb={__name__}:Climb:rate=2.0', .* \(was .*:rate=0.5', "):
        meva.tournament(Hawk(v=3.0), [Climb(game=Hawk(v=3.0), rate=2.0), Climb, "naive"], **asked, resume=True)
    resumed = meva_command("tournament", "--resume", out)
    assert (resumed.code, len(resumed.err.splitlines())) == (2, 1)
    assert f"game '{__name__}:Hawk' belongs to no plugin" in resumed.err
    assert meva_command("report", out).code == 0


def test_workers_import_what_they_play(tmp_path):
    @component
    class Here(Climb):
        """Climbs as well."""

    with pytest.raises(BadValue, match=r"expected classes that other processes can import, got .*<locals>.Here: move"):
        meva.tournament(Hawk, [Here], trials=1, steps=1, out=tmp_path / "out", jobs=2)
    assert list(tmp_path.iterdir()) == []
