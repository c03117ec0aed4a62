"""Loggers: what they receive, and that a run goes on without one that fails."""

import contextlib
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import meva_core
from meva_core import runner
from meva_core.compute.progress import Progress
from meva_core.contracts import Logger, Training, component, static
from meva_core.errors import BadValue, MissingLibrary, UnknownName
from meva_core.experiment import loggers, resolve
from meva_core.experiment.experiment import FitSettings
from meva_core.report import logs
from meva_core.storage import kept_fit

meva: Any = meva_core  # a careless caller: types do not hold
SMALL = {"evaluate.pairs": 2, "evaluate.steps": 3, "fit.chunk": 2}
SMALL |= {"evaluate.best_response.steps": 1, "evaluate.best_response.restarts": 1}
CALLS = []


@pytest.fixture(autouse=True)
def fresh(toy, no_figures):
    """Every test begins without calls."""
    CALLS.clear()
    yield
    CALLS.clear()


@component
class Recorder(Logger):
    """Remembers all calls, and fails in one of them."""

    fails_in: str = static(default="", doc="the method that fails")
    error: type = static(default=OSError, doc="what it raises")

    def check(self, run):
        self.call("check", run)

    def begun(self, run):
        self.call("begun", run)
        return run.folder

    def metrics(self, state, loops):
        self.call("metrics", loops)

    def finished(self, state, results):
        self.call("finished", results)

    def failed(self, state, reason):
        self.call("failed", reason)

    def call(self, method, told):
        CALLS.append((method, told))
        if method == self.fails_in:
            raise self.error("disk\nfull")


@component
class Second(Recorder):
    """Another one."""


@component
class Careless(Recorder):
    """Writes into what it receives."""

    def metrics(self, state, loops):
        with contextlib.suppress(ValueError):
            loops.metrics["loss"][:] = 0

    def finished(self, state, results):
        results.summary.clear()


@component
class Elsewhere(Recorder):
    """Has its log in a folder of the user's choice."""

    folder: str = static(doc="the folder")

    def place(self, run):
        return Path(self.folder)

    def begun(self, run):
        Path(self.folder).mkdir(exist_ok=True)


class Heard(Progress):
    """Remembers warnings. Ctrl-C comes after so many loops."""

    def __init__(self, stop=None):
        self.warnings, self.stop = [], stop

    def warn(self, text):
        self.warnings.append(text)

    def chunk(self, chunk):
        if chunk.loops == self.stop:
            raise KeyboardInterrupt


def run(**more):
    settings = {**SMALL, **more.pop("set", {})}
    return meva.run("toy_hills", "toy", **{"seeds": 2, "set": settings, "evaluate": ["best_response"], **more})


def methods():
    return [method for method, _ in CALLS]


def loops(fit="learner"):
    """The numbers of all loops, and the values f32[S, N] of a metric, that loggers received."""
    chunks = [told for method, told in CALLS if method == "metrics" and told.fit == fit]
    numbers = [n for chunk in chunks for n in range(chunk.first, chunk.first + chunk.metrics["loss"].shape[1])]
    return numbers, np.concatenate([chunk.metrics["loss"] for chunk in chunks], axis=1)


def test_a_run_is_logged_from_its_beginning_to_its_results(tmp_path):
    result = run(out=tmp_path / "run", log=Recorder)
    assert methods() == ["check", "begun", "metrics", "metrics", "metrics", "finished"]
    begun, results = CALLS[1][1], CALLS[-1][1]
    assert begun.folder.is_dir()
    assert begun.folder.parent == tmp_path / "run" / "logs"
    assert (begun.name, begun.hash) == ("run", result.experiment.hash)
    assert begun.experiment["learner"]["rate"] == 0.1
    numbers, values = loops()
    assert numbers == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(values, result.metrics["loss"])
    own = result.summary()["rows"][1]  # that of the learner's discount
    assert results.row == "discount = 0.9"
    assert results.numbers["self_play"] == own["self_play"]["mean"]
    assert results.numbers["payoffs.2"] == own["payoffs"][1]["mean"]
    assert results.numbers["best_response.ours"] == own["best_response"]["ours"]["mean"]
    assert results.summary == result.summary()
    assert "self-play" in results.table


