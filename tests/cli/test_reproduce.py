"""`meva reproduce`, end to end on tiny runs of a registry of one's own."""

import csv
import json

import pytest

REGISTRY = """
[reproductions.tiny]
title = "basins of naive players and of LOLA"
source = "nobody (1999)"
picture = "basins"

[reproductions.tiny.runs.naive]
game = "logistic"
learner = "naive"
set = { "evaluate.pairs" = 4, "evaluate.steps" = 3, "evaluate.grid" = 5, "evaluate.response_steps" = 2 }
quick = { "evaluate.grid" = 3 }

[reproductions.tiny.runs.lola]
game = "logistic"
learner = "lola"
quick = { "evaluate.grid" = 3 }

[reproductions.tiny.runs.lola.set]
"evaluate.pairs" = 4
"evaluate.steps" = 3
"evaluate.response_steps" = 2
"evaluate.values" = [0.0, 1.0]

[[reproductions.tiny.claims]]
says = "the basins meet at the diagonal"
run = "naive"
quantity = "basins.B"
published = 0.5
within = 0.3

[[reproductions.tiny.claims]]
says = "LOLA reaches B from everywhere"
run = "lola"
at = 1.0
quantity = "basins.B"
at_least = 1.0

[reproductions.paths]
title = "the same, as trajectories"
source = "nobody (1999)"
picture = "trajectories"
runs_of = "tiny"
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory, meva_command):
    folder = tmp_path_factory.mktemp("reproduce")
    (folder / "own.toml").write_text(REGISTRY)
    done = meva_command("reproduce", "tiny", "--quick", "--out", folder / "out", "--registry", folder / "own.toml")
    assert done.code == 0, done.err
    return folder, done


def summary(folder, name):
    return json.loads((folder / "out" / name / "summary.json").read_text())


def test_every_claim_is_answered_with_the_runs_number(made):
    folder, done = made
    told = summary(folder, "tiny")
    assert [claim["holds"] for claim in told["claims"]] == [True, False]
    for claim in told["claims"]:
        run = json.loads((folder / "out" / "runs" / told["runs"][claim["run"]] / "summary.json").read_text())
        found = run["rows"][-1]["basins"]["B"]
        assert found["of"] == 9  # --quick
        assert claim["ours"] == found["cells"]["mean"] / found["of"]
    assert "1 of 2 claims hold (quick" in done.out
    assert "NO  LOLA reaches B from everywhere" in done.out
    assert all(len(line) <= 80 for line in done.lines if "written" not in line and "report.html" not in line)


def test_the_folder_holds_table_picture_and_page(made):
    folder, _ = made
    out = folder / "out" / "tiny"
    with open(out / "claims.csv") as file:
        assert [line["holds"] for line in csv.DictReader(file)] == ["True", "False"]
    assert {path.name for path in (out / "figures").iterdir()} == {"basins.png", "basins.svg"}
    page = (out / "report.html").read_text()
    assert "LOLA reaches B from everywhere" in page
    assert "@article" in page or "@inproceedings" in page
    for hash in summary(folder, "tiny")["runs"].values():
        assert f'href="../runs/{hash}/report.html"' in page


def test_finished_runs_are_only_read_by_others_too(made, meva_command):
    folder, _ = made
    before = {path: path.stat().st_mtime_ns for path in (folder / "out" / "runs").rglob("*") if path.is_file()}
    again = meva_command(
        "reproduce", "--quick", "tiny", "paths", "--out", folder / "out", "--registry", folder / "own.toml"
    )
    assert again.code == 0, again.err
    assert again.out.count("there already") == 4
    after = {path: path.stat().st_mtime_ns for path in (folder / "out" / "runs").rglob("*") if path.is_file()}
    assert after == before
    assert (folder / "out" / "paths" / "figures" / "trajectories.svg").is_file()


def test_a_run_that_was_cut_off_is_gone_on_with(made, meva_command):
    folder, _ = made
    run = folder / "out" / "runs" / summary(folder, "tiny")["runs"]["naive"]
    whole = json.loads((run / "summary.json").read_text())
    for name in ("summary.json", "report.html"):
        (run / name).unlink()
    again = meva_command("reproduce", "--quick", "tiny", "--out", folder / "out", "--registry", folder / "own.toml")
    assert again.code == 0, again.err
    assert again.out.count("there already") == 1
    assert json.loads((run / "summary.json").read_text())["rows"] == whole["rows"]


def test_payoffs_of_runs_of_one_row_can_be_drawn(tmp_path, meva_command):
    own = REGISTRY.partition("[reproductions.tiny.runs.lola]")[0].replace('picture = "basins"', 'picture = "payoffs"')
    (tmp_path / "own.toml").write_text(own)
    done = meva_command("reproduce", "tiny", "--out", tmp_path / "out", "--registry", tmp_path / "own.toml")
    assert done.code == 0, done.err
    assert (tmp_path / "out" / "tiny" / "figures" / "payoffs_naive.svg").is_file()


def test_report_makes_its_page_anew(made, meva_command):
    folder, _ = made
    out = folder / "out" / "tiny"
    before = (out / "report.html").read_text()
    (out / "report.html").unlink()
    assert meva_command("report", out).code == 0
    assert (out / "report.html").read_text() == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "expected names, or --all, one of the two: there are figure-1, figure-2a"),
        (("figure-2b", "--all"), "expected names, or --all"),
        (("figure-2x",), "unknown reproduction 'figure-2x'"),
    ],
)
def test_bad_input_is_told_in_one_line(arguments, said, meva_command, tmp_path):
    done = meva_command("reproduce", *arguments, "--out", tmp_path / "out")
    assert done.code == 2
    assert done.err.startswith(f"error: {said}")
    assert len(done.err.splitlines()) == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("picture", "code"), [("basins", 2), ("trajectories", 0), ("contours", 0)])
def test_a_game_without_outcomes_has_trajectories_alone(picture, code, tmp_path, meva_command):
    own = REGISTRY.partition("[reproductions.tiny.runs.lola]")[0].replace('"logistic"', '"tandem"')
    (tmp_path / "own.toml").write_text(own.replace('picture = "basins"', f'picture = "{picture}"'))
    done = meva_command("reproduce", "tiny", "--out", tmp_path / "out", "--registry", tmp_path / "own.toml")
    assert done.code == code, done.err
    if code:
        assert done.err == "error: expected runs of a game that has basins to draw, got tandem\n"
    else:
        assert (tmp_path / "out" / "tiny" / "figures" / f"{picture}.png").is_file()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('learner = "lola"', 'learner = "lolla"', "unknown learner 'lolla'"),
        ("at = 1.0", "at = 2.0", "expected a claim about run lola to be at one of its settings 0, 1, got at = 2.0"),
        ('game = "logistic"', 'game = "ipd"', "expected games that have basins to draw in tiny, got ipd in run naive"),
    ],
)
def test_what_cannot_be_costs_no_run(old, new, said, tmp_path, meva_command):
    (tmp_path / "own.toml").write_text(REGISTRY.replace(old, new))
    done = meva_command("reproduce", "tiny", "--out", tmp_path / "out", "--registry", tmp_path / "own.toml")
    assert done.code == 2
    assert done.err.startswith(f"error: {said}")
    assert not (tmp_path / "out").exists()
