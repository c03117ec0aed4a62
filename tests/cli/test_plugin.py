"""`meva plugin`: list, check and new."""

import importlib
import importlib.metadata
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import meva_core as meva
from meva_core.contracts import hooks
from meva_core.registry import checks as contract
from meva_core.registry import discovery
from meva_core.testing import installed

KINDS = (*hooks.KINDS, *hooks.FORMS)
HEAD = "from meva_core.contracts import Entry, hookimpl\n\n\n"
GAME = """
import jax
import jax.numpy as jnp
from meva_core.contracts import Entry, Game, component, hookimpl


@hookimpl
def meva_games():
    yield Entry("fine", "mixed:Fine", "a game")
    yield Entry("unequal", "mixed:Unequal", "not what it says")
    yield Entry("raising", "mixed:Raising", "raises")
    yield Entry("hollow", "mixed:Nosuch", "is not there")


@component
class Fine(Game):
    policy_size = 1
    symmetric = True

    def init(self, key):
        return jax.random.normal(key, (2, 1))

    def payoff(self, x):
        return -(x[:, 0] ** 2)


@component
class Unequal(Fine):
    def payoff(self, x):
        return x[:, 0] * jnp.array([1.0, 2.0])


@component
class Raising(Fine):
    def payoff(self, x):
        raise RuntimeError("no\\nluck")
"""


CARELESS = """
from typing import Any

import jax.numpy as jnp
from meva_core.contracts import Entry, Learner, Sampled, ValueModel, component, hookimpl, leaf, part, payoff_from
from meva_core.ops import simultaneous_gradient


@hookimpl
def meva_learners():
    yield Entry("climb", "careless:Climb", "an ascent")


@hookimpl
def meva_value_models():
    yield Entry("mean", "careless:Mean", "a number for each player")


@component
class Climb(Learner):
    game: Any = part()
    rate: float = leaf(default=1.0, doc="learning rate")
    learns_from = "sample"

    def update(self, params, state, x, key):
        payoff = self.game.estimate if isinstance(self.game, Sampled) else payoff_from(self.game, key)
        return self.rate * simultaneous_gradient(payoff, x), state


@component
class Mean(ValueModel):
    game: Any = part()
    num_features = 1

    def init(self, key):
        return jnp.ones(4)

    def features(self, params, x, others, condition):
        seen = jnp.mean(x * jnp.sum(others, axis=0), axis=1, keepdims=True)
        return seen[0] if isinstance(self.game, Sampled) else seen

    def head(self, params, features):
        return features * params
"""


@pytest.fixture
def new(meva_command, tmp_path, monkeypatch):
    """`new("my_game", "game")`: the folder, after `meva plugin new`, with the plugin as pip would leave it."""
    monkeypatch.chdir(tmp_path)
    modules = []

    def write(name, kind):
        outcome = meva_command("plugin", "new", name, "--kind", kind)
        assert (outcome.code, outcome.err) == (0, "")
        module = name.replace("-", "_")
        folder = tmp_path / module
        project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
        info = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: 1.0\n")
        points = project["entry-points"]["meva"]
        (info / "entry_points.txt").write_text("[meva]\n" + "\n".join(f"{k} = {v}" for k, v in points.items()))
        monkeypatch.syspath_prepend(folder)
        importlib.invalidate_caches()
        discovery.installed.cache_clear()
        modules.extend([module, f"test_{module}"])
        return folder

    yield write
    for module in modules:
        sys.modules.pop(module, None)
    discovery.installed.cache_clear()


# ---------------------------------------------------------------- list


