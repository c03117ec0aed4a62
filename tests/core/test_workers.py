"""Tasks in processes of their own: all are done, none together that must not be, and all stop when told to."""

import importlib
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import attrs
import pytest

from meva_core.compute import processes
from meva_core.compute.progress import Overview, Progress
from meva_core.compute.tasks import Task
from meva_core.errors import BadPlugin, BadValue, Lost
from meva_core.studies import executing


@attrs.frozen
class Square(Task):
    """Says its number, notes when it began and ended, and answers with the square."""

    number: int
    folder: Path
    alone: frozenset = frozenset()
    seconds: float = 0.0

    def do(self, progress):
        began = time.monotonic()
        progress.status(f"squaring {self.number}")
        time.sleep(self.seconds)
        (self.folder / f"{self.number}").write_text(f"{began} {time.monotonic()} {os.getpid()}")
        return self.number**2


@attrs.frozen
class Cores(Task):
    """A job that returns the numbers of cores and devices that its process sees."""

    def do(self, progress):
        return os.environ["NPROC"], os.environ["JAX_NUM_CPU_DEVICES"]


@attrs.frozen
class Gpus(Task):
    """A job that returns the GPUs that its process sees, when as many processes as there are jobs have begun."""

    folder: Path
    jobs: int

    def do(self, progress):
        (self.folder / str(os.getpid())).touch()
        until(lambda: len(list(self.folder.iterdir())) == self.jobs)
        return os.environ["CUDA_VISIBLE_DEVICES"]


@attrs.frozen
class Refuses(Task):
    def do(self, progress):
        raise BadValue("expected another task, got this one")


@attrs.frozen
class Strange(Task):
    """Runs a stranger's code."""

    def do(self, progress):
        importlib.import_module("strange").fail()


@attrs.frozen
class Dies(Task):
    def do(self, progress):
        os.kill(os.getpid(), signal.SIGKILL)


@attrs.frozen
class Saves(Task):
    """Works until it is interrupted, then takes a while to save."""

    folder: Path
    name: str

    def do(self, progress):
        try:
            (self.folder / f"{self.name}.begun").write_text(str(os.getpid()))
            for _ in range(600):
                time.sleep(0.1)
                progress.status("at work")
        except KeyboardInterrupt:
            time.sleep(0.5)
            (self.folder / f"{self.name}.saved").write_text("")
            raise


class Heard(Progress):
    def __init__(self):
        self.texts = []

    def status(self, text):
        self.texts.append(text)


def until(true, seconds=30):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"


@pytest.mark.parametrize("jobs", [1, 2])
def test_all_are_done_and_heard(jobs, tmp_path):
    heard = {n: Heard() for n in range(3)}
    tasks = [Square(n, tmp_path) for n in (2, 3, 4)]
    assert sorted(processes.do_all(tasks, jobs, heard.__getitem__)) == [(0, 4), (1, 9), (2, 16)]
    assert {n: progress.texts for n, progress in heard.items()} == {
        0: ["squaring 2"],
        1: ["squaring 3"],
        2: ["squaring 4"],
    }
    here = {int(path.read_text().split()[2]) == os.getpid() for path in tmp_path.iterdir()}
    assert here == {jobs == 1}


def test_one_alone_is_done_in_another_process_where_it_has_to_be(tmp_path):
    assert list(processes.do_all([Square(2, tmp_path)], 1, lambda n: Progress(), apart=True)) == [(0, 4)]
    assert int((tmp_path / "2").read_text().split()[2]) != os.getpid()


def test_what_must_not_be_done_together_is_not(tmp_path):
    same = frozenset({"fit"})
    tasks = [Square(1, tmp_path, same, 0.4), Square(2, tmp_path, same | {"other"}, 0.4), Square(3, tmp_path, seconds=2)]
    assert len(list(processes.do_all(tasks, 2, lambda n: Progress()))) == 3
    (a, b), (c, d), (e, _) = (map(float, (tmp_path / str(n)).read_text().split()[:2]) for n in (1, 2, 3))
    assert b <= c or d <= a
    assert e < b or e < d  # while the third went on beside them


def test_what_is_left_has_as_many_cores_as_all_had(monkeypatch):
    """Sums over a batch round by the number of devices."""
    monkeypatch.setattr("meva_core.contracts.machine.cores", lambda: 12_000)
    for name in ("NPROC", "JAX_NUM_CPU_DEVICES"):
        monkeypatch.delenv(name, raising=False)
    assert list(processes.do_all([Cores()], 3000, lambda n: Progress())) == [(0, ("4", "4"))]
    assert list(processes.do_all([], 3000, lambda n: Progress())) == []


def test_each_worker_sees_its_own_gpus(tmp_path, monkeypatch):
    monkeypatch.setattr("meva_core.contracts.machine.gpus", lambda: ("0", "1", "GPU-2", "3"))
    seen = processes.do_all([Gpus(tmp_path, 2)] * 2, 2, lambda n: Progress())
    assert sorted(visible for _, visible in seen) == ["0,1", "GPU-2,3"]


def test_one_job_is_in_another_process_if_this_one_has_left_the_gpus(tmp_path, monkeypatch):
    monkeypatch.setattr("meva_core.compute.devices._left", True)
    tasks = [Square(2, tmp_path)]
    assert list(executing.do_all(tasks, None, 1, Overview(), tmp_path)) == [(0, 4)]
    assert int((tmp_path / "2").read_text().split()[2]) != os.getpid()


