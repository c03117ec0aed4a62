"""Logs for TensorBoard, as event files."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from meva_core.contracts import Logger, Loops, Results, Run, at_least, component, static
from meva_core.errors import BadValue, optional
from meva_loggers.curves import curves
from meva_loggers.identity import identity

EVENTS = "events"
RESULTS = "results"  # the folder of tables and figures, beside those of fits


@component
class TensorBoard(Logger):
    """Writes the curves, tables and figures of a run for TensorBoard, which tensorboardX does without TensorFlow.

    The event files are in the run folder, in logs/tensorboard, or in `folder`, where each run has a subfolder with its
    name and an identity. There every fit has a folder, with a subfolder for each seed and one for the mean over the
    seeds, so that TensorBoard shows them as runs of their own. `results` holds the tables, the figures and, to compare
    runs, the means of one row: that of the learner's own setting, which the text `row` names. `tensorboard --logdir
    runs` shows the logs of all runs. A metric of a seed that diverged is NaN; the mean is over the other seeds.
    """

    folder: str | None = static(
        default=None, doc="folder for the logs of several runs, one in each subfolder; unset: logs/ in the run folder"
    )
    seeds: int = static(default=20, doc="number of seeds that have their own curves, the first ones", check=at_least(0))

    def check(self, run: Run) -> None:
        _library("summary")
        if run.folder is None and self.folder is None:
            raise BadValue("expected out=FOLDER, or a folder for log.tensorboard.folder, got neither")

    def place(self, run: Run) -> Path | None:
        if self.folder is None:
            return run.folder
        # Run folders in different places may have one name. Without a folder, the name contains the experiment's hash.
        name = run.name if run.folder is None else f"{run.name}-{identity(run.folder)}"
        return Path(self.folder).expanduser() / name

    def begun(self, run: Run) -> Files:
        folder = self.place(run)
        assert folder is not None, "refused by check"
        files = Files(folder)
        files.restart(RESULTS)
        files.write(RESULTS, 0, _library("summary").text("experiment", _as_block(_as_text(run.experiment))))
        return files

    def metrics(self, state: Files, loops: Loops) -> None:
        if loops.first == 0:
            state.restart(loops.fit)
        for curve, metrics in curves(loops, self.seeds).items():
            for n, values in enumerate(zip(*metrics.values(), strict=True), start=1):
                state.write(f"{loops.fit}/{curve}", loops.first + n, _scalars(dict(zip(metrics, values, strict=True))))
        state.flush()

    def finished(self, state: Files, results: Results) -> None:
        from matplotlib.image import imread

        summary = _library("summary")
        state.write(RESULTS, 0, summary.text("tables", _as_block(results.table)))
        if results.row:
            state.write(RESULTS, 0, summary.text("row", f"{results.row}; all rows are in tables"))
        state.write(RESULTS, 0, _scalars({f"results/{name}": number for name, number in results.numbers.items()}))
        for name, path in results.figures.items():
            state.write(RESULTS, 0, summary.image(f"figures/{name}", imread(path), dataformats="HWC"))
        state.close()

    def failed(self, state: Files, reason: str) -> None:
        try:
            state.write(RESULTS, 0, _library("summary").text("stopped", reason))
        finally:
            state.close()


@attrs.define
class Files:
    """Event files of a run, one for each curve, which are opened when they are first written to.

    They are written in this thread: tensorboardX's own `SummaryWriter` writes in another one, which ends without a word
    when the disk is full, and then waits for it forever.
    """

    folder: Path
    writers: dict[str, Any] = attrs.field(factory=dict)

    def restart(self, name: str) -> None:
        """Delete the curves in the folder `name`, which begin again."""
        for curve in [curve for curve in self.writers if curve.partition("/")[0] == name]:
            self.writers.pop(curve).close()
        if (self.folder / name).is_dir():
            shutil.rmtree(self.folder / name)

    def write(self, curve: str, step: int, summary: Any) -> None:
        """Write a summary of tensorboardX at a step of a curve."""
        if curve not in self.writers:
            folder = self.folder / curve
            folder.mkdir(parents=True, exist_ok=True)
            count = len(list(folder.glob(f"{EVENTS}.*")))
            # Two files that are opened within a second would have one name without the count.
            self.writers[curve] = _library("event_file_writer").EventsWriter(str(folder / EVENTS), f".{count}")
            if count:  # a process that was killed may have written this step: TensorBoard then forgets what it read
                self._write(curve, step, session_log=_library("proto.event_pb2").SessionLog(status="START"))
        self._write(curve, step, summary=summary)

    def _write(self, curve: str, step: int, **content: Any) -> None:
        event = _library("proto.event_pb2").Event(wall_time=time.time(), step=step, **content)
        self.writers[curve].write_event(event)

    def flush(self) -> None:
        """Write to the disk what is in memory."""
        for writer in self.writers.values():
            writer.flush()

    def close(self) -> None:
        """Close all files, also if some cannot be written."""
        with contextlib.ExitStack() as closing:
            while self.writers:
                closing.callback(self.writers.popitem()[1].close)


def _library(module: str) -> Any:
    return optional(f"tensorboardX.{module}", extra="tensorboard")


def _scalars(values: Mapping[str, float]) -> Any:
    """A summary of several numbers, which may be NaN (`tensorboardX.summary.scalar` prints a line about each)."""
    summary = _library("proto.summary_pb2").Summary()
    for tag, value in values.items():
        summary.value.add(tag=tag, simple_value=float(value))
    return summary


def _as_text(table: Any, above: str = "") -> str:
    """Nested tables as lines `name = value`, with dotted names."""
    lines = []
    for name, value in table.items():
        lines.append(_as_text(value, f"{above}{name}.") if isinstance(value, dict) else f"{above}{name} = {value!r}")
    return "\n".join(lines)


def _as_block(text: str) -> str:
    """Text as a block of code in Markdown, which TensorBoard shows."""
    return "\n".join(f"    {line}" for line in text.splitlines())
