"""`meva search`, end to end on tiny runs."""

import csv
import json
import logging
import re
import shlex
import shutil
import sys
import tomllib
from pathlib import Path
from typing import Any, cast

import jax
import pytest
from tasks import InThread

import meva_core as meva
from meva_core import runner
from meva_core.errors import BadCombination, BadFolder, BadValue, Diverged, MissingLibrary
from meva_core.experiment import resolve
from meva_core.report import figures
from meva_core.studies import found_recipe, search_report, search_summary, searches, trials

pytestmark = pytest.mark.usefixtures("no_figures")

FILE = """
title = "how fast, and how far to look ahead"
game = "tandem"
learner = "lola"
set = { "evaluate.pairs" = 4, "evaluate.steps" = 3, "fit.seeds" = 2 }
quick = { trials = 2 }

[rank]
quantity = "self_play"
highest = true

[search]
trials = 12
"learner.rate" = { from = 1e-3, to = 1, scale = "log" }
"learner.look_ahead_rate" = { from = 0, to = 1 }
"""
PATHS = ["learner.rate", "learner.look_ahead_rate"]


def written(folder, text=FILE, name="mine.toml"):
    (folder / name).write_text(text)
    return folder / name


def planned(file, **options):
    return trials.planner(*runner.plugins(), searches.read(file, **options))


@pytest.fixture(scope="module")
def searched(tmp_path_factory, meva_command):
    folder = tmp_path_factory.mktemp("search")
    done = meva_command("search", written(folder), "--out", folder / "out")
    assert done.code == 0, done.err
    return folder, done


@pytest.fixture(scope="module")
def told(searched):
    return json.loads((searched[0] / "out" / "mine" / "summary.json").read_text())


def test_trials_are_ranked_with_every_seed(searched, told):
    folder, done = searched
    places = told["places"]
    assert sorted(place["run"] for place in places) == sorted(["recipe", *(f"trial {n}" for n in range(1, 13))])
    assert [place["ours"] for place in places] == sorted((place["ours"] for place in places), reverse=True)
    for place in places:
        run = json.loads((folder / "out" / "runs" / place["hash"] / "summary.json").read_text())
        [row] = run["rows"]
        assert (place["ours"], place["seeds"]) == (row["self_play"]["mean"], row["self_play"]["per_seed"])
        assert place["worst"] == min(place["seeds"])
        used = tomllib.loads((folder / "out" / "runs" / place["hash"] / "experiment.toml").read_text())["learner"]
        assert [place["values"][path] for path in PATHS] == [used["rate"], used["look_ahead_rate"]]
    searched_rates = [place["values"]["learner.rate"] for place in places if place["run"] != "recipe"]
    assert all(1e-3 <= rate <= 1 for rate in searched_rates)
    assert len(set(searched_rates)) == 12
    assert max(map(len, done.out.splitlines())) <= 80
    assert "ranked by self_play, the best first" in done.out
    [best] = [place for place in places if place["rank"] == 1]
    assert best == next(place for place in places if place["run"] != "recipe")
    assert best["run"] == told["best"]["run"]
    shown = " ".join(done.out.split())
    assert f"{best['run']}, seeds 0 to 1: " + " ".join(f"{n:.4f}" for n in best["seeds"]) in shown
    assert ("The recipe is better than every trial." in shown) == (places[0]["run"] == "recipe")
    assert "So these numbers are no evidence for it: try it on fresh seeds." in shown
    assert done.err == ""


def test_runs_have_one_row_at_the_number_that_is_searched(searched, told):
    for place in told["places"]:
        experiment = tomllib.loads((searched[0] / "out" / "runs" / place["hash"] / "experiment.toml").read_text())
        assert experiment["evaluate"]["values"] == [place["values"]["learner.look_ahead_rate"]]
        assert experiment["evaluate"]["asked"] == []


def test_the_table_is_a_file_too_and_the_page_has_it(searched, told):
    folder = searched[0] / "out" / "mine"
    rows = list(csv.DictReader((folder / "ranking.csv").read_text().splitlines()))
    for row, place in zip(rows, told["places"], strict=True):
        assert [float(row[path]) for path in PATHS] == [place["values"][path] for path in PATHS]
        assert (row["run"], float(row["self_play"])) == (place["run"], place["ours"])
        assert [float(seed) for seed in row["seeds"].split()] == place["seeds"]
    page = (folder / "report.html").read_text()
    for text in ("how fast, and how far to look ahead", "trial 12", "found", "no evidence", "meva search search.toml"):
        assert text in page
    assert (folder / "search.toml").read_text() == FILE