def test_a_logger_changes_no_number_and_no_hash(tmp_path):
    logged, plain = run(out=tmp_path / "logged", log=[Recorder(), Second]), run(out=tmp_path / "plain")
    assert logged.experiment.hash == plain.experiment.hash
    assert logged.experiment.fit_hash == plain.experiment.fit_hash
    np.testing.assert_array_equal(logged.payoffs, plain.payoffs)
    for name in ("metrics.jsonl", "checkpoints/learner/loop-0000005.npz", "policies.npz"):
        assert (tmp_path / "logged" / name).read_bytes() == (tmp_path / "plain" / name).read_bytes()
    assert not (tmp_path / "plain" / "logs").exists()


def test_a_logger_that_writes_into_what_it_receives_harms_no_one(tmp_path):
    asked: dict[str, Any] = {"out": tmp_path / "run", "resume": True}
    plain = run(**asked)
    logged = run(log=[Careless(), Recorder()], **asked)
    np.testing.assert_array_equal(logged.metrics["loss"], plain.metrics["loss"])
    np.testing.assert_array_equal(loops()[1], plain.metrics["loss"])
    assert CALLS[-1][1].summary["rows"] == plain.summary()["rows"]


def test_a_run_without_a_folder_is_logged(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(log=Recorder)
    assert methods() == ["check", "begun", "metrics", "metrics", "metrics", "finished"]
    assert CALLS[1][1].folder is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [OSError, SystemExit])
@pytest.mark.parametrize("method", ["begun", "metrics", "finished"])
def test_a_logger_that_fails_is_switched_off_and_the_run_goes_on(method, error, tmp_path):
    heard = Heard()
    result = run(out=tmp_path / "run", log=[Recorder(fails_in=method, error=error), Second()], progress=heard)
    assert heard.warnings == [
        f"logger {loggers.local.identity(Recorder)} is switched off, since its {method} raises {error.__name__}: "
        "disk full; nothing else is affected"
    ]
    assert methods().count(method) == {"begun": 2, "metrics": 4, "finished": 2}[method]
    assert methods()[-1] == "finished"
    ended = [] if method == "begun" else [f"its {method} raises {error.__name__}: disk full"]
    assert [told for called, told in CALLS if called == "failed"] == ended
    assert (tmp_path / "run" / "report.html").exists()
    assert result.metrics["loss"].shape == (2, 5)


def test_a_logger_that_fails_when_a_run_fails_hides_nothing(tmp_path):
    heard = Heard(stop=2)
    with pytest.raises(KeyboardInterrupt):
        run(out=tmp_path / "run", log=[Recorder(fails_in="failed"), Second], progress=heard)
    assert len(heard.warnings) == 1
    assert [told for method, told in CALLS if method == "failed"] == ["stopped by SIGINT"] * 2


def test_a_run_that_fails_says_why(tmp_path, monkeypatch):
    def broken(*given):
        raise RuntimeError("no memory")

    monkeypatch.setattr(runner, "_evaluate", broken)
    with pytest.raises(RuntimeError):
        run(out=tmp_path / "run", log=Recorder)
    assert CALLS[-1] == ("failed", "RuntimeError: no memory")
    assert "finished" not in methods()


def test_a_resumed_run_repeats_no_loop_and_leaves_none_out(tmp_path):
    asked: dict[str, Any] = {"out": tmp_path / "run", "resume": True}
    with pytest.raises(KeyboardInterrupt):
        run(log=Recorder, progress=Heard(stop=4), **asked)
    # Power is lost: the last checkpoint is damaged, so loops 2 and 3 are computed again.
    (tmp_path / "run" / "checkpoints" / "learner" / "loop-0000004.npz").write_text("damaged")
    result = run(log=Recorder, **asked)
    numbers, values = loops()
    assert numbers == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(values, result.metrics["loss"])
    # One that joins later receives everything, in a single call; the first one only the new results.
    CALLS.clear()
    run(log=Second, **asked)
    assert methods() == ["check", "begun", "metrics", "finished"]
    assert loops()[0] == [0, 1, 2, 3, 4]
    CALLS.clear()
    run(log=Recorder, **asked)
    assert methods() == ["check", "begun", "finished"]
    shutil.rmtree(CALLS[1][1].folder)
    CALLS.clear()
    run(log=Recorder, **asked)
    assert loops()[0] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("content", ["", "[1]", '{"x": "many"}', "[" * 100_000])
