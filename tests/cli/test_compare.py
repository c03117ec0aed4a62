"""`meva compare`: small runs side by side, and folders that are no runs."""

import csv
import json
import os
import shutil
import tomllib
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("no_figures")

SMALL = (
    "evaluate.pairs=8", "evaluate.steps=5", "evaluate.best_response.steps=3", "evaluate.basins.grid=3",
    "evaluate.basins.steps=4",
)  # fmt: skip


def setting(*given):
    return [text for each in given for text in ("--set", each)]


@pytest.fixture(scope="module")
def runs(tmp_path_factory, meva_run):
    """A folder of runs on a game of one number: naive, lola, its copy, and lola against naive over three seeds."""
    folder = tmp_path_factory.mktemp("runs")
    for name, learner, *given in (
        ("naive", "naive"),
        ("lola", "lola", *setting("evaluate.values=[0.0, 0.1]")),
        ("rivals", "lola", "--opponent", "naive", "--seeds", 3, *setting("evaluate.values=[0.1, 0.2]")),
    ):
        arguments = ["--game", "tandem", "--learner", learner, *setting(*SMALL), *given]
        outcome = meva_run(*arguments, "--out", folder / name, "--quiet")
        assert outcome.code == 0, outcome.err
    shutil.copytree(folder / "lola", folder / "again")
    return folder


@pytest.fixture
def place(runs, tmp_path, monkeypatch):
    """A copy of the runs, to stand in and to spoil."""
    shutil.copytree(runs, tmp_path / "runs")
    monkeypatch.chdir(tmp_path / "runs")
    return tmp_path / "runs"


def summary(folder):
    return json.loads((folder / "summary.json").read_text())


def shown(outcome):
    assert outcome.code == 0, outcome.err
    assert outcome.err == ""
    assert max(map(len, outcome.lines)) <= 80
    return [line.rstrip() for line in outcome.lines]


def row(lines, name):
    """The words of the first line that begins so."""
    return next(line[len(name) :].split() for line in lines if line.startswith(name + " "))


def test_two_learners(place, meva_command):
    lines = shown(meva_command("compare", "naive", "lola"))
    assert lines[:4] == [
        "a  naive",
        "   naive in self-play on tandem (recipe default, 1 seed)",
        "b  lola",
        "   lola in self-play on tandem (recipe default, 1 seed)",
    ]
    assert row(lines, "learner.name") == ["naive", "lola"]
    assert row(lines, "evaluate.values") == ["[]", "[0.0,", "0.1]"]
    assert not any(line.startswith(("game", "fit", "run", "source")) for line in lines)  # alike in both
    # A look-ahead rate of 0 is naive learning.
    one, two = (summary(place / name)["rows"][0]["self_play"]["mean"] for name in ("naive", "lola"))
    assert row(lines, "self-play")[:2] == ["0", f"{one:.3f}"]
    assert row(lines, "self-play")[3] == f"{two:.3f}"
    assert row(lines, "self-play")[5].lstrip("+-") == "0.000"
    assert any(
        line.endswith("|b - a| exceeds 2 standard errors (the root of the sum of both squares)") for line in lines
    )
    assert "the same at each setting: its one row (a)" in lines


def test_one_experiment_twice_has_equal_numbers(place, meva_command):
    lines = shown(meva_command("compare", "lola", "again"))
    assert "no differences in configuration" in lines
    equal = f"a and b are the same experiment (hash {summary(place / 'lola')['hash']}), and their numbers are equal"
    assert equal in lines


def test_one_experiment_with_other_numbers_is_told(place, meva_command):
    spoilt = summary(place / "again")
    spoilt["rows"][0]["payoffs"][0]["mean"] += 1e-6
    (place / "again" / "summary.json").write_text(json.dumps(spoilt))
    lines = shown(meva_command("compare", "lola", "again"))
    assert "a and b are the same experiment" in " ".join(lines)
    assert "but their numbers differ" in " ".join(lines)


def test_versions_that_differ_are_shown(place, meva_command):
    path = place / "again" / "experiment.toml"
    old = tomllib.loads(path.read_text())["run"]["versions"]["numpy"]
    path.write_text(path.read_text().replace(f'numpy = "{old}"', 'numpy = "1.0"'))
    lines = shown(meva_command("compare", "lola", "again"))
    assert row(lines, "run.versions.numpy") == [old, "1.0"]
    assert "differences in configuration" in lines
    assert "and their numbers are equal" in " ".join(lines)


def test_shared_settings_seats_and_errors_of_two_kinds(place, meva_command):
    lines = shown(meva_command("compare", "lola", "rivals"))
    assert row(lines, "opponent.name") == ["-", "naive"]
    assert row(lines, "fit.seeds") == ["1", "3"]
    assert row(lines, "seat 1")[0] == "0.1"
    assert row(lines, "seat 2")[0] == "0.1"
    assert not any(line.startswith("self-play ") for line in lines)
    said = " ".join(lines)
    assert "the pairs of one seed (a); 3 seeds (b)" in said
    assert "errors over pairs and over seeds do not compare" in said
    assert "left out, because not all runs have them: look-ahead rate η = 0 (a); look-ahead rate η = 0.2 (b)" in said