def test_a_picture_has_every_trial_over_every_number(told):
    figure = figures.search(told, "heading")
    first, second = figure.axes
    assert (first.get_xscale(), second.get_xscale()) == ("log", "linear")
    assert (first.get_xlabel(), second.get_xlabel()) == tuple(PATHS)
    marks = next(line for line in first.lines if line.get_marker() == "o")
    expected = sorted(place["values"]["learner.rate"] for place in told["places"] if place["run"] != "recipe")
    assert sorted(cast(Any, marks.get_xdata())) == expected


def test_the_recipe_is_the_best_trial(searched, told):
    path, best = searched[0] / "out" / "mine" / "best.toml", told["best"]
    assert best["exact"]
    assert "no evidence" in path.read_text()
    words = shlex.split(" ".join(line.removesuffix("\\") for line in search_report.in_lines(best["command"], path, 80)))
    assert words[words.index("--registry") + 1] == str(path)
    assert words[words.index("--seed") + 1] == "1000"
    experiment = resolve.resolve(*runner.plugins(path), game="tandem", learner="lola", recipe="found")
    assert [experiment.learner.settings[each.partition(".")[2]] for each in PATHS] == list(best["values"].values())
    assert best["run"] in experiment.source


def test_asked_again_it_only_reads(searched, told, meva_command):
    folder, _ = searched
    before = {path: path.stat().st_mtime_ns for path in (folder / "out" / "runs").rglob("*")}
    done = meva_command("search", folder / "mine.toml", "--out", folder / "out")
    assert done.out.count("stored") == 13
    assert {path: path.stat().st_mtime_ns for path in (folder / "out" / "runs").rglob("*")} == before
    assert json.loads((folder / "out" / "mine" / "summary.json").read_text()) == told


def test_a_search_that_was_killed_makes_the_same_proposals(searched, told, tmp_path, meva_command):
    """Trials 11 and 12 are proposed from the numbers of the ten before, by the estimator."""
    folder, _ = searched
    kept = [place["hash"] for place in told["places"] if place["run"] not in ("trial 4", "trial 11", "trial 12")]
    for hash in kept:
        shutil.copytree(folder / "out" / "runs" / hash, tmp_path / "out" / "runs" / hash)
    done = meva_command("search", folder / "mine.toml", "--out", tmp_path / "out")
    assert done.out.count("stored") == 10
    rankings = [(out / "mine" / "ranking.csv").read_bytes() for out in (folder / "out", tmp_path / "out")]
    assert rankings[0] == rankings[1]


def test_trials_that_differ_in_rates_compile_nothing(searched, tmp_path, caplog):
    file = written(tmp_path, FILE.replace("trials = 12", 'trials = 2\nseed = 7\nsampler = "random"'))
    with jax.log_compiles(), caplog.at_level(logging.WARNING, logger="jax"):
        study = meva.search(file, out=tmp_path / "out")
        assert len(study.summary["places"]) == 3
        compiled = [record.getMessage() for record in caplog.records if "Compiling" in record.getMessage()]
        assert compiled == []
        jax.jit(lambda x: x + 1)(1.0)
        assert "Compiling" in caplog.text  # what is looked for would have been seen


def test_trials_that_diverge_are_the_worst(tmp_path, meva_command):
    text = FILE.replace('{ from = 1e-3, to = 1, scale = "log" }', "[1e-2, 1e30]").replace("trials = 12", "trials = 4")
    file = written(tmp_path, re.sub('"learner.look_ahead_rate".*', "", text))
    for _ in range(2):  # the second time they are only read
        done = meva_command("search", file, "--out", tmp_path / "out")
        assert done.code == 0
        told = json.loads((tmp_path / "out" / "mine" / "summary.json").read_text())
        *_, last = told["places"]
        assert (last["values"], last["ours"], last["why"]) == ({"learner.rate": 1e30}, None, "its payoffs diverged")
        assert told["best"]["values"] == {"learner.rate": 1e-2}
        assert "(its payoffs diverged)." in " ".join(done.out.split())
        assert "2 trials repeat others." in done.out
    assert done.out.count("stored") == 5
    file.write_text(text.replace("[1e-2, 1e30]", "[1e29, 1e30]").replace("trials = 4", "trials = 1"))
    with pytest.raises(Diverged, match=re.escape("all 1 trials failed, the last since: its payoffs diverged")):
        meva.search(file, out=tmp_path / "out")


def test_fits_that_diverge_are_not_fitted_again(toy, tmp_path, monkeypatch, meva_command):
    text = FILE.replace('"tandem"', '"toy_hills"').replace('"lola"', '"toy"').replace("trials = 12", "trials = 3")
    text = re.sub('"learner.rate".*', '"learner.scale" = [1.0, 1e30]', text)
    file = written(tmp_path, re.sub('"learner.look_ahead_rate".*', "", text))
    done = meva_command("search", file, "--out", tmp_path / "out")
    assert done.code == 0, done.err
    [lost] = json.loads((tmp_path / "out" / "mine" / "diverged.json").read_text()).values()
    assert lost.startswith("seed 0 diverged in loop")
    assert f"counts as the worst, {lost}" in " ".join(done.out.split())
    ranking = (tmp_path / "out" / "mine" / "ranking.csv").read_bytes()
    monkeypatch.setattr(runner, "run_experiment", None)
    assert meva_command("search", file, "--out", tmp_path / "out").code == 0
    assert (tmp_path / "out" / "mine" / "ranking.csv").read_bytes() == ranking


