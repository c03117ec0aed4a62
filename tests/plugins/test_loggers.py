"""The bundled loggers: TensorBoard's files, read record by record, and calls of Weights & Biases."""

import importlib
import importlib.util
import struct
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from meva_loggers.curves import curves, finite_mean

import meva_core as meva
from meva_core.contracts import Loops, Results, Run
from meva_core.errors import MissingLibrary

EVENTS: Any = importlib.import_module("tensorboardX.proto.event_pb2")
HASH = "0123456789ab"


def loops(fit="learner", first=0, seeds=(3, 4), **metrics):
    return Loops(
        fit=fit,
        seeds=seeds,
        first=first,
        metrics={name: np.array(values, np.float32) for name, values in metrics.items()},
    )


def results(**figures):
    return Results(numbers={"self_play": 0.5}, row="rate = 1", table="<table>\n  0.5", summary={}, figures=figures)


# ---------------------------------------------------------------- curves


def test_the_mean_leaves_diverged_seeds_out():
    values = np.array([[1.0, 2.0, np.inf, np.nan], [3.0, np.nan, 5.0, np.nan]])
    np.testing.assert_array_equal(finite_mean(values), [2.0, 2.0, 5.0, np.nan])


@pytest.mark.parametrize(
    ("seeds", "most", "names"),
    [
        ((3, 4), 20, ["seed_3", "seed_4", "mean"]),
        ((3, 4), 1, ["seed_3", "mean"]),
        ((7,), 20, ["seed_7"]),
        ((7,), 0, ["seed_7"]),
    ],
)
def test_a_curve_for_each_seed_and_one_for_several(seeds, most, names):
    found = curves(loops(seeds=seeds, loss=[[1.0], [2.0]][: len(seeds)]), most)
    assert list(found) == names
    assert found.get("mean", {"loss": [1.5]})["loss"][0] == 1.5


# ---------------------------------------------------------------- TensorBoard


def events(folder):
    """Events of all files of a folder: each record is its length, a checksum, the event and a checksum."""
    for path in sorted(folder.glob("events*")):
        data = path.read_bytes()
        while data:
            (length,) = struct.unpack("Q", data[:8])
            yield EVENTS.Event.FromString(data[12 : 12 + length])
            data = data[16 + length :]


def summaries(folder):
    """Summaries by tag and step, each of which comes once."""
    found = [((value.tag, event.step), value) for event in events(folder) for value in event.summary.value]
    assert len(dict(found)) == len(found)
    return dict(found)


def scalars(folder):
    """Values by tag and step."""
    return {place: value.simple_value for place, value in summaries(folder).items()}


@pytest.fixture
def begin(tmp_path):
    """`begin(seeds=1)`: a logger and its state, again and again in one folder."""

    states = []

    def begun(**settings):
        logger = meva.make("logger", "tensorboard", **settings)
        (tmp_path / "logs").mkdir(exist_ok=True)
        run = Run(name="run", folder=tmp_path / "logs", experiment={"learner": {"rate": 0.5}}, hash=HASH)
        logger.check(run)
        states.append(logger.begun(run))
        return logger, states[-1]

    yield begun
    for state in states:
        state.close()


def test_curves_of_a_run_that_is_resumed_within_a_second(begin, tmp_path):
    logger, state = begin()
    logger.metrics(state, loops(loss=[[1.0, 2.0], [3.0, 4.0]]))
    # What is logged is on the disk, also if the process is killed now.
    assert scalars(tmp_path / "logs/learner/mean") == {("loss", 1): 2.0, ("loss", 2): 3.0}
    logger, state = begin()
    logger.metrics(state, loops(first=2, loss=[[5.0], [7.0]]))
    logger.finished(state, results())
    assert scalars(tmp_path / "logs/learner/mean") == {("loss", 1): 2.0, ("loss", 2): 3.0, ("loss", 3): 6.0}
    assert scalars(tmp_path / "logs/learner/seed_4") == {("loss", 1): 3.0, ("loss", 2): 4.0, ("loss", 3): 7.0}


def test_steps_that_a_killed_process_wrote_twice_count_once(begin, tmp_path):
    """TensorBoard forgets steps from that of a START on, if it has read any."""
    logger, state = begin()
    logger.metrics(state, loops(loss=[[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]]))
    logger, state = begin()
    logger.metrics(state, loops(first=1, loss=[[2.0, 3.0, 4.0], [0.0, 0.0, 0.0]]))
    found = list(events(tmp_path / "logs/learner/seed_3"))
    starts = [n for n, event in enumerate(found) if event.session_log.status == EVENTS.SessionLog.START]
    assert [found[n].step for n in starts] == [2]
    kept = [event.step for event in found[: starts[0]] if event.step < 2]
    assert [step for step in kept if step] + [event.step for event in found[starts[0] + 1 :]] == [1, 2, 3, 4]


