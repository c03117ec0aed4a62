"""`meva reproduce` with several jobs: fits and matches of tournaments are tasks, and the results are the same."""

from typing import Any

import pytest
from doubles.tasks import InThread

import meva_core as meva
from meva_core.cli import overview
from meva_core.compute.progress import Progress
from meva_core.studies import executing, tournament_matches

REGISTRY = """
[reproductions.cup]
title = "players of one number"
source = "nobody (1999)"
picture = "heat-maps"

[reproductions.cup.every]
game = "hamiltonian"
set = { trials = 8, steps = 5, seeds = 2, "toy.loops" = 2 }

[reproductions.cup.runs]
all = { learners = ["naive", "toy", "toy_foe"], set = { "toy_foe.loops" = 2 }, published = { naive = { naive = 0.0 } } }
few = { learners = ["toy", "naive"] }
"""
FILES = ("cells.csv", "summary.json", "seeds.csv", "statistics.csv")


class Told(Progress):
    def __init__(self):
        self.lines: list[str] = []

    def status(self, text):
        self.lines.append(text)

    warn = status


@pytest.fixture(scope="module")
def own(toy, tmp_path_factory):
    file = tmp_path_factory.mktemp("registry") / "own.toml"
    file.write_text(REGISTRY)
    return file


@pytest.fixture(scope="module")
def shared(own, no_figures, tmp_path_factory):
    """A reproduction whose tournaments were shared out, its folder, and the lines that it told."""
    out, told = tmp_path_factory.mktemp("shared"), Told()
    [study] = meva.reproduce("cup", out=out, registry_file=own, executor=InThread(), progress=told)
    return study, out, told.lines


def runs(study, out):
    return {label: out / "runs" / hash for label, hash in study.summary["runs"].items()}


def test_the_results_are_those_of_one_job(own, shared, tmp_path):
    study, out, _ = shared
    [alone] = meva.reproduce("cup", out=tmp_path, registry_file=own)
    assert alone.summary == study.summary
    for label, folder in runs(study, out).items():
        other = runs(alone, tmp_path)[label]
        for name in FILES:
            assert (folder / name).read_bytes() == (other / name).read_bytes(), (label, name)
        assert {path.name for path in folder.iterdir()} == {path.name for path in other.iterdir()}


def test_each_fit_and_match_is_a_task_and_then_the_page(shared):
    study, out, lines = shared
    over = [line.removesuffix(": done") for line in lines if line.endswith((": done", ": tables and page"))]
    fits = [line for line in over if ": fit for " in line]
    assert len(fits) == len(list((out / "fits").iterdir()))  # each once, although both tournaments need some
    for label, folder in runs(study, out).items():
        of_one = [line for line in over if line.startswith(f"cup {label}: ") and line not in fits]
        assert len(of_one) == len(list((folder / "matches").iterdir())) + 1
        assert of_one[-1] == f"cup {label}: tables and page"
    assert "cup all: naive against toy" in over


def test_the_row_of_a_match_does_not_say_twice_who_plays():
    screen = overview.Screen()
    screen.titles = ["cup all: naive against toy"]
    row = screen.row(0)
    for text, shown in (("reading", "reading"), ("naive against toy", "")):
        row.status(text)
        assert screen.bars.tasks[0].fields["now"] == shown


def test_the_rest_of_a_stopped_one_is_computed_as_before(own, shared, tmp_path, monkeypatch):
    study, out, _ = shared
    folder = runs(study, out)["all"]
    before = {name: (folder / name).read_bytes() for name in FILES}
    for name in ("matches/hamiltonian--naive--naive.npz", "cells.csv", "report.html"):
        (folder / name).unlink()
    begun = []

    def counted(tasks, executor, jobs, *_):
        begun.append((len(tasks), jobs))
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(executing, "do_all", counted)
        for place in (out, tmp_path):
            with pytest.raises(KeyboardInterrupt):
                meva.reproduce("cup", out=place, registry_file=own, jobs=99)
    (left, jobs), (every, jobs_of_all) = begun
    assert (left, jobs) == (2, jobs_of_all)  # so that each process has as many cores as before
    assert every - len(study.summary["runs"]) <= jobs < 99
    told, play, played = Told(), tournament_matches._play, []
    monkeypatch.setattr(tournament_matches, "_play", lambda *given: played.append(given[1].name) or play(*given))
    meva.reproduce("cup", out=out, registry_file=own, executor=InThread(), progress=told)
    assert played == ["hamiltonian--naive--naive"]
    assert "  few: finished before" in told.lines
    assert {name: (folder / name).read_bytes() for name in FILES} == before


def test_one_whose_fits_diverge_is_left_out(own, no_figures, tmp_path):
    wild = REGISTRY.replace('"toy_foe.loops" = 2 }', '"toy_foe.loops" = 2, "toy.scale" = 1e30 }')
    (tmp_path / "own.toml").write_text(wild)
    told = Told()
    asked: dict[str, Any] = {"registry_file": tmp_path / "own.toml", "executor": InThread(), "progress": told}
    [study] = meva.reproduce("cup", out=tmp_path / "out", **asked)
    assert list(study.summary["runs"]) == ["few"]
    assert [claim["holds"] for claim in study.summary["claims"]] == [None]
    assert any(line.startswith("cup all is left out: seed 0 diverged") for line in told.lines)
