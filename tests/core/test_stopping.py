"""Signals: at once, or when what must not be cut off is over."""

import os
import pickle
import signal
import threading

import pytest

from meva_core.compute import processes, signals
from meva_core.compute.signals import Stopped


@pytest.fixture(autouse=True)
def as_under_a_terminal():
    """Handle signals as in a terminal: a process in the background of a shell ignores SIGINT."""
    before = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    before = {number: signal.signal(number, handler) for number, handler in before.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def send(number):
    os.kill(os.getpid(), number)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_heard_at_once(number, code):
    before = signal.getsignal(number)
    with pytest.raises(Stopped) as caught, signals.heard():  # noqa: PT012
        send(number)
        pytest.fail("went on")
    assert caught.value.exit_code == signals.exit_code(caught.value) == code
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("number", signals.SIGNALS)
def test_deferred_until_it_is_asked_for(number):
    done, told = [], []
    with pytest.raises(Stopped), signals.deferred(lambda: told.append(1)) as check:  # noqa: PT012
        check()
        send(number)
        done.append("went on")
        check()
        pytest.fail("went on after all")
    assert (done, told) == (["went on"], [1])


def test_deferred_until_the_end():
    with pytest.raises(Stopped), signals.deferred():
        send(signal.SIGINT)
    with signals.deferred() as check:  # forgotten
        check()


def test_a_second_one_is_heard_at_once_but_an_echo_is_not(monkeypatch):
    heard = []
    with pytest.raises(Stopped), signals.deferred() as check:  # noqa: PT012
        send(signal.SIGINT)
        send(signal.SIGINT)
        heard.append("an echo")
        monkeypatch.setattr(signals, "ECHO", 0.0)
        with pytest.raises(Stopped):
            send(signal.SIGINT)
        check()
    assert heard == ["an echo"]


def test_what_is_ignored_stays_so():
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with signals.heard(), signals.deferred() as check:
            send(signal.SIGTERM)
            check()
    finally:
        signal.signal(signal.SIGTERM, before)


def test_two_signals_at_once_stop_a_worker_without_a_traceback(monkeypatch):
    """Python prints one for a signal whose handler is SIG_IGN by then. The second one stays ignored, also where others
    are heard."""
    said = []
    monkeypatch.setattr("sys.unraisablehook", said.append)
    for number in signals.SIGNALS:
        signal.signal(number, processes._interrupt)
    signal.pthread_sigmask(signal.SIG_BLOCK, signals.SIGNALS)
    for number in signals.SIGNALS:
        signal.raise_signal(number)  # to this thread: others do not block it
    with pytest.raises(Stopped):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, signals.SIGNALS)
    with signals.heard():
        send(signal.SIGTERM)
    assert not said


def test_other_threads_hear_nothing():
    def run():
        with signals.deferred() as check:
            check()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()


def test_exit_codes_survive_processes_and_click():
    stopped = pickle.loads(pickle.dumps(Stopped(signal.SIGTERM)))  # noqa: S301
    assert stopped.exit_code == 143
    wrapped = RuntimeError()
    wrapped.__cause__ = stopped
    assert signals.exit_code(wrapped) == 143
    assert signals.exit_code(KeyboardInterrupt()) == 130