def test_a_damaged_record_of_what_was_logged_counts_as_none(content, tmp_path):
    asked: dict[str, Any] = {"out": tmp_path / "run", "resume": True, "log": Recorder}
    run(**asked)
    record = tmp_path / "run" / "checkpoints" / "learner" / "logged.json"
    assert json.loads(record.read_text()) == {loggers.local.identity(Recorder): 5}
    record.write_text(content)
    CALLS.clear()
    heard = Heard()
    run(**asked, progress=heard)
    assert loops()[0] == [0, 1, 2, 3, 4]
    assert heard.warnings == []


def test_a_logger_that_failed_catches_up_on_resume(tmp_path):
    asked: dict[str, Any] = {"out": tmp_path / "run", "resume": True}
    with pytest.warns(RuntimeWarning, match="is switched off, since its metrics raises OSError: disk full"):
        run(log=Recorder(fails_in="metrics"), **asked)  # without a Progress, which would show it
    CALLS.clear()
    run(log=Recorder, **asked)
    assert loops()[0] == [0, 1, 2, 3, 4]


def test_a_seed_that_diverges_is_logged_too(tmp_path):
    with pytest.raises(meva.MevaError, match="diverged"):
        run(log=Recorder, set={"learner.scale": 1e30})
    assert not np.isfinite(loops()[1]).all()
    assert CALLS[-1][0] == "failed"
    assert "diverged in loop 0" in CALLS[-1][1]


@component
class Walk(Training):
    """A walk of a few steps, in the place of matches on a game that is played, whose programs take long to compile."""

    num_steps: int = static(doc="steps")

    def init(self, key):
        return jnp.zeros(())

    def step(self, state, key):
        return state + 1, {"loss": state}

    def params(self, state):
        return state


@pytest.fixture
def walk(tmp_path):
    """`walk(steps, log)`: play or resume matches in one folder; returns the values that loggers receive."""
    known, files = runner.plugins()
    experiment = resolve.resolve(known, files, game="toy_hills", learner="naive")

    def play(steps, log):
        CALLS.clear()
        place = kept_fit.Place(tmp_path, kept_fit.MATCHES, {"steps": steps}, snapshots=False)
        kept_fit.forget_unless(place)
        with logs.attached(loggers.chosen(known, log, {}), experiment, tmp_path, Progress()) as progress:
            kept_fit.train(FitSettings(seeds=1, chunk=2), [Walk(num_steps=steps)], progress, place, [7])
        assert {told.seeds for method, told in CALLS if method == "metrics"} <= {(7,)}
        return [n for method, told in CALLS if method == "metrics" for n in told.metrics["loss"][0]]

    return play


def test_matches_are_logged_and_begin_again_if_they_change(walk):
    assert walk(3, Recorder) == [0, 1, 2]
    assert walk(3, Recorder) == []
    assert walk(4, Recorder) == [0, 1, 2, 3]


def test_a_log_in_another_place_begins_with_the_first_loop(walk, tmp_path):
    one, two = (Elsewhere(folder=str(tmp_path / name)) for name in ("one", "two"))
    assert walk(3, one) == [0, 1, 2]
    assert walk(3, two) == [0, 1, 2]
    assert walk(3, one) == []  # its log is still there
    shutil.rmtree(tmp_path / "one")
    assert walk(3, one) == [0, 1, 2]
    assert walk(3, two) == []


# ---------------------------------------------------------------- choice


def test_settings_of_classes_and_objects(tmp_path):
    name = loggers.local.identity(Recorder)
    chosen = loggers.chosen(meva.installed(), [Recorder(error=ValueError)], {f"log.{name}.fails_in": "begun"})
    assert chosen == [loggers.Named(name, Recorder(error=ValueError, fails_in="begun"))]
    assert loggers.chosen(meva.installed(), Recorder, {f"log.{name}.fails_in": "x"})[0].logger == Recorder(fails_in="x")
    assert loggers.chosen(meva.installed(), None, {}) == []


