"""Signals to stop, SIGINT (Ctrl-C) and SIGTERM: raised at once, or deferred to the next checkpoint."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import attrs

SIGNALS = (signal.SIGINT, signal.SIGTERM)
ECHO = 1.0  # seconds in which a second signal counts as the first: the terminal sends one, and a parent another


def ignore(number: int, frame: Any) -> None:
    """A handler that does nothing, in place of SIG_IGN: if that becomes the handler of a signal that has just come,
    Python prints an error."""


IGNORING = (signal.SIG_IGN, ignore, None)


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

    A signal that the process ignores (nohup, or after the first in a worker) stays ignored.
    """
    numbers = SIGNALS if threading.current_thread() is threading.main_thread() else ()
    numbers = [number for number in numbers if signal.getsignal(number) not in IGNORING]
    before = {number: signal.signal(number, handler or _stop) for number in numbers}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)


@attrs.define
class Deferred:
    """A signal that is raised (as Stopped) only when this is called. number: None before it comes."""

    number: int | None = None

    def __call__(self) -> None:
        """Raise Stopped if a signal has come."""
        if self.number is not None:
            raise Stopped(self.number)


@contextlib.contextmanager
def deferred(stopping: Callable[[], None] = lambda: None) -> Iterator[Deferred]:
    """Context manager: the first signal is raised (as Stopped) only when what it yields is called, or at the end.

    A signal more than `ECHO` seconds after the first is raised at once. `stopping` is called when the first one comes;
    this happens in a signal's handler, where few operations are safe.
    """
    check, first = Deferred(), 0.0

    def note(number: int, frame: Any) -> None:
        nonlocal first
        if check.number is None:
            check.number, first = number, time.monotonic()
            stopping()
        elif time.monotonic() - first > ECHO:
            _stop(number, frame)

    with heard(note):
        yield check
    check()


def _stop(number: int, frame: Any) -> None:
    raise Stopped(number)
