"""`meva-run`, end to end, small: folders, numbers, resuming, what is shown.

Runs are shared: a module-scoped fixture makes each one once.
"""

import contextlib
import datetime
import errno
import importlib
import json
import os
import re
import shutil
import signal
import tomllib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import meva_core as meva
from meva_core import fitting, runner
from meva_core.cli.screen import Screen
from meva_core.compute.progress import Progress
from meva_core.experiment import compose, resolve
from meva_core.fitting import Divergence
from meva_core.registry import discovery, recipes
from meva_core.report.summary import statistic
from meva_core.storage import checkpoint, kept_fit, locks

run_module = importlib.import_module("meva_core.cli.run")

EVALUATION: dict[str, Any] = {"evaluate.pairs": 4, "evaluate.steps": 5}
SMALL: dict[str, Any] = {
    "learner.loops": 5,
    "learner.trajectory": 4,
    "learner.stride": 2,
    "learner.batch_size": 4,
    "learner.quantiles": 4,
    "learner.schedule": "constant",
    "value_model.width": 8,
    "value_model.blocks": 0,
    "fit.chunk": 1,
    "evaluate.values": [0.0, 0.95],
    **EVALUATION,
}
LOGISTIC = {**EVALUATION, "evaluate.basins.grid": 3, "evaluate.basins.steps": 4, "evaluate.best_response.steps": 3}
MEVA = ("--game", "ipd", "--learner", "meva")
# What is done around a fit looks at no number of MeVa's: a toy's compiles in a tenth of the time.
TOY = ("--game", "toy_hills", "--learner", "toy")
SMALL_TOY = {"learner.loops": 5, "fit.chunk": 1, "evaluate.best_response.steps": 3, **EVALUATION}


def arguments(settings):
    return [text for path, value in settings.items() for text in ("--set", f"{path}={value}")]


def summary(folder):
    return json.loads((folder / "summary.json").read_text())


def numbers(folder):
    """The part of the summary that is the same for equal experiments."""
    return {key: value for key, value in summary(folder).items() if key != "seconds"}


def policies(folder):
    with np.load(folder / "policies.npz") as file:
        return {name: file[name] for name in file.files}


