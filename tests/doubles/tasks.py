"""Tasks of a study that take no time, and an executor in this process."""

from concurrent.futures import ThreadPoolExecutor

import attrs
import numpy as np

from meva_core.compute.tasks import Task
from meva_core.contracts import Executor, component
from meva_core.fitting import Chunk


@component
class InThread(Executor):
    """A thread of this process."""

    def open(self, jobs, folder):
        return ThreadPoolExecutor(1)


@attrs.frozen
class Square(Task):
    """Tells how it gets on, and returns the square of a number."""

    number: int

    def do(self, progress):
        progress.status(f"squaring {self.number}")
        progress.fitting("square", 7, 0)
        progress.chunk(Chunk(3, None, {"loss": np.array([[1.0, 2.0], [1.0, 4.0]])}, {"loss": "error"}))
        return self.number**2