def test_other_machines_run_the_trials_of_a_batch(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    file = written(tmp_path, FILE.replace("trials = 12", "trials = 3\nbatch = 2"))
    study = meva.search(file, out="out", executor=InThread(), progress=True)
    assert len(re.findall(r"^trial [123] .*: self_play -?\d", capsys.readouterr().out, re.MULTILINE)) == 3
    assert study.folder == Path("out", "mine")
    assert study.best == study.summary["best"]["values"]
    assert sorted(set(study.to_pandas()["run"])) == ["recipe", "trial 1", "trial 2", "trial 3"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["mine", "runs"]
    for line in repr(study).splitlines():
        assert len(line) <= 80
    with pytest.raises(BadValue, match=re.escape("expected batch = 2 or more in [search] for several jobs")):
        meva.search(written(tmp_path), out=tmp_path / "out", jobs=2)


def test_values_that_do_not_fit_together_are_refused(tmp_path):
    text = re.sub('"learner.rate".*', '"learner.look_aheads" = { from = 1, to = 3 }', FILE)
    text = re.sub('"learner.look_ahead_rate".*', '"learner.variant" = ["exact", "taylor"]', text)
    planner = planned(written(tmp_path, text))
    assert planner.job({"learner.look_aheads": 3, "learner.variant": "exact"}).hash
    with pytest.raises(BadCombination, match="expected look_aheads = 1 for variant 'taylor'"):
        planner.job({"learner.look_aheads": 3, "learner.variant": "taylor"})


def test_refused_and_equal_trials_have_one_place(searched, told, tmp_path):
    planner, best = planned(searched[0] / "mine.toml"), told["best"]
    run = json.loads((searched[0] / "out" / "runs" / best["hash"] / "summary.json").read_text())
    refused = {**best["values"], "learner.rate": 2.0}
    tried = [
        trials.Trial(label="recipe", values={}, hash=best["hash"]),
        trials.Trial(label="trial 1", values=refused, hash=None, why="these do not fit"),
        trials.Trial(label="trial 2", values=best["values"], hash=best["hash"]),
        trials.Trial(label="trial 3", values=refused, hash=None, why="these do not fit"),
        trials.Trial(label="trial 4", values=best["values"], hash=best["hash"]),
    ]
    content = search_summary.summary(planner, tried, {best["hash"]: run}, None)
    assert [(place["rank"], place["run"]) for place in content["places"]] == [
        (1, "trial 2"),
        (None, "recipe"),
        (None, "trial 1"),
    ]
    assert search_report.grid(content).rows[-1][4:] == ["refused", "-"]
    said = search_report.remarks(content)
    assert "Count as the worst: trial 1 (these do not fit)." in said
    assert "The recipe is better than every trial." not in said


def test_whole_ends_of_a_real_number_are_real(tmp_path):
    ranges = planned(written(tmp_path)).search.ranges
    assert ranges["learner.look_ahead_rate"] == searches.Numbers(0.0, 1.0)
    text = re.sub('"learner.rate".*', '"learner.look_aheads" = { from = 1, to = 3 }', FILE)
    assert planned(written(tmp_path, text)).search.ranges["learner.look_aheads"] == searches.Numbers(1, 3, whole=True)


def test_numbers_of_an_opponent_are_in_the_command(tmp_path):
    text = FILE.replace('learner = "lola"', 'learner = "lola"\nopponents = ["naive"]')
    text = re.sub('"learner.rate".*', '"opponent.rate" = { from = 0.1, to = 0.2 }', text)
    planner = planned(written(tmp_path, text.replace('"self_play"', '"best_response.ours"')))
    values = {"opponent.rate": 0.125, "learner.look_ahead_rate": 0.5}
    content = found_recipe.table(planner, values, "here")
    assert not found_recipe.is_exact(planner, values, content)
    assert content["recipes"]["tandem"]["lola"]["found"]["learner"] == {"look_ahead_rate": 0.5}
    words = [word for group in found_recipe.command(planner, values, exact=False, registry_file=None) for word in group]
    assert {"opponent.rate=0.125", "learner.look_ahead_rate=0.5", "--opponent"} <= set(words)


def test_the_evaluations_are_those_of_the_ranking_and_of_the_file(tmp_path):
    text = FILE.replace('quantity = "self_play"', 'quantity = "best_response.ours"')
    assert planned(written(tmp_path, text)).asked == ("best_response",)
    text = FILE.replace("set = {", 'set = { "evaluate.basins.grid" = 2,')
    assert planned(written(tmp_path, text)).asked == ("basins",)
    text = FILE.replace("set = {", 'set = { "evaluate.asked" = ["basins"],')
    assert planned(written(tmp_path, text)).job({}).experiment.evaluate.asked == ("basins",)


def test_quick_changes_what_the_file_says(tmp_path):
    assert searches.read(written(tmp_path), quick=True).trials == 2
    assert searches.read(written(tmp_path)).trials == 12


RATE = '"learner.rate" = { from = 1e-3, to = 1, scale = "log" }'


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('"learner.rate"', '"learner.rat"', "unknown hyper-parameter 'rat' @ learner - did you mean 'rate'"),
        ('"learner.rate"', "learner.rate", 'expected a name in quotes, "learner.NAME" = ...'),
        ('"learner.rate"', '"fit.seed"', "expected hyper-parameters of the game or the players, got fit.seed"),
        ("from = 1e-3, to = 1", "from = 1, to = 1e-3", "expected from < to, got from = 1 and to = 0.001"),
        ("from = 1e-3", "from = 0", 'expected from > 0 for scale = "log", got 0'),
        ("from = 1e-3", "from = true", "expected a number for from, got True"),
        ("from = 1e-3, to", "to", "expected a number for from, got None"),
        ("from = 1e-3", "from = nan", "expected a number for from, got nan"),
        ("from = 1e-3", "least = 1e-3", "unknown key 'least'"),
        ("from = 0, to = 1", "from = -1, to = 1", "expected >= 0 and finite, got -1.0 @ learner.look_ahead_rate"),
        ('scale = "log"', 'scale = "logs"', "expected one of linear, log, got 'logs'"),
        (RATE, '"learner.rate" = 1.0', "expected { from = LOW, to = HIGH } or a list of values, got 1.0"),
        (RATE, '"learner.rate" = [1.0]', "expected two or more values that differ, got [1.0]"),
        (RATE, '"learner.variant" = ["exact", "taylr"]', "'taylr'"),
        ("highest = true", "", "expected highest = true or highest = false, got neither"),
        ("trials = 12", "trials = 0", "expected 1 or more, got 0"),
        ("trials = 12", "trials = 1.5", "expected a whole number, got 1.5"),
        ("trials = 12", "", "missing"),
        ("trials = 12", 'trials = 12\nsampler = "cma"', "expected one of tpe, random, got 'cma'"),
        ("trials = 12", "trials = 12\nbatches = 3", "unknown key 'batches' - did you mean 'batch'"),
        ('quantity = "self_play"', 'quantity = "selfplay"', "unknown quantity 'selfplay' of run trial - did you mean"),
        (
            'quantity = "self_play"',
            'quantity = "self_play"\nat = 0.5',
            "expected no at in [rank] if learner.look_ahead",
        ),
        ("set = {", 'set = { "learner.rate" = 1.0,', "expected learner.rate either in set or in search, got both"),
        ('learner = "lola"', 'learner = "lole"', "unknown learner 'lole'"),
        ("[search]", "[searches]", "unknown key 'searches' - did you mean 'search'"),
    ],
)
def test_what_is_wrong_is_told_before_anything_runs(tmp_path, meva_command, old, new, complaint):
    assert old in FILE
    done = meva_command("search", written(tmp_path, FILE.replace(old, new)), "--out", tmp_path / "out")
    assert done.code == 2
    [line] = done.err.splitlines()
    assert complaint in line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["runs.toml", "a,b.toml"])
def test_a_search_has_the_name_of_a_folder(tmp_path, meva_command, name):
    done = meva_command("search", written(tmp_path, name=name), "--out", tmp_path / "out")
    assert done.code == 2
    assert not (tmp_path / "out").exists()


def test_without_optuna_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingLibrary, match=re.escape('pip install "meva[search]"')):
        meva.search(written(tmp_path), out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda file: meva.search(cast(Any, None)), BadValue, "expected the path of a search's file, got None"),
        (
            lambda file: meva.search(file, progress=cast(Any, 3)),
            BadValue,
            "expected True, False or a Progress for progress, got 3",
        ),
        (lambda file: meva.search(file, jobs=0), BadValue, "expected 1 or more for jobs, got 0"),
        (lambda file: meva.search(file.with_name("none.toml")), BadFolder, "expected a readable TOML file"),
    ],
)
def test_bad_arguments_from_python_are_one_line(call, error, said, tmp_path):
    with pytest.raises(error, match=re.escape(said)):
        call(written(tmp_path))


@pytest.mark.parametrize("path", sorted((Path(__file__).parents[2] / "examples" / "searches").glob("*.toml")))
def test_shipped_searches_are_read(path):
    assert planned(path).job({}).hash
