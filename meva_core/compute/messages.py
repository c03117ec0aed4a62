"""Messages between a study and its workers, as files in a folder that all machines see.

NUMBER.jsonl    what task NUMBER tells, a line of JSON each
stop            there if the study stops: every task saves its work and ends, as it does if the folder is gone

Disks that several machines share need no locks for this: each file has one writer.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from meva_core.compute.progress import Progress
from meva_core.fitting import Chunk

STOP, SUFFIX = "stop", ".jsonl"
SECONDS = 1.0  # least time between two looks for the file, and between two messages about a fit


class Reporter(Progress):
    """Progress of a task on a worker, which the study reads from a file.

    Raises KeyboardInterrupt, in place of a message, when the study stops.
    """

    def __init__(self, folder: Path, n: int):
        self.folder, self.path = folder, folder / f"{n}{SUFFIX}"
        self.looked = self.reported = -SECONDS  # when it looked for the file `stop`, and when it told of a chunk
        self._tell("status", "begins")

    def fitting(self, name: str, loops: int, done: int) -> None:
        """A fit begins, or is resumed."""
        self._tell("fitting", name, loops, done)

    def playing(self, steps: int) -> None:
        """Matches begin, or are resumed."""
        self._tell("playing", steps)

    def chunk(self, chunk: Chunk) -> None:
        """A chunk of loops is done; some of these messages are left out if they come fast."""
        if time.monotonic() - self.reported >= SECONDS:
            self.reported = time.monotonic()
            # Of the metrics, only what a screen shows: the means over seeds after the last loop.
            means = {
                name: float(np.nanmean(chunk.metrics[name][:, -1])) for name in chunk.shown if name in chunk.metrics
            }
            self._tell("chunk", chunk.loops, means, {name: chunk.shown[name] for name in means})
        self.pulse()

    def warn(self, text: str) -> None:
        """Something went wrong, but the run continues."""
        self._tell("warn", text)

    def status(self, text: str) -> None:
        """A step of the run begins."""
        self._tell("status", text)

    def pulse(self) -> None:
        """Raise KeyboardInterrupt if the study stops."""
        if time.monotonic() - self.looked >= SECONDS:
            self.looked = time.monotonic()
            if (self.folder / STOP).exists() or not self.folder.exists():
                raise KeyboardInterrupt

    def _tell(self, *message: Any) -> None:
        self.pulse()
        with contextlib.suppress(OSError), open(self.path, "a", encoding="utf-8") as file:  # the disk may be full
            file.write(json.dumps(message) + "\n")


class Mail:
    """The messages of all tasks, as they come.

    progress: called when a task begins; returns the Progress that receives its messages. heard: when the last message
    came. What a lost worker still writes about a task that is over is left alone.
    """

    def __init__(self, folder: Path, progress: Callable[[int], Progress]):
        self.folder, self.progress = folder, progress
        self.rows: dict[int, Progress] = {}
        self.read_to: dict[int, int] = {}
        self.over: set[int] = set()
        self.heard = time.monotonic()

    def row(self, n: int) -> Progress:
        """The receiver of the messages of task n."""
        if n not in self.rows:
            self.rows[n] = self.progress(n)
        return self.rows[n]

    def read(self) -> None:
        """Pass on what all tasks have told since the last call."""
        with os.scandir(self.folder) as files:
            longer = {
                int(file.name.removesuffix(SUFFIX)): size
                for file in files
                if file.name.endswith(SUFFIX) and (size := file.stat().st_size)
            }
        for n, size in longer.items():
            if n not in self.over and size > self.read_to.get(n, 0):
                self._read(n)

    def close(self, n: int) -> None:
        """Pass on the last that task n has told, and delete its file."""
        self._read(n)
        self.path(n).unlink(missing_ok=True)
        self.over.add(n)
        self.heard = time.monotonic()

    def path(self, n: int) -> Path:
        """The file of task n."""
        return self.folder / f"{n}{SUFFIX}"

    def _read(self, n: int) -> None:
        with contextlib.suppress(FileNotFoundError), open(self.path(n), "rb") as file:
            file.seek(self.read_to.get(n, 0))
            *lines, rest = file.read().split(b"\n")
            self.read_to[n] = file.tell() - len(rest)  # the last line is not written to its end
            for line in lines:
                self._pass_on(n, line)

    def _pass_on(self, n: int, line: bytes) -> None:
        with contextlib.suppress(ValueError):  # a worker was killed while it wrote, and another goes on in the file
            name, *arguments = json.loads(line)
            if name == "chunk":
                loops, means, shown = arguments
                metrics = {key: np.array([[mean]]) for key, mean in means.items()}
                arguments = [Chunk(loops, None, metrics, shown)]
            getattr(self.row(n), name)(*arguments)
            self.heard = time.monotonic()
