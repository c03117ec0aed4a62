"""`meva doctor`: what is here is told, and what is wrong with it."""

import os
import shutil

from meva_core.compute import compilation_cache
from meva_core.report import diagnosis


def test_a_sound_installation(meva_command, monkeypatch):
    monkeypatch.setenv("MEVA_SOMETHING", "7")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(diagnosis, "GPUS", ())
    outcome = meva_command("doctor")
    assert outcome.code == 0, outcome.out
    assert outcome.lines[-1] == "nothing is wrong"
    titles = [line for line in outcome.lines[:-1] if line and not line.startswith(" ")]
    assert titles == [
        *("versions", "extras", "devices", "compiled programs", "plugins", "memory and disk", "environment"),
    ]
    assert "  MEVA_SOMETHING=7" in outcome.lines
    told = " ".join(outcome.out.split())
    assert "pytest" in told[told.index(" test: ") : told.index(" wandb: ")]
    assert all(len(line) <= 80 for line in outcome.lines if " " in line.strip())
    assert any("bundled ones with" in line for line in outcome.lines)


def test_what_is_wrong_is_told_with_what_to_do(meva_command, monkeypatch, fake_plugin, tmp_path):
    fake_plugin("broken", "1 / 0")
    (tmp_path / "gpu").touch()
    monkeypatch.setattr(diagnosis, "GPUS", (str(tmp_path / "gpu"),))
    monkeypatch.setattr(diagnosis, "LIBRARIES", (*diagnosis.LIBRARIES, "no-such-library"))
    monkeypatch.setattr(diagnosis, "LEAST_MEMORY", 2**60)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(2**31, 2**31, 2**20))
    monkeypatch.setattr(compilation_cache, "keep", lambda: None)
    outcome = meva_command("doctor")
    assert outcome.code == 1
    problems = [line for line in outcome.lines if line.startswith("problem: ")]
    assert len(problems) == 5
    for part in (
        "no-such-library is not installed: pip install --force-reinstall meva",
        "this machine has a GPU that jax does not use: pip install 'meva[cuda]'",
        "plugin 'broken' (meva-broken) is left out: ",
        "GB is little: use fewer seeds",
        "the disk of this folder has 0.00 GB left: free some, or use --out elsewhere",
    ):
        assert any(part in problem for problem in problems), (part, problems)
    assert any(line.startswith("  not kept on disk") for line in outcome.lines)


def test_a_part_that_fails_leaves_the_others(meva_command, monkeypatch):
    def fail():
        raise OSError("the cache is a file")

    monkeypatch.setattr(compilation_cache, "keep", fail)
    outcome = meva_command("doctor")
    assert outcome.code == 1
    assert "problem: compiled programs cannot be found out: OSError: the cache is a file" in outcome.lines
    assert "environment" in outcome.lines


def test_a_system_that_does_not_count_its_memory(monkeypatch):
    monkeypatch.delitem(os.sysconf_names, "SC_AVPHYS_PAGES")
    [room] = [part for part in diagnosis.parts() if part.title == "memory and disk"]
    assert not any(line.startswith("memory") for line in room.lines)
    assert not room.problems
