"""The logs of a run: its progress also goes to the loggers that the user asks for.

No logger can stop a run or change a number of it. What each has received is on record beside the checkpoints of a fit,
so that a resumed run repeats no loop and leaves none out, even if a logger joins it only then.
"""

from __future__ import annotations

import contextlib
import copy
import json
import math
import signal
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from meva_core.compute.progress import Progress
from meva_core.compute.signals import Stopped
from meva_core.contracts import Loops, Results, Run
from meva_core.errors import debugging, in_short
from meva_core.experiment.experiment import Experiment
from meva_core.experiment.loggers import Named
from meva_core.fitting import Chunk
from meva_core.report import tables
from meva_core.report.result import Result
from meva_core.storage import files
from meva_core.storage.kept_fit import CHECKPOINTS
from meva_core.storage.run_folder import LOGS
from meva_core.storage.summaries import named

RECORD = "logged.json"  # in the folder of a fit's checkpoints: the number of loops that each logger has received


def check(loggers: Sequence[Named], experiment: Experiment, out: Path | None) -> None:
    """Raise the MevaError of a logger that cannot work here."""
    for each in loggers:
        each.logger.check(_run(each, experiment, out))


@contextlib.contextmanager
def attached(loggers: Sequence[Named], experiment: Experiment, out: Path | None, progress: Progress) -> Iterator[Logs]:
    """Context manager of a run: yields the Progress that the run reports to, which also calls the loggers.

    If the run raises an exception, they receive its reason. A logger that raises one itself is switched off, with a
    warning to `progress`, or a RuntimeWarning if that shows none.
    """
    logs = Logs(loggers, experiment, out, progress)
    try:
        logs.begin()
        yield logs
    except BaseException as error:
        logs.failed(_reason(error))
        raise


class Logs(Progress):
    """A Progress that passes everything on to another one, and calls the loggers of a run."""

    def __init__(self, loggers: Sequence[Named], experiment: Experiment, out: Path | None, progress: Progress):
        self.out, self.progress = out, progress
        self.runs = {each.name: _run(each, experiment, out) for each in loggers}
        self.loggers: dict[str, Any] = {each.name: each.logger for each in loggers}  # those that have not failed
        self.states: dict[str, Any] = {}  # of those that have begun and not ended
        self.logs: dict[str, str] = {}  # the key of each logger's present log in records

    def begin(self) -> None:
        """The run begins or is resumed; its folder exists."""
        for name in list(self.loggers):
            self._call(name, "begun", lambda name=name: self._begin(name, self.runs[name]))

    def _begin(self, name: str, run: Run) -> None:
        logger = self.loggers[name]
        place = logger.place(run)
        self.logs[name] = name if place in (None, run.folder) else f"{name} in {place.resolve()}"
        if place is not None and not place.is_dir():
            self._forget(self.logs[name])
        if run.folder is not None:
            run.folder.mkdir(parents=True, exist_ok=True)
        self.states[name] = logger.begun(run)

    def _forget(self, log: str) -> None:
        """A log whose folder is new, or was deleted, has received nothing."""
        for record in () if self.out is None else (self.out / CHECKPOINTS).glob(f"*/{RECORD}"):
            files.write_json(record, {other: loops for other, loops in _received(record).items() if other != log})

    def saved(self, player: str, seeds: Sequence[int], chunk: Chunk) -> None:
        self.progress.saved(player, seeds, chunk)
        record = None if self.out is None else self.out / CHECKPOINTS / player / RECORD
        for name in list(self.loggers):
            self._call(name, "metrics", lambda name=name: self._log(name, record, player, seeds, chunk))

    def _log(self, name: str, record: Path | None, player: str, seeds: Sequence[int], chunk: Chunk) -> None:
        """Give a logger the loops that it has not received yet."""
        received = {} if record is None else _received(record)
        first = chunk.loops - next(iter(chunk.metrics.values())).shape[1]
        skipped = max(0, received.get(self.logs[name], 0) - first)
        if first + skipped >= chunk.loops:
            return
        metrics = {metric: _read_only(values[:, skipped:]) for metric, values in chunk.metrics.items()}
        loops = Loops(fit=player, seeds=tuple(seeds), first=first + skipped, metrics=metrics)
        self.loggers[name].metrics(self.states[name], loops)
        if record is not None:
            files.write_json(record, {**received, self.logs[name]: chunk.loops})

    def finished(self, result: Result) -> None:
        """The run is over, and in its folder if it has one."""
        if self.loggers:
            self._end("finished", _results(result, self.out))

    def failed(self, reason: str) -> None:
        """The run was stopped, or has failed."""
        self._end("failed", reason)

    def _end(self, method: str, *arguments: Any) -> None:
        """Call the last method of each logger that has begun."""
        for name, state in list(self.states.items()):
            last = getattr(self.loggers[name], method)
            self._call(name, method, lambda last=last, state=state: last(state, *copy.deepcopy(arguments)))
            self.states.pop(name, None)

    def _call(self, name: str, method: str, call: Callable[[], None]) -> None:
        """Call a method of a logger, which is switched off if it fails."""
        try:
            call()
        except (Exception, SystemExit) as error:
            if debugging():
                traceback.print_exception(error)
            reason = f"its {method} raises {in_short(error)}"
            self._switch_off(name, method, reason)
            self._complain(f"logger {name} is switched off, since {reason}; nothing else is affected")

    def _switch_off(self, name: str, method: str, reason: str) -> None:
        """Call a logger no more after its `method` failed, but let it end its log if it has begun one."""
        logger, begun = self.loggers.pop(name), name in self.states
        state = self.states.pop(name, None)
        if begun and method != "failed":
            with contextlib.suppress(Exception, SystemExit):
                logger.failed(state, reason)

    def _complain(self, text: str) -> None:
        """Warn where the user sees it: most calls from Python have a Progress that shows nothing."""
        if type(self.progress).warn is Progress.warn:
            warnings.warn(text, RuntimeWarning, stacklevel=2)
        else:
            self.progress.warn(text)

    # Everything else is passed on.

    def composed(self, experiment: Experiment, seats: list[str], notes: Sequence[str] = ()) -> None:
        self.progress.composed(experiment, seats, notes)

    def fitting(self, name: str, loops: int, done: int) -> None:
        self.progress.fitting(name, loops, done)

    def playing(self, steps: int) -> None:
        self.progress.playing(steps)

    def chunk(self, chunk: Chunk) -> None:
        self.progress.chunk(chunk)

    def stopping(self) -> None:
        self.progress.stopping()

    def matches(self, ends: Any) -> None:
        self.progress.matches(ends)

    def warn(self, text: str) -> None:
        self.progress.warn(text)

    def status(self, text: str) -> None:
        self.progress.status(text)


