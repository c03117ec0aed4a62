"""Identities: a folder resumes with the plugins of its first start, even if other plugins offer the same names."""

import json
import shutil
import tomllib
from typing import Any

import pytest

import meva_core as meva
from meva_core import runner
from meva_core.experiment import experiment as experiments
from meva_core.experiment import reading, resolve
from meva_core.registry import discovery, recipes
from meva_core.studies import jobs

pytestmark = pytest.mark.usefixtures("no_figures")

MEADOW = """
import jax
import jax.numpy as jnp
from meva_core.contracts import Entry, Game, Learner, Training, component, hookimpl, leaf, part, static


@hookimpl
def meva_games():
    yield Entry("meadow", "hawks:Meadow", "a game", bibtex="@misc{meadow, title = {Meadows}}")


@hookimpl
def meva_learners():
    yield Entry("naive", "hawks:Naive", "of a name that is ours", bibtex="@misc{hawks, title = {Hawks}}")


@component
class Meadow(Game):
    policy_size = 1
    symmetric = True

    def init(self, key):
        return jax.random.normal(key, (2, 1))

    def payoff(self, x):
        return -x[:, 0] ** 2

    def best_response(self, x, seat):
        return jnp.zeros((1, 1))


@component
class Practice(Training):
    num_steps = 3

    def init(self, key):
        return jax.random.normal(key)

    def step(self, state, key):
        return state / 2, {"loss": state}

    def params(self, state):
        return state


@component
class Naive(Learner):
    rate: float = leaf(default=0.5, doc="learning rate")
    gradient: str = static(default="plain", doc="as of ours")
    damping: float = leaf(default=0.01, doc="as of ours")
    training = Practice()

    def update(self, params, state, x, key):
        return -self.rate * x, state
"""
SMALL = ("--set", "evaluate.pairs=3", "--set", "evaluate.steps=2", "--set", "fit.chunk=1")
WHO = ("--game", "meadow", "--learner", "naive")


@pytest.fixture
def hawks(fake_plugin, tmp_path):
    """A plugin whose learner has the name of one of ours, and the registry file that settles who is meant."""
    site = fake_plugin("hawks", MEADOW)
    (tmp_path / "mine.toml").write_text('[plugins]\ndisabled = ["meva_gradient_rules"]\n')
    return site


@pytest.fixture
def begun(hawks, meva_run, tmp_path):
    outcome = meva_run(*WHO, *SMALL, "--registry", tmp_path / "mine.toml", "--out", tmp_path / "run", "--quiet")
    assert outcome.code == 0, outcome.err
    return tmp_path / "run"


def update(site, version):
    """Change the metadata in the way that pip does when it installs another version."""
    metadata = site / "meva_hawks-1.0.dist-info" / "METADATA"
    metadata.write_text(metadata.read_text().replace("Version: 1.0", f"Version: {version}"))
    discovery.installed.cache_clear()


def hash_in(folder):
    return json.loads((folder / "summary.json").read_text())["hash"]


def test_a_run_goes_on_with_whom_a_registry_file_settled(begun, meva_run, meva_command, tmp_path):
    assert meva_run(*WHO, *SMALL, "--out", tmp_path / "other").err.startswith("error: learner 'naive' is offered by ")
    written = tomllib.loads((begun / "experiment.toml").read_text())
    origin = {"plugin": "hawks", "distribution": "meva-hawks", "version": "1.0"}
    assert (
        written["learner"]["from"]
        == written["game"]["from"]
        == written["evaluate"]["shaping"]["against_from"]
        == origin
    )
    assert "Hawks" in (begun / "report.html").read_text()
    cited = meva_command("cite", begun)
    assert (cited.code, cited.err) == (0, "")
    assert "@misc{hawks" in cited.out
    outcome = meva_run(begun / "experiment.toml", "--out", tmp_path / "again", "--quiet")
    assert (outcome.code, outcome.err) == (0, "")
    assert hash_in(tmp_path / "again") == hash_in(begun)
    (begun / "report.html").unlink()
    outcome = meva_run("--resume", begun, "--set", "evaluate.steps=3", "--quiet")
    assert (outcome.code, outcome.err) == (0, "")
    assert "Hawks" in (begun / "report.html").read_text()
    outcome = meva_command("verify", begun)
    assert (outcome.code, outcome.err) == (0, "")
    *_, (loops, last) = meva.snapshots(begun)
    assert (loops, type(last.players[0].learner).__module__) == (3, "hawks")


def test_a_tournament_is_cited_by_its_registry_file(hawks, meva_command, tmp_path):
    asked = ("--game", "meadow", "--learners", "naive", "--trials", 2, "--steps", 2, "--seeds", 1)
    files = ("--registry", tmp_path / "mine.toml", "--out", tmp_path / "all")
    assert meva_command("tournament", *asked, *files, "--quiet").code == 0
    assert "Hawks" in (tmp_path / "all" / "report.html").read_text()
    cited = meva_command("cite", tmp_path / "all")
    assert (cited.code, cited.err) == (0, "")
    assert "@misc{hawks" in cited.out


def test_another_version_is_another_experiment_and_goes_on_with_a_warning(
    hawks, begun, meva_run, meva_command, tmp_path
):
    update(hawks, "1.1")
    outcome = meva_command("verify", begun, "--quiet")
    assert outcome.code == 0
    assert (
        outcome.err
        == f"warning: {begun} was made with other versions, so its code may differ: meva-hawks 1.1 (was 1.0)\n"
    )
    outcome = meva_run("--resume", begun, "--quiet")
    assert outcome.code == 0
    assert "may round differently here: meva-hawks 1.1 (was 1.0)\n" in outcome.err
    assert outcome.err.count("\n") == 1
    was = hash_in(begun)
    outcome = meva_run(begun / "experiment.toml", "--out", tmp_path / "again", "--quiet")
    assert (outcome.code, outcome.err) == (0, "")
    assert tomllib.loads((tmp_path / "again" / "experiment.toml").read_text())["learner"]["from"]["version"] == "1.1"
    assert hash_in(tmp_path / "again") != was
    assert not jobs.finished(begun, hash_in(tmp_path / "again"))


