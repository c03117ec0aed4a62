"""A stranger's file of recipes counts like ours: recipes, reproductions, claims and defaults, and a family's too."""

import numpy as np
import pytest

import meva_core as meva
from meva_core.contracts import hyperparameters
from meva_core.errors import BadPlugin
from meva_core.experiment import compose
from meva_core.experiment import resolve as resolving
from meva_core.registry import claims, discovery, loading, recipes
from meva_core.registry.discovery import PluginWarning
from meva_core.studies import jobs, measuring, reproductions

CODE = """
import jax
from meva_core.contracts import Entry, Game, Learner, component, hookimpl, leaf, part, positive

MEVA_RECIPES = "tugs:recipes.toml"

@component
class Tug(Game):
    discount: float = leaf(default=0.9, doc="of a round")

    policy_size = 1
    symmetric = True
    family = "iterated"
    payoff_scale = 10.0

    def init(self, key):
        return jax.random.normal(key, (2, 1))

    def payoff(self, x):
        return -((x[:, 0] - 1) ** 2)

    def to_logits(self, x):
        return x[:, :, None]

@component
class Puller(Learner):
    rate: float = leaf(default=0.5, doc="its rate", check=positive, per_payoff=True)
    explorer: object = part()

    def update(self, params, state, x, key):
        return 0 * x, state

@hookimpl
def meva_games():
    yield Entry("tug", "tugs:Tug", "pulls")

@hookimpl
def meva_learners():
    yield Entry("puller", "tugs:Puller", "pulls back")
"""
RECIPES = """
[defaults]
explorer = "sign_flip"

[recipes.ipd.lola.tuned]
source = "found by pulling"
learner = { rate = 3.0, look_ahead_rate = 2.0 }

[recipes.ipd.naive.default]
source = "a stranger's"
learner = { rate = 1000.0 }

[recipes.tug.sos.default]
source = "measured in ropes"
learner = { rate = 2.0 }

[recipes.iterated.puller.default]
source = "half a rope"

[claims.pulls]
says = "pulls as far as it can"
game = "tug"
learner = "sos"
holds = [{ quantity = "self_play", at_least = -1.0 }]

[reproductions.fake-figure]
title = "a rope"
source = "nobody"
[reproductions.fake-figure.runs]
lola = { game = "ipd", learner = "lola", recipe = "tuned" }
"""
SHIPPED = [recipes.shipped()]


@pytest.fixture
def tugs(fake_plugin):
    """Install the plugin with a file of recipes: `tugs(text)`."""

    def install(text=RECIPES, code=CODE):
        site = fake_plugin("tugs", "")
        (site / "tugs.py").unlink()
        (site / "tugs").mkdir()
        (site / "tugs" / "__init__.py").write_text(code)
        (site / "tugs" / "recipes.toml").write_text(text)

    return install


def resolve(game, learner, **more):
    return resolving.resolve(discovery.installed(), SHIPPED, game=game, learner=learner, **more)


def response_rate(found):
    """The rate at which best responses are looked for."""
    return next(choice.settings["rate"] for choice in found.evaluations if choice.name == "best_response")


def per_payoff(learner):
    """Names of a learner's hyper-parameters that are per payoff."""
    cls = loading.load(discovery.installed().find("learner", learner))
    return [h.name for h in hyperparameters.hyperparameters(cls) if h.per_payoff]


def explorer_of(choice):
    return choice.parts["explorer"].name


def test_a_recipe_of_a_plugin_that_takes_no_part_is_found_by_its_name(tugs):
    tugs()
    found = resolve("ipd", "lola", recipe="tuned")
    assert (found.learner.settings["rate"], found.learner.settings["look_ahead_rate"]) == (3.0, 2.0)
    assert (found.source, response_rate(found)) == ("found by pulling", 3.0)


@pytest.mark.parametrize("recipe", ["default", "tournament"])
def test_a_plugin_that_takes_no_part_changes_no_recipe(tugs, recipe):
    asked = {"opponents": ["lola"], "recipe": recipe, "or_default": True}
    before = resolve("ipd", "naive", **asked)
    tugs()
    assert resolve("ipd", "naive", **asked) == before


def test_show_lists_every_plugins_recipes_for_a_learner(tugs, meva_command):
    tugs()
    outcome = meva_command("show", "learner", "lola")
    assert (outcome.code, outcome.err) == (0, "")
    assert "  ipd tuned: found by pulling" in outcome.lines
    assert "  tug default: measured in ropes" in meva_command("show", "learner", "sos").lines


