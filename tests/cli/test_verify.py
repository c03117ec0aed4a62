"""`meva verify`: equal bit by bit, or told where not; nothing in the folder changes."""

import json
import re
from collections.abc import Collection
from typing import Any

import numpy as np
import pytest

from meva_core import runner
from meva_core.storage import files
from meva_core.studies import jobs, tournament_folder, verify

pytestmark = pytest.mark.usefixtures("no_figures")

SMALL = (
    "learner.loops=3 fit.chunk=2 evaluate.pairs=4 evaluate.steps=5 evaluate.best_response.steps=3 evaluate.values=[0.9]"
)


def settings(text):
    return [part for each in text.split() for part in ("--set", each)]


def content(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def run(toy, meva_run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("verify") / "run"
    outcome = meva_run("--game", "toy_hills", "--learner", "toy", *settings(SMALL), "--out", folder, "--quiet")
    assert outcome.code == 0, outcome.err
    return folder


@pytest.fixture
def copied(run, tmp_path):
    files.copy(run, tmp_path / "run")
    return tmp_path / "run"


def test_a_run_is_what_comes_out_again(run, meva_command):
    before = content(run)
    outcome = meva_command("verify", run)
    assert (outcome.code, outcome.err) == (0, "")
    shown = outcome.out
    for name in (r"policies\.npz", r"summary\.json", r"metrics\.jsonl, toy"):
        assert re.search(rf"^{name}: \d+ numbers, equal bit by bit$", shown, re.MULTILINE)
    assert content(run) == before


def test_a_payoff_that_somebody_improved(copied, meva_command):
    told = json.loads((copied / "summary.json").read_text())
    told["rows"][0]["self_play"]["mean"] += 0.25
    files.write_json(copied / "summary.json", told)
    lines = (copied / "metrics.jsonl").read_text().splitlines()
    files.write(copied / "metrics.jsonl", "\n".join([*lines[:-1], lines[-1].replace('"loss": ', '"loss": 1')]) + "\n")
    toml = (copied / "experiment.toml").read_text()
    files.write(copied / "experiment.toml", re.sub(r'^numpy = ".*"$', 'numpy = "1.0"', toml, flags=re.MULTILINE))
    before = content(copied)
    outcome = meva_command("verify", copied)
    assert (outcome.code, outcome.err) == (1, "")
    assert re.search(r"^policies\.npz: \d+ numbers, equal bit by bit$", outcome.out, re.MULTILINE)
    assert re.search(r"^summary\.json: 1 of \d+ numbers differ, by 0\.25 at most$", outcome.out, re.MULTILINE)
    assert re.search(r"^metrics\.jsonl, toy: 1 of \d+ numbers differ", outcome.out, re.MULTILINE)
    assert re.search(
        r"differs from the results here; it was made in another environment: numpy \S+ \(was 1\.0\)",
        " ".join(outcome.out.split()),
    )
    assert content(copied) == before


def test_a_tournament(meva_command, tmp_path):
    names = ("--game", "tandem", "--learners", "naive,lookahead", "--trials", 4, "--steps", 3)
    assert meva_command("tournament", *names, "--out", tmp_path / "all", "--quiet").code == 0
    outcome = meva_command("verify", tmp_path / "all")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.count("equal bit by bit") == 4  # matches and tables
    match = tmp_path / "all" / "matches" / "tandem--naive--naive.npz"
    arrays, key = files.load_arrays(match)
    files.save_arrays(match, {**arrays, "payoffs": arrays["payoffs"] + 1}, key)
    outcome = meva_command("verify", tmp_path / "all", "--quiet")
    assert (outcome.code, outcome.out, outcome.err) == (1, "", "")


def test_fits_kept_elsewhere_are_found_again(meva_command, tmp_path):
    names = ("--game", "tandem", "--learners", "naive,m_maml", "--trials", 2, "--steps", 2, "--seeds", 1)
    small = settings("m_maml.loops=2 m_maml.steps=2")
    outcome = meva_command("tournament", *names, *small, "--fits", tmp_path / "f", "--out", tmp_path / "all", "--quiet")
    assert outcome.code == 0, outcome.err
    for match in (tmp_path / "all" / "matches").iterdir():
        match.unlink()
    assert meva_command("tournament", "--resume", tmp_path / "all", "--quiet").code == 0
    assert not (tmp_path / "all" / "fits").exists()


def without(plain: Any, names: Collection[str]) -> Any:
    """Nested content without entries of these names."""
    if isinstance(plain, list):
        return [without(each, names) for each in plain]
    if not isinstance(plain, dict):
        return plain
    return {name: without(value, names) for name, value in plain.items() if name not in names}


def test_numbers_that_an_earlier_version_did_not_write_are_not_compared(run):
    now = json.loads((run / "summary.json").read_text())
    was = without(now, ("ci_low", "ci_high", "iqm"))
    compared = verify._plain("summary.json", was, now)
    assert (compared.different, compared.lacking) == (0, ("ci_high", "ci_low", "iqm"))
    said = "equal bit by bit; not compared, since an earlier version wrote none: ci_high, ci_low, iqm"
    assert str(compared) == f"summary.json: {compared.of} numbers, {said}"
    assert verify._plain("summary.json", {**was, "rows": []}, now).different
    assert verify._plain("summary.json", without(was, ["sem"]), now).different
    assert verify._plain("summary.json", {"seeds": [0]}, {"seeds": [0, 1]}).different
    payoff = now["rows"][0]["self_play"]
    assert verify._plain("summary.json", {**payoff, "iqm": 9.0}, payoff).different == 1


def damage(name, content):
    """A function that writes `content` over a file of a folder."""
    return lambda folder: (folder / name).write_bytes(content)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda folder: (folder / "experiment.toml").unlink(), "expected the folder of a run or a tournament"),
        (lambda folder: (folder / "summary.json").unlink(), "expected a finished run"),
        (damage("policies.npz", b"PK"), "expected a whole file as MeVa writes it"),
        (lambda folder: (folder / "policies.npz").unlink(), "expected a file, got none"),
        (damage("summary.json", b'{"schema": 3, "rows": ['), "expected JSON in"),
        (damage("summary.json", b"[]"), "expected a summary in"),
        (damage("summary.json", b"{}"), "expected experiment.toml and summary.json of one run"),
        (damage("metrics.jsonl", b'{"fit": "learner"'), "expected whole lines in"),
        (lambda folder: (folder / "metrics.jsonl").unlink(), "expected the loops of a fit in"),
    ],
)
def test_what_cannot_be_verified_is_told_in_one_line_before_it_is_run(spoil, said, copied, meva_command, monkeypatch):
    spoil(copied)
    runs = []
    monkeypatch.setattr(runner, "run_experiment", lambda *given, **options: runs.append(given))
    outcome = meva_command("verify", copied, "--quiet")
    assert outcome.code == 2
    assert outcome.err.startswith(f"error: {said}")
    assert outcome.err.count("\n") == 1
    assert not runs


