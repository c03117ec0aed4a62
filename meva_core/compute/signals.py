"""Signals to stop, SIGINT (Ctrl-C) and SIGTERM: raised at once, or deferred to the next checkpoint."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)
ECHO = 1.0  # seconds in which a second signal counts as the first: the terminal sends one, and a parent another


class Stopped(KeyboardInterrupt):
    """Raised for a signal to stop; exit_code is what shells expect of the process: 130 for Ctrl-C, 143 for SIGTERM."""

    def __init__(self, number: int = signal.SIGINT):
        super().__init__(number)
        self.number = number
        self.exit_code = 128 + number


def exit_code(error: BaseException) -> int:
    """Exit code for a KeyboardInterrupt, or for an exception raised from one."""
    stop = error if isinstance(error, Stopped) else error.__cause__
    return stop.exit_code if isinstance(stop, Stopped) else 128 + signal.SIGINT


@contextlib.contextmanager
def heard(handler: Callable[[int, Any], None] | None = None) -> Iterator[None]:
    """Context manager: both signals call `handler`; without one they raise Stopped.

    A signal that the process ignores (nohup) stays ignored.
    """
    numbers = SIGNALS if threading.current_thread() is threading.main_thread() else ()
    numbers = [number for number in numbers if signal.getsignal(number) not in (signal.SIG_IGN, None)]
    before = {number: signal.signal(number, handler or _stop) for number in numbers}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)


@contextlib.contextmanager
def deferred(stopping: Callable[[], None] = lambda: None) -> Iterator[Callable[[], None]]:
    """Context manager: the first signal is raised (as Stopped) only when the yielded function is called, or at the end.

    A signal more than `ECHO` seconds after the first is raised at once. `stopping` is called when the first one comes;
    this happens in a signal's handler, where few operations are safe.
    """
    received: list[tuple[int, float]] = []

    def note(number: int, frame: Any) -> None:
        if not received:
            received.append((number, time.monotonic()))
            stopping()
        elif time.monotonic() - received[0][1] > ECHO:
            _stop(number, frame)

    def check() -> None:
        if received:
            raise Stopped(received[0][0])

    with heard(note):
        yield check
    check()


def _stop(number: int, frame: Any) -> None:
    raise Stopped(number)
