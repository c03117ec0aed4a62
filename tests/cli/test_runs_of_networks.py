"""`--policy`: runs, pages, files and tournaments of networks, on tiny runs."""

import json
import tomllib

import jax
import numpy as np
import pytest

import meva_core as meva
from meva_core import runner
from meva_core.experiment import compose, reading
from meva_core.studies import sweeps
from meva_core.studies.jobs import planned

SMALL = (
    "policy.width=4 learner.loops=3 fit.chunk=1 evaluate.pairs=4 evaluate.steps=3 evaluate.values=[0.95] "
    "evaluate.best_response.steps=2 evaluate.best_response.restarts=1"
)


def settings(text):
    return [part for each in text.split() for part in ("--set", each)]


@pytest.fixture(scope="module")
def run(toy, tmp_path_factory, meva_run):
    folder = tmp_path_factory.mktemp("policies") / "run"
    outcome = meva_run("--game", "ipd", "--learner", "toy", "--policy", "mlp", *settings(SMALL), "--out", folder)
    assert outcome.code == 0, outcome.err
    return folder, outcome


def test_the_screen_says_which_policies_play(run):
    _, outcome = run
    assert "  policy mlp" in outcome.lines


def test_files_have_the_numbers_of_networks_and_the_entries_of_the_game(run):
    """The summary and the page tell what a network does at the five states."""
    folder, _ = run
    with np.load(folder / "policies.npz") as arrays:
        policies, names = arrays["policies"], arrays["entries"].tolist()
    assert policies.shape == (1, 1, 4, 2, 5 * 4 + 4 + 4 + 1)
    assert names == list(meva.make("game", "ipd").entry_names)
    game = compose.played_game(reading.read(runner.plugins()[0], folder / "experiment.toml"))
    entries = np.asarray(jax.vmap(game.entries)(policies[0, 0]))
    summary = json.loads((folder / "summary.json").read_text())
    (row,) = summary["rows"]
    assert summary["policy"] == "mlp"
    assert "toy in self-play on ipd between mlp policies" in (folder / "report.html").read_text()
    told = [[seat[name]["mean"] for name in names] for seat in row["policies"]]
    np.testing.assert_allclose(told, entries.mean(axis=0), rtol=1e-4)
    assert all(name in (folder / "report.html").read_text() for name in names)
    assert "rumelhart1986learning" in (folder / "references.bib").read_text()


def test_a_fit_of_networks_resumes_and_verifies(run, meva_run, meva_command, tmp_path):
    folder, _ = run
    outcome = meva_command("verify", folder)
    assert (outcome.code, outcome.err) == (0, "")
    assert "equal bit by bit" in outcome.out
    shorter = settings(SMALL.replace("loops=3", "loops=2"))
    begun = meva_run("--game", "ipd", "--learner", "toy", "--policy", "mlp", *shorter, "--out", tmp_path / "run")
    assert begun.code == 0, begun.err
    outcome = meva_run("--resume", tmp_path / "run", "--set", "learner.loops=3")
    assert outcome.code == 0, outcome.err
    with np.load(folder / "policies.npz") as one, np.load(tmp_path / "run" / "policies.npz") as other:
        np.testing.assert_array_equal(one["policies"], other["policies"])
    outcome = meva_run("--resume", tmp_path / "run", "--set", "policy.width=8")
    assert outcome.code == 2
    assert "policy.width" in outcome.err


SMALL_FIT = (
    "policy.width=4 learner.loops=2 learner.trajectory=4 learner.stride=2 learner.batch_size=4 learner.quantiles=4 "
    "value_model.width=8 evaluate.pairs=2 evaluate.steps=2 evaluate.values=[0.95]"
)