def test_a_fit_that_begins_again_replaces_its_curves_only(begin, tmp_path):
    logger, state = begin()
    for fit in ("learner", "matches"):
        logger.metrics(state, loops(fit=fit, loss=[[1.0, 2.0], [3.0, 4.0]]))
    logger.metrics(state, loops(fit="matches", loss=[[8.0], [8.0]]))
    logger.finished(state, results())
    assert scalars(tmp_path / "logs/matches/seed_3") == {("loss", 1): 8.0}
    assert set(scalars(tmp_path / "logs/learner/seed_3")) == {("loss", 1), ("loss", 2)}


def test_results_and_reasons_are_those_of_the_last_time(begin, tmp_path):
    logger, state = begin()
    logger.failed(state, "stopped by SIGINT")
    assert ("stopped/text_summary", 0) in scalars(tmp_path / "logs/results")
    logger, state = begin()
    logger.finished(state, results())
    found = scalars(tmp_path / "logs/results")
    texts = {(f"{name}/text_summary", 0) for name in ("experiment", "tables", "row")}
    assert set(found) == {*texts, ("results/self_play", 0)}
    assert found["results/self_play", 0] == 0.5
    text = {
        value.tag: value.tensor.string_val
        for event in events(tmp_path / "logs/results")
        for value in event.summary.value
    }
    assert text["experiment/text_summary"] == [b"    learner.rate = 0.5"]
    assert text["tables/text_summary"] == [b"    <table>\n      0.5"]


def test_logs_of_several_runs_in_a_folder_of_ones_own(begin, tmp_path):
    logger, state = begin(folder=str(tmp_path / "all"), seeds=0)
    logger.metrics(state, loops(loss=[[1.0], [2.0]]))
    identity = (tmp_path / "logs" / "run_id.txt").read_text()
    assert [path.name for path in (tmp_path / "all" / f"run-{identity}" / "learner").iterdir()] == ["mean"]
    assert len(list((tmp_path / "logs").iterdir())) == 1


def test_runs_of_one_name_keep_their_curves_in_a_common_folder(tmp_path):
    logger = meva.make("logger", "tensorboard", folder=str(tmp_path / "all"))
    runs = [Run(name="run", folder=tmp_path / place / "logs", experiment={}, hash=HASH) for place in "ab"]
    states = [logger.begun(run) for run in runs]
    for n, state in enumerate(states):
        logger.metrics(state, loops(loss=[[n], [n]]))
        logger.finished(state, results())
    for n, run in enumerate(runs):
        assert scalars(logger.place(run) / "learner" / "mean") == {("loss", 1): n}
    nowhere = Run(name=f"ipd-naive-{HASH}", folder=None, experiment={}, hash=HASH)
    assert logger.place(nowhere) == tmp_path / "all" / nowhere.name


def full(*given):
    raise OSError(28, "No space left on device")


def test_a_full_disk_is_an_error_at_once(begin, monkeypatch):
    logger, state = begin()
    monkeypatch.setattr("tensorboardX.record_writer.RecordWriter.flush", full)
    with pytest.raises(OSError, match="No space left"):
        logger.metrics(state, loops(loss=[[1.0], [2.0]]))


def test_a_full_disk_leaves_no_file_open(begin, monkeypatch):
    logger, state = begin()
    logger.metrics(state, loops(loss=[[1.0], [2.0]]))
    monkeypatch.setattr("tensorboardX.event_file_writer.EventsWriter.write_event", full)
    with pytest.raises(OSError, match="No space left"):
        logger.failed(state, "its metrics raises OSError")
    assert state.writers == {}


# ---------------------------------------------------------------- Weights & Biases


class Tracked:
    """The documented part of a run of wandb that the logger uses."""

    def __init__(self, **options):
        self.options, self.rows, self.summary, self.axes, self.code = options, [], {}, {}, None

    def define_metric(self, name, step_metric):
        self.axes[name] = step_metric

    def log(self, row):
        self.rows.append(row)

    def finish(self, exit_code=None):
        self.code = exit_code