def test_list_says_what_each_offers_or_why_it_is_left_out(fake_plugin, meva_command, monkeypatch):
    fake_plugin("two_games", HEAD + "@hookimpl\ndef meva_games():\n"
                "    yield Entry('a', 'b:C', 'a')\n    yield Entry('b', 'b:C', 'b')\n")  # fmt: skip
    fake_plugin("broken", "1 / 0")
    fake_plugin("empty", "")
    fake_plugin("unwanted", "")
    monkeypatch.setenv("MEVA_BLOCK", "unwanted")
    outcome = meva_command("plugin", "list")
    assert outcome.code == 0
    told = dict(zip(outcome.lines[::2], outcome.lines[1::2], strict=True))
    assert told["two_games  (meva-two-games 1.0)"] == "  2 games"
    assert told["broken  (meva-broken 1.0)"] == "  ZeroDivisionError: division by zero"
    assert told["empty  (meva-empty 1.0)"] == "  nothing"
    assert told["unwanted  (meva-unwanted 1.0)"] == "  switched off (MEVA_BLOCK, or disabled in a registry file)"
    assert told[f"meva_value_networks  (meva {importlib.metadata.version('meva')})"] == "  2 value models"
    assert max(map(len, outcome.lines)) <= 80


# ---------------------------------------------------------------- check


def test_check_says_line_by_line_what_passes_and_what_fails(fake_plugin, meva_command):
    fake_plugin("mixed", GAME)
    outcome = meva_command("plugin", "check", "mixed")
    assert (outcome.code, outcome.err) == (1, "")
    fine, unequal, raising, hollow, count = outcome.lines
    assert re.fullmatch(r"ok  game fine \(\d+\.\d s\)", fine)
    assert unequal.startswith("FAILED  game unequal: ")
    assert "symmetric: expected payoff(x[p]) == payoff(x)[p]" in unequal
    assert raising == "FAILED  game raising: RuntimeError: no luck"
    assert hollow.startswith("FAILED  game hollow: cannot be imported from 'mixed:Nosuch'")
    assert count == "1 of 4 keep their contracts"


@pytest.mark.parametrize("name", ["fine", "mixed:fine"])
def test_check_one_entry(fake_plugin, meva_command, name):
    fake_plugin("mixed", GAME)
    outcome = meva_command("plugin", "check", name, name)
    assert outcome.code == 0
    assert outcome.lines[1:] == ["1 of 1 keep their contracts"]


def test_check_a_distribution_and_what_is_left_out(fake_plugin, meva_command):
    fake_plugin("broken", "1 / 0")
    outcome = meva_command("plugin", "check", "meva-broken", "gaussian_step")
    assert outcome.code == 1
    assert outcome.lines[0] == "FAILED  plugin 'broken' (meva-broken): ZeroDivisionError: division by zero"
    assert outcome.lines[1].startswith("ok  explorer gaussian_step")
    assert outcome.lines[2] == "1 of 2 keep their contracts"


def test_check_a_learner_on_games_that_are_named(meva_command):
    outcome = meva_command("plugin", "check", "naive", "--game", "logistic")
    assert outcome.code == 0
    assert outcome.lines[0].startswith("ok  learner naive on logistic (")


