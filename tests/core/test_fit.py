"""Fits: chunks, seeds, continuing, and divergences, with a training that is two lines long."""

import contextlib
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from meva_core import fitting
from meva_core.contracts import Training, component, leaf, static
from meva_core.fitting import Chunk, Divergence, History
from meva_core.ops import programs

LOOPS = 7


class State(NamedTuple):
    w: Any
    count: Any


@component
class Walk(Training):
    """A noisy walk; its loss is NaN in loop `breaks_at` and ever after, its norm from the loop after that."""

    breaks_at: float = leaf(default=1e9, doc="loop")
    pull: float = leaf(default=0.9, doc="towards 0")
    num_steps: int = static(default=LOOPS, doc="loops")
    tag: str = static(default="", doc="keeps the compilations of tests apart")

    def init(self, key):
        return State(jax.random.normal(key, (3,)), jnp.zeros(()))

    def step(self, state, key):
        w = self.pull * state.w + jax.random.normal(key, (3,))
        metrics = {
            "norm": jnp.where(state.count <= self.breaks_at, jnp.linalg.norm(w), jnp.inf),
            "loss": jnp.where(state.count < self.breaks_at, jnp.sum(w), jnp.nan),
        }
        return State(w, state.count + 1), metrics

    def params(self, state):
        return {"w": state.w}


def run(trainings, seeds, chunk, **continued):
    chunks = list(fitting.fit(trainings, seeds, chunk=chunk, **continued))
    metrics = {name: np.concatenate([c.metrics[name] for c in chunks], axis=1) for name in chunks[0].metrics}
    return chunks, metrics


def assert_same(a, b):
    jax.tree.map(np.testing.assert_array_equal, a, b)


@pytest.fixture(scope="module")
def fitted():
    return run([Walk()] * 2, [0, 1], 3)


