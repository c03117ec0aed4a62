"""Two devices do what one does, up to rounding; how many there are is settled once, and recorded."""

import functools
import json
import os
import re
import subprocess
import sys
import tomllib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from meva_core.compute import devices
from meva_core.ops import batching

FIT = r"""
import json, re, sys
import jax, numpy as np
from meva_core import evaluate, fitting, runner
from meva_core.compute import devices
from meva_core.experiment import compose, resolve
from meva_core.ops import batching
from meva_core.match import Fitted, self_play

devices.prepare(count=int(sys.argv[1]))
known, files = runner.plugins()
found = {"used": len(batching.used())}
five = jax.jit(lambda x: batching.over_batch(jax.numpy.sin, x)).lower(np.ones(5, "f")).compile().as_text()
found["sines of five"] = [n for n in (3, 5) if re.search(rf"f32\[{n}\]\S* sine\(", five)]
found["shared"] = [len(jax.jit(batching.spread)(np.ones(n)).sharding.device_set) for n in (6, 5)]
mean = jax.jit(lambda c, x: batching.mean_over_batch(lambda c, x: {"of products": (c * x).mean()}, c, x))
found["means"] = [float(mean(2.0, np.arange(float(n)))["of products"]) for n in (6, 5)]
for game, name, settings in json.loads(sys.argv[2]):
    asked = resolve.resolve(known, files, game=game, learner=name, opponents=(), overrides=settings)
    learner = compose.compose(asked).rehearse()[0]
    trainings, compiled = [learner.training] * 2, []
    jax.monitoring.clear_event_listeners()
    jax.monitoring.register_event_duration_secs_listener(
        lambda event, seconds, **_: compiled.append(event) if event.endswith("backend_compile_duration") else None
    )
    counts = []
    for chunk in fitting.fit(trainings, [0, 1], chunk=1):
        counts.append(len(compiled))
    assert counts[0] > 0
    leaves = jax.tree.leaves(fitting.fitted_params(trainings, chunk.state))
    found[name] = [np.asarray(leaf).ravel().tolist() for leaf in leaves]
    found[f"{name} compiled again"] = counts[-1] - counts[0]
    params = jax.tree.map(lambda leaf: leaf[0], fitting.fitted_params(trainings, chunk.state))
    match = self_play(learner.game, Fitted(learner=learner, params=params))
    for count in (6, 5):
        played = jax.jit(lambda match, key, count=count: evaluate.matches(match, key, count, 3).payoffs)
        found[f"{name} {count}"] = np.asarray(played(match, jax.random.key(1))).tolist()
print(json.dumps(found))
"""