@pytest.mark.parametrize("name", ["summary.json", "matches/tandem--naive--naive.npz"])
def test_a_damaged_tournament_is_told_before_it_is_played(name, meva_command, tmp_path, monkeypatch):
    names = ("--game", "tandem", "--learners", "naive,lookahead", "--trials", 4, "--steps", 3)
    assert meva_command("tournament", *names, "--out", tmp_path / "all", "--quiet").code == 0
    damage(name, b"{")(tmp_path / "all")
    played = []
    monkeypatch.setattr(tournament_folder, "make", lambda *given: played.append(given))
    outcome = meva_command("verify", tmp_path / "all", "--quiet")
    assert (outcome.code, outcome.err.count("\n"), played) == (2, 1, [])
    assert str(tmp_path / "all" / name) in outcome.err


def test_a_folder_that_is_not_there(meva_command, tmp_path):
    outcome = meva_command("verify", tmp_path / "nosuch")
    assert outcome.code == 2
    assert (
        outcome.err
        == f"error: expected the folder of a finished run or tournament, got {tmp_path}/nosuch, which is not a folder\n"
    )


def test_whose_numbers_a_finished_folder_has(run, copied):
    told = json.loads((run / "summary.json").read_text())
    assert jobs.finished(run, told["hash"])
    assert not jobs.finished(run, "of another experiment")
    (copied / "report.html").unlink()
    assert not jobs.finished(copied, told["hash"])


def compared(was, now):
    return verify._arrays("x", was, now)


def test_what_is_compared():
    ones = np.ones(3, np.float32)
    assert compared({"a": ones}, {"a": ones}) == verify.Compared("x", 3, 0, 0.0)
    assert compared({"a": ones}, {"a": ones * 2}) == verify.Compared("x", 3, 3, 1.0)
    assert compared({"a": ones}, {}) == verify.Compared("x", 3, 3, np.inf)
    assert compared({"a": ones}, {"a": np.ones(2, np.float32)}) == verify.Compared("x", 3, 3, np.inf)
    nan = np.array([1, np.nan], np.float32)
    assert compared({"a": nan}, {"a": nan}).different == 0
    assert compared({"a": nan}, {"a": np.array([1, 2], np.float32)}) == verify.Compared("x", 2, 1, np.inf)
    assert compared({"a": np.array("b")}, {"a": np.array("c")}).different == 1
    assert compared({"a": np.array(np.inf)}, {"a": np.array(np.inf)}).different == 0
