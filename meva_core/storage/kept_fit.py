"""A fit with checkpoints, metrics and snapshots in a folder, resumed from the last checkpoint if there is one."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import jax
import jax.numpy as jnp

from meva_core import fitting
from meva_core.compute import signals
from meva_core.compute.progress import Progress
from meva_core.contracts.protocols import Training
from meva_core.errors import BadFolder, Diverged
from meva_core.experiment.experiment import FitSettings
from meva_core.fitting import Chunk, Divergence, History
from meva_core.storage import checkpoint, metrics

PyTree = Any
CHECKPOINTS, SNAPSHOTS = "checkpoints", "snapshots"  # folders, with one for each player's path in the experiment
MATCHES = "matches"  # the folder of matches on games that are played, in place of a player's path
SNAPSHOTS_OF_A_FIT = 10  # of the parameters, evenly spaced


@attrs.frozen
class Place:
    """The player that is fitted, and the folder where the fit is stored; None if it is not. decisive: everything that
    decides the fit, as plain tables. snapshots: True if the parameters are stored ten times along the fit."""

    out: Path | None
    player: str
    decisive: Mapping[str, Any]
    snapshots: bool = True


NOWHERE = Place(None, "learner", {})


def train(
    settings: FitSettings,
    trainings: Sequence[Training],
    progress: Progress,
    place: Place = NOWHERE,
    seeds: Sequence[int] | None = None,
) -> tuple[PyTree, History]:
    """Fit one player, from the last checkpoint in its place: returns the state, every leaf [S, ...], and the history.

    seeds: one for each training; default: those of the settings. Every chunk is saved when it ends; Ctrl-C and SIGTERM
    end it early, and take effect after that. Raises Diverged if all seeds diverged, or if one did and
    `fit.on_divergence` is "stop".
    """
    seeds = settings.every_seed if seeds is None else seeds
    state, loops, history = fitting.start(trainings, seeds), 0, History.of(trainings[0], seeds)
    out, player = place.out, place.player
    if out is not None:
        state, loops = _resumed(out, player, state, history, progress)
        if loops > trainings[0].num_steps:
            raise BadFolder(f"expected checkpoints of at most {trainings[0].num_steps} loops in {out}, got {loops}")
        if loops:
            progress.saved(player, seeds, Chunk(loops, state, history.metrics))
        # Created only here: if deleted during the fit, they stay deleted.
        for name in (CHECKPOINTS, SNAPSHOTS) if place.snapshots else (CHECKPOINTS,):
            (out / name / player).mkdir(parents=True, exist_ok=True)
    _complain(settings, history, [], progress)
    num_steps = trainings[0].num_steps
    with contextlib.nullcontext(signals.Deferred()) if out is None else signals.deferred(progress.stopping) as check:

        def pause(part: Chunk) -> bool:
            progress.chunk(part)
            return check.number is not None

        for chunk in fitting.fit(trainings, seeds, chunk=settings.chunk, state=state, loops=loops, pause=pause):
            new = history.add(chunk)
            if _due(settings.chunk, chunk.loops, num_steps):
                params = fitting.fitted_params(trainings, chunk.state)
                new += history.lose(_not_numbers(params, len(history.seeds)), chunk.loops - 1, "a parameter")
                if out is not None and place.snapshots:
                    checkpoint.write(out / SNAPSHOTS / player, chunk.loops, params, place.decisive)
            state, loops = chunk.state, chunk.loops
            if out is not None:
                metrics.append(out, player, seeds, chunk)
                folder = out / CHECKPOINTS / player
                checkpoint.save(folder, loops, state, place.decisive, history.diverged, every=settings.chunk)
            progress.saved(player, seeds, chunk)
            _complain(settings, history, new, progress)
            progress.chunk(chunk)
            check()
    return state, history


def forget_unless(place: Place) -> None:
    """Delete the checkpoints and snapshots of a place whose contents something else decided."""
    if place.out is None:
        return
    stored = checkpoint.experiment_of(place.out / CHECKPOINTS / place.player)
    if stored is not None and stored != place.decisive:
        for name in (CHECKPOINTS, SNAPSHOTS):
            shutil.rmtree(place.out / name / place.player, ignore_errors=True)


def _resumed(out: Path, player: str, fresh: PyTree, history: History, progress: Progress) -> tuple[PyTree, int]:
    """State and loops of the last checkpoint, its history read into `history`; the fresh state and 0 if there is
    none."""
    last = checkpoint.latest(out / CHECKPOINTS / player, fresh, progress.warn)
    metrics.cut(out, player, 0 if last is None else last.loops)
    if last is None:
        return fresh, 0
    history.metrics, missing = metrics.read(out, player, history.seeds, last.loops)
    history.diverged = list(last.diverged)
    progress.chunk(Chunk(last.loops, last.state, {}))
    if missing:
        progress.warn(
            f"{missing} lines of {out / metrics.NAME} are missing or damaged: curves have gaps, but the fit is complete"
        )
    return last.state, last.loops


def _complain(settings: FitSettings, history: History, new: Sequence[Divergence], progress: Progress) -> None:
    """Warn about newly diverged seeds. Raises Diverged if all seeds diverged, or one did and `on_divergence` is
    "stop"."""
    if history.diverged and len(history.diverged) == len(history.seeds):
        raise Diverged("; ".join(map(str, history.diverged)))
    if history.diverged and settings.on_divergence == "stop":
        raise Diverged(
            "; ".join(map(str, history.diverged)) + "; stopped, since fit.on_divergence is 'stop': "
            "use --on-divergence continue to fit the other seeds"
        )
    for divergence in new:
        progress.warn(str(divergence))


def _due(chunk: int, loops: int, num_steps: int) -> bool:
    """True if a snapshot falls into the chunk that ends after `loops` loops: there are ten per fit, the last one at its
    end. None falls into a chunk that ends early, so that a stopped fit has the same ones."""
    if not fitting.ends_chunk(loops, chunk, num_steps):
        return False
    before = (loops - 1) // chunk * chunk
    return SNAPSHOTS_OF_A_FIT * loops // num_steps > SNAPSHOTS_OF_A_FIT * before // num_steps


def _not_numbers(params: PyTree, count: int) -> list[bool]:
    """Per seed, True if any number of its parameters is NaN."""
    floats = [leaf for leaf in jax.tree.leaves(params) if jnp.issubdtype(leaf.dtype, jnp.floating)]
    broken = [jnp.isnan(leaf).reshape(len(leaf), -1).any(axis=1) for leaf in floats]
    return jnp.stack(broken).any(axis=0).tolist() if broken else [False] * count
