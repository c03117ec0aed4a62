"""The check of the conformance kit for executors."""

from __future__ import annotations

import tempfile
from pathlib import Path

import attrs

from meva_core.compute import remote
from meva_core.compute.progress import Progress
from meva_core.compute.tasks import Task
from meva_core.contracts import Executor, kinds
from meva_core.errors import BadValue

NUMBERS = (2, 3, 4, -1)  # the last one is refused


@attrs.frozen
class Square(Task):
    """Returns the square of a number; refuses numbers below 0."""

    number: int

    def do(self, progress: Progress) -> int:
        """Tell the number, and square it."""
        progress.status(f"squares {self.number}")
        if self.number < 0:
            raise BadValue(f"expected 0 or more, got {self.number}")
        return self.number**2


def check_executor(executor: Executor) -> None:
    """Do three tasks with the executor's workers, one at a time, and then one that raises a MevaError.

    Raises AssertionError if a result is missing or wrong, or if the error does not come back, and any exception that
    the executor raises.
    """
    kinds.check("executor", executor)
    results, refused = [], False
    with tempfile.TemporaryDirectory() as place:
        tasks = [Square(number) for number in NUMBERS]
        try:
            for n, result in remote.do_all(tasks, executor, 1, lambda n: Progress(), Path(place)):
                results.append((n, result))
        except BadValue:
            refused = True
    expected = [(n, number**2) for n, number in enumerate(NUMBERS) if number >= 0]
    assert sorted(results) == expected, f"results by index: expected {expected}, got {sorted(results)}"
    assert refused, "a task that raises: expected its BadValue in the study, got none"