def test_meta_values_of_what_networks_answer(meva_run, meva_command, tmp_path):
    """The value model by its option, and the recipe that has it."""
    given = ("--game", "ipd", "--learner", "meva", "--evaluate", "convergence", *settings(SMALL_FIT))
    model = ("--policy", "mlp", "--value-model", "fingerprint", *settings("learner.rate=2 value_model.blocks=0"))
    model += ("--recipe", "earlier", *settings("value_model.transform=tanh value_model.input_scale=0.5"))
    for name, choice in (("named", model), ("recipe", ("--recipe", "networks"))):
        outcome = meva_run(*given, *choice, "--out", tmp_path / name)
        assert outcome.code == 0, outcome.err
    first, second = (np.load(tmp_path / name / "policies.npz")["policies"] for name in ("named", "recipe"))
    np.testing.assert_array_equal(first, second)
    assert "harb2020policy" in (tmp_path / "named" / "references.bib").read_text()
    assert meva_command("verify", tmp_path / "named").code == 0


def test_tables_give_the_same_bits(meva_run, tmp_path):
    given = ("--game", "ipd", "--learner", "naive", *settings("evaluate.pairs=3 evaluate.steps=3"))
    asked = ("--evaluate", "convergence")
    for policy in ([], ["--policy", "table"]):
        outcome = meva_run(*given, *asked, *policy, "--out", tmp_path / f"run{len(policy)}")
        assert outcome.code == 0, outcome.err
    with np.load(tmp_path / "run0" / "policies.npz") as one, np.load(tmp_path / "run2" / "policies.npz") as other:
        assert set(one) == set(other)
        for name in one:
            np.testing.assert_array_equal(one[name], other[name])


def test_a_tournament_of_networks(meva_command, tmp_path):
    players = ("--game", "ipd", "--learners", "naive", "--policy", "mlp", "--set", "policy.width=4")
    outcome = meva_command("tournament", *players, "--trials", 2, "--steps", 2, "--out", tmp_path / "out")
    assert outcome.code == 0, outcome.err
    kept = tomllib.loads((tmp_path / "out" / "tournament.toml").read_text())["overrides"]
    assert kept == {"policy.name": "mlp", "policy.width": 4}
    assert "rumelhart1986learning" in meva_command("cite", tmp_path / "out").out
    scores = meva.tournament("ipd", ["naive"], policy="mlp", trials=2, steps=2, set={"policy.width": 4})
    with np.load(tmp_path / "out" / "matches" / "ipd--naive--naive.npz") as match:
        np.testing.assert_allclose(scores.payoffs[0, 0], match["payoffs"].mean(), rtol=1e-5)


SWEEP = """
game = "ipd"
learner = "naive"
set = { "policy.name" = "mlp", "evaluate.asked" = ["convergence"] }
[rank]
quantity = "self_play"
highest = true
[grid]
"policy.width" = [4, 8]
"""


def test_a_sweep_over_networks(tmp_path):
    (tmp_path / "mine.toml").write_text(SWEEP)
    jobs = planned(*runner.plugins(), sweeps.read(tmp_path / "mine.toml"), False, None)
    widths = {label: job.experiment.policy.settings["width"] for label, job in jobs.items()}  # type: ignore[union-attr]
    assert widths == {"width=4": 4, "width=8": 8}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["--learners", "naive,tit_for_tat", "--policy", "mlp"],
            "unknown learner 'tit_for_tat'",
        ),
        (["--learners", "naive,tit_for_tat", "--policy", "mlp"], "strategies of ipd are tables, got --policy mlp"),
        (["--learners", "naive", "--policy", "gru"], "it needs --sampled"),
        (["--learners", "naive", "--policy", "mlpp"], "unknown policy 'mlpp' - did you mean 'mlp'?"),
        (["--learners", "naive", "--set", "policy.width=4"], "expected --policy NAME with policy.width"),
    ],
)
def test_tournaments_that_cannot_be(meva_command, arguments, said):
    outcome = meva_command("tournament", "--game", "ipd", *arguments)
    assert outcome.code == 2
    (line,) = outcome.err.splitlines()
    assert said in line


def test_what_there_is_is_listed_and_shown(meva_command):
    listed = meva_command("list", "policies").out.split()
    assert {"conditioned", "conditioned_gru", "gru", "mlp", "preconditioned", "table"} <= set(listed)
    shown = meva_command("show", "policy", "mlp").out
    for said in ("width = 16", "layers = 1", "activation = 'tanh'", "output_scale = 1.0", "Rumelhart"):
        assert said in shown
    assert "observation_size" not in shown.partition("hyper-parameters")[2]
