"""Snapshots of learners during a fit, read from a run's folder: for pictures over training.

Shapes: S seeds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jax

from meva_core import fitting
from meva_core.contracts import kinds
from meva_core.contracts.protocols import Training
from meva_core.errors import BadFolder
from meva_core.experiment import compose, local, reading
from meva_core.match import Fitted, Match
from meva_core.ops import stacked
from meva_core.registry import discovery
from meva_core.storage import checkpoint, kept_fit


def snapshots(out: str | Path, *handed_in: Any) -> Iterator[tuple[int, Match]]:
    """Yield (loops, match) for each of the ten or so snapshots of a run's fit, the earliest first.

    A match has a player in every seat, every leaf [S, ...] over seeds. Rivals with a fit of their own have the
    parameters from the end of that fit. handed_in: your own classes or objects, if you passed any to the run. Raises
    BadFolder if nothing was fitted, or a file is damaged.
    """
    out, registry = Path(out), discovery.installed()
    for own in handed_in:
        cls = own if isinstance(own, type) else type(own)
        registry = local.take(registry, kinds.of(cls) or "game", own, "snapshots").registry
    experiment = reading.read(registry, out / "experiment.toml")
    composition = compose.compose(experiment)
    fitted: dict[int, Fitted] = {}
    snapshots_of_last: list[tuple[int, dict[int, Fitted]]] = []
    seeds = experiment.fit.seeds
    for fit in composition.fits:
        trainings = composition.trainings(fit, fitted, seeds)
        states = _kept(out / kept_fit.SNAPSHOTS / composition.path_of(fit), trainings, experiment.seeds)
        moments = [(loops, composition.after(fit, fitted, params, seeds)) for loops, params in states]
        snapshots_of_last = [(loops, {**fitted, **moment}) for loops, moment in moments] or snapshots_of_last
        fitted |= moments[-1][1] if moments else composition.after(fit, fitted, None, seeds)
    if not snapshots_of_last:
        raise BadFolder(f"expected a run with a fit, got {out} without {kept_fit.SNAPSHOTS}/")
    game = stacked([composition.game] * experiment.fit.seeds)
    for loops, snapshot in snapshots_of_last:
        players = tuple({**fitted, **snapshot}[n] for n in range(len(composition.players)))
        yield loops, Match(game=game, players=players, seats=composition.seats)


def _kept(folder: Path, trainings: Sequence[Training], seeds: Sequence[int]) -> list[tuple[int, Any]]:
    """Parameters of all seeds at each snapshot, as (loops, parameters)."""
    if not trainings:
        return []
    like = jax.eval_shape(lambda: fitting.fitted_params(trainings, fitting.start(trainings, seeds)))
    moments = [checkpoint.load(path, like) for path in checkpoint.oldest_first(folder)]
    if not moments:
        raise BadFolder(f"expected snapshots of a fit in {folder}, got none: resume the run first, with --resume")
    return [(moment.loops, moment.state) for moment in moments]
