"""Jobs that have left SLURM's queue. Its controller knows about the queue also where no accounting (sacct) knows."""

import os
import subprocess
import time
from collections.abc import Callable, Set

PAUSE = 30.0  # seconds between two questions to the controller
PATIENCE = 90.0  # seconds after which a job that has left the queue is lost: network disks show its result later
ANSWER = 10.0  # seconds in which the controller answers


def queued() -> set[str] | None:
    """The user's jobs that wait or run; None if SLURM does not say."""
    try:
        command = ["squeue", "--noheader", "--format=%A", f"--user={os.getuid()}"]
        told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=ANSWER)
    except (OSError, subprocess.SubprocessError):
        return None
    return set(told.stdout.split())


def accounted() -> bool:
    """True if SLURM keeps accounts of its jobs, which tell what became of one that has ended."""
    try:
        return not subprocess.run(["sacct", "--noheader", "--jobs=0"], capture_output=True, timeout=ANSWER).returncode
    except (OSError, subprocess.SubprocessError):
        return False


class Queue:
    """The queue as a study has seen it. ask: returns the jobs in it, as `queued` does."""

    def __init__(self, ask: Callable[[], set[str] | None] = queued):
        self.ask, self.next_look = ask, 0.0
        self.here, self.left_at = False, dict[str, float]()

    def left(self, jobs: Set[str]) -> set[str]:
        """The jobs, of these, that have not been in the queue for `PATIENCE` seconds. None before a job of the study
        has been seen in it: all of them may be in the queue of another cluster."""
        now = time.monotonic()
        if jobs and now >= self.next_look:
            self.next_look = now + PAUSE
            if (present := self.ask()) is not None:
                self.here = self.here or not present.isdisjoint(jobs)
                for job in jobs if self.here else ():
                    if job in present:
                        self.left_at.pop(job, None)
                    else:
                        self.left_at.setdefault(job, now)
        return {job for job in self.left_at.keys() & jobs if now - self.left_at[job] >= PATIENCE}
