"""The runner: compose, fit, match, evaluate, report. It reads like the picture in the README."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import jax

from meva_core import checkpoint, compose, evaluate, recipes, registry
from meva_core import experiment as experiments
from meva_core import fit as fitting
from meva_core.errors import BadCombination, BadValue, Diverged
from meva_core.experiment import Choice, Experiment
from meva_core.fit import History
from meva_core.match import Fitted, Match
from meva_core.ops import stacked
from meva_core.progress import Progress
from meva_core.protocols import Learner, Sweep, Training
from meva_core.recipes import RecipeFile
from meva_core.registry import Registry
from meva_core.report import Result, folder


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

    `set` changes any hyper-parameter: `set={"learner.rate": 1.5}`. Raises MevaError on bad input.
    """
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
    resume: bool = False,
    progress: Progress | None = None,
) -> Result:
    """Run a resolved experiment; with `resume`, from the last checkpoint in the folder `out`."""
    progress = progress or Progress()
    composition = compose.compose(known, experiment)
    progress.composed(experiment, [composition.players[n].name for n in composition.seats])
    if out is not None and not resume:
        folder.create(out, experiment)
    began = time.monotonic()
    players, histories = _fit(experiment, composition, out, resume, progress)
    fitted = time.monotonic()
    survey = _evaluate(known, experiment, composition, players, histories, progress)
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


def _fit(
    experiment: Experiment, composition: compose.Composition, out: Path | None, resume: bool, progress: Progress
) -> tuple[list[Fitted], list[History]]:
    """Every player, fitted; each leaf [S, ...] over seeds."""
    fitted: dict[int, Fitted] = {}
    histories = []
    for n in composition.order:
        player = composition.players[n]
        learners = [player.build(_rivals(composition, n, fitted, seed)) for seed in range(experiment.fit.seeds)]
        if n == 0:
            _check_rows(experiment, learners[0])
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


def _rivals(composition: compose.Composition, own: int, fitted: dict[int, Fitted], seed: int) -> tuple:
    """Per seat the fitted rival as of one seed, None in own seats; empty in self-play."""
    if len(composition.players) == 1:
        return ()
    of_seed = {n: jax.tree.map(lambda leaf: leaf[seed], rival) for n, rival in fitted.items()}
    return tuple(None if n == own else of_seed.get(n) for n in composition.seats)


def _train(
    experiment: Experiment, trainings: list[Training], place: Path | None, resume: bool, progress: Progress
) -> tuple[Any, History]:
    """One player's fit, with checkpoints in `place`."""
    state, loops = fitting.start(trainings, experiment.seeds), 0
    history = History(seeds=experiment.seeds)
    if resume and place is not None:
        loops, state = checkpoint.latest(place, state, experiment.hash) or (0, state)
        history = folder.read_history(place, history, loops)
        progress.chunk(fitting.Chunk(loops, state, {}))
    saved = loops
    try:
        for chunk in fitting.fit(trainings, experiment.seeds, chunk=experiment.fit.chunk, state=state, loops=loops):
            state, loops = chunk.state, chunk.loops
            for divergence in history.add(chunk):
                progress.warn(str(divergence))
            progress.chunk(chunk)
            if len(history.diverged) == len(history.seeds):
                raise Diverged(f"every seed diverged: {history.diverged[0]}")
            if place is not None:
                folder.write_metrics(place, history.seeds, chunk)
                if loops - saved >= experiment.fit.checkpoint_every or loops == trainings[0].num_steps:
                    checkpoint.save(place, loops, state, experiment.hash)
                    saved = loops
    except KeyboardInterrupt:
        if place is not None and loops > saved:
            checkpoint.save(place, loops, state, experiment.hash)
        raise
    return state, history


def _evaluate(
    known: Registry,
    experiment: Experiment,
    composition: compose.Composition,
    players: list[Fitted],
    histories: list[History],
    progress: Progress,
) -> evaluate.Survey:
    """The survey over the seeds that did not diverge."""
    lost = {divergence.seed for history in histories for divergence in history.diverged}
    kept = [n for n, seed in enumerate(experiment.seeds) if seed not in lost]
    match = Match(
        game=stacked([composition.game] * experiment.fit.seeds),
        players=tuple(players),
        seats=composition.seats,
    )
    learner = jax.tree.map(lambda leaf: leaf[0], players[0].learner)
    return evaluate.survey(
        composition.game,
        jax.tree.map(lambda leaf: leaf[jax.numpy.array(kept)], match),
        fitting.seed_keys([experiment.seeds[n] for n in kept]),
        experiment.evaluate,
        sweep=(sweep := _sweep(learner, experiment.learner)),
        values=evaluate.rows(sweep, experiment.evaluate, learner),
        rival=_to_be_shaped(known, experiment, composition, learner),
        said=progress.said,
    )


def _check_rows(experiment: Experiment, learner: Learner) -> None:
    """Before anything is fitted: BadValue where the learner refuses a row's value."""
    sweep = _sweep(learner, experiment.learner)
    for value in evaluate.rows(sweep, experiment.evaluate, learner) if sweep is not None else ():
        try:
            attrs.evolve(learner, **{sweep.name: value})  # type: ignore[type-var]
        except ValueError as error:
            raise BadValue(f"{error} @ evaluate.values") from error


def _sweep(learner: Learner, choice: Choice) -> Sweep | None:
    """None too where each player has a setting of its own: then that is the one row."""
    sweep = learner.sweep
    return None if sweep is None or isinstance(choice.settings[sweep.name], tuple) else sweep


def _to_be_shaped(
    known: Registry, experiment: Experiment, composition: compose.Composition, learner: Learner
) -> Learner | None:
    """In self-play `evaluate.against`, at the learner's rate; None where it is the learner, or they cannot meet."""
    name = experiment.evaluate.against
    if experiment.opponents or name == experiment.learner.name:
        return None
    factory = known.find("learner", name).load()
    settings = {"game": composition.game, "rate": learner.rate}
    rival = compose.values.construct(factory, settings, "evaluate.against")
    try:
        learner.facing((None, *(rival,) * (composition.game.num_players - 1)))
    except BadCombination:
        return None
    return rival
