"""The runner: compose, fit, match, evaluate, report. It reads like the picture in the README."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import jax

from meva_core import blame, checkpoint, compose, devices, evaluate, programs, recipes, registry
from meva_core import experiment as experiments
from meva_core import fit as fitting
from meva_core.errors import Diverged
from meva_core.experiment import Experiment
from meva_core.fit import History
from meva_core.match import Fitted, Match
from meva_core.ops import stacked
from meva_core.progress import Progress
from meva_core.protocols import Training
from meva_core.recipes import RecipeFile
from meva_core.registry import Registry
from meva_core.report import Result, folder


@blame.named()
def run(
    game: str,
    learner: str,
    *,
    opponent: str | Sequence[str] = (),
    recipe: str = "default",
    seed: int | None = None,
    seeds: int | None = None,
    set: Mapping[str, Any] | None = None,
    registry_file: str | Path | None = None,
    out: str | Path | None = None,
    progress: Progress | None = None,
) -> Result:
    """Compose, fit and evaluate; what `meva-run` does. Writes a run folder only where `out` names one.

    `set` changes any hyper-parameter: `set={"learner.rate": 1.5}`. Where jax has computed nothing yet, every core
    becomes a device of its (JAX_NUM_CPU_DEVICES says otherwise). Raises MevaError on bad input.
    """
    devices.prepare()
    overrides = dict(set or {})
    overrides |= {f"fit.{name}": value for name, value in (("seed", seed), ("seeds", seeds)) if value is not None}
    known, files = plugins(registry_file)
    experiment = experiments.resolve(
        known,
        files,
        game=game,
        learner=learner,
        opponents=[opponent] if isinstance(opponent, str) else opponent,
        recipe=recipe,
        overrides=overrides,
    )
    return run_experiment(experiment, known, out=None if out is None else Path(out), progress=progress)


def plugins(registry_file: str | Path | None = None) -> tuple[Registry, list[RecipeFile]]:
    """What is installed, and the recipes: the shipped ones, the user's own file over them."""
    if registry_file is None:
        return registry.installed(), [recipes.shipped()]
    own = recipes.read(Path(registry_file))
    return registry.load({*recipes.shipped().disabled, *own.disabled}), [recipes.shipped(), own]


