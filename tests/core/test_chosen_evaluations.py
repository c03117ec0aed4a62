"""The evaluations of an experiment that run, and their settings; and each evaluation taken away in turn."""

import sys

import attrs
import pytest

from meva_core import evaluate, runner
from meva_core.contracts import hooks
from meva_core.errors import BadPlugin, BadValue, Remark, UnknownName
from meva_core.experiment import compose, evaluations, reading, resolve
from meva_core.experiment.experiment import DEFAULT, EvaluateSettings
from meva_core.registry import discovery, loading, recipes

KNOWN = discovery.installed()
OFFERS = KNOWN.of_kind("evaluation")
SMALL = {"evaluate.pairs": 2, "evaluate.steps": 3}


def without(name):
    return attrs.evolve(KNOWN, offers=tuple(o for o in KNOWN.offers if (o.kind, o.name) != ("evaluation", name)))


def resolved(known=KNOWN, game="ipd", overrides=None):
    return resolve.resolve(
        known, [recipes.shipped()], game=game, learner="naive", overrides={**SMALL, **(overrides or {})}
    )


# ---------------------------------------------------------------- one taken away


@pytest.mark.parametrize("gone", OFFERS, ids=lambda offer: offer.name)
def test_the_rest_works_without_an_evaluation(gone, monkeypatch):
    """Its entry is hidden, and its module cannot be imported; everything else is imported anew and composed."""
    known, module = without(gone.name), gone.entry.factory.partition(":")[0]
    package = module.partition(".")[0]
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    rest = {offer.name: loading.load(offer) for offer in known.of_kind("evaluation")}
    by_default = {offer.name for offer in OFFERS if offer.name in rest and rest[offer.name].by_default}
    for game in ("ipd", "logistic"):
        experiment = resolved(known, game)
        names = {choice.name for choice in experiment.evaluations}
        assert names == {name for name in by_default if gone.name not in below(rest, name)}
        plan = evaluate.plan(experiment, compose.compose(experiment))
        assert {question.name for question in plan.questions} <= names
        assert reading.from_plain(known, experiment.to_plain(), "here") == experiment
    for name in rest:
        if gone.name in below(rest, name):
            with pytest.raises(
                UnknownName, match=rf"expected evaluation {gone.name}, which {name} builds on, got none"
            ):
                resolved(known, overrides={"evaluate.asked": ["default", name]})


def below(classes, name):
    """Names of evaluations that one builds on, directly or through others; the last ones may be gone."""
    found = classes[name].builds_on if name in classes else ()
    return {*found, *(other for each in found for other in below(classes, each))}


def test_a_run_without_basins(monkeypatch):
    monkeypatch.setattr(runner, "plugins", lambda registry_file=None: (without("basins"), [recipes.shipped()]))
    few = {**SMALL, "evaluate.best_response.steps": 2, "evaluate.values": [0.0]}
    result = runner.run("logistic", "naive", set=few)
    assert list(result.evaluations) == ["best_response", "convergence"]
    assert "outcomes" in result.summary()["rows"][0]
    assert "shares of outcomes" in repr(result)


# ---------------------------------------------------------------- settings of those that do not run


def test_a_file_has_tables_of_evaluations_that_run():
    plain = resolved().to_plain()
    plain["evaluate"]["polytope"] = {"opponents": 3}
    with pytest.raises(BadValue, match=r"expected tables of .* run \(best_response, .*\), got \[evaluate.polytope\]"):
        reading.from_plain(KNOWN, plain, "here")
    plain["evaluate"]["asked"] = ["default", "polytope"]
    found = reading.from_plain(KNOWN, plain, "here")
    assert [choice.name for choice in found.evaluations][-1] == "polytope"


