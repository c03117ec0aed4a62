"""Cores and GPUs of a machine, shared out among workers. A folder stands for /dev, and for jax's plugin of CUDA."""

import jax
import pytest

from meva_core.compute import devices
from meva_core.contracts import default_jobs, machine
from meva_core.contracts.machine import environments
from meva_core.errors import BadValue
from meva_core.storage import provenance
from meva_core.studies import executing, measuring, tournament_folder
from meva_core.studies.tournament_settings import Tournament


@pytest.fixture
def two_gpus(tmp_path, monkeypatch):
    """A machine with two GPUs, and jax's plugin for them."""
    for name in ("nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm", "plugins/jax_plugins/xla_cuda13/__init__.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.setattr(machine, "_DEVICES", tmp_path)
    monkeypatch.syspath_prepend(tmp_path / "plugins")
    for name in ("CUDA_VISIBLE_DEVICES", "JAX_PLATFORMS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(devices, "_left", False)
    return tmp_path


@pytest.fixture
def settings(monkeypatch):
    """The settings of jax that are changed, which then stay as they are."""
    changed = {}
    monkeypatch.setattr("jax.config.update", changed.__setitem__)
    return changed


@pytest.mark.parametrize(
    ("variables", "gpus"),
    [
        ({}, ("0", "1")),
        ({"CUDA_VISIBLE_DEVICES": "1"}, ("1",)),
        ({"CUDA_VISIBLE_DEVICES": "GPU-7c, MIG-3a"}, ("GPU-7c", "MIG-3a")),
        ({"CUDA_VISIBLE_DEVICES": "1,-1,0"}, ("1",)),
        ({"CUDA_VISIBLE_DEVICES": "1,2,0"}, ("1",)),
        ({"CUDA_VISIBLE_DEVICES": "NoDevFiles"}, ()),  # SLURM's word for none
        ({"CUDA_VISIBLE_DEVICES": ""}, ()),
        ({"JAX_PLATFORMS": "cpu"}, ()),
        ({"JAX_PLATFORMS": "cuda,cpu"}, ("0", "1")),
    ],
)
def test_gpus_are_those_that_the_user_lets_jax_see(two_gpus, monkeypatch, variables, gpus):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert machine.gpus() == gpus


def test_without_jaxs_plugin_for_them_there_are_none(two_gpus):
    (two_gpus / "plugins/jax_plugins/xla_cuda13").rename(two_gpus / "plugins/jax_plugins/another")
    assert machine.gpus() == ()


@pytest.mark.parametrize(
    ("jobs", "gpus", "visible"),
    [
        (1, "0 1 2 3", ["0,1,2,3"]),
        (2, "0 1 2 3", ["0,1", "2,3"]),
        (3, "0 1 2 3", ["0", "1", "2"]),  # all have as many, since sums round by the number of devices
        (3, "GPU-a GPU-b", ["GPU-a", "GPU-b", "GPU-a"]),
        (2, "", [None, None]),
    ],
)
def test_each_worker_has_gpus_of_its_own(jobs, gpus, visible):
    workers = environments(jobs, 8, gpus.split(), {})
    assert [worker.get("CUDA_VISIBLE_DEVICES") for worker in workers] == visible
    shared = bool(gpus) and jobs > len(gpus.split())
    assert [worker.get("XLA_PYTHON_CLIENT_PREALLOCATE") for worker in workers] == ["false" if shared else None] * jobs
    assert {worker["NPROC"] for worker in workers} == {worker["JAX_NUM_CPU_DEVICES"] for worker in workers}
    assert workers[0]["NPROC"] == str(8 // jobs)


def test_the_users_own_numbers_stay():
    own = {"NPROC": "3", "XLA_PYTHON_CLIENT_PREALLOCATE": "true"}
    assert environments(2, 8, ["7"], own)[1] == {**own, "JAX_NUM_CPU_DEVICES": "4", "CUDA_VISIBLE_DEVICES": "7"}


def test_by_default_there_is_one_worker_for_each_gpu(two_gpus, monkeypatch):
    assert default_jobs() == 2
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert default_jobs() == 1
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setattr(machine, "cores", lambda: 100)
    assert default_jobs() == machine.MOST


def test_a_process_that_holds_the_gpus_computes_itself(two_gpus, monkeypatch):
    """A notebook may have used them before: others would have no memory."""
    monkeypatch.setattr("jax.default_backend", lambda: "gpu")
    assert default_jobs() == 1


def test_whoever_chose_the_processor_has_left_no_gpus(two_gpus, settings):
    assert not devices.have_left()
    assert "machine" in provenance.record()
    devices.leave_gpus()
    assert devices.have_left()
    assert provenance.record().keys().isdisjoint({"machine", "device", "devices"})  # those of others


@pytest.mark.parametrize(
    ("jobs", "executor", "left"), [(None, None, True), (1, None, False), (2, None, True), (1, object(), True)]
)
def test_a_process_that_computes_no_runs_leaves_the_gpus(two_gpus, settings, jobs, executor, left):
    """They would have no memory for the others."""
    executing.prepare(jobs, executor)
    assert ("jax_platforms" in settings) == left


def test_a_tournament_records_the_devices_of_its_workers(two_gpus, settings, tmp_path, monkeypatch):
    """`meva verify` takes as many, so that sums over a batch round alike."""
    monkeypatch.setattr(machine, "cores", lambda: 8)
    monkeypatch.delenv("JAX_NUM_CPU_DEVICES")
    asked = Tournament(games=("matrix",), learners=("naive",))

    def recorded(name, jobs):
        tournament_folder.create(tmp_path / name, asked, None, jobs=jobs)
        return devices.recorded(tmp_path / name / "tournament.toml")

    assert recorded("gpus", 2) == ("gpu", 1)
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    assert recorded("cores", 2) == ("cpu", 4)
    assert recorded("alone", None) == ("cpu", len(jax.devices()))


def test_without_gpus_nothing_is_left(settings, tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "_DEVICES", tmp_path)  # also on a machine that has some
    executing.prepare(2, None)
    assert "jax_platforms" not in settings


def test_claims_are_counted_on_all_gpus(two_gpus, settings, monkeypatch):
    chosen = []
    monkeypatch.setattr(devices, "prepare", lambda count=None: chosen.append(count))
    monkeypatch.setattr(devices, "have_left", lambda: "jax_platforms" in settings)
    assert measuring.device_counts(None) == [2]
    assert chosen[-1] == 2
    assert not settings
    assert measuring.device_counts([1]) == [1]  # twice at a time, in other processes
    assert chosen[-1] is None
    assert settings == {"jax_platforms": "cpu"}
    with pytest.raises(BadValue, match="expected 1 to 2 for --devices"):
        measuring.device_counts([3])
    with pytest.raises(BadValue, match="expected one number for --devices on accelerators"):
        measuring.device_counts([1, 2])
    assert measuring.device_counts(None, 2) == [1]  # each has one
    with pytest.raises(BadValue, match="expected 1 to 1 for --devices, the number of devices of each of 2 jobs, got 2"):
        measuring.device_counts([2], 2)