def test_check_finds_what_is_wrong_in_episodes_only(fake_plugin, meva_command):
    fake_plugin("careless", CARELESS)
    known, exact = discovery.installed(), meva.make("game", "chicken")
    climb, mean = known.find("learner", "climb"), known.find("value_model", "mean")
    contract.learner(climb, installed.learner(known, climb, exact), exact)  # right where payoffs are exact
    contract.parts({"model": mean}, {"model": installed.builder(mean, game=exact)}, exact)
    outcome = meva_command("plugin", "check", "careless")
    assert (outcome.code, outcome.err) == (1, "")
    learner, model, count = outcome.lines
    where = r"in episodes of public_goods: "
    assert re.match(rf"FAILED  learner climb: {where}update\(params, state, x, key\) raises AttributeError: ", learner)
    assert re.match(rf"FAILED  value model mean: {where}features\(.*\): expected float32\[3,1\], got float32", model)
    assert count == "0 of 2 keep their contracts"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["check", "naiv"], "unknown entry, plugin or distribution 'naiv' - did you mean 'naive'?"),
        (["check", "meva_game"], "did you mean 'meva_games'?"),
        (["check", "naive", "--game", "logistik"], "unknown game 'logistik' - did you mean 'logistic'?"),
        (["check"], "Missing argument 'NAME...'"),
        (["new", "a b", "--kind", "game"], "that a Python module can have, got 'a b'"),
        (["new", "1st", "--kind", "game"], "that a Python module can have, got '1st'"),
        (["new", "class", "--kind", "game"], "that a Python module can have, got 'class'"),
        (["new", "../up", "--kind", "game"], "that a Python module can have, got '../up'"),
        (["new", "json", "--kind", "game"], "a name that no installed module has, got 'json'"),
        (
            ["new", "ipd", "--kind", "game"],
            "a name that no installed entry or plugin has, got 'ipd': see meva list game",
        ),
        (["new", "meva-games", "--kind", "learner"], "a name that no installed entry or plugin has, got 'meva-games'"),
        (["new", "value_model", "--kind", "value_model"], "a name that is not one of a contract"),
        (["new", "mine", "--kind", "gam"], "unknown kind 'gam' - did you mean 'game'?"),
        (["new", "mine", "--kind", "game", "--out", "full"], "expected a new or empty folder to write to, got full"),
        (["new", "mine"], "Missing option '--kind'"),
    ],
)
def test_bad_input(meva_command, tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "something").touch()
    outcome = meva_command("plugin", *arguments)
    assert outcome.code == 2
    [line] = outcome.err.replace("\n\t", " ").splitlines()
    assert line.startswith("error: ")
    assert said in line
    assert [path.name for path in tmp_path.rglob("*")] == ["full", "something"]


# ---------------------------------------------------------------- new

# The kinds that most people write, and two that cost nothing.
IN_CI = ("game", "learner", "evaluation", "logger", "executor")


@pytest.mark.parametrize("kind", [pytest.param(kind, marks=[pytest.mark.long] * (kind not in IN_CI)) for kind in KINDS])
def test_what_is_written_keeps_its_contract_and_passes_its_own_tests(kind, new, meva_command):
    folder = new(f"my-{kind}", kind)
    assert {path.name for path in folder.iterdir()} >= {"pyproject.toml", f"my_{kind}.py", f"test_my_{kind}.py"}
    outcome = meva_command("plugin", "check", f"my_{kind}")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.lines[-1] == "1 of 1 keep their contracts"
    assert f"{hooks.kind_label(hooks.FORMS.get(kind) or kind)} my_{kind}" in outcome.lines[0]
    tests = importlib.import_module(f"test_my_{kind}")
    own = [function for name, function in vars(tests).items() if name.startswith("test_")]
    assert len(own) >= 2
    for function in own:
        [mark] = getattr(function, "pytestmark", [None])
        for value in [()] if mark is None else [(each,) for each in mark.args[1]]:
            function(*value)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_is_clean(kind, new):
    folder = new("a_name_of_some_length", kind)
    strict = Path(__file__).parents[2] / "pyproject.toml"
    for words in (
        ["check", "--config", strict],
        ["format", "--check", "--isolated"],
        ["format", "--check", "--config", strict],
    ):
        done = subprocess.run(["ruff", *words, folder], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
    text = "".join(path.read_text() for path in (folder / "pyproject.toml", *folder.glob("*.py")))
    assert "{" + "{" not in text
    assert "TODO" not in text


def test_what_is_written_says_for_which_contract(new):
    folder = new("mine", "game")
    assert f"MEVA_CONTRACT = {hooks.VERSION}" in (folder / "mine.py").read_text()


def test_new_says_what_comes_next_and_where(meva_command, tmp_path):
    outcome = meva_command("plugin", "new", "mine", "--kind", "game", "--out", tmp_path / "here")
    assert outcome.lines == [
        f"written to {tmp_path / 'here'}: pyproject.toml  mine.py  test_mine.py",
        "",
        "next:",
        f"  pip install -e {tmp_path / 'here'}",
        f"  pytest {tmp_path / 'here'}",
    ]
    assert meva_command("plugin", "new", "mine", "--kind", "game", "--out", tmp_path / "here").code == 2


def test_help_names_the_commands(meva_command):
    outcome = meva_command("plugin", "--help")
    assert all(command in outcome.out for command in ("list", "check", "new"))
