"""Careless and hostile users: whatever is typed or lies in a file is taken, or refused in one line.

Every test tries some dozens of inputs, the same ones in each session. `MEVA_FUZZ=25 pytest tests/fuzz` tries 25 times
as many, other ones each time: some 20,000. What takes long where all is good (a fit, a match) stands aside; all that
is checked before does not.
"""

import collections
import shutil
import signal
import time

import click
import pytest

from meva_core import runner
from meva_core.compute import processes, remote
from meva_core.storage import metrics
from meva_core.studies import tournament_matches

HANG = 60  # seconds, on a machine that is busy with other things too
LONGEST = 700  # characters of a message
GOOD = "all that was asked for is good"


class Hang(BaseException):
    """Nothing that the code under test would catch."""


def answered(*_, **__):
    """A function that replaces fits and matches; only good input reaches it."""
    click.echo(GOOD)
    raise SystemExit(0)


def begun(experiment, composition, plan, out, fits, progress):
    """A function that replaces the fit and all later steps: it does only what a run does with a folder before them."""
    progress.composed(experiment, [composition.players[n].name for n in composition.seats])
    metrics.cut(out, "learner", 3)
    metrics.read(out, "learner", experiment.seeds, 3)
    answered()


@pytest.fixture(scope="module")
def ask(tmp_path_factory, meva_run, meva_command):
    """`ask("meva", "list", ...)` in a folder of its own, empty but for what `files` names: path -> content."""
    around = tmp_path_factory.mktemp("around")
    place = around / "place"

    def ask(command, *arguments, files=None):
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        patch.chdir(place)
        for name, content in (files or {}).items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        began = time.monotonic()
        signal.setitimer(signal.ITIMER_REAL, HANG)
        try:
            outcome = {"meva": meva_command, "meva-run": meva_run}[command](*arguments)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        assert time.monotonic() - began < HANG, "it hung"
        assert [path.name for path in around.iterdir()] == ["place"], "written elsewhere"
        assert_explained(outcome)
        codes[outcome.code] += 1
        return outcome

    def hang(*_):
        raise Hang(f"no answer within {HANG} s")

    codes = collections.Counter()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "_run", begun)
        patch.setattr(tournament_matches, "play", answered)
        patch.setattr(processes, "do_all", answered)
        patch.setattr(remote, "do_all", answered)
        before = signal.signal(signal.SIGALRM, hang)
        yield ask
        signal.signal(signal.SIGALRM, before)
    print(f"{sum(codes.values())} inputs, by exit code: {dict(codes)}")  # pytest -s shows it
    assert codes[0] > sum(codes.values()) / 20, f"hardly any input was good: {codes}"


def assert_explained(outcome):
    """Exit code 0, or 2 (1 where the system refuses) and one line that says why."""
    assert outcome.code in (0, 1, 2), outcome
    *notes, last = outcome.err.splitlines() or [""]
    assert all(line.startswith(("warning: ", "note: ")) for line in notes), outcome.err
    assert last.startswith(("warning: ", "note: ", "error: ") if outcome.code == 0 else "error: ") or not outcome.err
    assert outcome.code == 0 or outcome.err, "failed without a word"
    assert "Traceback" not in outcome.err
    for line in (*notes, last):
        assert len(line) <= LONGEST, outcome.err
        assert line.isprintable(), outcome.err
