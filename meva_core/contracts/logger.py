"""The contract of loggers, which send the numbers of a run to a dashboard, a tracker of experiments or a file.

Shapes: S seeds, N loops.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import attrs

if TYPE_CHECKING:
    import numpy as np


@attrs.frozen(kw_only=True)
class Run:
    """A run that is logged.

    name: the name of the run folder; without one, the names of game and learner with the hash. folder: the logger's own
    folder inside the run folder, which exists from `begun` on; None if the run writes no folder. experiment: the
    content of experiment.toml, as plain tables. hash: the hash of the experiment.
    """

    name: str
    folder: Path | None
    experiment: Mapping[str, Any]
    hash: str


@attrs.frozen(kw_only=True)
class Loops:
    """Successive outer loops of a fit, or steps of matches on a game that is played.

    fit: the path of the fitted player in the experiment, "learner" or "opponent.2"; "matches" for matches. seeds: the S
    random seeds. first: the number of the first of these loops, counted from 0. metrics: values by name, f32[S, N]; NaN
    or infinite where a seed diverged. The arrays belong to the run and are read-only.
    """

    fit: str
    seeds: Sequence[int]
    first: int
    metrics: Mapping[str, np.ndarray]


@attrs.frozen(kw_only=True)
class Results:
    """The results of a run.

    numbers: means by dotted name ("self_play", "payoffs.1"), in the row of the learner's own setting, or else in the
    last row. row: that row in words, "discount = 0.95"; "" if the run has a single one. table: the tables of the
    screen, with all rows, as text. summary: the content of summary.json. figures: PNG files by name; {} if the run
    writes no folder.
    """

    numbers: Mapping[str, float]
    table: str
    summary: Mapping[str, Any]
    figures: Mapping[str, Path] = attrs.field(factory=dict)
    row: str = ""


class Logger(Protocol):
    """A receiver of a run's numbers. Its hyper-parameters are `static` fields, which change no number of a run, and so
    no hash: `--set log.NAME.SETTING=VALUE`.

    All methods are called on the host, between two chunks of loops. `begun` returns a state, an open file say, that the
    other methods receive. An exception in any of them but `check` switches the logger off for the rest of the run, with
    a warning; nothing else is affected. If it has begun, its `failed` is called then, so that no file or connection
    stays open. A resumed run continues the log: `begun` finds the same folder, and `metrics` receives the loops that
    the logger has not received before.
    """

    def check(self, run: Run) -> None:
        """Raise a MevaError (`meva_core.errors`) if the logger cannot work here, since a library is missing, say.

        Called before anything is written or fitted; `run.folder` need not exist yet.
        """

    def place(self, run: Run) -> Path | None:
        """The folder that holds the log, if it is not the logger's own one.

        It need not exist yet. If it is deleted, or is another one when the run is resumed, `metrics` receives all loops
        again.
        """
        return run.folder

    def begun(self, run: Run) -> Any:
        """Begin or continue the log of a run. Returns the state for the other methods."""

    def metrics(self, state: Any, loops: Loops) -> None:
        """Log loops that are over and, if the run has a folder, on disk. Every loop comes once, in order."""

    def finished(self, state: Any, results: Results) -> None:
        """Log the results and end the log: the run is over."""

    def failed(self, state: Any, reason: str) -> None:
        """End the log of a run that was stopped or has failed, or in which this logger has failed.

        reason: one line, "stopped by SIGINT" for Ctrl-C, "its metrics raises ..." for an error of the logger's own.
        """
