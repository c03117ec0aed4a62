"""A learner's parts are whatever `part` fields it has, and are called as its author likes: from the composition to the
folder of a run, and back."""

import tomllib

import numpy as np
import pytest

import meva_core as meva
from meva_core.contracts import component, hooks, part
from meva_core.contracts.hyperparameters import part_kinds
from meva_core.errors import BadPlugin, BadValue
from meva_core.experiment import compose, drafts, resolve
from meva_core.experiment.parts import Builder
from meva_core.registry import discovery, recipes
from meva_core.registry.discovery import PluginWarning

pytestmark = pytest.mark.usefixtures("no_figures")

CODE = """
from typing import Any

import jax
import jax.numpy as jnp

from meva_core.contracts import Entry, Explorer, Game, Learner, Training, ValueModel
from meva_core.contracts import at_least, component, derived, hookimpl, leaf, part, positive, static


@hookimpl
def meva_games():
    yield Entry("bowl", "critics:Bowl", "a bowl to roll into")


@hookimpl
def meva_learners():
    yield Entry("judged", "critics:Judged", "judged by a critic")


@hookimpl
def meva_value_models():
    yield Entry("sum", "critics:Sum", "weighs the sum of all numbers")


@component
class Bowl(Game):
    policy_size = 1
    symmetric = True

    def init(self, key):
        return jnp.ones((2, 1))

    def payoff(self, x):
        return -jnp.sum(x**2, axis=1)

    def best_response(self, x, seat):
        return jnp.zeros((1, 1))


@component
class Sum(ValueModel):
    game: Game = part()
    outputs: int = static(default=1, doc="K")
    equivariant: bool | None = static(default=None, doc="alike for all")
    width: int = static(default=3, doc="H", check=at_least(1))

    @property
    def num_features(self):
        return self.width

    def init(self, key):
        return jnp.ones((self.width, self.outputs))

    def features(self, params, x, others, condition):
        return jnp.tile(jnp.sum(x + others, axis=1, keepdims=True), self.width)

    def head(self, params, features):
        return features @ params


@component
class Judging(Training):
    learner: Any = part()
    extended_by = "loops"

    @property
    def num_steps(self):
        return self.learner.loops

    def init(self, key):
        return self.learner.model.init(key)

    def step(self, state, key):
        return jax.tree.map(lambda leaf: 0.5 * leaf, state), {"loss": sum(map(jnp.sum, jax.tree.leaves(state)))}

    def params(self, state):
        return state


@component
class Judged(Learner):
    game: Game = part()
    critic: Any = part(kind="value_model", doc="who judges")
    first_explorer: Explorer = part(kind="explorer")
    rate: float = leaf(default=0.25, doc="learning rate", check=positive)
    loops: int = static(default=2, doc="of the fit")
    model: ValueModel = derived(lambda self: self.critic(outputs=2, conditions=0, equivariant=self.game.symmetric))

    @property
    def training(self):
        return Judging(learner=self)

    def update(self, params, state, x, key):
        value = self.model.head(params, self.model.features(params, x, x, jnp.zeros((2, 0))))
        return -self.rate * x * jnp.mean(value), state
"""
RECIPES = """
[recipes.bowl.judged.default]
source = "the test's own"
critic = { name = "sum" }
first_explorer = { name = "sign_flip", probability = 0.5 }
"""
SHORT = ("--set", "evaluate.pairs=2", "--set", "evaluate.steps=2", "--evaluate", "convergence")


@pytest.fixture
def judged(fake_plugin, tmp_path):
    """The plugin, installed, and a file with a recipe for it."""
    fake_plugin("critics", CODE)
    (tmp_path / "mine.toml").write_text(RECIPES)
    return tmp_path / "mine.toml"


def resolved(overrides=None, *, opponents=(), text=RECIPES):
    file = recipes.parse(tomllib.loads(text), "mine")
    return resolve.resolve(
        discovery.installed(),
        [recipes.shipped(), file],
        game="bowl",
        learner="judged",
        opponents=opponents,
        overrides=overrides or {},
    )


def test_a_critic_is_fitted_set_written_run_again_and_resumed(judged, meva_run, tmp_path):
    out, again = tmp_path / "out", tmp_path / "again"
    named = ("--game", "bowl", "--learner", "judged", "--registry", judged)
    outcome = meva_run(*named, "--set", "learner.critic.width=4", *SHORT, "--out", out)
    assert (outcome.code, outcome.err) == (0, "")
    assert "  critic sum\n  first explorer sign_flip\n" in outcome.out
    plain = tomllib.loads((out / "experiment.toml").read_text())
    assert plain["critic"]["width"] == 4
    assert plain["first_explorer"]["probability"] == 0.5
    policies = np.load(out / "policies.npz")["policies"]
    # By hand: 8 features of 2, weights of 1/4, so the value of x = 1 is 2 x 4 / 4 = 2, and x halves; then it is 1.
    assert np.allclose(policies, 0.375)
    outcome = meva_run(out / "experiment.toml", "--out", again)
    assert (outcome.code, outcome.err) == (0, "")
    assert np.array_equal(np.load(again / "policies.npz")["policies"], policies)
    assert meva_run("--resume", again, "--set", "learner.loops=3").code == 0
    assert not np.array_equal(np.load(again / "policies.npz")["policies"], policies)
    outcome = meva_run("--resume", again, "--set", "learner.critic.width=5")
    assert outcome.code == 2
    assert "critic.width = 5 (was 4)" in outcome.err