def test_a_plugins_reproductions_are_made_by_name(tugs, meva_command):
    tugs()
    assert "fake-figure" in meva_command("reproduce", "nosuch").err
    known = discovery.installed()
    asked = reproductions.find([*discovery.recipe_files(known), *SHIPPED], "fake-figure")
    (job,) = jobs.planned(known, SHIPPED, asked, True, None).values()
    assert isinstance(job, jobs.RunJob)
    assert job.experiment.learner.settings["rate"] == 3.0


def test_a_plugins_claims_are_counted_by_name(tugs, meva_command):
    tugs()
    assert "pulls" in meva_command("claims", "nosuch").err


def test_a_record_is_of_what_the_recipe_resolves_to(tugs):
    tugs()
    known = discovery.installed()
    claim = claims.find(discovery.recipe_files(known), "pulls")
    of = measuring.record_of(known, SHIPPED, claim)
    other = recipes.parse({"recipes": {"tug": {"sos": {"default": {"learner": {"rate": 3.0}}}}}}, "here")
    assert measuring.record_of(known, [*SHIPPED, other], claim) != of


def test_a_plugins_defaults_are_for_who_is_its_and_the_users_come_before_them(tugs):
    tugs()
    assert explorer_of(resolve("logistic", "cola", opponents=["puller"]).opponents[0]) == "sign_flip"
    assert explorer_of(resolve("logistic", "puller").learner) == "sign_flip"
    users = recipes.parse({"defaults": {"explorer": "gaussian_step"}}, "here")
    found = resolving.resolve(discovery.installed(), [*SHIPPED, users], game="tug", learner="puller")
    assert explorer_of(found.learner) == "gaussian_step"


LEARNERS = [offer.name for offer in discovery.installed().of_kind("learner")]
# Tug is neither played nor a game of few states, and what is fixed takes no steps.
ELSEWHERE = ("fixed", "best_response_shaping", "detective_shaping", "shaper")
STEPPING = [
    name
    for name in LEARNERS
    if name not in ELSEWHERE and loading.load(discovery.installed().find("learner", name)).learns_from != "episodes"
]


@pytest.mark.parametrize("learner", STEPPING)
def test_a_strangers_iterated_game_has_every_learner_at_its_own_scale(tugs, learner):
    tugs(RECIPES.replace("[recipes.tug.sos.default]", "[recipes.tug.sos.ropes]"))
    found = resolve("tug", learner)
    assert (found.learner.settings["rate"], response_rate(found)) == (10.0, 10.0)
    for name in per_payoff(learner):
        assert found.learner.settings.get(name, 10.0) == 10.0
    compose.compose(found).players[0].build()


DILEMMAS = """
from meva_core.contracts import Entry, below_one, component, finite, hookimpl, leaf
from meva_games.two_by_two import SymmetricTwoByTwo, Table

@component
class Dilemma(SymmetricTwoByTwo):
    table: Table = leaf(default=((1.0, 4.0), (0.0, 2.5)), doc="own payoffs, D before C", check=finite)
    discount: float = leaf(default=0.96, doc="of a round", check=below_one)

@component
class Tenfold(Dilemma):
    table: Table = leaf(default=((10.0, 40.0), (0.0, 25.0)), doc="own payoffs, D before C", check=finite)
    payoff_scale = 2.5

@hookimpl
def meva_games():
    yield Entry("dilemma", "dilemmas:Dilemma", "a dilemma")
    yield Entry("tenfold", "dilemmas:Tenfold", "the same with payoffs times 10")
"""


@pytest.mark.parametrize("learner", [name for name in LEARNERS if name != "lili"])  # which needs other policies
def test_a_strangers_iterated_game_is_learnt_in_the_unit_of_its_payoffs(fake_plugin, learner):
    """A game with payoffs times 10 says a tenth of the scale. Then all that is per payoff is a tenth, a network's unit
    is ten times as large, as the range of the game's own table, and everything else is the same."""
    fake_plugin("dilemmas", DILEMMAS)
    one, ten = (resolve(game, learner) for game in ("dilemma", "tenfold"))
    scaled = {name: pytest.approx(one.learner.settings[name] / 10) for name in per_payoff(learner)}
    assert ten.learner.settings == {**one.learner.settings, **scaled}
    assert ten.learner.parts == one.learner.parts
    composed = [compose.compose(found) for found in (one, ten)]
    assert [float(max(composition.game.payoff_range)) for composition in composed] == [4.0, 40.0]
    unit, larger = (getattr(composition.players[0].build(), "unit", None) for composition in composed)
    assert larger == (unit if unit is None else pytest.approx(10 * unit))


