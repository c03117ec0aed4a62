"""Ctrl-C, and SIGTERM, which systems send before they kill: stop at once, or where a fit can be gone on with."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)
ECHO = 1.0  # seconds in which a signal is the same one again: a terminal sends it to everybody, and a parent too


class Stopped(KeyboardInterrupt):
    """By a signal of this number; exit_code is what shells expect of a process that it ended: 130 for Ctrl-C, 143 for
    SIGTERM."""

    def __init__(self, number: int = signal.SIGINT):
        super().__init__(number)
        self.number = number
        self.exit_code = 128 + number


def exit_code(error: BaseException) -> int:
    """Of a KeyboardInterrupt, or of what was raised from one."""
    found = error if isinstance(error, Stopped) else error.__cause__
    return found.exit_code if isinstance(found, Stopped) else 128 + signal.SIGINT


@contextlib.contextmanager
def heard(handler: Callable[[int, Any], None] | None = None) -> Iterator[None]:
    """Inside, either signal is handled by `handler`, or else raises Stopped; one that is ignored (nohup) stays so."""
    numbers = SIGNALS if threading.current_thread() is threading.main_thread() else ()
    numbers = [number for number in numbers if signal.getsignal(number) not in (signal.SIG_IGN, None)]
    before = {number: signal.signal(number, handler or _stop) for number in numbers}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)


@contextlib.contextmanager
def deferred(told: Callable[[], None] = lambda: None) -> Iterator[Callable[[], None]]:
    """Inside, the first signal is raised (as Stopped) where what this yields is called, or else at the end; a later
    one at once. `told` is called when the first comes: in a signal's handler, where little is safe."""
    came: list[tuple[int, float]] = []

    def note(number: int, frame: Any) -> None:
        if not came:
            came.append((number, time.monotonic()))
            told()
        elif time.monotonic() - came[0][1] > ECHO:
            _stop(number, frame)

    def check() -> None:
        if came:
            raise Stopped(came[0][0])

    with heard(note):
        yield check
    check()


def _stop(number: int, frame: Any) -> None:
    raise Stopped(number)
