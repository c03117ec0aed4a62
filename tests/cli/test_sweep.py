"""`meva sweep`, end to end on tiny runs."""

import csv
import json
import re
from pathlib import Path
from typing import Any, cast

import pytest
from tasks import InThread

import meva_core as meva
from meva_core import runner
from meva_core.errors import BadFolder, BadValue, UnknownName
from meva_core.studies import sweeps
from meva_core.studies.jobs import planned

FILE = """
title = "how far to look ahead"
game = "tandem"
learner = "lola"
set = { "evaluate.pairs" = 4, "evaluate.steps" = 3, "evaluate.basins.grid" = 2, "evaluate.basins.steps" = 2, \
"evaluate.best_response.steps" = 2, "evaluate.best_response.restarts" = 1, "fit.seeds" = 2, "evaluate.values" = [0.1] }
quick = { "evaluate.steps" = 2 }

[rank]
quantity = "self_play"
at = 0.1
highest = true
beside = ["best_response.ours"]

[settings.gentle]
"learner.rate" = 0.01

[grid]
"learner.variant" = ["exact", "taylor"]
"""


@pytest.fixture(scope="module")
def swept(tmp_path_factory, meva_command):
    folder = tmp_path_factory.mktemp("sweep")
    (folder / "mine.toml").write_text(FILE)
    done = meva_command("sweep", folder / "mine.toml", "--jobs", 1, "--out", folder / "out")
    assert done.code == 0, done.err
    return folder, done


def test_runs_are_ranked_with_every_seed(swept):
    folder, done = swept
    told = json.loads((folder / "out" / "mine" / "summary.json").read_text())
    places = told["ranking"]["places"]
    assert sorted(place["run"] for place in places) == ["gentle", "variant=exact", "variant=taylor"]
    for place in places:
        run = json.loads((folder / "out" / "runs" / told["runs"][place["run"]] / "summary.json").read_text())
        (row,) = run["rows"]
        assert place["ours"] == row["self_play"]["mean"]
        assert place["seeds"] == row["self_play"]["per_seed"]
        assert len(place["seeds"]) == 2
        assert place["worst"] == min(place["seeds"])
        assert place["beside"]["best_response.ours"][0] == row["best_response"]["ours"]["mean"]
    assert [place["ours"] for place in places] == sorted((place["ours"] for place in places), reverse=True)
    assert "ranked by self_play at 0.1, the best first" in done.out
    assert "published" not in done.out
    assert max(map(len, done.out.splitlines())) <= 80
    first = next(line for line in done.out.splitlines() if line.lstrip().startswith("1 "))
    assert places[0]["run"] in first
    assert f"{places[0]['worst']:.4f}" in first


def test_other_machines_find_the_same(swept, tmp_path, capsys):
    folder, _ = swept
    study = meva.sweep(folder / "mine.toml", out=tmp_path / "out", executor=InThread(), progress=True)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("mine  ")
    for run in study.summary["runs"]:
        assert f"mine {run}: done" in lines
    assert set(repr(study).splitlines()) <= set(lines)
    rankings = [(out / "mine" / "ranking.csv").read_bytes() for out in (folder / "out", tmp_path / "out")]
    assert rankings[0] == rankings[1]
    assert study.folder == tmp_path / "out" / "mine"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["mine", "runs"]


def test_the_table_is_a_file_too_and_so_is_the_picture(swept):
    folder, _ = swept
    told = json.loads((folder / "out" / "mine" / "summary.json").read_text())
    rows = list(csv.DictReader((folder / "out" / "mine" / "ranking.csv").read_text().splitlines()))
    for row, place in zip(rows, told["ranking"]["places"], strict=True):
        numbers = [float(row[name]) for name in ("self_play", "sem", "worst")]
        assert (row["run"], *numbers) == (place["run"], place["ours"], place["sem"], place["worst"])
        assert [float(seed) for seed in row["seeds"].split()] == place["seeds"]
        beside = [float(row[f"best_response.ours{more}"]) for more in ("", " sem")]
        assert beside == place["beside"]["best_response.ours"]
    assert (folder / "out" / "mine" / "figures" / "ranking.svg").stat().st_size > 1000
    page = (folder / "out" / "mine" / "report.html").read_text()
    assert "how far to look ahead" in page
    assert "variant=taylor" in page
    assert told["ranking"]["differences"][0].startswith("Within two standard errors of ")


def test_asked_again_nothing_is_run(swept, meva_command):
    folder, _ = swept
    before = {path: path.stat().st_mtime_ns for path in (folder / "out" / "runs").rglob("*")}
    done = meva_command("sweep", folder / "mine.toml", "--jobs", 1, "--out", folder / "out")
    assert done.out.count("finished before") == 3
    assert {path: path.stat().st_mtime_ns for path in (folder / "out" / "runs").rglob("*")} == before