def test_a_part_goes_by_its_own_name(judged):
    found = resolved({"critic.width": 5, "opponent.critic.width": 7}, opponents=["judged"])
    assert list(found.learner.parts) == ["critic", "first_explorer"]
    assert [player.parts["critic"].settings["width"] for player in (found.learner, *found.opponents)] == [5, 7]
    labels = [player.label for player in compose.compose(found).players]
    assert labels == ["judged (critic.width=5)", "judged (critic.width=7)"]
    assert drafts.of_experiment(found).to_plain()["opponents"][0]["critic"]["width"] == 7
    assert resolved({"critic.width": 5}).fit_hash != resolved().fit_hash
    for path in ("value_model.width", "learner.explorer.name", "learner.critik.width"):
        with pytest.raises(BadValue, match=r"a part (value_model|explorer|critik), got .*: judged has none"):
            resolved({path: 1})


def test_a_part_has_the_default_of_its_kind(judged):
    found = resolved(text="[defaults]\nexplorer = 'noisy_network'")
    assert found.learner.parts["critic"].name == recipes.shipped().defaults["value_model"]
    assert found.learner.parts["first_explorer"].name == "noisy_network"


def test_a_part_is_shown_and_cited(judged, meva_command):
    shown = meva_command("show", "learner", "judged").out
    assert "parts\n  critic = paired_mlp  (value model)\n  first_explorer = none  (explorer)\n" in shown
    kinds = [choice.offer.kind for choice in resolved().participants]
    assert kinds[:4] == ["game", "learner", "value_model", "explorer"]


def test_parts_from_python(judged):
    found = meva.make("learner", "judged", game="bowl", critic={"name": "sum", "width": 6}, first_explorer="none")
    assert found.model.width == 6
    assert found.model.equivariant is True
    assert "model=Sum(outputs=2, equivariant=True, width=6)" in repr(found)
    assert isinstance(found.critic, Builder)
    ran = meva.run("bowl", found, set={"evaluate.pairs": 2, "evaluate.steps": 2}, evaluate=["convergence"])
    assert ran.experiment.learner.parts["critic"].settings["width"] == 6
    model, noise = type(found.model), type(found.first_explorer)
    ran = meva.run(
        "bowl",
        "judged",
        set={"critic.name": model, "learner.first_explorer.name": noise, "evaluate.pairs": 2, "evaluate.steps": 2},
        evaluate=["convergence"],
    )
    assert [part.name for part in ran.experiment.learner.parts.values()] == ["sum", "none"]


def test_all_that_a_kind_asks_is_said(judged):
    builder = meva.make("learner", "judged", game="bowl", critic="sum").critic
    assert builder(1, 0, False) == builder(outputs=1, conditions=0, equivariant=False)
    for arguments, named in (((1, 0), {}), ((1, 0, False, 3), {}), ((1, 0, False), {"width": 3})):
        with pytest.raises(TypeError, match="expected outputs, conditions, equivariant for critic, got 1"):
            builder(*arguments, **named)


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        ("critik = {}", "unknown key 'critik' - did you mean 'critic'"),
        ("critic = { name = 'sum', wdth = 3 }", "unknown hyper-parameter 'wdth' @ critic - did you mean 'width'"),
        ("critic = { name = 'sum', width = 0 }", "expected >= 1, got 0 @ critic.width"),
        ("critic = 3", "expected a table, got 3 @ mine: recipes.bowl.judged.default.critic"),
    ],
)
def test_a_recipe_s_sections_are_those_of_the_learner_s_parts(judged, recipe, said):
    with pytest.raises(BadValue) as caught:
        compose.compose(resolved(text=f"[recipes.bowl.judged.default]\n{recipe}")).rehearse()
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            'part(kind="value_modl")',
            "expected a kind of value_model, explorer, policy for part(kind=...), got 'value_modl'",
        ),
        ('part(kind="game")', "expected a kind of value_model, explorer, policy for part(kind=...), got 'game'"),
        ("part()", "expected parts of game, rivals, value_model, explorer, policy or part(kind=...), got critic"),
    ],
)
def test_a_part_says_a_kind_that_there_is(fake_plugin, line, said):
    fake_plugin("critics", CODE.replace('part(kind="value_model", doc="who judges")', line))
    with pytest.raises((BadPlugin, PluginWarning)) as caught:  # in the entry point's module, or in another
        resolved()
    assert said in str(caught.value)


@pytest.mark.parametrize("name", ["fits", "opponent", "schema"])
def test_a_part_s_name_means_nothing_else(fake_plugin, name):
    fake_plugin("critics", CODE.replace("critic: Any", f"{name}: Any").replace("self.critic(", f"self.{name}("))
    with pytest.raises(BadPlugin, match=f"expected a part name that has no other meaning .*, got {name}"):
        resolved(text="")


def test_the_kind_of_a_part_is_its_own_or_its_name_s():
    @component
    class Several:
        game: object = part()
        explorer: object = part()
        second: object = part(kind="explorer")
        weights: object = part(default=())

    assert part_kinds(Several) == {"explorer": "explorer", "second": "explorer"}


@pytest.mark.parametrize("name", hooks.KINDS)
def test_a_kind_is_one_row_of_one_table(name):
    """Its hook, its protocol and its template follow from it."""
    kind = hooks.KINDS[name]
    assert set(kind.allowed) <= set(kind.arguments)
    assert callable(getattr(hooks, kind.hook))
