"""The benchmarks run, and what they compare does the same work."""

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from meva_meta_value import rollout

from meva_core import runner
from meva_core.experiment import compose, resolve

FOLDER = Path(__file__).parent / "benchmarks"
SIZES = {"batch_size": 3, "trajectory": 4, "stride": 2, "quantiles": 5}


@pytest.mark.long
@pytest.mark.parametrize("recipe", ["paper", "authors"])
def test_the_notebook_does_what_we_do(recipe, monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    notebooks = importlib.import_module("reference")
    known, files = runner.plugins()
    overrides = {f"learner.{name}": size for name, size in SIZES.items()} | {"value_model.width": 8}
    asked = resolve.resolve(known, files, game="ipd", learner="meva", recipe=recipe, overrides=overrides)
    training: Any = compose.compose(asked).rehearse()[0].training
    learner, notebook = training.learner, notebooks.Notebook(training.learner)
    draw = np.random.default_rng(0).normal
    state = training.init(jax.random.key(0))
    params, target_params = (jax.tree.map(lambda p: p + draw(size=p.shape) / 3, p) for p in state[:2])
    explored = jax.vmap(lambda key: rollout.start(learner, params, key))(jax.random.split(jax.random.key(1), 3))
    keys = jax.random.split(jax.random.key(2), 3)

    there = jax.jit(jax.vmap(lambda e, key: rollout.explore(learner, params, e, key)))(explored, keys)
    x = explored.x
    for _ in range(learner.stride):
        x = notebook.explore(params, x, explored.discounts, explored.noise)
    np.testing.assert_allclose(x, there.x, rtol=1e-3, atol=1e-3)

    data = jax.jit(jax.vmap(lambda e, key: rollout.on_policy(learner, params, e, key)))(there, keys)
    xs = [data.x[:, 0]]
    for _ in range(learner.stride):
        xs.append(notebook.step(params, xs[-1], data.discounts))
    np.testing.assert_allclose(jnp.stack(xs, axis=1), data.x, rtol=1e-3, atol=1e-3)

    ours = jax.jit(jax.grad(training.loss, has_aux=True))(params, *training.examples(target_params, data))[0]
    theirs = notebook.gradient(params, target_params, data.x, data.payoffs, data.discounts)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5), ours, theirs)
    assert max(float(jnp.max(jnp.abs(leaf))) for leaf in jax.tree.leaves(ours)) > 1e-2


@pytest.mark.long
def test_asked_by_name_they_print_a_table_and_write_json(tmp_path):
    command = [sys.executable, str(FOLDER), "start", "--json", str(tmp_path / "found.json")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "meva-run --help" in done.stdout
    found = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    assert [row["what"] for row in found["rows"]] == ["large product", "meva-run --help", "meva list"]
    assert all(row["value"] > 0 for row in found["rows"])
    assert found["machine"]["devices"] >= 1