@pytest.mark.parametrize("learner", ["meva", "cola"])
def test_a_strangers_iterated_game_has_the_recipe_of_its_family(fake_plugin, learner):
    fake_plugin("dilemmas", DILEMMAS)
    found = resolve("dilemma", learner)
    assert found.source.startswith("ours: ")
    assert found.learner.settings["rate"] == response_rate(found) == 25.0


def test_what_a_family_s_recipe_leaves_to_the_class_is_at_the_game_s_scale_too(tugs):
    tugs()
    assert resolve("tug", "puller").learner.settings["rate"] == 5.0
    assert resolve("ipd", "puller").learner.settings["rate"] == 12.5
    assert response_rate(resolve("ultimatum", "puller")) == 0.5


def test_a_learner_says_what_its_steps_are_proportional_to(tugs):
    """Best responses begin at that number, whatever it is called; "rate" is what a learner need not say."""
    speed = CODE.replace("    rate: float", '    paced_by = "speed"\n    speed: float')
    tugs(code=speed)
    assert response_rate(resolve("tug", "puller")) == 5.0


def test_a_learner_may_be_paced_by_nothing(tugs):
    tugs(code=CODE.replace("    explorer:", "    paced_by = None\n    explorer:"))
    assert response_rate(resolve("tug", "puller")) == 1.0


def test_a_game_s_own_recipe_comes_before_its_family_s(tugs):
    tugs()
    assert resolve("tug", "sos").learner.settings["rate"] == 2.0


def test_a_strangers_iterated_game_runs_unasked(tugs):
    """-(x - 1)^2 is ten times too steep for rate 10: such a game says a smaller scale, and by hand half the way is left
    after every step at 0.25."""
    tugs(code=CODE.replace("payoff_scale = 10.0", "payoff_scale = 0.25"))
    found = meva.run("tug", "naive", set={"evaluate.pairs": 4, "evaluate.steps": 30})
    assert np.allclose(found.payoffs, 0.0, atol=1e-6)


BROKEN = {
    "no TOML": ("[recipes", "expected TOML in"),
    "layout": ("[recipes.tug.sos.default]\nlerner = {}", "unknown key 'lerner' - did you mean 'learner'"),
    "claim": ("[claims.pulls]\nsays = 'so'", "expected a list of tables [[claims.pulls.holds]]"),
    "plugins": ("[plugins]\ndisabled = ['meva_games']", "expected no plugins.disabled in a plugin's own recipe file"),
}


@pytest.mark.parametrize(("text", "said"), BROKEN.values(), ids=BROKEN)
def test_a_file_that_is_broken_is_one_warning_where_its_plugin_takes_no_part(tugs, meva_command, text, said):
    tugs(text)
    outcome = meva_command("show", "learner", "naive")
    assert outcome.code == 0
    (line,) = outcome.err.splitlines()
    assert line.startswith("warning: recipes of ")
    assert "(meva-tugs)" in line
    assert said in line


def test_a_file_that_is_broken_is_an_error_where_its_plugin_takes_part(tugs):
    tugs("[recipes")
    with pytest.raises(BadPlugin, match=r"game 'tug' of plugin 'tugs' \(meva-tugs\): its recipes: expected TOML"):
        resolve("tug", "naive")


@pytest.mark.parametrize(
    ("name", "line", "value"),
    [
        *(("family", 'family = "iterated"', value) for value in ("[3]", "3")),
        *(("payoff_scale", "payoff_scale = 10.0", value) for value in ("0", "True", "'25'", "float('nan')")),
        ("payoff_scale", "payoff_scale = 10.0", "property(lambda self: 25.0)"),
    ],
)
def test_what_recipes_ask_of_a_class_is_asked_of_a_strangers(tugs, name, line, value):
    tugs(code=CODE.replace(line, f"{name} = {value}"))
    with pytest.raises(BadPlugin, match=f"game 'tug' of plugin 'tugs' .*{name}: expected .*an attribute of the class"):
        resolve("tug", "naive")


def test_a_plugin_names_its_file_by_text(fake_plugin):
    fake_plugin("tugs", CODE.replace('"tugs:recipes.toml"', "3"))
    with pytest.warns(PluginWarning, match="expected MEVA_RECIPES = 'package:file', got 3"):
        assert not discovery.load().kinds_of("tug")