def test_a_run_of_another_version_is_made_again(swept, meva_command):
    folder, _ = swept
    path = sorted((folder / "out" / "runs").glob("*/summary.json"))[0]
    now = path.read_text()
    path.write_text(json.dumps({**json.loads(now), "schema": 1}))
    done = meva_command("sweep", folder / "mine.toml", "--jobs", 1, "--out", folder / "out")
    assert done.code == 0
    assert done.out.count("finished before") == 2
    made, before = json.loads(path.read_text()), json.loads(now)
    assert made["rows"] == before["rows"]


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("at = 0.1", "at = 7.0", "expected one of the settings 0.1 of run gentle, got at = 7.0"),
        ('quantity = "self_play"', 'quantity = "selfplay"', "unknown quantity 'selfplay' of run gentle - did you mean"),
        ('["best_response.ours"]', '["best_response.our"]', "unknown quantity 'best_response.our'"),
        ('"learner.rate" = 0.01', '"learner.rat" = 0.01', "unknown hyper-parameter 'rat'"),
        ('learner = "lola"', 'learner = "lole"', "unknown learner 'lole'"),
        ('["exact", "taylor"]', '["exact", "taylr"]', "'taylr'"),
    ],
)
def test_what_is_wrong_is_told_before_anything_runs(tmp_path, meva_command, old, new, complaint):
    assert old in FILE
    (tmp_path / "mine.toml").write_text(FILE.replace(old, new))
    done = meva_command("sweep", tmp_path / "mine.toml", "--jobs", 1, "--out", tmp_path / "out")
    assert done.code == 2
    (line,) = done.err.splitlines()
    assert complaint in line
    assert not (tmp_path / "out").exists()


def test_a_sweep_is_not_called_like_the_folders_beside_it(tmp_path, meva_command):
    (tmp_path / "runs.toml").write_text(FILE)
    done = meva_command("sweep", tmp_path / "runs.toml", "--jobs", 1, "--out", tmp_path / "out")
    assert done.code == 2
    (line,) = done.err.splitlines()
    assert "expected a name other than runs and fits" in line
    assert not (tmp_path / "out").exists()


def test_a_missing_file_is_one_line(tmp_path, meva_command):
    done = meva_command("sweep", tmp_path / "none.toml")
    assert done.code == 2
    (line,) = done.err.splitlines()
    assert "none.toml" in line


SHIPPED = sorted((Path(__file__).parents[2] / "examples" / "sweeps").glob("*.toml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_sweeps_are_read(path):
    asked = sweeps.read(path)
    jobs = planned(*runner.plugins(), asked, False, None)
    assert len({job.hash for job in jobs.values()}) == len(asked.runs)  # none is the same as another


def test_from_python_it_is_the_same(swept):
    folder, done = swept
    study = meva.sweep(folder / "mine.toml", out=folder / "out")
    assert json.loads(json.dumps(study.summary)) == json.loads((folder / "out" / "mine" / "summary.json").read_text())
    assert study.folder == folder / "out" / "mine"
    for line in repr(study).splitlines():
        assert line in done.out
    lines = study.to_pandas("seed")
    ours = lines[lines.quantity == "self_play"].groupby("run").value.mean()
    assert ours.to_dict() == pytest.approx({p["run"]: p["ours"] for p in study.summary["ranking"]["places"]})
    assert study.to_pandas().query("quantity == 'best_response.ours'")["over"].tolist() == ["seeds"] * 3


def test_from_python_what_is_unknown_is_said(tmp_path):
    with pytest.raises(BadFolder, match="expected a readable TOML file"):
        meva.sweep(tmp_path / "nosuch.toml")
    with pytest.raises(UnknownName, match="unknown reproduction 'figure-2' - did you mean 'figure-2b'"):
        meva.reproduce("figure-2")


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda file, meva: meva.sweep(None), "expected the path of a sweep's file, got None"),
        (lambda file, meva: meva.sweep(file, out=3), "expected a path for out, got 3"),
        (lambda file, meva: meva.sweep(file, jobs=0), "expected 1 or more for jobs, got 0"),
        (lambda file, meva: meva.sweep(file, progress=3), "expected True, False or a Progress for progress, got 3"),
        (lambda file, meva: meva.sweep(file, overview=3), "expected an Overview for overview"),
        (lambda file, meva: meva.sweep(file, jobs="2"), "expected int or nothing, got '2' (str) @ jobs"),
        (lambda file, meva: meva.reproduce(), "expected names of reproductions, got none"),
        (lambda file, meva: meva.reproduce(None), "expected names of reproductions, got None"),
        (lambda file, meva: meva.reproduce("figure-2b", progress=3), "expected True, False or a Progress for progress"),
        (
            lambda file, meva: meva.tournament("matrix", ["naive"], overview=3),
            "expected an Overview for overview, got 3",
        ),
        (lambda file, meva: meva.tournament("matrix", ["naive"], set=3), 'expected set={"SECTION.NAME": value}, got 3'),
    ],
)
def test_bad_arguments_from_python_are_one_line(call, said, tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(FILE)
    with pytest.raises(BadValue, match=re.escape(said)):
        call(file, cast(Any, meva))