def test_what_is_raised_stops_the_others(tmp_path):
    tasks = [Saves(tmp_path, "a"), Refuses()]
    with pytest.raises(BadValue, match="expected another task"):
        list(processes.do_all(tasks, 2, lambda n: Progress()))
    assert (tmp_path / "a.saved").exists() or not (tmp_path / "a.begun").exists()
    assert not multiprocessing.active_children()


def test_a_worker_that_is_killed_is_told_in_one_line(tmp_path):
    with pytest.raises(Lost, match="fewer --jobs"):
        list(processes.do_all([Dies(), Square(1, tmp_path)], 2, lambda n: Progress()))


SCRIPT = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background of a shell
from pathlib import Path
sys.path.insert(0, {here!r})
from test_workers import Saves
from meva_core.compute import processes as workers
from meva_core.compute import signals as stopping
from meva_core.compute.progress import Overview, Progress

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    try:
        list(workers.do_all([Saves(folder, "a"), Saves(folder, "b")], 2, lambda n: Progress()))
    except KeyboardInterrupt as error:
        sys.exit(stopping.exit_code(error))
"""


@pytest.fixture
def working(tmp_path):
    """A process with two workers who have begun; it leads a group of its own, as under a terminal."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(here=str(Path(__file__).parent)))
    process = subprocess.Popen([sys.executable, str(script), str(tmp_path)], start_new_session=True)
    until(lambda: (tmp_path / "a.begun").exists() and (tmp_path / "b.begun").exists())
    until(lambda: all((tmp_path / f"{name}.begun").read_text() for name in "ab"))
    yield process
    process.kill()
    process.wait()


@pytest.mark.parametrize(
    ("group", "number"),
    [
        (True, signal.SIGINT),  # as Ctrl-C in a terminal
        (False, signal.SIGTERM),  # as a scheduler
        pytest.param(True, signal.SIGTERM, marks=pytest.mark.long),
        pytest.param(False, signal.SIGINT, marks=pytest.mark.long),
    ],
)
def test_interrupted_they_save_first(group, number, working, tmp_path):
    (os.killpg if group else os.kill)(working.pid, number)
    assert working.wait(30) == 128 + number
    assert (tmp_path / "a.saved").exists()
    assert (tmp_path / "b.saved").exists()


@pytest.mark.skipif(not Path("/proc").exists(), reason="looks processes up")
def test_workers_end_with_their_parent(working, tmp_path):
    pids = [int((tmp_path / f"{name}.begun").read_text()) for name in "ab"]
    working.kill()
    working.wait()
    until(lambda: all(map(gone, pids)))


def test_a_worker_whose_signal_was_lost_stops_when_it_tells_something(tmp_path, monkeypatch):
    context = multiprocessing.get_context("spawn")
    messages, stopping = context.SimpleQueue(), context.Event()
    monkeypatch.setattr(processes, "_messages", messages)
    monkeypatch.setattr(processes, "_stopping", stopping)
    processes._Forward(0).status("at work")
    assert messages.get() == (0, "status", ("at work",))
    stopping.set()
    with pytest.raises(KeyboardInterrupt):
        processes._Forward(0).status("at work")


def test_a_worker_that_is_told_to_stop_before_its_task_begins_does_not_begin(tmp_path, monkeypatch):
    stopping = multiprocessing.get_context("spawn").Event()
    stopping.set()
    monkeypatch.setattr(processes, "_stopping", stopping)
    before = signal.getsignal(signal.SIGINT)
    try:
        with pytest.raises(KeyboardInterrupt):
            processes._do(0, Square(2, tmp_path))
    finally:
        signal.signal(signal.SIGINT, before)
    assert not list(tmp_path.iterdir())


def test_what_a_strangers_code_raises_in_a_worker_is_named_here(fake_plugin, capfd):
    """Though the exception itself cannot go from process to process; other broken plugins are the parent's to tell."""
    fake_plugin("broken", "1 / 0")
    fake_plugin(
        "strange",
        "class Unheard(Exception):\n    def __init__(self, first, second):\n        super().__init__(first)\n\n\n"
        "def fail():\n    raise Unheard('of this', 'never')\n",
    )
    with pytest.raises(BadPlugin) as caught:
        list(processes.do_all([Strange(), Strange()], 2, lambda n: Progress()))
    assert str(caught.value) == (
        "plugin 'strange' (meva-strange) raises Unheard: of this. Ask its authors, or uninstall meva-strange; "
        "MEVA_DEBUG=1 shows the traceback"
    )
    assert "Warning" not in capfd.readouterr().err


UNGUARDED = """
from meva_core.compute import processes
from meva_core.compute.progress import Progress
from meva_core.compute.tasks import Task

processes.end_if_imported()
print(list(processes.do_all([Task()], 2, lambda n: Progress())))
"""


def test_a_script_that_its_workers_run_again_is_told_so(tmp_path):
    (tmp_path / "script.py").write_text(UNGUARDED)
    run = [sys.executable, tmp_path / "script.py"]
    done = subprocess.run(run, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    first, *_, last = done.stderr.splitlines()
    assert first == f"error: {processes.BELOW}"
    assert last == f"meva_core.errors.Lost: {processes.NONE_BEGAN}"