def run(code, *arguments, **environment):
    own = {k: v for k, v in os.environ.items() if k != "JAX_NUM_CPU_DEVICES"} | environment
    done = subprocess.run([sys.executable, "-c", code, *map(str, arguments)], env=own, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


SIZES = {"learner.batch_size": 6, "learner.loops": 3}
WIDTH = {"value_model.width": 8, "value_model.blocks": 0}
TRAJECTORY = {"learner.trajectory": 4, "learner.stride": 2, "learner.quantiles": 3}
POPULATION = {"learner.population": 2, "learner.naive_share": 0.5, "learner.steps": 2}
CASES = {
    "meva": ("logistic", SIZES | WIDTH | TRAJECTORY),
    "m_maml": ("ipd", SIZES),
    "cola": ("logistic", SIZES | WIDTH),
    "coala_pg": ("logistic", SIZES | POPULATION),
    "meta_mapg": ("logistic", SIZES),
}
# All fits share out their batches: in CI one stands for them.
IN_CI = ("meva",)
fits = pytest.mark.parametrize("name", [pytest.param(n, marks=[] if n in IN_CI else pytest.mark.long) for n in CASES])


@functools.cache
def found(*names):
    """Results of these fits on one device and on two."""
    both = []
    for count in (1, 2):
        code, out, said = run(FIT, count, json.dumps([(CASES[name][0], name, CASES[name][1]) for name in names]))
        assert code == 0, said
        both.append(json.loads(out))
    return both


def of(name, what=""):
    """Results of one fit on one device and on two."""
    return [side[name + what] for side in found(*(IN_CI if name in IN_CI else [name]))]


def test_so_many_are_used_as_are_asked_for():
    both = found(*IN_CI)
    assert [one["used"] for one in both] == [1, 2]
    assert both[1]["shared"] == [2, 1]  # what they do not divide stays with one
    assert [one["sines of five"] for one in both] == [[5], [3]]  # but for what is mapped over


def test_a_mean_is_over_everybodys_share():
    assert [one["means"] for one in found(*IN_CI)] == [[5.0, 4.0]] * 2


@fits
def test_two_fit_as_one(name):
    one, two = map(flat, of(name))
    assert one == pytest.approx(two, rel=1e-4, abs=1e-5)


@fits
def test_nothing_compiles_anew_between_chunks(name):
    assert of(name, " compiled again") == [0, 0]


@pytest.mark.parametrize("count", [6, 5])
@fits
def test_two_play_as_one_also_where_they_do_not_divide_the_pairs(name, count):
    one, two = of(name, f" {count}")
    assert len(one) == count
    assert flat(one) == pytest.approx(flat(two), rel=1e-4, abs=1e-5)


def flat(rows):
    return [number for row in rows for number in row]


PREPARE = """
from meva_core.compute import devices
from meva_core.ops import batching
devices.prepare()
print(len(batching.used()))
"""


def test_by_default_every_core_is_one():
    assert run(PREPARE)[1] == f"{devices.default_count(devices.cores())}\n"
    assert [devices.default_count(cores) for cores in (1, 2, 3, 4, 6, 8, 64)] == [1, 2, 2, 4, 4, 8, 8]


def test_a_process_of_a_pool_takes_one_core():
    inside = "__import__('meva_core.compute.devices').compute.devices.prepare() or len(__import__('jax').devices())"
    code = f"import multiprocessing as m; print(m.get_context('spawn').Pool(1).apply(eval, ({inside!r},)))"
    assert run(code)[1] == "1\n"


def test_what_jax_was_told_holds():
    assert run(PREPARE, JAX_NUM_CPU_DEVICES="3")[1] == "3\n"


ASK_FOR = """
import jax
from meva_core.compute import devices
from meva_core.errors import BadValue
jax.devices()
for asked in ({"kind": "gpu"}, {"count": 99}, {"count": 100_000}):
    try:
        devices.prepare(**asked)
    except BadValue as error:
        print(error)
"""


def test_what_there_is_not():
    assert run(ASK_FOR, JAX_PLATFORMS="cpu", JAX_NUM_CPU_DEVICES="2")[1].splitlines() == [
        "expected a gpu that jax can use for --device, got cpu only (for NVIDIA GPUs: pip install 'meva[cuda]')",
        "expected 1 to 2 for --devices, got 99",
        "expected 1 to 256 for --devices, got 100000",
    ]


@pytest.mark.long
def test_a_run_records_its_devices_and_a_rerun_takes_as_many(tmp_path):
    def recorded(out, *words):
        code, _, said = run("from meva_core import cli; cli.run()", *words, "--out", tmp_path / out, "--quiet")
        assert code == 0, said
        return tomllib.loads((tmp_path / out / "experiment.toml").read_text())["run"]["devices"]

    small = ["--evaluate", "convergence", "--set", "evaluate.pairs=2", "--set", "evaluate.steps=2"]
    words = ["--game", "matrix", "--learner", "naive", *small]
    assert recorded("first", *words, "--devices", 3) == 3
    assert recorded("again", tmp_path / "first" / "experiment.toml") == 3
    assert recorded("fewer", tmp_path / "first" / "experiment.toml", "--devices", 1) == 1
    file = tmp_path / "first" / "experiment.toml"
    file.write_text(file.read_text().replace("devices = 3", 'devices = "many"'))
    assert devices.recorded(file) is None


@pytest.mark.parametrize(
    ("kind", "number", "here", "used"),
    [
        ("cpu", 2, ("cpu", 8), 2),
        ("gpu", 1, ("gpu", 4), 1),  # a worker's
        ("gpu", 4, ("gpu", 1), None),
        ("cpu", 8, ("gpu", 1), None),  # a laptop's
        ("gpu", 1, ("cpu", 8), None),
    ],
)
def test_a_rerun_takes_as_many_devices_of_the_same_kind(kind, number, here, used, tmp_path, monkeypatch):
    (tmp_path / "experiment.toml").write_text(f'[run]\ndevice = "{kind}"\ndevices = {number}\n')
    changed = {}
    monkeypatch.setattr("jax.config.update", changed.__setitem__)
    monkeypatch.setattr("jax.default_backend", lambda: here[0])
    monkeypatch.setattr("jax.devices", lambda: [None] * here[1])
    monkeypatch.setattr(batching, "_limit", None)
    devices.prepare(again=devices.recorded(tmp_path / "experiment.toml"))
    assert batching._limit == used
    assert (changed.get("jax_num_cpu_devices") == number) == (kind == "cpu")


@pytest.mark.parametrize("size", [1, 2, 5, 6])
def test_a_large_batch_goes_block_by_block(size, monkeypatch):
    monkeypatch.setattr(batching, "LARGEST_BLOCK", 2)

    def squares(x):
        return batching.over_batch(lambda x: {"square": x**2}, x)

    x = jnp.arange(float(size))
    np.testing.assert_array_equal(squares(x)["square"], x**2)
    one_program = str(jax.make_jaxpr(squares)(x))
    assert re.findall(r"length=(\d+)", one_program) == ([] if size <= 2 else ["3"])