def _run(each: Named, experiment: Experiment, out: Path | None) -> Run:
    unnamed = f"{experiment.game.name}-{experiment.learner.name}-{experiment.hash}"
    return Run(
        name=files.file_name(unnamed if out is None else out.resolve().name),
        folder=None if out is None else out / LOGS / files.file_name(each.name),
        experiment=experiment.to_plain(),
        hash=experiment.hash,
    )


def _received(record: Path) -> dict[str, int]:
    """The number of loops that each logger has received; {} if there is no undamaged record."""
    try:
        content = json.loads(record.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError, RecursionError):
        return {}
    counts = content.items() if isinstance(content, dict) else ()
    return {name: loops for name, loops in counts if type(loops) is int}


def _read_only(values: np.ndarray) -> np.ndarray:
    """A view of an array that belongs to the run."""
    view = values.view()
    view.flags.writeable = False
    return view


def _results(result: Result, out: Path | None) -> Results:
    summary = result.summary()
    drawn = () if out is None else sorted((out / "figures").glob("*.png"))
    setting, row = summary["setting"], _headline(summary)
    return Results(
        numbers=_numbers(row),
        row="" if setting is None else f"{setting['name']} = {row['value']:g}",
        table=tables.as_text(summary, result.checked),
        summary=summary,
        figures={path.stem: path for path in drawn},
    )


def _headline(summary: Mapping[str, Any]) -> Mapping[str, Any]:
    """The row of the learner's own setting, or else the last row."""
    own = (summary["setting"] or {}).get("own")
    return next((row for row in summary["rows"] if row["value"] == own), summary["rows"][-1])


def _numbers(row: Mapping[str, Any]) -> dict[str, float]:
    """Means of all statistics in a row."""
    payoffs = {f"payoffs.{seat}": payoff for seat, payoff in enumerate(row["payoffs"], start=1)}
    means = {name: statistic.get("mean") for name, statistic in {**payoffs, **named(row)}.items()}
    return {name: mean for name, mean in means.items() if mean is not None and math.isfinite(mean)}


def _reason(error: BaseException) -> str:
    if isinstance(error, Stopped):
        return f"stopped by {signal.Signals(error.number).name}"
    return "stopped by SIGINT" if isinstance(error, KeyboardInterrupt) else in_short(error)
