"""Fits in a folder: one that is stopped in the middle of a chunk, and resumed, leaves the same files."""

import os
import signal

import jax
import jax.numpy as jnp
import pytest

from meva_core import fitting
from meva_core.compute.progress import Progress
from meva_core.compute.signals import Stopped
from meva_core.contracts import Training, component
from meva_core.experiment.experiment import FitSettings
from meva_core.storage import kept_fit

SETTINGS = FitSettings(seeds=2, chunk=4)


@component
class Walk(Training):
    """A random walk of 22 loops."""

    num_steps = 22

    def init(self, key):
        return jnp.zeros(())

    def step(self, state, key):
        place = state + jax.random.normal(key)
        return place, {"place": place}

    def params(self, state):
        return state


class Stopping(Progress):
    """Sends SIGTERM once, when as many loops are told."""

    def __init__(self, at=None):
        self.at, self.told = at, []

    def chunk(self, chunk):
        self.told.append(chunk.loops)
        if self.at == chunk.loops:
            self.at = None
            os.kill(os.getpid(), signal.SIGTERM)


def fit(out, progress):
    out.mkdir(exist_ok=True)
    return kept_fit.train(SETTINGS, [Walk()] * 2, progress, kept_fit.Place(out, "learner", {"of": "a walk"}))[1]


def contents(out):
    return {path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()}


@pytest.mark.parametrize("stops", [[1], [6, 7], [17, 21]])
def test_a_fit_that_is_stopped_within_a_chunk_leaves_the_same_files(tmp_path, monkeypatch, stops):
    monkeypatch.setattr(fitting, "PART_SECONDS", 0.0)  # every part is one loop
    whole = fit(tmp_path / "whole", Stopping())
    for at in stops:
        stopping = Stopping(at)
        with pytest.raises(Stopped):
            fit(tmp_path / "stopped", stopping)
        assert max(stopping.told) == at
        assert (tmp_path / "stopped" / "checkpoints" / "learner" / f"loop-{at:07d}.npz").exists()
    resumed = fit(tmp_path / "stopped", Stopping())
    assert contents(tmp_path / "stopped") == contents(tmp_path / "whole")
    assert resumed.metrics["place"].tolist() == whole.metrics["place"].tolist()