def test_three_runs(place, meva_command):
    lines = shown(meva_command("compare", "naive", "lola", "rivals"))
    assert [line for line in lines if line.split() == ["η", "a", "b", "c"]]
    assert not any("b - a" in line for line in lines)


def test_all_numbers_as_csv(place, meva_command):
    lines = shown(meva_command("compare", "naive", "rivals", "--csv", "new/numbers.csv"))
    assert lines[-1] == "written to new/numbers.csv"
    with open("new/numbers.csv", encoding="utf-8") as file:
        found = list(csv.DictReader(file))
    assert list(found[0]) == ["run", "setting", "quantity", "mean", "sem", "over"]
    by_name = {(each["run"], each["setting"], each["quantity"]): each for each in found}
    assert len(by_name) == len(found)
    assert {setting for name, setting, _ in by_name if name == "rivals"} == {"0.1", "0.2"}
    seat = summary(place / "rivals")["rows"][1]["payoffs"][1]
    cell = by_name["rivals", "0.2", "seat 2"]
    assert (float(cell["mean"]), float(cell["sem"]), cell["over"]) == (seat["mean"], seat["sem"], "seeds")


def spoil(place: Path, what: str) -> None:
    """Leave a folder or file of a kind in the way."""
    summary_file, experiment_file = place / "naive" / "summary.json", place / "naive" / "experiment.toml"
    content, text = summary(place / "naive"), experiment_file.read_text()
    match what:
        case "empty":
            (place / "empty").mkdir()
        case "unfinished":
            summary_file.unlink()
        case "tournament":
            experiment_file.rename(place / "naive" / "tournament.toml")
        case "no JSON":
            summary_file.write_text(summary_file.read_text()[:-20])
        case "binary":
            summary_file.write_bytes(b"\xff\xfe\x00")
        case "a list":
            summary_file.write_text("[]")
        case "another schema":
            summary_file.write_text(json.dumps({**content, "schema": 99}))
        case "no rows":
            summary_file.write_text(json.dumps({**content, "rows": []}))
        case "words for numbers":
            content["rows"][0]["payoffs"][0]["mean"] = "much"
            summary_file.write_text(json.dumps(content))
        case "another's":
            shutil.copy(place / "lola" / "summary.json", summary_file)
        case "no TOML":
            experiment_file.write_text("[game")
        case "a foreign TOML":
            experiment_file.write_text('title = "mine"\n')
        case "edited":
            experiment_file.write_text(text.replace("steps = 5", "steps = 6"))
        case "link":
            os.symlink("naive", place / "link")


FOLDERS = {
    "none": ([], "expected the folders of two or more runs, got none"),
    "one": (["lola"], "expected the folders of two or more runs, got one, lola"),
    "twice": (["lola", "naive", "./lola/"], "expected each run's folder once, got lola twice"),
    "link": (["naive", "link"], "expected each run's folder once, got naive and link, the same folder"),
    "not there": (["lola", "nosuch"], "the folder of a finished run, got nosuch, which does not exist"),
    "a file": (["lola", "naive/summary.json"], "got naive/summary.json, which is a file: name the folder it is in"),
    "empty": (["lola", "empty"], "got empty without experiment.toml and summary.json"),
    "unfinished": (["lola", "naive"], "no summary.json yet: finish it with meva-run --resume naive"),
    "tournament": (["lola", "naive"], "got naive without experiment.toml"),
    "no JSON": (["lola", "naive"], "expected JSON in naive/summary.json, got: "),
    "binary": (["lola", "naive"], "expected JSON in naive/summary.json, got: "),
    "a list": (["lola", "naive"], "expected a summary in naive/summary.json, got a JSON list"),
    "another schema": (["lola", "naive"], "expected schema 4, got 99 @ naive/summary.json"),
    "no rows": (["lola", "naive"], "as a run writes them, got others in naive (ValueError: "),
    "words for numbers": (["lola", "naive"], "got others in naive (ValueError: could not convert string to float"),
    "another's": (["lola", "naive"], "expected experiment.toml and summary.json of one run in naive, got experiments "),
    "no TOML": (["lola", "naive"], "expected TOML in naive/experiment.toml, got: "),
    "a foreign TOML": (["lola", "naive"], "expected schema 3, got None @ naive/experiment.toml"),
    "edited": (["lola", "naive"], "undo the change, or run it again"),
    "CSV there": (
        ["lola", "naive", "--csv", "lola/summary.json"],
        "expected a new file for --csv, got lola/summary.json",
    ),
    "CSV below a file": (
        ["lola", "naive", "--csv", "lola/summary.json/x"],
        "expected a file that can be written for --csv",
    ),
}


@pytest.mark.parametrize("case", FOLDERS)
def test_one_clear_line_and_nothing_written(case, place, meva_command):
    arguments, said = FOLDERS[case]
    spoil(place, case)
    before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    outcome = meva_command("compare", *arguments)
    assert (outcome.code, outcome.out) == (2, "")
    [line] = outcome.err.splitlines()
    assert line.startswith("error: ")
    assert said in line
    assert {path: path.read_bytes() for path in place.rglob("*") if path.is_file()} == before