@pytest.mark.parametrize(
    ("log", "settings", "error", "said"),
    [
        (3, {}, BadValue, "expected a logger, got 3 (int) @ log"),
        (["nosuch"], {}, UnknownName, "unknown logger 'nosuch'"),
        ([Recorder, Recorder()], {}, BadValue, "expected every logger once, got "),
        ([Heard], {}, BadValue, "expected a logger, got the class Heard @ log"),
        (
            [],
            {"log.tensorboard.seeds": 3},
            BadValue,
            "(there is none), got log.tensorboard.seeds: ask for it with --log",
        ),
        (["tensorboard"], {"log.tensorboard.sed": 3}, BadValue, "unknown hyper-parameter 'sed' @ log.tensorboard"),
        (["tensorboard"], {"log.tensorboard.seeds": -1}, BadValue, "expected >= 0, got -1 @ log.tensorboard.seeds"),
        (["tensorboard"], {"log.tensorboard": -1}, BadValue, "expected log.NAME.SETTING, got 'log.tensorboard'"),
        (["tensorboard"], {"log": -1}, BadValue, "expected log.NAME.SETTING, got 'log'"),
        (["tensorboard"], {"log.nosuch.seeds": -1}, UnknownName, "unknown logger 'nosuch'"),
        ("tensorboard", {}, BadValue, "expected out=FOLDER, or a folder for log.tensorboard.folder, got neither"),
        (Recorder(fails_in="check", error=BadValue), {}, BadValue, "disk"),
    ],
)
def test_bad_input_is_refused_before_anything_runs(log, settings, error, said, monkeypatch):
    monkeypatch.setattr(runner, "_run", None)  # not callable
    with pytest.raises(error) as caught:
        run(log=log, set=settings)
    assert said in str(caught.value)


def test_a_missing_library_is_one_line_before_anything_is_written(tmp_path, monkeypatch, meva_run):
    for library in ("tensorboardX", "wandb"):
        monkeypatch.setitem(sys.modules, library, None)  # as if it were not installed
    with pytest.raises(MissingLibrary, match=r'pip install "meva\[wandb\]"'):
        run(out=tmp_path / "run", log=["wandb"])
    outcome = meva_run(*COMMAND, "--log", "tensorboard", "--out", tmp_path / "run")
    assert outcome.code == 2
    assert outcome.err == 'error: expected the library tensorboardX, got none: pip install "meva[tensorboard]"\n'
    assert not (tmp_path / "run").exists()


# ---------------------------------------------------------------- command line

COMMAND = ["--game", "toy_hills", "--learner", "toy", *(f"--set={path}={value}" for path, value in SMALL.items())]
COMMAND += ["--evaluate", "best_response"]


def test_the_command_logs_and_says_how_to_go_on(tmp_path, meva_run, monkeypatch):
    out = tmp_path / "run"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("meva_core.cli.screen.Screen.chunk", Heard(stop=2).chunk)
    outcome = meva_run(*COMMAND, "--log", "tensorboard", "--set", "log.tensorboard.folder=my logs", "--out", out)
    again = "--log tensorboard --set 'log.tensorboard.folder=my logs'"
    assert outcome.code == 130
    assert outcome.err == f"stopped; resume with: meva-run --resume {out} {again}\n"
    identity = (out / "logs" / "tensorboard" / "run_id.txt").read_text()
    assert (tmp_path / "my logs" / f"run-{identity}" / "learner" / "seed_0").is_dir()


@pytest.mark.parametrize("log", [["--log", "tensorboard,tensorboard"], ["--log", "tensorboard", "--log=tensorboard"]])
def test_a_logger_is_named_once(log, tmp_path, meva_run):
    outcome = meva_run(*COMMAND, *log, "--out", tmp_path / "run")
    assert (outcome.code, outcome.err) == (2, "error: expected every logger once, got tensorboard twice @ log\n")


def test_names_are_needed(meva_run):
    outcome = meva_run(*COMMAND, "--log", ",")
    assert (outcome.code, outcome.err) == (2, "error: expected names of loggers for --log, got ','\n")


def test_a_file_of_an_experiment_is_run_again_with_a_logger(tmp_path, meva_run, monkeypatch):
    run(out=tmp_path / "first")
    monkeypatch.chdir(tmp_path)
    written = tmp_path / "first" / "experiment.toml"
    outcome = meva_run(written, "--log=tensorboard", "--set=log.tensorboard.seeds=0", "--out=again", "--quiet")
    assert (outcome.code, outcome.err) == (0, "")
    assert [path.name for path in (tmp_path / "again/logs/tensorboard/learner").iterdir()] == ["mean"]
