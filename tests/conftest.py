"""Shared fixtures: the command line in this process, and plugins of strangers."""

import contextlib
import ctypes
import functools
import gc
import importlib
import importlib.metadata
import io
import os
import shutil
import sys
import tempfile
import warnings
from pathlib import Path
from typing import NamedTuple

import pytest

from meva_core import cli, errors
from meva_core.registry import discovery

# One device, as on a machine of one core, and one compilation per program and session: most of a small run's time is
# XLA's. The cache is per process, since it is not made for several writers. What is compiled runs for milliseconds, so
# it is compiled with little care; `JAX_DISABLE_MOST_OPTIMIZATIONS=0 XLA_FLAGS= pytest` compiles as a user's run does.
# One part of a program per compilation: to split small programs into 32 took a third of the time that they take.
# XLA ends a process that names a flag it does not know, and from jaxlib 0.11 on it has only one way to fuse.
_OLD = tuple(map(int, importlib.metadata.version("jaxlib").split(".")[:2])) < (0, 11)
_QUICK_TO_COMPILE = "--xla_cpu_use_fusion_emitters=false " * _OLD + "--xla_cpu_parallel_codegen_split_count=1"
_ENVIRONMENT = {
    "JAX_NUM_CPU_DEVICES": "1",
    "JAX_DISABLE_MOST_OPTIMIZATIONS": os.environ.get("JAX_DISABLE_MOST_OPTIMIZATIONS", "1"),
    "XLA_FLAGS": os.environ.get("XLA_FLAGS", _QUICK_TO_COMPILE),
    "JAX_COMPILATION_CACHE_DIR": "",
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.2",  # to write a smaller one takes as long as to compile it
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}


def pytest_configure(config):
    _ENVIRONMENT["JAX_COMPILATION_CACHE_DIR"] = tempfile.mkdtemp(prefix="meva-tests-")
    os.environ.update(_ENVIRONMENT)
    gc.set_threshold(50_000, 10, 10)  # tracing makes many objects and few circles: looking for those took a seventh


def pytest_unconfigure(config):
    shutil.rmtree(_ENVIRONMENT["JAX_COMPILATION_CACHE_DIR"], ignore_errors=True)


# By CPU seconds, of those that take 25 or more.
FIRST = (
    *("test_registered.py", "test_theory.py", "test_rules.py", "test_run.py", "test_units.py", "test_golden.py"),
    *("test_readme.py", "test_reproduce.py", "test_evaluate.py", "test_devices.py", "test_meva.py", "test_folders.py"),
    *("test_games.py", "test_third_party_plugin.py", "test_summary.py", "test_examples.py"),
)


def pytest_collection_modifyitems(items):
    """The files that take longest come first, so that no worker is left alone with one at the end."""
    place = {name: n for n, name in enumerate(FIRST)}
    items.sort(key=lambda item: place.get(item.path.name, len(place)))


@pytest.fixture(autouse=True, scope="session")
def one_context():
    """Programs are lowered in one context of MLIR. JAX makes a context for each program, which takes milliseconds, and
    a megabyte for as long as the program lives."""
    from jax._src.interpreters import mlir  # it has no public name

    with pytest.MonkeyPatch.context() as patch:
        if hasattr(mlir, "make_ir_context"):  # a newer JAX may have none: then the tests take longer
            patch.setattr(mlir, "make_ir_context", functools.cache(mlir.make_ir_context))
        yield


RESIDENT = Path("/proc/self/statm")  # on Linux, of which the second number is pages in memory
ROOM = 5 * 2**30  # bytes of a worker's memory beyond which it forgets its compiled programs


@pytest.fixture(autouse=True)
def room():
    """Compiled programs stay in memory; with all of the tests' a laptop would run out of it, and Linux out of the
    65530 maps that a process may have: then XLA crashes. There are some 6000 per gigabyte."""
    yield
    import jax  # which reads the environment that `pytest_configure` leaves

    if RESIDENT.exists() and int(RESIDENT.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") > ROOM:
        jax.clear_caches()
        gc.collect()
        # The C library keeps what was freed, and then every later test would begin without compiled programs.
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL("libc.so.6").malloc_trim(0)


class Outcome(NamedTuple):
    """The exit code and the output of a command."""

    code: int
    out: str
    err: str

    @property
    def lines(self):
        return self.out.splitlines()


def invoke(command, *arguments):
    """Run `meva` or `meva-run` here: a subprocess would import jax and compile everything anew."""
    out, err, argv = io.StringIO(), io.StringIO(), sys.argv
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), warnings.catch_warnings():
        for category in (discovery.PluginWarning, errors.Remark):
            warnings.simplefilter("always", category)
        sys.argv = [command, *map(str, arguments)]
        try:
            {"meva-run": cli.run, "meva": cli.main}[command]()
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 0 if error.code is None else 1
        finally:
            sys.argv = argv
    return Outcome(code, out.getvalue(), err.getvalue())


@pytest.fixture(scope="session")
def meva_run():
    """`meva_run("--game", "ipd", ...)`."""
    return lambda *arguments: invoke("meva-run", *arguments)


@pytest.fixture(scope="session")
def meva_command():
    """`meva_command("list", "game")`."""
    return lambda *arguments: invoke("meva", *arguments)


@pytest.fixture(scope="module")
def no_figures():
    """Runs draw no figures, which takes longer than all else of a run whose programs are compiled."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("meva_core.report.figures.style.save", lambda figure, folder, name: [])
        yield


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    """The plugin of doubles/toy.py as if pip had installed it, here and in processes that are started from here."""
    site, doubles = tmp_path_factory.mktemp("site"), Path(__file__).parent / "doubles"
    leave_metadata(site, "meva-toy", "toy", "toy")
    with pytest.MonkeyPatch.context() as patch:
        for folder in (site, doubles):
            patch.syspath_prepend(folder)
            patch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
        discovery.installed.cache_clear()
        yield
    discovery.installed.cache_clear()


def leave_metadata(site, distribution, name, module):
    """Write the metadata that pip writes for a distribution with one entry point."""
    info = site / f"{distribution.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[meva]\n{name} = {module}\n")


@pytest.fixture
def fake_plugin(tmp_path, monkeypatch):
    """`fake_plugin("tug_of_war", code)`: what pip would leave, a module and the metadata of its distribution."""
    modules = []

    def install(module, code, *, name=None, distribution=None, site="site"):
        folder: Path = tmp_path / site
        folder.mkdir(exist_ok=True)
        (folder / f"{module}.py").write_text(code)
        leave_metadata(folder, distribution or f"meva-{module.replace('_', '-')}", name or module, module)
        if str(folder) not in sys.path:
            monkeypatch.syspath_prepend(folder)
        modules.append(module)
        importlib.invalidate_caches()
        discovery.installed.cache_clear()
        return folder

    yield install
    for module in modules:
        sys.modules.pop(module, None)
    discovery.installed.cache_clear()