def run_experiment(
    experiment: Experiment,
    known: Registry,
    *,
    out: Path | None = None,
    fits: Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> Result:
    """Run a resolved experiment; with `resume`, from the last checkpoint in the folder `out`. Where `fits` names a
    folder, the fit is kept there, shared by all experiments that differ in evaluation only, and copied to `out`."""
    progress = progress or Progress()
    programs.ready()
    composition = compose.compose(known, experiment)
    plan = evaluate.plan(known, experiment, composition)
    progress.composed(experiment, [composition.players[n].name for n in composition.seats])
    if out is not None and not resume:
        folder.create(out, experiment)
    began = time.monotonic()
    if out is not None and fits is not None and any(player.training for player in composition.rehearse()):
        place = fits / experiment.fit_hash
        players, histories = _kept(experiment, composition, place, progress)
        shutil.copytree(place / "checkpoints", out / "checkpoints", dirs_exist_ok=True)
        shutil.copy(place / "metrics.jsonl", out)
    else:
        players, histories = _fit(experiment, composition, out, resume, progress)
    fitted = time.monotonic()
    survey = _evaluate(experiment, composition, plan, players, histories, progress)
    result = Result(
        experiment=experiment,
        seats=composition.seats,
        survey=survey,
        histories=histories,
        players=players,
        entry_names=composition.game.entry_names,
        seconds={"fit": fitted - began, "evaluate": time.monotonic() - fitted},
    )
    if out is not None:
        progress.said("drawing figures")
        folder.finish(out, result)
    return result


def fitted(experiment: Experiment, known: Registry, out: Path, progress: Progress) -> tuple[list[Fitted], list[int]]:
    """The players of an experiment, fitted, and the seeds that did not diverge; every leaf [S, ...] over those.

    `out` is a folder that keeps the fit: one that is there is gone on with, and a finished one only read.
    """
    programs.ready()
    players, histories = _kept(experiment, compose.compose(known, experiment), out, progress)
    kept = _survivors(experiment, histories)
    rows = jax.numpy.array(kept)
    return [jax.tree.map(lambda leaf: leaf[rows], player) for player in players], [experiment.seeds[n] for n in kept]


def _kept(
    experiment: Experiment, composition: compose.Composition, out: Path, progress: Progress
) -> tuple[list[Fitted], list[History]]:
    """Every player, fitted in the folder `out`: as it is there, gone on with, or begun."""
    with folder.alone(out):
        there = (out / "experiment.toml").is_file()
        if not there:
            folder.create(out, experiment)
        return _fit(experiment, composition, out, there, progress)


def _survivors(experiment: Experiment, histories: list[History]) -> list[int]:
    """Positions of the seeds that diverged in no fit. Diverged where there are none."""
    diverged = {divergence.seed: divergence for history in histories for divergence in history.diverged}
    kept = [n for n, seed in enumerate(experiment.seeds) if seed not in diverged]
    if not kept:
        raise Diverged("; ".join(map(str, diverged.values())))
    return kept


def _fit(
    experiment: Experiment, composition: compose.Composition, out: Path | None, resume: bool, progress: Progress
) -> tuple[list[Fitted], list[History]]:
    """Every player, fitted; each leaf [S, ...] over seeds."""
    fitted: dict[int, Fitted] = {}
    histories = []
    for n in composition.order:
        player = composition.players[n]
        of_seeds = [jax.tree.map(lambda leaf, s=s: leaf[s], fitted) for s in range(experiment.fit.seeds)]
        learners = [player.build(composition.rivals(n, rivals)) for rivals in of_seeds]
        trainings = [training for learner in learners if (training := learner.training) is not None]
        params = None
        if trainings:
            place = None if out is None else out / "checkpoints" / player.path
            progress.fitting(player.name, trainings[0].num_steps, 0)
            state, history = _train(experiment, trainings, place, resume, progress)
            params = fitting.fitted_params(trainings, state)
            histories.append(attrs.evolve(history, name=player.name))
        fitted[n] = Fitted(learner=stacked(learners), params=params)
    return [fitted[n] for n in range(len(composition.players))], histories


def _train(
    experiment: Experiment, trainings: list[Training], place: Path | None, resume: bool, progress: Progress
) -> tuple[Any, History]:
    """One player's fit, with checkpoints in `place`."""
    state, loops = fitting.start(trainings, experiment.seeds), 0
    history = History(seeds=experiment.seeds)
    if resume and place is not None:
        loops, state = checkpoint.latest(place, state, experiment.fit_hash) or (0, state)
        history = folder.read_history(place, history, loops)
        progress.chunk(fitting.Chunk(loops, state, {}))
    saved = loops
    try:
        for chunk in fitting.fit(trainings, experiment.seeds, chunk=experiment.fit.chunk, state=state, loops=loops):
            new = history.add(chunk)
            if len(history.diverged) == len(history.seeds):
                raise Diverged("; ".join(map(str, history.diverged)))
            for divergence in new:
                progress.warn(str(divergence))
            if place is not None:
                folder.write_metrics(place, history.seeds, chunk)
            state, loops = chunk.state, chunk.loops
            due = loops - saved >= experiment.fit.checkpoint_every or loops == trainings[0].num_steps
            if place is not None and due:
                checkpoint.save(place, loops, state, experiment.fit_hash)
                saved = loops
            progress.chunk(chunk)
    except KeyboardInterrupt:
        if place is not None and loops > saved:
            checkpoint.save(place, loops, state, experiment.fit_hash)
        raise
    return state, history


def _evaluate(
    experiment: Experiment,
    composition: compose.Composition,
    plan: evaluate.Plan,
    players: list[Fitted],
    histories: list[History],
    progress: Progress,
) -> evaluate.Survey:
    """The survey over the seeds that did not diverge."""
    kept = _survivors(experiment, histories)
    match = Match(
        game=stacked([composition.game] * experiment.fit.seeds), players=tuple(players), seats=composition.seats
    )
    return evaluate.survey(
        composition.game,
        jax.tree.map(lambda leaf: leaf[jax.numpy.array(kept)], match),
        fitting.seed_keys([experiment.seeds[n] for n in kept]),
        plan,
        said=progress.said,
    )
