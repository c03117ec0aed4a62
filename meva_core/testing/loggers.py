"""The check of the conformance kit for loggers."""

from __future__ import annotations

import contextlib
import copy
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from meva_core.contracts import Logger, Loops, Results, Run, kinds
from meva_core.errors import MevaError

SEEDS = (3, 4)


def check_logger(logger: Logger) -> None:
    """Log a small run of two seeds, one of which diverges, that is stopped, resumed and finished; then one that writes
    no folder, unless the logger's `check` refuses it.

    Raises AssertionError if the logger changes the experiment that it receives, and any exception that it raises.
    """
    kinds.check("logger", logger)
    with tempfile.TemporaryDirectory() as place, contextlib.chdir(place):
        folder = Path(place) / "run" / "logs"
        folder.mkdir(parents=True)
        run = _run(folder)
        before = copy.deepcopy(run.experiment)
        logger.check(run)
        place = logger.place(run)
        assert place is None or isinstance(place, Path), f"place: expected a Path or None, got {place!r}"
        state = logger.begun(run)
        logger.metrics(state, _loops("learner", first=0, count=3))
        logger.failed(state, "stopped by SIGINT")
        state = logger.begun(run)
        logger.metrics(state, _loops("learner", first=3, count=1))
        logger.metrics(state, _loops("matches", first=0, count=2))
        logger.finished(state, _results(folder.parent))
        assert run.experiment == before, f"experiment: expected {before}, got {run.experiment}"
        with contextlib.suppress(MevaError):
            logger.check(_run(None))
            state = logger.begun(_run(None))
            logger.metrics(state, _loops("learner", first=0, count=1))
            logger.finished(state, _results(None))


def _run(folder: Path | None) -> Run:
    experiment: dict[str, Any] = {"game": {"name": "hills"}, "learner": {"name": "toy", "rate": 0.5}, "opponents": []}
    return Run(name="run", folder=folder, experiment=experiment, hash="0" * 12)


def _loops(fit: str, first: int, count: int) -> Loops:
    """Loops in which the second seed diverges from loop 1 on. Writing into their arrays raises ValueError."""
    values = np.arange(first, first + count, dtype=np.float32)
    metrics = {"loss": np.stack([values, np.where(values < 1, values, np.nan)]), "payoff": np.stack([values, -values])}
    for array in metrics.values():
        array.flags.writeable = False
    return Loops(fit=fit, seeds=SEEDS, first=first, metrics=metrics)


def _results(folder: Path | None) -> Results:
    """Results with a figure, if there is a folder to put it in."""
    figures = {} if folder is None else {"learning": folder / "learning.png"}
    for path in figures.values():
        Figure(figsize=(0.2, 0.2)).savefig(path)
    summary = {"game": "hills", "rows": [{"value": None, "self_play": {"mean": 1.0, "sem": None}}]}
    numbers = {"self_play": 1.0}
    return Results(numbers=numbers, row="rate = 0.5", table="self-play\n    1.000", summary=summary, figures=figures)
