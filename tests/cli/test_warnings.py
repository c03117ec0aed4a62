"""Warnings as users see them."""

import re
import warnings

import click
import pytest

from meva_core import cli
from meva_core.registry.discovery import PluginWarning

pytestmark = pytest.mark.usefixtures("no_figures")


@click.command
def warn():
    for program in ("jit_step", "jit_match"):
        warnings.warn(f"Error writing persistent compilation cache entry for '{program}': disk full", stacklevel=1)
    warnings.warn("left out plugin p", PluginWarning, stacklevel=1)
    warnings.warn("something else", stacklevel=1)


def test_programs_that_cannot_be_kept_are_told_of_once_and_plugins_in_a_line(capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["warn"])  # not pytest's
    others = []
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = lambda message, *where, **more: others.append(str(message))
        with pytest.raises(SystemExit) as end:
            cli._invoke(warn)
    assert end.value.code == 0
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith(
        "warning: compiled programs cannot be stored (the run is slower, but correct): Error writing"
    )
    assert "jit_step" in first
    assert second == "warning: left out plugin p"
    assert others == ["something else"]  # Python shows it


def test_payoffs_that_single_precision_cannot_hold_are_told(meva_run, tmp_path):
    small = ["pairs=2", "steps=1", "best_response.steps=1"]
    sets = ["game.payoffs_1=[[10001, 10005], [10000, 10003]]", *(f"evaluate.{each}" for each in small)]
    given = [word for each in sets for word in ("--set", each)]
    told = "set evaluate.float64=true to evaluate in double precision"
    single = meva_run("--game", "matrix", "--learner", "naive", *given, "--out", tmp_path / "single")
    assert single.code == 0
    assert re.search(r"warning: single precision is off by \de-05 of the payoffs' range .*" + told, single.err)
    double = meva_run(
        *("--game", "matrix", "--learner", "naive", *given, "--set", "evaluate.float64=true"),
        *("--out", tmp_path / "double"),
    )
    assert (double.code, told in double.err) == (0, False)