@pytest.mark.parametrize("asked", [["polytope"], ["default"], ["default", "polytope"], ["fixed_points"], []])
def test_a_file_that_was_written_is_read(asked):
    experiment = resolved(game="logistic", overrides={"evaluate.asked": asked})
    assert reading.from_plain(KNOWN, experiment.to_plain(), "here") == experiment


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[defaults]\nevaluate = { basin = { grid = 3 } }", "unknown evaluation 'basin' - did you mean 'basins'?"),
        ("[defaults]\nevaluate = { basin = { grid = 3 } }", "@ {file}: defaults.evaluate.basin"),
        ("[defaults]\nevaluate = { basins = { gird = 3 } }", "'gird' @ {file}: defaults.evaluate.basins"),
        ("[defaults]\nevaluate = { basins = { grid = 'x' } }", "got 'x' (str) @ {file}: defaults.evaluate.basins.grid"),
        ("[defaults]\nevaluate = { shaping = { against = 'naiv' } }", "@ {file}: defaults.evaluate.shaping"),
        ("[recipes.ipd.lola.mine.evaluate.polytop]", "@ {file}: recipes.ipd.lola.mine.evaluate.polytop"),
        ("[recipes.ipd.lola.mine.evaluate.polytope]\nn = 3", "'n' @ {file}: recipes.ipd.lola.mine.evaluate.polytope"),
        ("[recipes.ipd.lola.mine.evaluate]\npair = 3", "hyper-parameter {file}: recipes.ipd.lola.mine.evaluate.pair"),
        ("[recipes.ipd.lola.mine.evaluate]\ngrid = 3", "is now {file}: recipes.ipd.lola.mine.evaluate.basins.grid"),
    ],
)  # fmt: skip
def test_preferences_in_a_file_of_ones_own_are_checked(meva_run, tmp_path, text, said):
    (tmp_path / "own.toml").write_text(text)
    outcome = meva_run("--game", "ipd", "--learner", "naive", "--registry", tmp_path / "own.toml")
    (line,) = outcome.err.splitlines()
    assert outcome.code == 2
    assert said.format(file=tmp_path / "own.toml") in line


def test_preferences_for_evaluations_that_do_not_run_are_allowed(tmp_path):
    (tmp_path / "own.toml").write_text(
        "[defaults]\nevaluate = { polytope = { opponents = 3 }, best_response = { steps = 7 } }\n"
        "[recipes.ipd.naive.mine.evaluate]\nbasins = { grid = 3 }"
    )
    known, files = runner.plugins(tmp_path / "own.toml")
    found = resolve.resolve(known, files, game="ipd", learner="naive", recipe="mine")
    assert [choice.name for choice in found.evaluations] == [c.name for c in resolved().evaluations]
    assert next(c for c in found.evaluations if c.name == "best_response").settings["steps"] == 7


@pytest.mark.parametrize("name", ["basins", "meva_evaluations:basins"])
def test_an_evaluation_is_no_setting(name):
    with pytest.raises(BadValue, match=rf"expected evaluate.{name}.NAME, got 3: name one of its hyper-parameters"):
        resolved(overrides={f"evaluate.{name}": 3})
    with pytest.raises(BadValue, match=rf"expected evaluate.{name}.NAME, got 3: name one of its hyper-parameters"):
        resolved(overrides={f"evaluate.{name}": 3, f"evaluate.{name}.grid": 4})


# ---------------------------------------------------------------- two plugins, one name

FAIR = """
from meva_core.contracts import Entry, Evaluation, component, hookimpl, static


@hookimpl
def meva_evaluations():
    yield Entry("fairness", "MODULE:Fairness", "how far apart payoffs are")


@component
class Fairness(Evaluation):
    unit: float = static(default=1.0, doc="of payoffs")
    by_default = False
"""


@pytest.fixture
def two(fake_plugin):
    for name in ("fair", "just"):
        fake_plugin(name, FAIR.replace("MODULE", name))
    return discovery.installed()


