"""The runner: compose, fit, match, evaluate, report. It reads like the picture in the README."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import jax

from meva_core import evaluate as evaluation
from meva_core import fitting
from meva_core.compute import compilation_cache
from meva_core.compute import devices as computing
from meva_core.compute.progress import Progress, as_progress
from meva_core.contracts import Sampled, conversion
from meva_core.errors import BadValue, Diverged
from meva_core.evaluate import rehearsal
from meva_core.experiment import compose, evaluations, local, loggers, resolve
from meva_core.experiment.composition import Composition
from meva_core.experiment.experiment import Experiment
from meva_core.experiment.loggers import Named
from meva_core.fitting import History
from meva_core.match import Fitted, Match
from meva_core.ops import stacked
from meva_core.registry import attribution, discovery, recipes
from meva_core.registry.entries import Registry
from meva_core.registry.recipes import RecipeFile
from meva_core.report import Result, logs
from meva_core.storage import files as disk
from meva_core.storage import kept_fit, locks, metrics, run_folder
from meva_core.storage import resume as resuming

MATCHES = "the matches"  # their name on screens and in tables, where fits have the names of learners


@attribution.named()
def run(
    game: Any,
    learner: Any,
    *,
    opponent: Any = (),
    policy: Any = None,
    sampled: bool = False,
    recipe: str = "default",
    seed: int | None = None,
    seeds: int | None = None,
    set: Mapping[str, Any] | None = None,
    evaluate: Sequence[Any] | None = None,
    log: Any = None,
    registry_file: str | Path | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    devices: int | None = None,
    progress: Progress | bool | None = None,
) -> Result:
    """Compose, fit and evaluate, as `meva-run` does. Writes a run folder only if `out` names one.

    game, learner and opponent (or a list of opponents, by seat) are names, or your own component classes or objects.
    An object's hyper-parameters replace the recipe's, and a learner is rebuilt for the game of the run. policy: what
    the players' numbers mean, also a name, a class or an object, or a list of these by seat; None for the game's own
    policies. evaluate: names or
    classes of the evaluations to run; "default" stands for those that run when none are picked. log: a logger, or a
    list of them, as names, classes or objects, which change no number of the run. sampled: play the game, and estimate
    its payoffs from episodes; a game without exact payoffs is always played. `set` changes any hyper-parameter:
    `set={"learner.rate": 1.5}`; if its value is a name, it may also be a class.

    With `resume` the run in `out` continues from its last checkpoint, if there is one, so a restarted job can repeat
    the same call. Without `resume`, `out` must be new. devices: the number of devices that share every batch. If jax
    has computed nothing yet, every core becomes one of its devices (JAX_NUM_CPU_DEVICES overrides that). progress: True
    prints a line every few seconds, or in a notebook shows a bar; an object of class Progress receives all events.

    Raises MevaError on bad input, OSError if `out` cannot be written, and KeyboardInterrupt on Ctrl-C, after the fit is
    saved. An experiment with classes that no plugin offers runs from Python only: its experiment.toml is a record, and
    `meva-run` cannot run it again.

    >>> import meva_core as meva
    >>> result = meva.run("ipd", "naive", seeds=2, set={"evaluate.pairs": 4, "evaluate.steps": 5})
    >>> result.payoffs.shape  # seeds, rows of the learner's sweep, pairs, players
    (2, 1, 4, 2)
    """
    overrides = local.check_overrides(set)
    local.check_paths(out=out, registry_file=registry_file)
    resume = conversion.convert(resume, bool, "resume")
    if resume and out is None:
        raise BadValue("expected out=FOLDER with resume=True, got none")
    out = None if out is None else Path(out)
    _prepare(conversion.convert(devices, int | None, "devices"), out if resume else None)
    numbers = {"fit.seed": seed, "fit.seeds": seeds}
    if evaluate is not None:
        overrides = {"evaluate.asked": list(evaluate) if isinstance(evaluate, (list, tuple)) else evaluate, **overrides}
    of_loggers, overrides = loggers.split(overrides)
    overrides = {**overrides, **{name: number for name, number in numbers.items() if number is not None}}
    known, files = plugins(registry_file)
    logged = loggers.chosen(known, log, of_loggers)
    cast = local.cast(known, game, learner, opponent, overrides, policy)
    experiment = resolve.resolve(
        cast.registry,
        files,
        game=cast.game,
        learner=cast.learner,
        opponents=cast.opponents,
        recipe=conversion.convert(recipe, str, "recipe"),
        overrides=cast.overrides,
        sampled=conversion.convert(sampled, bool, "sampled"),
    )
    cast.check_games(compose.build(experiment.game, "game"))
    told = as_progress(progress)
    result = run_experiment(experiment, out=out, resume=resume, progress=told, log=logged)
    told.over()
    return result


def _prepare(count: int | None, begun: Path | None) -> None:
    """Choose the devices: `count`, or else as many as the run in `begun` used (if this machine has that many), so that
    the numbers round in the same way."""
    there = None if begun is None else begun / "experiment.toml"
    again = computing.recorded(there) if count is None and there is not None and there.is_file() else None
    computing.prepare(None, count, again)


def plugins(registry_file: str | Path | None = None) -> tuple[Registry, list[RecipeFile]]:
    """Installed plugins and the recipes: the shipped file, then the user's own file, which takes precedence.

    Raises the errors of `recipes.read`, and those of `evaluations.check_preferences`.
    """
    if registry_file is None:
        return discovery.installed(), [recipes.shipped()]
    own = recipes.read(Path(registry_file))
    known = discovery.load({*recipes.shipped().disabled, *own.disabled})
    evaluations.check_preferences(known, own, str(registry_file))
    return known, [recipes.shipped(), own]


def run_experiment(
    experiment: Experiment,
    *,
    out: Path | None = None,
    fits: Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
    log: Sequence[Named] = (),
) -> Result:
    """Run a resolved experiment in the folder `out`, which must be new; with `resume`, an existing run continues from
    its last checkpoint.

    If an evaluation of a third party breaks its contract, this raises BadPlugin after everything else is written.

    If `fits` names a folder, the fit is stored there, shared by all experiments that differ only in their evaluation,
    and copied to `out`, which is resumed if it exists. If another process uses `out`: waits with `fits`, else raises
    BadFolder. log: the loggers that follow the run (`experiment.loggers.chosen`).
    """
    progress = progress or Progress()
    compilation_cache.ready()
    composition = compose.compose(experiment)
    plan = evaluation.plan(experiment, composition)
    rehearsal.check(plan.questions, composition, experiment.fit.seeds)
    logs.check(log, experiment, out)
    if out is None:
        with logs.attached(log, experiment, None, progress) as reporting:
            result = _run(experiment, composition, plan, None, None, reporting)
            for fault in result.seen.faults.values():
                raise fault
            reporting.finished(result)
        return result
    if not resume and fits is None:
        run_folder.check_new(out, run_folder.otherwise(out))
    with locks.alone(out, wait=None if fits is None else progress.status, pulse=progress.pulse):
        if (resume or fits is not None) and (out / "experiment.toml").is_file():
            resuming.check_folder(experiment, composition, out)
            run_folder.resume(out, experiment, progress.warn)
        else:
            run_folder.create(out, experiment)
        with logs.attached(log, experiment, out, progress) as reporting:
            result = _run(experiment, composition, plan, out, fits, reporting)
            from meva_core.report import write  # imports matplotlib and jinja2, so not earlier

            progress.status("drawing figures")
            write.finish(out, result)
            reporting.finished(result)
    return result


def _run(
    experiment: Experiment,
    composition: Composition,
    plan: evaluation.Plan,
    out: Path | None,
    fits: Path | None,
    progress: Progress,
) -> Result:
    seats = [composition.players[n].label for n in composition.seats]
    progress.composed(experiment, seats, composition.notes)
    began = time.monotonic()
    if out is not None and fits is not None and any(player.training for player in composition.rehearse()):
        players, histories = _kept(experiment, composition, fits / experiment.fit_hash, progress, copy_to=out)
    else:
        players, histories = _fit(experiment, composition, out, progress)
    fitted = time.monotonic()
    seen = _evaluate(experiment, composition, plan, players, histories, out, progress)
    if not plan.settings.float64 and (told := evaluation.imprecise(composition.game, seen.payoffs)) is not None:
        progress.warn(told)
    return Result(
        experiment=experiment,
        seen=seen,
        evaluations={q.name: q.evaluation for q in plan.questions if q.name in seen.answers},
        histories=histories,
        players=players,
        seconds={"fit": fitted - began, "evaluate": time.monotonic() - fitted},
    )


def fitted(experiment: Experiment, out: Path, progress: Progress) -> tuple[list[Fitted], list[int]]:
    """Fit the players of an experiment. Returns them, every leaf [S, ...] over the seeds that did not diverge, and
    those seeds.

    `out` is the folder of the fit: an unfinished fit is resumed, and a finished one is only read.
    """
    compilation_cache.ready()
    players, histories = _kept(experiment, compose.compose(experiment), out, progress)
    kept = _survivors(experiment, histories)
    rows = jax.numpy.array(kept)
    return [jax.tree.map(lambda leaf: leaf[rows], player) for player in players], [experiment.seeds[n] for n in kept]


def played(
    experiment: Experiment,
    match: Match,
    plan: evaluation.Plan,
    seeds: tuple[int, ...],
    out: Path | None,
    progress: Progress,
) -> tuple[evaluation.Ended, History]:
    """The ends of matches on a game that is played, every leaf [S, ...], and their payoffs step by step.

    Every leaf of `match` begins [S], one for each of the seeds. The matches have checkpoints in the folder `out`, and
    are resumed there like a fit; None for neither. Raises Diverged if all seeds diverge.
    """
    of_each_seed = [jax.tree.map(lambda leaf, s=s: leaf[s], match) for s in range(len(seeds))]
    trainings = evaluation.long_matches(of_each_seed, plan)
    progress.playing(plan.settings.steps)
    place = kept_fit.Place(out, kept_fit.MATCHES, experiment.of_matches, snapshots=False)
    kept_fit.forget_unless(place)
    state, history = kept_fit.train(experiment.fit, trainings, progress, place, seeds)
    return fitting.fitted_params(trainings, state), attrs.evolve(history, name=MATCHES, player=kept_fit.MATCHES)


def _kept(
    experiment: Experiment,
    composition: Composition,
    out: Path,
    progress: Progress,
    copy_to: Path | None = None,
) -> tuple[list[Fitted], list[History]]:
    """Fit every player in the folder `out`, where the fit is read, resumed or begun. The fit and its provenance are
    copied to the run's folder `copy_to`, if it is given."""
    with locks.alone(out, wait=progress.status, pulse=progress.pulse):
        if (out / "experiment.toml").is_file():
            resuming.check_folder(experiment, composition, out)
            run_folder.resume(out, experiment, progress.warn)
        else:
            run_folder.create(out, experiment)
        found = _fit(experiment, composition, out, progress)
        if copy_to is not None:
            for path in (out / name for name in (metrics.NAME, kept_fit.SNAPSHOTS, kept_fit.CHECKPOINTS)):
                if path.exists():
                    disk.copy(path, copy_to / path.name)
            run_folder.write_experiment(copy_to, experiment, run_folder.recorded(out))
        return found