def metrics(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def small_experiment(**more):
    overrides = SMALL | {f"learner.{name}": value for name, value in more.items()}
    return resolve.resolve(discovery.installed(), [recipes.shipped()], game="ipd", learner="meva", overrides=overrides)


def assert_same_results(folder, other):
    assert numbers(folder) == numbers(other)
    for name, array in policies(folder).items():
        np.testing.assert_array_equal(array, policies(other)[name])
        assert array.tobytes() == policies(other)[name].tobytes()


class Run:
    """A finished run: its outcome and folder."""

    def __init__(self, command, folder, *given):
        self.folder = folder
        self.outcome = command(*given, "--out", folder)
        assert self.outcome.code == 0, self.outcome.err


@pytest.fixture(scope="module")
def run(meva_run, tmp_path_factory):
    return Run(meva_run, tmp_path_factory.mktemp("runs") / "meva", *MEVA, *arguments(SMALL))


@pytest.fixture(scope="module")
def toy_run(toy, meva_run, tmp_path_factory):
    return Run(meva_run, tmp_path_factory.mktemp("runs") / "toy", *TOY, *arguments(SMALL_TOY))


@pytest.fixture(scope="module")
def basins_run(meva_run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "logistic"
    given = {**LOGISTIC, "evaluate.values": [0.0, 1.0]}
    return Run(meva_run, folder, "--game", "logistic", "--learner", "lola", *arguments(given))


@pytest.fixture(scope="module")
def rivals_run(meva_run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "rivals"
    given = {**LOGISTIC, **SMALL, "learner.loops": 1, "evaluate.values": [0.95]}
    given |= {"learner.formulation": "value", "learner.rollout_from": "start", "learner.stride": 4}
    return Run(meva_run, folder, "--game", "logistic", "--learner", "meva", "--opponent", "lola", *arguments(given))


@pytest.fixture(scope="module")
def naive():
    return meva.run("ipd", "naive", set=EVALUATION)


@pytest.fixture(scope="module")
def naive_on_logistic():
    return meva.run("logistic", "naive", set=LOGISTIC)


def test_the_folder_holds_what_was_promised(run):
    names = {path.name for path in run.folder.iterdir()}
    numbers = {"summary.json", "experiment.toml", "metrics.jsonl", "policies.npz", "checkpoints", "snapshots"}
    assert names == {"report.html", "references.bib", "figures", "seeds.csv", "statistics.csv", *numbers}
    figures = {path.name for path in (run.folder / "figures").iterdir()}
    assert figures == {f"{name}.{kind}" for name in ("payoffs", "learning_meva") for kind in ("png", "svg")}
    saved = {path.name for path in (run.folder / "checkpoints" / "learner").iterdir()}
    assert saved == {f"loop-{n:07d}.npz" for n in (3, 4, 5)}
    assert len(list((run.folder / "snapshots" / "learner").iterdir())) == 5  # of ten loops or more, ten
    assert all(path.stat().st_size > 0 for path in run.folder.rglob("*") if path.is_file())


def test_the_figures_are_pictures(run):
    assert (run.folder / "figures" / "payoffs.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (run.folder / "figures" / "payoffs.svg").read_text()


def test_the_experiment_is_resolved_with_versions_and_hash(run):
    plain = tomllib.loads((run.folder / "experiment.toml").read_text())
    assert plain["learner"]["loops"] == 5
    assert plain["learner"]["optimiser"] == "adam"
    assert plain["run"]["hash"] == summary(run.folder)["hash"] == small_experiment().hash
    assert {"meva", "jax", "numpy"} <= set(plain["run"]["versions"])


def test_metrics_have_a_line_per_loop(run):
    lines = metrics(run.folder)
    assert [(line["fit"], line["seed"], line["loop"]) for line in lines] == [("learner", 0, n) for n in range(5)]
    assert all(np.isfinite([line["loss"], line["td_error"], line["payoff"]]).all() for line in lines)


def test_the_summary_says_what_was_run(run):
    found = summary(run.folder)
    assert (found["game"], found["learner"], found["opponents"]) == ("ipd", "meva", [])
    assert (found["seeds"], found["diverged"]) == ([0], [])
    assert found["setting"] == {"name": "discount", "label": "meta-discount γ", "symbol": "γ", "own": 0.95}
    assert [row["value"] for row in found["rows"]] == [0.0, 0.95]
    (fit,) = found["fits"]
    assert (fit["learner"], fit["loops"]) == ("meva", 5)
    assert fit["final"]["loss"] == [pytest.approx(metrics(run.folder)[-1]["loss"])]


def test_the_summary_follows_from_the_policies(run):
    arrays = policies(run.folder)
    game = meva.make("game", "ipd")
    assert arrays["policies"].shape == (1, 2, 4, 2, 5)
    assert arrays["settings"].tolist() == [0.0, 0.95]
    assert arrays["seeds"].tolist() == [0]
    assert arrays["entries"].tolist() == list(game.entry_names)
    payoffs = np.array([[[game.payoff(x) for x in row] for row in seed] for seed in arrays["policies"]])
    np.testing.assert_allclose(arrays["payoffs"], payoffs, rtol=1e-4, atol=1e-5)
    for v, row in enumerate(summary(run.folder)["rows"]):
        samples = arrays["payoffs"][0, v].astype(np.float64)  # pairs, players
        for name, values in (("self_play", samples.mean(axis=1)), ("payoffs", samples)):
            found = row[name] if name == "self_play" else row[name][1]
            values = values if name == "self_play" else values[:, 1]
            assert found["over"] == "pairs"
            assert found["mean"] == pytest.approx(values.mean(), rel=1e-5)
            assert found["sem"] == pytest.approx(values.std(ddof=1) / np.sqrt(4), rel=1e-4)
            assert found["per_seed"] == [pytest.approx(values.mean(), rel=1e-5)]


def test_outcome_shares_add_up(run):
    for row in summary(run.folder)["rows"]:
        assert set(row["outcomes"]) == {"DD", "DC", "CD", "CC"}
        assert sum(share["mean"] for share in row["outcomes"].values()) == pytest.approx(1, abs=1e-4)
        assert 0 <= row["settled"] <= 1


def test_a_discount_of_0_is_naive_learning(run, naive):
    """With the same starts and rate, exactly so in the correction formulation."""
    np.testing.assert_allclose(policies(run.folder)["payoffs"][:, :1], naive.payoffs, rtol=1e-4, atol=1e-4)


def test_the_best_response_is_best(run):
    """A best response that replaces a player earns at least as much as the player."""
    for row in summary(run.folder)["rows"]:
        assert row["best_response"]["theirs"]["mean"] >= row["self_play"]["mean"] - 1e-3


def test_the_screen_shows_the_composition_the_tables_and_the_files(run):
    out = run.outcome.out
    for text in (
        "ipd: meva in all 2 seats (self-play)",
        "value model paired_mlp",
        "recipe default: ours",
        f"experiment {summary(run.folder)['hash']}",
        "loop 5/5 loss",
        "TD error",
        "self-play",
        "best response",
        "ours vs naive",
        "standard error",
        "summary.json",
        "policies.npz",
    ):
        assert text in " ".join(out.split()).replace("ours vs best", "best response ours vs naive")
    assert run.outcome.err == ""
    mean = summary(run.folder)["rows"][1]["self_play"]["mean"]
    assert re.search(rf"^0\.95 +{mean:.3f} ", out, re.MULTILINE)


def test_the_screen_fits_80_columns(run):
    shown = [line for line in run.outcome.lines if str(run.folder) not in line]
    assert max(map(len, shown)) <= 80


def test_tables_fit_80_columns(run, basins_run, rivals_run):
    for each in (run, basins_run, rivals_run):
        lines = each.outcome.lines
        first = [line.strip() for line in lines].index("payoffs")
        last = next(n for n, line in enumerate(lines) if "standard error" in line)
        assert max(map(len, lines[first:last])) <= 80


def test_running_it_again_gives_the_same_numbers(run, meva_run, tmp_path):
    outcome = meva_run(run.folder / "experiment.toml", "--out", tmp_path / "again", "--quiet")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")
    assert_same_results(tmp_path / "again", run.folder)
    assert (tmp_path / "again" / "experiment.toml").read_text() == (run.folder / "experiment.toml").read_text()
    assert metrics(tmp_path / "again") == metrics(run.folder)
    for figure in (run.folder / "figures").iterdir():
        assert figure.read_bytes() == (tmp_path / "again" / "figures" / figure.name).read_bytes()


def test_a_folder_that_is_not_empty_is_left_alone(toy_run, meva_run):
    before = {path: path.read_bytes() for path in toy_run.folder.rglob("*") if path.is_file()}
    outcome = meva_run(*TOY, "--out", toy_run.folder)
    assert outcome.code == 2
    assert outcome.err.startswith("error: expected a new or empty folder for --out, got ")
    assert "--resume" in outcome.err
    assert {path: path.read_bytes() for path in toy_run.folder.rglob("*") if path.is_file()} == before


def test_an_empty_folder_is_fine_and_the_default_is_a_new_one(meva_run, tmp_path, monkeypatch, no_figures):
    monkeypatch.chdir(tmp_path)
    given = ("--game", "ipd", "--learner", "naive", *arguments(EVALUATION))
    (tmp_path / "empty").mkdir()
    assert meva_run(*given, "--out", "empty").code == 0
    outcome = meva_run(*given)
    assert outcome.code == 0
    (found,) = (tmp_path / "runs").iterdir()
    assert re.fullmatch(r"ipd-naive-\d{8}-\d{6}", found.name)
    assert f"written to runs/{found.name}" in outcome.out
    assert not (tmp_path / "empty" / "metrics.jsonl").exists()
    assert numbers(tmp_path / "empty") == numbers(found)


def test_a_default_folder_is_always_a_new_one(tmp_path, monkeypatch):
    class Noon(datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(2026, 1, 2, 12, 0, 0)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run_module.datetime, "datetime", Noon)
    for name in ("ipd-meva-20260102-120000", "ipd-meva-20260102-120000-2", "ipd-meva-20260102-120000-3"):
        folder = run_module._new_folder(small_experiment())
        assert str(folder) == f"runs/{name}"
        folder.mkdir(parents=True)


@pytest.fixture
def no_figures(monkeypatch):
    """Runs of this test draw no figures; other tests of this file look at them."""
    monkeypatch.setattr("meva_core.report.figures.draw", lambda *given: [])


class StopAt(Progress):
    """Ctrl-C while the screen draws."""

    def __init__(self, loops):
        self.loops = loops

    def chunk(self, chunk):
        if chunk.loops == self.loops:
            raise KeyboardInterrupt


def interrupted(folder, after, **more):
    with pytest.raises(KeyboardInterrupt):
        runner.run_experiment(small_experiment(**more), out=folder, progress=StopAt(after))
    return folder


def test_resuming_ends_as_if_never_stopped(run, meva_run, tmp_path, no_figures):
    folder = interrupted(tmp_path / "stopped", 3)
    assert not (folder / "summary.json").exists()
    outcome = meva_run("--resume", folder)
    assert outcome.code == 0, outcome.err
    assert "resumed at loop" in outcome.out
    assert metrics(folder) == metrics(run.folder)
    assert_same_results(folder, run.folder)


def test_resuming_after_a_crash_before_any_checkpoint(toy_run, meva_run, tmp_path, no_figures):
    """Killed, not interrupted: metrics were written, a checkpoint was not."""
    folder = tmp_path / "crashed"
    shutil.copytree(toy_run.folder, folder, ignore=shutil.ignore_patterns("checkpoints", "summary.json", "*.npz"))
    assert meva_run("--resume", folder, "--quiet").code == 0
    assert metrics(folder) == metrics(toy_run.folder)
    assert_same_results(folder, toy_run.folder)


def test_resuming_after_a_crash_while_writing(toy_run, meva_run, tmp_path, no_figures):
    """The last checkpoint is damaged, another half written, and so is a line of metrics; that of loop 4 is too many."""
    folder = tmp_path / "crashed"
    shutil.copytree(toy_run.folder, folder)
    (folder / "checkpoints" / "learner" / "loop-0000005.npz").write_text("damaged")
    (folder / "checkpoints" / "learner" / "loop-0000004.npz").unlink()
    (folder / "checkpoints" / "learner" / "loop-0000006.partial").write_bytes(b"half")
    (folder / "metrics.jsonl").write_text((folder / "metrics.jsonl").read_text()[:-20])
    outcome = meva_run("--resume", folder)
    assert outcome.code == 0
    assert "resumed at loop 3" in outcome.out
    (warning,) = outcome.err.splitlines()
    assert warning.startswith("warning: expected a whole file as MeVa writes it, got a damaged or foreign file: ")
    assert warning.endswith("loop-0000005.npz; the previous checkpoint is used")
    assert metrics(folder) == metrics(toy_run.folder)
    assert_same_results(folder, toy_run.folder)
    assert not list(folder.rglob("*.partial"))


def test_resuming_a_finished_run_changes_nothing(toy_run, meva_run, tmp_path, no_figures):
    folder = tmp_path / "finished"
    shutil.copytree(toy_run.folder, folder)
    assert meva_run("--resume", folder, "--quiet").code == 0
    assert metrics(folder) == metrics(toy_run.folder)
    assert_same_results(folder, toy_run.folder)


def test_resuming_another_experiment_is_refused(run, meva_run, tmp_path):
    folder = tmp_path / "edited"
    shutil.copytree(run.folder, folder)
    path = folder / "experiment.toml"
    path.write_text(path.read_text().replace("rate = 25.0", "rate = 24.0").replace("width = 8", "width = 9"))
    outcome = meva_run("--resume", folder)
    assert outcome.code == 2
    assert outcome.err == (
        f"error: expected the hyper-parameters with which the fit in {folder} was started, got learner.rate = 24.0 "
        "(was 25.0), value_model.width = 9 (was 8): restore them, or start a new run; only learner.loops may be "
        "raised\n"
    )
    assert len(list((folder / "checkpoints" / "learner").iterdir())) == 3


def test_resuming_without_metrics_goes_on(toy_run, meva_run, tmp_path, no_figures):
    folder = tmp_path / "no-metrics"
    shutil.copytree(toy_run.folder, folder)
    (folder / "metrics.jsonl").unlink()
    outcome = meva_run("--resume", folder)
    (warning,) = outcome.err.splitlines()
    assert outcome.code == 0
    assert warning.startswith(f"warning: 5 lines of {folder / 'metrics.jsonl'} are missing or damaged")
    assert policies(folder)["policies"].tobytes() == policies(toy_run.folder)["policies"].tobytes()
    assert summary(folder)["diverged"] == []


def test_resuming_for_longer_ends_as_if_it_had_been_asked_at_once(toy_run, meva_run, tmp_path, no_figures):
    longer = {**SMALL_TOY, "learner.loops": 7}
    assert meva_run(*TOY, *arguments(longer), "--out", tmp_path / "at-once", "--quiet").code == 0
    shutil.copytree(toy_run.folder, tmp_path / "resumed")
    outcome = meva_run("--resume", tmp_path / "resumed", "--set", "learner.loops=7", "--quiet")
    assert (outcome.code, outcome.err) == (0, "")
    assert metrics(tmp_path / "resumed") == metrics(tmp_path / "at-once")
    assert_same_results(tmp_path / "resumed", tmp_path / "at-once")
    written = [(tmp_path / name / "experiment.toml").read_text() for name in ("resumed", "at-once")]
    assert written[0] == written[1]


def test_resuming_with_another_evaluation(toy_run, meva_run, tmp_path, no_figures):
    shutil.copytree(toy_run.folder, tmp_path / "resumed")
    outcome = meva_run("--resume", tmp_path / "resumed", "--set", "evaluate.pairs=3", "--quiet")
    assert (outcome.code, outcome.err) == (0, "")
    assert policies(tmp_path / "resumed")["payoffs"].shape == (1, 2, 3, 2)
    assert metrics(tmp_path / "resumed") == metrics(toy_run.folder)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("learner.loops=4", "got learner.loops = 4 (was 5): restore them, or start a new run; only learner.l"),
        ("learner.schedule=cosine", "got learner.schedule = 'cosine' (was 'constant'): restore them, or start a new run"
         "; this fit cannot be made longer: a schedule"),
        ("value_model.width=16", "got value_model.width = 16 (was 8): "),
        ("fit.seeds=2", "got fit.seeds = 2 (was 1): "),
        ("game.discount=0.5", "got game.discount = 0.5 (was 0.96): "),
    ],
)  # fmt: skip
def test_resuming_with_other_numbers_lists_them(setting, said, run, meva_run, tmp_path):
    shutil.copytree(run.folder, tmp_path / "resumed")
    before = (tmp_path / "resumed" / "experiment.toml").read_text()
    outcome = meva_run("--resume", tmp_path / "resumed", "--set", setting)
    assert outcome.code == 2
    assert said in outcome.err
    assert outcome.err.count("\n") == 1
    assert (tmp_path / "resumed" / "experiment.toml").read_text() == before


def test_more_loops_under_a_schedule_are_refused(meva_run, tmp_path):
    interrupted(tmp_path / "run", 1, schedule="cosine", loops=2)
    outcome = meva_run("--resume", tmp_path / "run", "--set", "learner.loops=3")
    assert outcome.code == 2
    assert "learner.loops = 3 (was 2)" in outcome.err
    assert "this fit cannot be made longer: a schedule, or a second fit, depends on its length" in outcome.err


@pytest.mark.long
def test_a_fitted_opponent_may_be_fitted_for_longer(meva_run, tmp_path, no_figures):
    names = ("--game", "tandem", "--learner", "naive", "--opponent", "m_maml")
    small = {**LOGISTIC, "opponent.steps": 2, "opponent.rate": 0.01, "opponent.batch_size": 2}
    for folder, loops in (("short", 1), ("long", 3)):
        given = arguments({**small, "opponent.loops": loops})
        assert meva_run(*names, *given, "--out", tmp_path / folder, "--quiet").code == 0
    outcome = meva_run("--resume", tmp_path / "short", "--set", "opponent.rate=0.02")
    assert "opponent.rate = 0.02 (was 0.01)" in outcome.err
    assert outcome.err.endswith("only opponent.loops may be raised\n")
    outcome = meva_run("--resume", tmp_path / "short", "--set", "opponent.loops=3", "--quiet")
    assert (outcome.code, outcome.err) == (0, "")
    assert_same_results(tmp_path / "short", tmp_path / "long")


def test_a_rule_without_a_fit_has_no_longer_one(basins_run, meva_run, tmp_path):
    shutil.copytree(basins_run.folder, tmp_path / "run")
    outcome = meva_run("--resume", tmp_path / "run", "--set", "learner.rate=2.0")
    assert outcome.code == 2
    assert outcome.err.endswith("(was 1.0): restore them, or start a new run\n")


def test_what_was_found_about_less_is_taken_away_first(toy_run, meva_run, tmp_path, monkeypatch):
    """Extended, and stopped before it is evaluated: no tables of the shorter fit."""
    shutil.copytree(toy_run.folder, tmp_path / "run")

    def stop(self, text):
        raise KeyboardInterrupt

    monkeypatch.setattr(Screen, "status", stop)
    assert meva_run("--resume", tmp_path / "run", "--set", "evaluate.pairs=3").code == 130
    assert not (tmp_path / "run" / "summary.json").exists()
    assert not (tmp_path / "run" / "report.html").exists()


def test_resuming_elsewhere_is_told(toy_run, meva_run, tmp_path, no_figures):
    folder = tmp_path / "moved"
    shutil.copytree(toy_run.folder, folder)
    path = folder / "experiment.toml"
    path.write_text(re.sub(r'^jax = ".*"$', 'jax = "0.0.1"', path.read_text(), flags=re.MULTILINE))
    outcome = meva_run("--resume", folder, "--quiet")
    assert outcome.code == 0
    assert re.fullmatch(
        rf"warning: {folder} was started in another environment, .*: jax \S+ \(was 0\.0\.1\)\n", outcome.err
    )
    run_table = tomllib.loads(path.read_text())["run"]
    assert run_table["versions"]["jax"] == "0.0.1"  # as it was begun
    assert [change for change in run_table["resumed_with"] if change.endswith("(was 0.0.1)")]


def test_snapshots_are_what_players_were_given(run):
    """Each the parameters (the target network) of the checkpoint of its loop."""
    (learner,) = compose.compose(small_experiment()).rehearse()
    training = learner.training
    assert training is not None
    state = fitting.start([training], [0])
    params = fitting.fitted_params([training], state)
    for loops in (3, 4, 5):
        name = f"learner/loop-{loops:07d}.npz"
        whole = checkpoint.load(run.folder / "checkpoints" / name, state)
        snapshot = checkpoint.load(run.folder / "snapshots" / name, params)
        assert snapshot.loops == loops
        expected = fitting.fitted_params([training], whole.state)
        jax.tree.map(np.testing.assert_array_equal, snapshot.state, expected)


def test_moments_of_a_fit_can_be_played(run, rivals_run):
    """The last is the end; with a rival, everybody sits where they sat."""
    *_, (loops, last) = meva.snapshots(run.folder)
    assert loops == 5
    (player,) = last.players
    training = player.learner.training
    assert training is not None
    like = jax.eval_shape(fitting.start, [training], [0])
    whole = checkpoint.load(run.folder / "checkpoints" / "learner" / "loop-0000005.npz", like)
    jax.tree.map(np.testing.assert_array_equal, player.params, fitting.fitted_params([training], whole.state))
    ((loops, match),) = meva.snapshots(rivals_run.folder)
    assert (loops, match.seats, len(match.players)) == (1, (0, 1), 2)
    assert match.players[1].params is None


def test_a_run_without_a_fit_has_no_moments(basins_run):
    with pytest.raises(meva.MevaError, match="expected a run with a fit"):
        list(meva.snapshots(basins_run.folder))


@pytest.mark.parametrize("loops", [1, 7, 10, 23, 300])
def test_ten_snapshots_at_most_and_the_last_at_the_end(loops):
    due = [n for n in range(1, loops + 1) if kept_fit._due(1, n, loops)]
    assert len(due) == min(10, loops)
    assert due[-1] == loops


def test_another_process_in_the_folder(toy_run, meva_run, tmp_path):
    shutil.copytree(toy_run.folder, tmp_path / "run")
    with locks.alone(tmp_path / "run"):
        for arguments in (("--resume", tmp_path / "run"), (*TOY, "--out", tmp_path / "run")):
            outcome = meva_run(*arguments)
            assert outcome.code == 2
            assert f"got {tmp_path / 'run'}, which is in use by process {os.getpid()} on " in outcome.err
            assert outcome.err.count("\n") == 1


def test_a_full_disk_leaves_what_was_saved(toy_run, meva_run, tmp_path, monkeypatch, no_figures):
    """The disk is full in the middle of the fourth checkpoint."""
    saved, fsync = [], os.fsync

    def full(file):
        if "loop-" in os.readlink(f"/proc/self/fd/{file}") and "checkpoints" in os.readlink(f"/proc/self/fd/{file}"):
            saved.append(1)
            if len(saved) == 4:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(file)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        outcome = meva_run(*TOY, *arguments(SMALL_TOY), "--out", tmp_path / "run", "--quiet")
    assert outcome.code == 1
    assert outcome.err == (
        f"error: cannot read or write {tmp_path}/run/checkpoints/learner/loop-0000004.npz: No space left on device; "
        f"saved results are complete; resume with: meva-run --resume {tmp_path}/run\n"
    )
    names = {path.name for path in (tmp_path / "run" / "checkpoints" / "learner").iterdir()}
    assert names == {f"loop-{n:07d}.npz" for n in (1, 2, 3)}
    outcome = meva_run("--resume", tmp_path / "run")
    assert outcome.code == 0
    assert "resumed at loop 3" in outcome.out
    assert_same_results(tmp_path / "run", toy_run.folder)


def test_the_folder_vanishes(toy, meva_run, tmp_path, monkeypatch):
    def vanish(self, chunk):
        shutil.rmtree(tmp_path / "run", ignore_errors=True)

    monkeypatch.setattr(Screen, "chunk", vanish)
    outcome = meva_run(*TOY, *arguments(SMALL_TOY), "--out", tmp_path / "run", "--quiet")
    assert outcome.code == 1
    assert re.fullmatch(r"error: cannot read or write .*: No such file or directory\n", outcome.err)
    assert not (tmp_path / "run").exists()


def test_stopped_before_anything_was_begun(toy, meva_run, tmp_path, monkeypatch):
    monkeypatch.setattr(runner.compose, "compose", lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    outcome = meva_run(*TOY, "--out", tmp_path / "run")
    assert (outcome.code, outcome.err) == (143, "stopped\n")
    assert not (tmp_path / "run").exists()


def test_signals_wait_for_the_chunk(toy_run, meva_run, tmp_path, monkeypatch, no_figures):
    """SIGTERM in the middle of loop 2: loops 1 to 3 are kept, and the exit code is what shells expect."""
    fitted = runner.fitting.fit

    def disturbed(*given, **more):
        for chunk in fitted(*given, **more):
            if chunk.loops == 3:
                os.kill(os.getpid(), signal.SIGTERM)
            yield chunk

    monkeypatch.setattr(runner.fitting, "fit", disturbed)
    outcome = meva_run(*TOY, *arguments(SMALL_TOY), "--out", tmp_path / "run", "--quiet")
    assert outcome.code == 143
    assert outcome.err == f"stopped; resume with: meva-run --resume {tmp_path / 'run'}\n"
    monkeypatch.undo()
    monkeypatch.setattr("meva_core.report.figures.draw", lambda *given: [])
    outcome = meva_run("--resume", tmp_path / "run")
    assert "resumed at loop 3" in outcome.out
    assert_same_results(tmp_path / "run", toy_run.folder)


@pytest.fixture
def stopped(toy, meva_run, tmp_path, monkeypatch):
    def stop(self, chunk):
        if chunk.loops == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(Screen, "chunk", stop)
    return meva_run(*TOY, *arguments(SMALL_TOY), "--out", tmp_path / "stopped")


def test_ctrl_c_says_how_to_go_on(stopped, tmp_path):
    assert stopped.code == 130
    assert f"resume with: meva-run --resume {tmp_path / 'stopped'}" in stopped.err
    assert (tmp_path / "stopped" / "checkpoints" / "learner" / "loop-0000004.npz").exists()


def test_ctrl_c_says_it_once(stopped):
    assert len(stopped.err.splitlines()) == 1


def test_two_seeds(meva_run, tmp_path, no_figures):
    folder = tmp_path / "two"
    given = ("--game", "logistic", "--learner", "naive", "--seeds", 2, "--seed", 3, "--out", folder)
    outcome = meva_run(*given, *arguments(LOGISTIC))
    assert outcome.code == 0
    assert "mean ± standard error of the mean over 2 seeds" in outcome.out
    found = summary(folder)
    assert found["seeds"] == [3, 4]
    payoffs = policies(folder)["payoffs"]
    assert payoffs.shape == (2, 1, 4, 2)
    statistic = found["rows"][0]["self_play"]
    per_seed = payoffs[:, 0].astype(np.float64).mean(axis=(1, 2))
    assert statistic["over"] == "seeds"
    assert statistic["per_seed"] == pytest.approx(per_seed.tolist(), rel=1e-5)
    assert statistic["mean"] == pytest.approx(per_seed.mean(), rel=1e-5)
    assert statistic["sem"] == pytest.approx(per_seed.std(ddof=1) / np.sqrt(2), rel=1e-4)


def divergent(monkeypatch, seed, loop):
    """From one loop on, a seed's loss is no number."""
    fit = runner.fitting.fit

    def broken(trainings, seeds, **more):
        for chunk in fit(trainings, seeds, **more):
            values = chunk.metrics["loss"].copy()
            first = chunk.loops - values.shape[1]
            values[seeds.index(seed), max(loop - first, 0) :] = np.nan
            yield runner.fitting.Chunk(chunk.loops, chunk.state, {**chunk.metrics, "loss": values})

    monkeypatch.setattr(runner.fitting, "fit", broken)


def test_one_seed_diverges_and_the_other_goes_on(toy_run, meva_run, tmp_path, monkeypatch, no_figures):
    divergent(monkeypatch, seed=1, loop=2)
    folder = tmp_path / "half"
    outcome = meva_run(*TOY, *arguments(SMALL_TOY), "--seeds", 2, "--out", folder)
    assert outcome.code == 2
    assert "left out: seed 1, diverged in loop 2 (loss)" in outcome.out
    errors = [line for line in outcome.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert "seed 1 diverged in loop 2: loss" in errors[0]
    found = summary(folder)
    assert found["seeds"] == [0]
    assert found["diverged"] == [{"seed": 1, "loop": 2, "quantity": "loss"}]
    assert [(line["seed"], line["loop"]) for line in metrics(folder)] == [(s, n) for n in range(5) for s in (0, 1)]
    # Fits are independent: seed 0 is what it is alone.
    alone = [line["loss"] for line in metrics(toy_run.folder)]
    assert [line["loss"] for line in metrics(folder) if line["seed"] == 0] == pytest.approx(alone, rel=1e-4)
    lines = [line for line in metrics(folder) if line["seed"] == 1]
    assert [line["loss"] is None for line in lines] == [False, False, True, True, True]
    # What is reported is seed 0's.
    assert found["rows"][1]["self_play"]["mean"] == pytest.approx(
        summary(toy_run.folder)["rows"][1]["self_play"]["mean"], abs=1e-3
    )
    assert policies(folder)["seeds"].tolist() == [0]


def test_a_divergence_can_stop_all(toy, meva_run, tmp_path, monkeypatch):
    divergent(monkeypatch, seed=1, loop=2)
    folder = tmp_path / "half"
    outcome = meva_run(*TOY, *arguments(SMALL_TOY), "--seeds", 2, "--on-divergence", "stop", "--out", folder)
    assert outcome.code == 2
    (error,) = [line for line in outcome.err.splitlines() if line.startswith("error: ")]
    assert "seed 1 diverged in loop 2: loss" in error
    assert "--on-divergence continue" in error
    assert not (folder / "summary.json").exists()
    monkeypatch.undo()  # nothing diverges any more, but what has is remembered
    assert "seed 1 diverged in loop 2" in meva_run("--resume", folder, "--quiet").err
    monkeypatch.setattr("meva_core.report.figures.draw", lambda *given: [])
    outcome = meva_run("--resume", folder, "--on-divergence", "continue")
    assert outcome.code == 2
    assert summary(folder)["seeds"] == [0]
    assert summary(folder)["diverged"] == [{"seed": 1, "loop": 2, "quantity": "loss"}]


def test_parameters_that_are_no_numbers_are_a_divergence(toy, meva_run, tmp_path, monkeypatch, no_figures):
    """The last update breaks what no metric shows any more."""
    fitted = runner.fitting.fit

    def broken(*given, **more):
        for chunk in fitted(*given, **more):
            if chunk.loops == 5:
                state = jax.tree.map(
                    lambda leaf: leaf.at[1].set(jnp.nan) if jnp.issubdtype(leaf.dtype, jnp.floating) else leaf,
                    chunk.state,
                )
                chunk = runner.fitting.Chunk(chunk.loops, state, chunk.metrics)
            yield chunk

    monkeypatch.setattr(runner.fitting, "fit", broken)
    outcome = meva_run(*TOY, *arguments(SMALL_TOY), "--seeds", 2, "--out", tmp_path / "half")
    assert outcome.code == 2
    assert "seed 1 diverged in loop 4: a parameter is not a finite number" in outcome.err
    assert summary(tmp_path / "half")["seeds"] == [0]


def test_in_python_nothing_is_written(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = meva.run("ipd", "meva", set=SMALL)
    assert list(tmp_path.iterdir()) == []
    assert result.payoffs.shape == (1, 2, 4, 2)
    assert result.policies.shape == (1, 2, 4, 2, 5)
    assert {"loss", "td_error", "payoff"} <= set(result.metrics)
    assert all(values.shape == (1, 5) for values in result.metrics.values())
    assert result.seeds == [0]
    assert result.diverged == []
    np.testing.assert_array_equal(result.payoffs, policies(run.folder)["payoffs"])
    text = repr(result)
    assert text.startswith("meva in self-play on ipd (recipe default, 1 seed)")
    shown = [line.rstrip() for line in run.outcome.lines]
    assert all(line.rstrip() in shown for line in text.splitlines()[2:6])


def test_in_python_a_folder_is_written_where_asked(tmp_path, no_figures):
    meva.run("ipd", "naive", seed=3, set=EVALUATION, out=tmp_path / "asked")
    found = summary(tmp_path / "asked")
    assert (found["seeds"], found["setting"], len(found["rows"])) == ([3], None, 1)


def test_in_python_a_user_s_recipe(tmp_path):
    (tmp_path / "mine.toml").write_text("[recipes.ipd.naive.mine]\nlearner = { rate = 2.0 }\nsource = 'me'\n")
    result = meva.run("ipd", "naive", recipe="mine", registry_file=tmp_path / "mine.toml", set=EVALUATION)
    assert result.experiment.learner.settings["rate"] == 2.0
    assert result.experiment.source == "me"


def test_lola_on_the_logistic_game_has_basins(basins_run):
    found = summary(basins_run.folder)
    assert found["setting"]["name"] == "look_ahead_rate"
    for row in found["rows"]:
        assert row["basins"]["B"]["of"] == 9
        assert 0 <= row["basins"]["B"]["cells"]["mean"] <= 9
    names = {path.name for path in (basins_run.folder / "figures").iterdir()}
    assert names == {f"{name}.{kind}" for name in ("payoffs", "basins", "trajectories") for kind in ("png", "svg")}
    assert "starts of the grid that end in an outcome" in " ".join(basins_run.outcome.out.split())
    assert "B, of 9" in basins_run.outcome.out
    assert not (basins_run.folder / "metrics.jsonl").exists()


def test_lola_without_look_ahead_is_naive(basins_run, naive_on_logistic):
    payoffs = policies(basins_run.folder)["payoffs"]
    np.testing.assert_allclose(payoffs[:, :1], naive_on_logistic.payoffs, rtol=1e-4, atol=1e-4)
    assert not np.allclose(payoffs[:, 1:], naive_on_logistic.payoffs, rtol=1e-2)


def test_meva_against_lola(rivals_run):
    found = summary(rivals_run.folder)
    assert (found["learner"], found["opponents"]) == ("meva", ["lola"])
    (row,) = found["rows"]
    assert row["self_play"] is None
    assert "against" not in row
    assert len(row["payoffs"]) == 2
    assert row["payoffs"][0]["mean"] != row["payoffs"][1]["mean"]
    assert "logistic: meva against lola" in rivals_run.outcome.out
    assert "seat 2" in rivals_run.outcome.out
    assert [line["fit"] for line in metrics(rivals_run.folder)] == ["learner"]


def test_lola_against_naive(meva_run, tmp_path, basins_run, naive_on_logistic, no_figures):
    given = ("--game", "logistic", "--learner", "lola", "--opponent", "naive", "--out", tmp_path / "out")
    outcome = meva_run(*given, *arguments({**LOGISTIC, "evaluate.values": [0.0, 1.0]}))
    assert outcome.code == 0
    assert summary(tmp_path / "out")["opponents"] == ["naive"]
    payoffs = policies(tmp_path / "out")["payoffs"]
    # Without look-ahead both are naive learners; with it they are not what two LOLA learners are.
    np.testing.assert_allclose(payoffs[:, :1], naive_on_logistic.payoffs, rtol=1e-4, atol=1e-4)
    assert not np.allclose(payoffs[:, 1:], policies(basins_run.folder)["payoffs"][:, 1:], rtol=1e-2)


FITTED = [
    pytest.param("cola", ("learner.loops=3", "learner.batch_size=4"), marks=pytest.mark.long),  # CI's is in fuzz
    ("m_maml", ("learner.loops=2", "learner.steps=3")),
]


@pytest.mark.parametrize(("learner", "small"), FITTED)
def test_the_other_rules_that_are_fitted(learner, small, meva_run, tmp_path, no_figures):
    settings = [text for each in small for text in ("--set", each)]
    run = meva_run(
        "--game", "tandem", "--learner", learner, *settings, *arguments(LOGISTIC), "--out", tmp_path / "run"
    )  # fmt: skip
    assert run.code == 0, run.err
    found = summary(tmp_path / "run")
    assert found["fits"][0]["loops"] == int(small[0][-1])
    assert all(np.isfinite(row["payoffs"][0]["mean"]) for row in found["rows"])


def test_a_single_sample_has_no_error():
    found = statistic(np.full((1, 1), 2.0))
    assert (found["mean"], found["sem"]) == (2.0, None)


def test_a_divergence_reads_well():
    text = str(Divergence(3, 17, "loss"))
    assert text.startswith("seed 3 diverged in loop 17: loss is not a finite number")
    assert "lower the step sizes of the learner" in text


def test_the_screen_survives_any_progress():
    """The base class takes everything and says nothing."""
    progress = Progress()
    with contextlib.redirect_stdout(None):
        progress.fitting("meva", 4, 0)
        progress.warn("something")
        progress.status("something")


@pytest.mark.parametrize("opponent", [(), ("--opponent", "fixed", "--set", "opponent.strategy=tit_for_tat")])
def test_a_policy_that_never_moves_meets_one_that_learns(opponent, meva_run, tmp_path, no_figures):
    given = ("--set", "learner.strategy=tit_for_tat", *opponent, *arguments(EVALUATION))
    outcome = meva_run("--game", "ipd", "--learner", "fixed", *given, "--out", tmp_path / "run")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.lines[0] == "ipd: fixed in all 2 seats (self-play)"
    (row,) = summary(tmp_path / "run")["rows"]
    assert row["self_play"]["mean"] == pytest.approx(-1.0, abs=1e-4)
    assert row["against"]["learner"] == "naive"
    assert row["against"]["ours"]["mean"] == pytest.approx(row["against"]["theirs"]["mean"], abs=0.3)