def test_settings_may_leave_out_whose_evaluation_is_asked(two):
    asked = {"evaluate.asked": ["just:fairness"], "evaluate.fairness.unit": 2.0}
    experiment = resolved(two, overrides=asked)
    (choice,) = experiment.evaluations
    assert (choice.name, choice.offer.plugin, choice.settings["unit"]) == ("fairness", "just", 2.0)
    assert reading.from_plain(two, experiment.to_plain(), "here") == experiment
    again = resolve.revised(
        two, [recipes.shipped()], experiment, {"evaluate.fairness.unit": 3.0, "evaluate.asked": ["default", "fairness"]}
    )
    assert (again.evaluations[-1].offer.plugin, again.evaluations[-1].settings["unit"]) == ("just", 3.0)


def test_one_of_two_of_a_name_can_be_asked(two):
    with pytest.raises(BadValue, match=r"expected one evaluation called fairness, got .*:fairness and .*:fairness"):
        resolved(two, overrides={"evaluate.asked": ["just:fairness", "fair:fairness"]})


def test_one_that_is_asked_by_name_replaces_that_by_default(fake_plugin):
    code = FAIR.replace('"fairness"', '"convergence"')
    fake_plugin("fair", code.replace("MODULE", "fair"))
    known = discovery.installed()
    found = evaluations.running(known, ["default", "fair:convergence"], {})
    assert "fair:convergence" in found
    assert "meva_evaluations:convergence" not in found
    assert "meva_evaluations:convergence" in evaluations.running(known, ["default"], {})


def test_a_namesake_that_runs_by_default_does_not_stop_others(fake_plugin):
    """A bundled evaluation stays in default runs, and a file of before the installation reads as before."""
    before = resolved()
    code = FAIR.replace('"fairness"', '"best_response"').replace("by_default = False", "by_default = True")
    fake_plugin("fair", code.replace("MODULE", "fair"))
    known = discovery.installed()
    assert reading.from_plain(known, before.to_plain(), "here") == before
    with pytest.warns(Remark, match="fair:best_response does not run.* select it with --evaluate default,fair:best_re"):
        after = resolved(known)
    assert [choice.offer for choice in after.evaluations] == [choice.offer for choice in before.evaluations]
    own = resolved(known, overrides={"evaluate.asked": ["default", "fair:best_response"]})
    assert [choice.offer.plugin for choice in own.evaluations if choice.name == "best_response"] == ["fair"]


@pytest.mark.parametrize("asked", [["default"], ["fixed_points"], ["default", "fixed_points"]])
def test_a_namesake_of_what_one_builds_on_changes_nothing(fake_plugin, asked):
    """The stranger's evaluation has the name of one that others of the same bundled plugin build on."""
    fake_plugin("fair", FAIR.replace('"fairness"', '"basins"').replace("MODULE", "fair"))
    known = discovery.installed()
    experiment = resolved(known, "logistic", {"evaluate.asked": asked})
    assert experiment == resolved(game="logistic", overrides={"evaluate.asked": asked})
    assert reading.from_plain(known, experiment.to_plain(), "here") == experiment
    files = [recipes.shipped()]
    assert resolve.revised(known, files, experiment, {"evaluate.asked": asked}) == experiment
    evaluate.plan(experiment, compose.compose(experiment))


# ---------------------------------------------------------------- faults of classes and of names


def entry_of(name, module):
    """The code of a plugin with one entry; its class is in another module, which may be broken."""
    return (
        "from meva_core.contracts import Entry, hookimpl\n\n\n@hookimpl\ndef meva_evaluations():\n"
        f"    yield Entry({name!r}, '{module}:Fairness', 'how far apart payoffs are')\n"
    )