def test_a_fit_against_a_plain_loop(fitted):
    chunks, metrics = fitted
    for n, seed in enumerate([0, 1]):
        key = jax.random.key(seed)
        state = Walk().init(jax.random.fold_in(key, 2**32 - 1))
        for loop in range(LOOPS):
            state, now = Walk().step(state, jax.random.fold_in(key, loop))
            np.testing.assert_allclose(metrics["loss"][n, loop], now["loss"], rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(chunks[-1].state.w[n], state.w, rtol=1e-5, atol=1e-6)


def test_chunks_are_cut_to_size(fitted):
    chunks, metrics = fitted
    assert [c.loops for c in chunks] == [3, 6, 7]
    assert [c.metrics["loss"].shape for c in chunks] == [(2, 3), (2, 3), (2, 1)]
    assert metrics["loss"].shape == (2, LOOPS)


def test_chunking_changes_nothing(fitted):
    chunks, metrics = fitted
    others, other_metrics = run([Walk()] * 2, [0, 1], 5)
    assert_same(others[-1].state, chunks[-1].state)
    assert_same(other_metrics, metrics)


@pytest.mark.parametrize("stopped", [0, 1])
def test_a_continued_fit_ends_as_one_that_never_stopped(fitted, stopped):
    chunks, metrics = fitted
    chunk = chunks[stopped]
    rest, rest_metrics = run([Walk()] * 2, [0, 1], 3, state=chunk.state, loops=chunk.loops)
    assert_same(rest[-1].state, chunks[-1].state)
    assert_same(rest_metrics, {name: values[:, chunk.loops :] for name, values in metrics.items()})


@pytest.mark.parametrize(("seconds", "paused"), [(0.0, [1, 2, 4, 5]), (1e9, [1])])
def test_a_chunk_that_takes_long_has_parts(fitted, monkeypatch, seconds, paused):
    """The first is one loop; all others are too if loops take longer than a part should."""
    monkeypatch.setattr(fitting, "PART_SECONDS", seconds)
    chunks, metrics = fitted
    parts: list[Chunk] = []
    whole, whole_metrics = run([Walk()] * 2, [0, 1], 3, pause=lambda part: bool(parts.append(part)))
    assert [part.loops for part in parts] == paused
    assert [chunk.loops for chunk in whole] == [3, 6, 7]
    assert_same(whole[-1].state, chunks[-1].state)
    assert_same(whole_metrics, metrics)


def test_a_pause_may_end_a_chunk(fitted, monkeypatch):
    monkeypatch.setattr(fitting, "PART_SECONDS", 0.0)
    chunks, metrics = fitted
    cut, cut_metrics = run([Walk()] * 2, [0, 1], 3, pause=lambda part: part.loops == 5)
    assert [chunk.loops for chunk in cut] == [3, 5, 6, 7]
    assert_same(cut[-1].state, chunks[-1].state)
    assert_same(cut_metrics, metrics)


def test_a_seed_alone_is_a_seed_among_others(fitted):
    chunks, metrics = fitted
    alone, alone_metrics = run([Walk()], [1], 3)
    np.testing.assert_allclose(alone[-1].state.w[0], chunks[-1].state.w[1], rtol=1e-5)
    np.testing.assert_allclose(alone_metrics["loss"][0], metrics["loss"][1], rtol=1e-5, atol=1e-6)
    assert not np.allclose(metrics["loss"][0], metrics["loss"][1])


def test_trainings_may_differ_in_numbers():
    chunks, _ = run([Walk(pull=0.9), Walk(pull=0.0)], [0, 0], 7)
    alone, _ = run([Walk(pull=0.0)], [0], 7)
    np.testing.assert_allclose(chunks[-1].state.w[1], alone[-1].state.w[0], rtol=1e-5)
    assert not np.allclose(chunks[-1].state.w[0], chunks[-1].state.w[1])


def test_a_finished_fit_yields_nothing():
    state = fitting.start([Walk()], [0])
    assert list(fitting.fit([Walk()], [0], state=state, loops=LOOPS)) == []


def test_nothing_compiles_between_chunks():
    cache: Any = fitting._loops
    trainings, before = [Walk(tag="compiled once")] * 2, cache._cache_size()
    chunks, _ = run(trainings, [0, 1], 3)  # 3, 3, and 1
    assert cache._cache_size() == before + 1
    stored = jax.tree.map(lambda leaf: jnp.asarray(np.asarray(leaf)), chunks[0].state)  # as from a disk
    run(trainings, [0, 1], 3, state=stored, loops=3)
    run([Walk(tag="compiled once", pull=0.1)] * 2, [5, 6], 3)
    assert cache._cache_size() == before + 1


def test_programs_of_a_fit_are_compiled_under_locks(monkeypatch):
    names = []
    monkeypatch.setattr(programs, "_lock", lambda name: contextlib.nullcontext(names.append(name)))
    for pull in (0.9, 0.1):  # a number, which changes no program
        run([Walk(tag="locked", pull=pull)], [0], 3)
        assert len(names) == 2  # the start, and the loops


def test_fitted_params(fitted):
    chunks, _ = fitted
    params = fitting.fitted_params([Walk()] * 2, chunks[-1].state)
    np.testing.assert_array_equal(params["w"], chunks[-1].state.w)


# ---------------------------------------------------------------- divergence


def history_of(breaks_at, seeds, chunk=3):
    history, news = History(seeds=seeds), []
    for c in fitting.fit([Walk(breaks_at=b) for b in breaks_at], seeds, chunk=chunk):
        news.append(history.add(c))
    return history, news


def test_a_divergence_is_reported_once_with_seed_loop_and_quantity():
    # Seed 11 breaks in loop 4, the second of the second chunk; its norm only later.
    history, news = history_of([1e9, 4.0, 1e9], [10, 11, 12])
    assert news == [[], [Divergence(seed=11, loop=4, quantity="loss")], []]
    assert history.diverged == [Divergence(seed=11, loop=4, quantity="loss")]


def test_the_others_go_on():
    history, _ = history_of([1e9, 4.0, 1e9], [10, 11, 12])
    healthy, _ = history_of([1e9] * 3, [10, 11, 12])
    assert history.metrics["loss"].shape == (3, LOOPS)
    np.testing.assert_array_equal(np.isfinite(history.metrics["loss"]).sum(axis=1), [7, 4, 7])
    for n in (0, 2):
        np.testing.assert_array_equal(history.metrics["loss"][n], healthy.metrics["loss"][n])


def test_several_seeds_may_diverge_at_their_own_time():
    history, news = history_of([0.0, 1e9, 6.0], [3, 4, 5])
    assert [[(d.seed, d.loop) for d in new] for new in news] == [[(3, 0)], [], [(5, 6)]]
    assert len(history.diverged) == 2


def test_divergences_are_in_the_order_of_seeds_however_a_fit_was_chunked():
    histories = [history_of([6.0, 1e9, 0.0], [3, 4, 5], chunk)[0] for chunk in (3, LOOPS)]
    assert histories[0].diverged == histories[1].diverged
    assert [d.seed for d in histories[0].diverged] == [3, 5]


def test_infinity_is_no_number_either():
    metrics = {"norm": np.array([[1.0, np.inf]]), "loss": np.array([[1.0, 2.0]])}
    assert History(seeds=[0]).add(Chunk(2, None, metrics)) == [Divergence(0, 1, "norm")]


def test_the_first_of_several_quantities_is_named():
    metrics = {"a": np.array([[1.0, 1.0, np.nan]]), "b": np.array([[1.0, np.nan, np.nan]])}
    assert History(seeds=[0]).add(Chunk(3, None, metrics)) == [Divergence(0, 1, "b")]


def test_a_divergence_says_what_to_do():
    text = str(Divergence(seed=3, loop=17, quantity="loss"))
    assert "seed 3" in text
    assert "loop 17" in text
    assert "loss" in text
    assert "lower the step sizes of the learner" in text
