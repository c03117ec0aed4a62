"""Tasks of a study, and the order in which they begin."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Sequence
from typing import Any

from meva_core.compute.progress import Progress


class Task:
    """One piece of work for a worker process; it must be picklable."""

    alone: frozenset[str] = frozenset()
    """Names of things that no other task may work on at the same time."""

    needs: frozenset[str] = frozenset()
    """Names of things that have to be complete: all tasks that work on them alone come before this one."""

    def do(self, progress: Progress) -> Any:
        """Do the work. What it returns or raises must be picklable too."""
        raise NotImplementedError


class Queue:
    """The tasks that wait, by index. The first ones that can begin do: those whose needs are complete, and that no
    running task excludes."""

    def __init__(self, tasks: Sequence[Task]):
        self.tasks = tasks
        self.ready = list(range(len(tasks)))  # a heap
        self.blocked: dict[str, list[int]] = {}  # by one of the names that they wait for
        self.taken: set[str] = set()
        self.incomplete = Counter(name for task in tasks for name in task.alone)

    def __bool__(self) -> bool:
        return bool(self.ready or self.blocked)

    def next(self) -> int | None:
        """Take the first task that can begin; None if there is none at present."""
        while self.ready:
            n = heapq.heappop(self.ready)
            task = self.tasks[n]
            waits_for = [*(task.alone & self.taken), *(name for name in task.needs if self.incomplete[name])]
            if not waits_for:
                self.taken |= task.alone
                return n
            self.blocked.setdefault(min(waits_for), []).append(n)
        return None

    def ended(self, n: int, *, again: bool = False) -> None:
        """Release what the task worked on. again: it has to be done once more."""
        names = self.tasks[n].alone
        self.taken -= names
        if again:
            heapq.heappush(self.ready, n)
        else:
            self.incomplete.subtract(names)
        for name in names:
            for waiting in self.blocked.pop(name, []):
                heapq.heappush(self.ready, waiting)
