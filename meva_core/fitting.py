"""Fits any learner's Training: many seeds in one program, in chunks; between chunks the host can save and report.

Shapes: S seeds, N loops of a chunk.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs
import jax
import jax.numpy as jnp
import numpy as np

from meva_core.contracts import streams
from meva_core.contracts.protocols import Training
from meva_core.ops import programs, stacked
from meva_core.ops.batching import everywhere

PyTree = Any
PART_SECONDS = 5.0  # time after which a part of a chunk should be over


@attrs.frozen
class Chunk:
    """The state of a fit after a chunk of outer loops.

    loops: outer loops done so far.
    state: of all seeds, every leaf [S, ...].
    metrics: of the loops since the last chunk, each f32[S, N].
    shown: the metrics to display, name -> label, the most informative first.
    """

    loops: int
    state: PyTree
    metrics: dict[str, np.ndarray]
    shown: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen
class Divergence:
    """The loop at which a quantity of one seed became NaN or infinite."""

    seed: int
    loop: int
    quantity: str

    def __str__(self) -> str:
        return (
            f"seed {self.seed} diverged in loop {self.loop}: {self.quantity} is not a finite number "
            "(steps are probably too large: lower the step sizes of the learner)"
        )


@attrs.define
class History:
    """Metrics of a fit so far, each f32[S, loops], and the seeds that have diverged, the lowest first. name: the
    learner's name; player: its path in the experiment; shown and linear: those of its `Training`; ends: the loops after
    which a metric stays as it is, of fits in lock-step."""

    seeds: Sequence[int]
    name: str = ""
    player: str = ""
    metrics: dict[str, np.ndarray] = attrs.field(factory=dict)
    diverged: list[Divergence] = attrs.field(factory=list)
    shown: Mapping[str, str] = attrs.field(factory=dict)
    linear: Sequence[str] = ()
    ends: Mapping[str, int] = attrs.field(factory=dict)

    @classmethod
    def of(cls, training: Training, seeds: Sequence[int]) -> History:
        """The history of a fit that is about to begin. A training class that does not inherit from `Training` may lack
        `shown` and `linear`."""
        defaults = {"shown": {}, "linear": (), "ends": {}}
        return cls(seeds=seeds, **{name: getattr(training, name, default) for name, default in defaults.items()})

    @property
    def labels(self) -> dict[str, str]:
        """The metrics to display, name -> label."""
        return _labels(self.shown, self.metrics)

    def add(self, chunk: Chunk) -> list[Divergence]:
        """Append a chunk; returns the new divergences in it."""
        if not chunk.metrics:
            return []
        first = chunk.loops - next(iter(chunk.metrics.values())).shape[1]
        for name, new in chunk.metrics.items():
            old = self.metrics.get(name, np.zeros((len(self.seeds), 0), new.dtype))
            self.metrics[name] = np.concatenate([old, new], axis=1)
        new = [d for n, seed in enumerate(self.seeds) if (d := _divergence(seed, n, chunk, first)) is not None]
        return self._lost(new)

    def lose(self, seeds: Sequence[bool], loop: int, quantity: str) -> list[Divergence]:
        """Record the seeds (a bool each) whose `quantity` became non-finite at `loop`; returns the new divergences."""
        return self._lost([Divergence(seed, loop, quantity) for n, seed in enumerate(self.seeds) if seeds[n]])

    def _lost(self, divergences: list[Divergence]) -> list[Divergence]:
        before = {divergence.seed for divergence in self.diverged}
        new = [divergence for divergence in divergences if divergence.seed not in before]
        self.diverged = sorted([*self.diverged, *new], key=lambda divergence: divergence.seed)
        return new


def _divergence(seed: int, n: int, chunk: Chunk, first: int) -> Divergence | None:
    broken = [
        (int(np.argmin(np.isfinite(values[n]))), name)
        for name, values in chunk.metrics.items()
        if not np.all(np.isfinite(values[n]))
    ]
    if not broken:
        return None
    loop, quantity = min(broken)
    return Divergence(seed, first + loop, quantity)


def _labels(shown: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """Metrics to display, name -> label: those of `shown` that are measured, or else the first three by name."""
    names = sorted(names)
    return {name: label for name, label in shown.items() if name in names} or {name: name for name in names[:3]}


def seed_keys(seeds: Sequence[int]) -> jax.Array:
    """One random key per seed, [S]."""
    return jax.vmap(jax.random.key)(jnp.array(seeds))


def start(trainings: Sequence[Training], seeds: Sequence[int]) -> PyTree:
    """Fresh states of a fit, every leaf [S, ...]."""
    return programs.call(_start, stacked(trainings), seed_keys(seeds))


def fit(
    trainings: Sequence[Training],
    seeds: Sequence[int],
    *,
    chunk: int = 10,
    state: PyTree = None,
    loops: int = 0,
    pause: Callable[[Chunk], bool] | None = None,
) -> Iterator[Chunk]:
    """Fit one Training per seed and yield a Chunk at every multiple of `chunk` outer loops, until all loops are done.

    The trainings are equal but for their numbers. `state` and `loops` continue a fit from an earlier Chunk: loop n of a
    seed always uses the key fold_in(seed key, n), so a continued fit ends exactly as one that was never interrupted.

    With `pause`, a chunk that would take more than about 5 seconds is computed in parts of at least one loop. Between
    them `pause` is called with the last part, and if it returns True, the chunk ends there. The parts change no number.
    """
    parts: list[Chunk] = []
    for part in _parts(trainings, seeds, chunk, state, loops, timed=pause is not None):
        parts.append(part)
        if ends_chunk(part.loops, chunk, trainings[0].num_steps) or (pause is not None and pause(part)):
            yield _joined(parts)
            parts = []


def ends_chunk(loops: int, chunk: int, num_steps: int) -> bool:
    """True if a chunk of a fit of `num_steps` loops ends after this number of loops, though nobody asks it to stop."""
    return loops % chunk == 0 or loops == num_steps


def fitted_params(trainings: Sequence[Training], state: PyTree) -> PyTree:
    """Parameters for `Learner.update`, every leaf [S, ...]."""
    return jax.vmap(lambda training, state: training.params(state))(stacked(trainings), state)


def _parts(
    trainings: Sequence[Training], seeds: Sequence[int], chunk: int, state: PyTree, loops: int, timed: bool
) -> Iterator[Chunk]:
    """The chunks of a fit; timed: in parts that take about `PART_SECONDS`, the first of one loop, since it is not known
    how long loops take."""
    # Placed on the devices where the program leaves the state, so that the next chunk needs no compilation.
    state = start(trainings, seeds) if state is None else state
    together, keys, state = everywhere((stacked(trainings), seed_keys(seeds), state))
    most = 1 if timed else chunk
    if loops < trainings[0].num_steps:
        programs.compile_once(_loops, chunk, together, keys, state, loops, 1)
    while loops < trainings[0].num_steps:
        began, count = time.monotonic(), min(most, chunk - loops % chunk, trainings[0].num_steps - loops)
        state, metrics = _loops(chunk, together, keys, state, loops, count)
        loops += count
        found = {name: np.asarray(values)[:, :count] for name, values in metrics.items()}
        if timed:
            most = max(1, int(PART_SECONDS * count / max(time.monotonic() - began, 1e-6)))
        yield Chunk(loops, state, found, _labels(getattr(trainings[0], "shown", {}), found))


def _joined(parts: Sequence[Chunk]) -> Chunk:
    """Successive parts as one Chunk."""
    names = parts[0].metrics
    metrics = {name: np.concatenate([part.metrics[name] for part in parts], axis=1) for name in names}
    return attrs.evolve(parts[-1], metrics=metrics)


@jax.jit
def _start(trainings: Any, keys: jax.Array) -> PyTree:
    return jax.vmap(lambda t, key: t.init(jax.random.fold_in(key, streams.FRESH_FIT)))(trainings, keys)


@functools.partial(jax.jit, static_argnums=0)
def _loops(size: int, trainings: Any, keys: jax.Array, state: PyTree, first: Any, count: Any) -> tuple:
    """Run `count` loops, at most `size`; the count is traced, so that a shorter last chunk needs no compilation."""

    def one_seed(training: Training, key: jax.Array, state: PyTree) -> tuple:
        step = jax.jit(type(training).step)  # traced once, for its shapes and for the loop
        shapes = jax.eval_shape(step, training, state, key)[1]
        buffers = {name: jnp.zeros((size,), shape.dtype) for name, shape in shapes.items()}

        def body(n: Any, carry: tuple) -> tuple:
            state, buffers = carry
            state, metrics = step(training, state, jax.random.fold_in(key, first + n))
            return state, {name: buffers[name].at[n].set(value) for name, value in metrics.items()}

        return jax.lax.fori_loop(0, count, body, (state, buffers))

    # On a CPU, the seeds run one after the other: batching their weights would turn large matrix products into many
    # small ones. On an accelerator all seeds run at once.
    if jax.default_backend() == "cpu":
        return jax.lax.map(lambda seed: one_seed(*seed), (trainings, keys, state))
    return jax.vmap(one_seed)(trainings, keys, state)
