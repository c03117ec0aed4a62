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
from meva_core.contracts.protocols import Learner
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
    for n in composition.order:
        learners = composition.of_seeds(n, fitted, experiment.fit.seeds)
        states = _kept(out / kept_fit.SNAPSHOTS / composition.players[n].path, learners, experiment.seeds)
        moments = [(loops, Fitted(learner=stacked(learners), params=params)) for loops, params in states]
        fitted[n] = moments[-1][1] if moments else Fitted(learner=stacked(learners))
        snapshots_of_last = [(loops, {**fitted, n: moment}) for loops, moment in moments] or snapshots_of_last
    if not snapshots_of_last:
        raise BadFolder(f"expected a run with a fit, got {out} without {kept_fit.SNAPSHOTS}/")
    game = stacked([composition.game] * experiment.fit.seeds)
    for loops, snapshot in snapshots_of_last:
        players = tuple({**fitted, **snapshot}[n] for n in range(len(composition.players)))
        yield loops, Match(game=game, players=players, seats=composition.seats)


def _kept(folder: Path, learners: Sequence[Learner], seeds: Sequence[int]) -> list[tuple[int, Any]]:
    """Parameters of all seeds at each snapshot, as (loops, parameters)."""
    trainings = [training for learner in learners if (training := learner.training) is not None]
    if not trainings:
        return []
    like = jax.eval_shape(lambda: fitting.fitted_params(trainings, fitting.start(trainings, seeds)))
    moments = [checkpoint.load(path, like) for path in checkpoint.oldest_first(folder)]
    if not moments:
        raise BadFolder(f"expected snapshots of a fit in {folder}, got none: resume the run first, with --resume")
    return [(moment.loops, moment.state) for moment in moments]