@pytest.fixture
def fake(monkeypatch):
    """The module wandb as its documentation describes it, as far as it is used."""
    module = ModuleType("wandb")
    module.__file__ = __file__
    vars(module).update(
        init=Tracked, Settings=dict, Image=lambda path: ("image", path), Html=lambda text: ("html", text)
    )
    monkeypatch.setitem(sys.modules, "wandb", module)
    return module


def follow(folder, **settings):
    logger = meva.make("logger", "wandb", **settings)
    run = Run(name="run", folder=folder, experiment={"learner": {"rate": 0.5}}, hash=HASH)
    logger.check(run)
    return logger, logger.begun(run)


def test_a_run_is_a_run_there(fake, tmp_path):
    logger, state = follow(tmp_path, project="games", mode="offline")
    told = {name: state.options[name] for name in ("project", "mode", "name", "config", "dir", "resume", "reinit")}
    assert told == {
        "project": "games",
        "mode": "offline",
        "name": "run",
        "config": {"learner": {"rate": 0.5}},
        "dir": str(tmp_path),
        "resume": "allow",
        "reinit": "create_new",
    }
    logger.metrics(state, loops(first=4, loss=[[1.0, 2.0], [3.0, 4.0]]))
    assert state.axes == {"learner/*": "learner/loop"}
    assert state.rows[1] == {"learner/loop": 6, "learner/loss": 3, "learner/loss/seed_3": 2, "learner/loss/seed_4": 4}
    logger.finished(state, results(payoffs=Path("payoffs.png")))
    assert state.rows[-1] == {
        "tables": ("html", "<pre>&lt;table&gt;\n  0.5</pre>"),
        "figures/payoffs": ("image", "payoffs.png"),
    }
    assert (state.summary, state.code) == ({"results/self_play": 0.5, "results/row": "rate = 1"}, None)


def test_a_folder_that_the_library_left_is_no_library(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "wandb", ModuleType("wandb"))  # without a file, as Python imports a folder
    with pytest.raises(MissingLibrary, match=r'pip install "meva\[wandb\]"'):
        follow(tmp_path)


@pytest.mark.parametrize("most", [0, 20])
def test_a_single_seed_has_the_plain_names(fake, tmp_path, most):
    logger, state = follow(tmp_path, seeds=most)
    logger.metrics(state, loops(seeds=(3,), loss=[[1.0]]))
    assert state.rows == [{"learner/loop": 1, "learner/loss": 1}]


def test_a_resumed_run_has_the_same_identity(fake, tmp_path):
    first, second = (follow(tmp_path)[1].options["id"] for _ in range(2))
    assert first == second
    assert len(first) == 8
    assert follow(None)[1].options["id"] is None


def test_a_run_that_was_stopped_has_a_code_and_a_reason(fake, tmp_path):
    logger, state = follow(tmp_path)
    logger.failed(state, "stopped by SIGINT")
    assert (state.summary, state.code) == ({"stopped": "stopped by SIGINT"}, 1)


def test_a_run_ends_also_if_its_reason_is_refused(fake, tmp_path):
    logger, state = follow(tmp_path)
    state.summary = None
    with pytest.raises(AttributeError):
        logger.failed(state, "its metrics raises OSError")
    assert state.code == 1


@pytest.mark.skipif(importlib.util.find_spec("wandb") is None, reason="the extra test does not contain wandb (95 MB)")
def test_the_library_itself_stores_a_run_to_be_sent(tmp_path):
    for first in (0, 1):  # stopped and resumed
        logger, state = follow(tmp_path, mode="offline")
        logger.metrics(state, loops(first=first, loss=[[1.0], [2.0]]))
        logger.finished(state, results())
    stored = [path for path in tmp_path.glob("wandb/offline-run-*/*.wandb") if b"learner/loss" in path.read_bytes()]
    assert {path.stem for path in stored} == {f"run-{(tmp_path / 'run_id.txt').read_text()}"}


@pytest.mark.skipif(importlib.util.find_spec("wandb") is None, reason="the extra test does not contain wandb (95 MB)")
def test_the_library_itself_leaves_other_runs_open(tmp_path):
    wandb = importlib.import_module("wandb")
    own = wandb.init(mode="offline", dir=str(tmp_path / "own"))
    logger, state = follow(tmp_path, mode="offline")
    assert state.id != own.id
    logger.failed(state, "its metrics raises OSError")
    own.log({"mine": 1})  # raises an error if the run is over
    own.finish()