def _survivors(experiment: Experiment, histories: list[History]) -> list[int]:
    """Positions of the seeds that diverged in no fit. Raises Diverged if there are none."""
    diverged = {divergence.seed: divergence for history in histories for divergence in history.diverged}
    kept = [n for n, seed in enumerate(experiment.seeds) if seed not in diverged]
    if not kept:
        raise Diverged("; ".join(map(str, diverged.values())))
    return kept


def _fit(
    experiment: Experiment, composition: Composition, out: Path | None, progress: Progress
) -> tuple[list[Fitted], list[History]]:
    """Fit every player, from the last checkpoint in the folder `out` if there is one; each leaf [S, ...] over seeds."""
    fitted: dict[int, Fitted] = {}
    histories = []
    for fit in composition.fits:
        trainings, path = composition.trainings(fit, fitted, experiment.fit.seeds), composition.path_of(fit)
        params = None
        if trainings:
            label = composition.label_of(fit)
            progress.fitting(label, trainings[0].num_steps, 0)
            place = kept_fit.Place(out, path, experiment.of_fit)
            state, history = kept_fit.train(experiment.fit, trainings, progress, place)
            params = fitting.fitted_params(trainings, state)
            histories.append(attrs.evolve(history, name=label, player=path))
        fitted |= composition.after(fit, fitted, params, experiment.fit.seeds)
    return [fitted[n] for n in range(len(composition.players))], histories