@pytest.mark.parametrize("fault", ["1 / 0", "Fairness.builds_on = 3"])
def test_a_broken_class_takes_with_it_only_what_builds_on_it(fake_plugin, tmp_path, fault):
    by_default = FAIR[FAIR.index("@component") :].replace("by_default = False", "by_default = True")
    head = "from meva_core.contracts import Evaluation, component, static\n"
    fake_plugin("lower", entry_of("lower", "lower_class"))
    fake_plugin("top", entry_of("top", "top_class"))
    (tmp_path / "site" / "lower_class.py").write_text(f"{head}{by_default}\n{fault}\n")
    (tmp_path / "site" / "top_class.py").write_text(f"{head}{by_default}\nFairness.builds_on = ('lower',)\n")
    known = discovery.installed()
    with pytest.warns(Remark) as remarks:
        experiment = resolved(known)
    assert [choice.name for choice in experiment.evaluations] == [choice.name for choice in resolved().evaluations]
    said = {str(remark.message).partition(";")[2] for remark in remarks}
    assert {"evaluation lower does not run", "evaluation top does not run"} <= {
        text.partition("until then ")[2] for text in said
    }
    with pytest.raises(BadPlugin, match="evaluation 'lower' of plugin 'lower'"):
        resolved(known, overrides={"evaluate.asked": ["top"]})
    for module in ("lower_class", "top_class"):
        sys.modules.pop(module, None)


RESERVED = [DEFAULT, *(field.name for field in attrs.fields(EvaluateSettings))]


def test_names_are_reserved_that_have_another_meaning():
    assert list(hooks.KINDS["evaluation"].reserved) == RESERVED


@pytest.mark.parametrize("name", RESERVED)
def test_a_plugin_with_a_reserved_name_is_left_out(fake_plugin, name):
    fake_plugin("fair", entry_of(name, "fair"))
    with pytest.warns(discovery.PluginWarning) as warned:
        known = discovery.installed()
    (message,) = {str(warning.message) for warning in warned}
    assert message.startswith("plugin 'fair' (meva-fair) is left out: ValueError: meva_evaluations must yield no name")
    assert message.endswith(f"got {name!r}")
    assert resolved(known) == resolved()


# ---------------------------------------------------------------- added later


@pytest.mark.parametrize("asked", [["best_response"], ["default"], ["shaping", "convergence"]])
@pytest.mark.parametrize(("game", "learner"), [("stag_hunt", "lola"), ("ipd", "meva")])
def test_an_evaluation_that_is_added_is_as_in_a_new_run(game, learner, asked):
    def run(names, **overrides):
        return resolve.resolve(
            KNOWN, files, game=game, learner=learner, overrides={"evaluate.asked": names, **SMALL, **overrides}
        )

    files = [recipes.shipped()]
    before = run(["convergence"])
    assert resolve.revised(KNOWN, files, before, {"evaluate.asked": asked}) == run(asked)
    changed = resolve.revised(KNOWN, files, before, {"evaluate.asked": asked, "evaluate.pairs": 5})
    assert changed == run(asked, **{"evaluate.pairs": 5})


def test_an_evaluation_that_stays_keeps_its_settings():
    files, rate = [recipes.shipped()], {"evaluate.best_response.rate": 0.5}
    before = resolved(overrides={"evaluate.asked": ["best_response"], **rate})
    after = resolve.revised(KNOWN, files, before, {"evaluate.asked": ["default"]})
    assert after == resolved(overrides={"evaluate.asked": ["default"], **rate})


def test_one_of_two_of_a_name_can_be_asked_again(two):
    overrides = {"evaluate.asked": ["just:fairness"]}
    experiment = resolved(two, overrides=overrides)
    for before in (experiment, resolved(two)):
        again = resolve.revised(two, [recipes.shipped()], before, overrides)
        assert again == experiment
        assert reading.from_plain(two, again.to_plain(), "here") == again


def test_the_advice_keeps_what_the_user_asked():
    asked = {"evaluate.asked": ["convergence"], "evaluate.best_response.rate": 1.0}
    with pytest.raises(BadValue, match=r"add it with --evaluate convergence,best_response$"):
        resolved(overrides=asked)