@pytest.mark.parametrize(
    ("lose", "said"),
    [
        (lambda site, monkeypatch: shutil.rmtree(site), "which is not installed: install meva-hawks"),
        (lambda site, monkeypatch: monkeypatch.setenv("MEVA_BLOCK", "hawks"), "which is left out: switched off"),
    ],
)
def test_a_plugin_that_is_not_there_any_more(lose, said, hawks, begun, meva_run, meva_command, monkeypatch):
    papers = (begun / "references.bib").read_text()
    lose(hawks, monkeypatch)
    discovery.installed.cache_clear()
    assert meva_command("cite", begun).out == papers
    assert meva_command("report", begun).code == 0
    assert "@misc{hawks" in (begun / "report.html").read_text()
    (begun / "references.bib").unlink()
    for outcome in (
        meva_command("verify", begun),
        meva_command("cite", begun),
        meva_run("--resume", begun),
        meva_run(begun / "experiment.toml"),
    ):
        assert (outcome.code, outcome.err.count("\n")) == (2, 1)
        assert outcome.err.startswith("error: expected ")
        assert f" of plugin 'hawks' (meva-hawks 1.0), {said}" in outcome.err


def written_before(plain) -> Any:
    """An experiment's tables as the version before wrote them."""
    if isinstance(plain, list):
        return [written_before(each) for each in plain]
    if not isinstance(plain, dict):
        return plain
    return {key: written_before(value) for key, value in plain.items() if key not in ("from", "against_from")}


def resolved():
    overrides = {"evaluate.pairs": 3, "evaluate.steps": 2, "fit.chunk": 1}
    known = discovery.load(["meva_gradient_rules"])
    return resolve.resolve(known, [recipes.shipped()], game="meadow", learner="naive", overrides=overrides)


def test_a_folder_of_the_version_before(hawks, meva_run, meva_command, monkeypatch, tmp_path):
    plain = written_before(resolved().to_plain())
    known = discovery.load(["meva_gradient_rules"])
    before, out = reading.from_plain(known, plain, "before"), tmp_path / "run"
    assert before.hash == experiments.hash_of(plain)
    runner.run_experiment(before, out=out)
    assert "from" not in tomllib.loads((out / "experiment.toml").read_text())["learner"]
    for outcome in (meva_command("verify", out), meva_run("--resume", out), meva_run(out / "experiment.toml")):
        assert (outcome.code, outcome.err.count("\n")) == (2, 1)
        assert outcome.err.startswith("error: learner 'naive' is offered by 'hawks' (meva-hawks) and ")
    monkeypatch.setenv("MEVA_BLOCK", "meva_gradient_rules")
    discovery.installed.cache_clear()
    for outcome in (meva_run("--resume", out, "--quiet"), meva_command("verify", out)):
        assert (outcome.code, outcome.err) == (0, "")
    assert hash_in(out) == before.hash
    outcome = meva_run(out / "experiment.toml", "--out", tmp_path / "again", "--quiet")
    assert (outcome.code, outcome.err) == (0, "")
    assert hash_in(tmp_path / "again") == resolved().hash != before.hash


def test_two_plugins_never_share_a_hash(hawks):
    known = discovery.installed()
    chosen = {"learner.rate": 1.0, "evaluate.shaping.against": "lola", "evaluate.best_response.rate": 1.0}
    ours, theirs = (
        resolve.resolve(known, [recipes.shipped()], game="ipd", learner=f"{plugin}:naive", overrides=chosen)
        for plugin in ("meva_gradient_rules", "hawks")
    )
    assert written_before(ours.to_plain()) == written_before(theirs.to_plain())
    assert ours.hash != theirs.hash
    assert ours.fit_hash != theirs.fit_hash
    again = [reading.from_plain(known, each.to_plain(), "there and back") for each in (ours, theirs)]
    assert again == [ours, theirs]


def test_who_is_shaped_is_meant_too(hawks):
    known = discovery.installed()
    ours, theirs = (
        resolve.resolve(
            known,
            [recipes.shipped()],
            game="ipd",
            learner="lola",
            overrides={"evaluate.shaping.against": f"{plugin}:naive"},
        )
        for plugin in ("meva_gradient_rules", "hawks")
    )
    assert ours.evaluations[0] == theirs.evaluations[0]
    assert ours.hash != theirs.hash
    assert ours.fit_hash == theirs.fit_hash
    assert resolve.revised(known, [recipes.shipped()], ours, {"evaluate.shaping.against": "hawks:naive"}) == theirs


def test_another_version_never_shares_a_hash(hawks):
    before = resolved()
    update(hawks, "1.1")
    after = resolved()
    assert written_before(before.to_plain()) == written_before(after.to_plain())
    assert before.hash != after.hash
    assert before.fit_hash != after.fit_hash


def test_by_hand_a_file_may_name_the_plugin_alone(hawks):
    plain = written_before(resolved().to_plain())
    plain["learner"]["from"] = {"plugin": "hawks"}
    plain["evaluate"]["shaping"]["against_from"] = {"distribution": "meva"}
    found = reading.from_plain(discovery.installed(), plain, "here")
    assert str(found.learner.origin) == "plugin 'hawks' (meva-hawks 1.0)"
    (against,) = (choice.named["against"] for choice in found.evaluations if "against" in choice.named)
    assert against.origin is not None
    assert against.origin.plugin == "meva_gradient_rules"