def _evaluate(
    experiment: Experiment,
    composition: Composition,
    plan: evaluation.Plan,
    players: list[Fitted],
    histories: list[History],
    out: Path | None,
    progress: Progress,
) -> evaluation.Seen:
    """Matches and evaluations over the seeds that did not diverge. Adds the history of matches on a game that is played
    to `histories`."""
    kept = jax.numpy.array(_survivors(experiment, histories))
    seeds = experiment.fit.seeds
    # In double precision, hyper-parameters are the user's exact numbers, not rounded to single precision.
    with jax.enable_x64(plan.settings.float64):
        if plan.settings.float64:
            learners = [composition.of_seeds(n, dict(enumerate(players)), seeds) for n in range(len(players))]
            players = [attrs.evolve(p, learner=stacked(own)) for p, own in zip(players, learners, strict=True)]
        match = Match(game=stacked([composition.game] * seeds), players=tuple(players), seats=composition.seats)
        match = jax.tree.map(lambda leaf: leaf[kept], match)
    survivors = tuple(experiment.seeds[n] for n in kept.tolist())
    ended = None
    if isinstance(composition.game, Sampled):
        ended, history = played(experiment, match, plan, survivors, out, progress)
        histories.append(history)
    return evaluation.ask(
        composition.game,
        match,
        fitting.seed_keys(survivors),
        plan,
        survivors,
        status=progress.status,
        matches=progress.matches,
        ended=ended,
    )
