"""`meva reproduce`, end to end on tiny runs of a registry of one's own."""

import csv
import json
import re

import pytest

from meva_core.report import figures
from meva_core.studies import standings_report

REGISTRY = """
[reproductions.tiny]
title = "basins of naive players and of LOLA"
source = "nobody (1999)"
picture = "basins"

[reproductions.tiny.runs.naive]
game = "logistic"
learner = "naive"
set = { "evaluate.pairs" = 4, "evaluate.steps" = 3, "evaluate.basins.grid" = 5, "evaluate.best_response.steps" = 2 }
quick = { "evaluate.basins.grid" = 3 }

[reproductions.tiny.runs.lola]
game = "logistic"
learner = "lola"
quick = { "evaluate.basins.grid" = 3 }

[reproductions.tiny.runs.lola.set]
"evaluate.pairs" = 4
"evaluate.steps" = 3
"evaluate.best_response.steps" = 2
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
def reproduce(meva_command):
    """Run `meva reproduce` in this process, since another process would compile again."""
    return lambda *arguments: meva_command("reproduce", "--jobs", 1, *arguments)


@pytest.fixture(scope="module")
def made(tmp_path_factory, reproduce):
    folder = tmp_path_factory.mktemp("reproduce")
    (folder / "own.toml").write_text(REGISTRY)
    done = reproduce("tiny", "--quick", "--out", folder / "out", "--registry", folder / "own.toml")
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
    difference = told["claims"][0]["ours"] - 0.5
    assert f"off at most, difference {difference:+.3f}\n" in done.out
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
    assert "lola: starts of the grid that end in an outcome" in page
    assert "@article" in page or "@inproceedings" in page
    for hash in summary(folder, "tiny")["runs"].values():
        assert f'href="../runs/{hash}/report.html"' in page


def test_finished_runs_are_only_read_by_others_too(made, reproduce):
    folder, _ = made
    before = {path: path.stat().st_mtime_ns for path in (folder / "out" / "runs").rglob("*") if path.is_file()}
    again = reproduce("--quick", "tiny", "paths", "--out", folder / "out", "--registry", folder / "own.toml")
    assert again.code == 0, again.err
    assert again.out.count("finished before") == 4
    after = {path: path.stat().st_mtime_ns for path in (folder / "out" / "runs").rglob("*") if path.is_file()}
    assert after == before
    assert (folder / "out" / "paths" / "figures" / "trajectories.svg").is_file()


def test_a_run_that_was_cut_off_is_gone_on_with(made, reproduce):
    folder, _ = made
    run = folder / "out" / "runs" / summary(folder, "tiny")["runs"]["naive"]
    whole = json.loads((run / "summary.json").read_text())
    for name in ("summary.json", "report.html"):
        (run / name).unlink()
    again = reproduce("--quick", "tiny", "--out", folder / "out", "--registry", folder / "own.toml")
    assert again.code == 0, again.err
    assert again.out.count("finished before") == 1
    assert json.loads((run / "summary.json").read_text())["rows"] == whole["rows"]


@pytest.mark.long
def test_made_in_processes_of_their_own_they_are_the_same(made, tmp_path, meva_command):
    folder, _ = made
    done = meva_command(
        "reproduce", "tiny", "--quick", "--jobs", 2, "--out", tmp_path / "out", "--registry", folder / "own.toml"
    )
    assert done.code == 0, done.err
    for line in ("yes  the basins meet at the diagonal", "NO  LOLA reaches B from everywhere"):
        assert line in done.out
    assert "tiny naive: " in done.out
    for hash in summary(folder, "tiny")["runs"].values():
        told = [
            json.loads((out / "out" / "runs" / hash / "summary.json").read_text())["rows"] for out in (folder, tmp_path)
        ]
        assert told[0][0]["basins"] == told[1][0]["basins"]


def test_payoffs_of_runs_of_one_row_can_be_drawn(tmp_path, reproduce):
    own = REGISTRY.partition("[reproductions.tiny.runs.lola]")[0].replace('picture = "basins"', 'picture = "payoffs"')
    (tmp_path / "own.toml").write_text(own)
    done = reproduce("tiny", "--quick", "--out", tmp_path / "out", "--registry", tmp_path / "own.toml")
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
        ((), "expected names or --all, got neither: the names are figure-1, figure-2a"),
        (("figure-2b", "--all"), "expected names or --all, got both"),
        (("figure-2x",), "unknown reproduction 'figure-2x'"),
    ],
)
def test_bad_input_is_told_in_one_line(arguments, said, reproduce, tmp_path):
    done = reproduce(*arguments, "--out", tmp_path / "out")
    assert done.code == 2
    assert done.err.startswith(f"error: {said}")
    assert len(done.err.splitlines()) == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("picture", "code"), [("basins", 2), ("trajectories", 0), ("contours", 0)])
def test_a_game_without_outcomes_has_trajectories_alone(picture, code, tmp_path, reproduce):
    own = REGISTRY.partition("[reproductions.tiny.runs.lola]")[0].replace('"logistic"', '"tandem"')
    (tmp_path / "own.toml").write_text(own.replace('picture = "basins"', f'picture = "{picture}"'))
    done = reproduce("tiny", "--out", tmp_path / "out", "--registry", tmp_path / "own.toml")
    assert done.code == code, done.err
    if code:
        assert done.err == "error: expected runs of a game that has basins to draw, got tandem\n"
    else:
        assert (tmp_path / "out" / "tiny" / "figures" / f"{picture}.png").is_file()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('learner = "lola"', 'learner = "lolla"', "unknown learner 'lolla'"),
        ("basins.B", "basins.C", "unknown quantity 'basins.C' of run naive - did you mean 'basins.B'?"),
        ("at = 1.0", "at = 2.0", "expected one of the settings 0, 1 of run lola, got at = 2.0"),
        ('game = "logistic"', 'game = "ipd"', "expected runs with the picture basins for tiny, got ipd in run naive"),
    ],
)
def test_what_cannot_be_costs_no_run(old, new, said, tmp_path, reproduce):
    (tmp_path / "own.toml").write_text(REGISTRY.replace(old, new))
    done = reproduce("tiny", "--out", tmp_path / "out", "--registry", tmp_path / "own.toml")
    assert done.code == 2
    assert done.err.startswith(f"error: {said}")
    assert not (tmp_path / "out").exists()


# ---------------------------------------------------------------- tournaments, rankings, shared fits

MORE = """
[reproductions.cup]
title = "naive players and LOLA"
source = "nobody (1999)"
picture = "heat-maps"
notes = ["Whoever wins, wins."]

[reproductions.cup.runs."first, ipd"]
game = "ipd"
learners = ["naive", "lola"]
set = { trials = 8, steps = 3, "lola.variant" = "taylor" }
quick = { trials = 4 }
published = { naive = { naive = -1.5 }, lola = { naive = 9.0 } }
published_sem = { naive = 1.0 }

[reproductions.order]
title = "one fit, asked twice, and another"
source = "nobody (1999)"
picture = "ranking"

[reproductions.order.ranking]
quantity = "against.ours"
highest = true
at = 0.5
published = { order = 1.0, other = 2.0 }
beside = ["self_play"]

[reproductions.over]
title = "payoffs over the rate"
source = "nobody (1999)"
picture = "lines"
chart = { quantities = ["self_play", "outcomes.CC"], says = ["payoff in self-play", "cooperation"], at = 25.0 }

[reproductions.over.every]
game = "ipd"
learner = "lola"
set = { "evaluate.pairs" = 2, "evaluate.steps" = 3, "evaluate.values" = [1.0, 25.0], "evaluate.asked" = [] }

[reproductions.over.runs]
"exact, rate 1" = { set = { "learner.rate" = 1.0 } }
"exact, rate 25" = { set = { "learner.rate" = 25.0 } }
"taylor, rate 25" = { set = { "learner.rate" = 25.0, "learner.variant" = "taylor" } }

[reproductions.two]
title = "payoffs over two settings"
source = "nobody (1999)"
picture = "lines"
chart = { quantities = ["self_play"], at = 1.0 }

[reproductions.two.every]
game = "ipd"
learner = "lola"
set = { "evaluate.pairs" = 2, "evaluate.steps" = 3, "evaluate.values" = [1.0, 25.0], "evaluate.asked" = [] }

[reproductions.two.runs]
"exact, rate 1" = { set = { "learner.rate" = 1.0 } }
"exact, look-aheads 1" = { set = { "learner.rate" = 1.0 } }

[reproductions.map]
title = "payoffs over both rates"
source = "nobody (1999)"
picture = "maps"
runs_of = "over"
chart = { quantities = ["self_play"] }

[reproductions.order.runs]
"""
TINY = (
    '"fit.seeds" = 2, "learner.loops" = 2, "evaluate.pairs" = 2, "evaluate.steps" = 4, '
    '"evaluate.asked" = ["default", "polytope"], "evaluate.polytope.opponents" = 5'
)


def tiny(label, more):
    return f'{label} = {{ game = "ipd", learner = "toy", set = {{ {TINY}, {more} }} }}\n'


@pytest.fixture(scope="module")
def more(toy, tmp_path_factory, reproduce):
    folder = tmp_path_factory.mktemp("more")
    runs = tiny("order", '"evaluate.values" = [0.5]') + tiny("there", '"evaluate.values" = [0.5, 0.9]')
    runs += tiny("other", '"evaluate.values" = [0.5], "learner.rate" = 1.0')
    extortion = '[reproductions.shape]\ntitle = "a"\nsource = "b"\npicture = "polytope"\nruns_of = "order"\n'
    (folder / "own.toml").write_text(MORE + runs + extortion)
    names = ("cup", "order", "shape", "over", "map", "two")
    done = reproduce(*names, "--quick", "--out", folder / "out", "--registry", folder / "own.toml")
    assert done.code == 0, done.err
    return folder, done


def test_a_tournaments_cells_are_held_against_the_published_ones(more):
    folder, done = more
    told = summary(folder, "cup")
    first, second = told["claims"]
    played = json.loads((folder / "out" / "runs" / told["runs"]["first, ipd"] / "summary.json").read_text())
    assert (played["trials"], played["steps"]) == (4, 3)
    of = {(cell["row"], cell["column"]): cell["payoff"] for cell in played["games"]["ipd"]["cells"]}
    assert (first["ours"], second["ours"]) == (of["naive", "naive"], of["lola", "naive"])
    assert second["difference"] == pytest.approx(of["lola", "naive"] - 9.0)
    assert (first["holds"], second["holds"]) == (True, False)
    assert "lola against naive on ipd" in done.out
    assert "Whoever wins, wins." in done.out
    assert {path.name for path in (folder / "out" / "cup" / "figures").iterdir()} == {
        "heat-map_first--ipd.png",
        "heat-map_first--ipd.svg",
    }
    drawn = (folder / "out" / "cup" / "figures" / "heat-map_first--ipd.svg").read_text()
    assert "first, ipd, after 3 steps: the row's payoff" in drawn
    assert standings_report.heat_map(played, "ipd").get_figwidth() >= figures.LEAST_WIDTH
    page = (folder / "out" / "cup" / "report.html").read_text()
    assert "Whoever wins, wins." in page
    assert "<h2>first, ipd: the row&#39;s payoff against the column" in page
    assert "payoffs after 3 steps, 4 trials, both seats; ± standard error of the mean over trials" in page
    assert f'href="../runs/{told["runs"]["first, ipd"]}/report.html"' in page


def test_lines_and_maps_show_runs_over_the_setting_of_their_labels(more):
    folder, _ = more
    lines = (folder / "out" / "over" / "figures" / "lines.svg").read_text()
    texts = re.findall(r"<text[^>]*>([^<]+)</text>", lines)
    assert {"rate", "payoff in self-play", "cooperation", "exact", "taylor"} <= set(texts)
    assert texts.count("exact") == 1  # one legend for all panels
    two = (folder / "out" / "two" / "figures" / "lines.svg").read_text()
    assert {"rate", "look-aheads", "self_play"} <= set(re.findall(r"<text[^>]*>([^<]+)</text>", two))
    drawn = re.findall(r"<text[^>]*>([^<]+)</text>", (folder / "out" / "map" / "figures" / "maps.svg").read_text())
    assert {"exact", "taylor", "rate", "look-ahead rate η"} <= set(drawn)


def test_the_ranking_is_on_screen_page_and_file(more):
    folder, done = more
    told = summary(folder, "order")
    ours = {
        label: json.loads((folder / "out" / "runs" / hash / "summary.json").read_text())["rows"][0]["against"]["ours"]
        for label, hash in told["runs"].items()
    }
    places = told["ranking"]["places"]
    assert [place["run"] for place in places] == sorted(ours, key=lambda label: -ours[label]["mean"])
    assert {place["run"]: place["published_rank"] for place in places} == {"order": 2, "there": None, "other": 1}
    assert "ranked by against.ours at 0.5, the best first" in done.out
    assert "\n  order: " in done.out  # a run with the reproduction's name is not named twice
    assert "\n  order other: " in done.out
    assert (folder / "out" / "order" / "figures" / "ranking.svg").is_file()
    page = (folder / "out" / "order" / "report.html").read_text()
    for sentence in told["ranking"]["differences"]:
        assert sentence in page
    for label in told["runs"]:  # how each was fitted, and what has it done again
        assert f"{label}. The fit, loop by loop" in page
        assert f"<summary>{label}: experiment.toml</summary>" in page


def test_runs_that_differ_in_evaluation_only_share_their_fit(more):
    folder, _ = more
    runs = summary(folder, "order")["runs"]
    assert len(set(runs.values())) == 3
    assert len(list((folder / "out" / "fits").iterdir())) == 2
    for fit in (folder / "out" / "fits").iterdir():
        assert len((fit / "metrics.jsonl").read_text().splitlines()) == 2 * 2  # seeds and loops: fitted once
    kept = [json.loads((folder / "out" / "runs" / runs[label] / "summary.json").read_text()) for label in runs]
    order, there, other = (found["rows"][0] for found in kept)
    means = [row["against"]["ours"]["mean"] for row in (order, there, other)]
    assert means[0] == pytest.approx(means[1], abs=1e-3)
    assert means[0] != pytest.approx(means[2], abs=1e-3)
    assert kept[0]["fits"] == kept[1]["fits"]
    for hash in runs.values():
        assert (folder / "out" / "runs" / hash / "metrics.jsonl").is_file()
        assert list((folder / "out" / "runs" / hash / "checkpoints").rglob("loop-*.npz"))


def test_a_run_can_be_resumed_from_its_copy_of_the_fit(more, meva_run):
    folder, _ = more
    run = folder / "out" / "runs" / summary(folder, "order")["runs"]["order"]
    before = json.loads((run / "summary.json").read_text())["rows"]
    again = meva_run("--resume", run)
    assert again.code == 0, again.err
    assert json.loads((run / "summary.json").read_text())["rows"] == before


def test_polytopes_are_drawn_run_by_run(more):
    folder, _ = more
    names = {path.name for path in (folder / "out" / "shape" / "figures").iterdir() if path.suffix == ".svg"}
    assert names == {"polytope_order.svg", "polytope_there.svg", "polytope_other.svg"}
    run = folder / "out" / "runs" / summary(folder, "order")["runs"]["there"]
    assert (run / "figures" / "polytope.svg").is_file()
    assert "extortion along matches against naive" in (run / "report.html").read_text().lower()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('picture = "polytope"', 'picture = "basin"', "expected runs with the picture basin for shape, got ipd"),
        ('picture = "polytope"', 'picture = "basins"', "expected runs with the picture basins for shape, got ipd"),
        (
            '["default", "polytope"], "evaluate.polytope.opponents" = 5',
            '["default"]',
            "expected runs with the picture polytope for shape",
        ),
        ("at = 0.5", "at = 0.7", "expected one of the settings 0.5 of run order, got at = 0.7"),
        (
            "trials = 8",
            "trails = 8",
            "expected seed, seeds, trials, steps, recipe, sampled, evaluate or LEARNER.NAME in set, got 'trails'",
        ),
        ("trials = 4", 'trials = "4"', "expected int, got '4' (str) @ set.trials"),
        ("trials = 4", "trials = 0", "expected --trials between 1 and 10000000, got 0"),
    ],
)
def test_what_they_cannot_be_costs_no_run_either(more, old, new, said, tmp_path, reproduce):
    text = (more[0] / "own.toml").read_text()
    assert old in text
    (tmp_path / "own.toml").write_text(text.replace(old, new))
    done = reproduce("cup", "order", "shape", "--quick", "--out", tmp_path / "out", "--registry", tmp_path / "own.toml")
    assert done.code == 2
    assert done.err.startswith(f"error: {said}")
    assert not (tmp_path / "out").exists()


def test_a_run_that_diverges_is_an_answer_too(toy, tmp_path, reproduce):
    runs = tiny("wild", '"evaluate.values" = [0.5], "learner.scale" = 1e30') + tiny("tame", '"evaluate.values" = [0.5]')
    claim = '[[reproductions.order.claims]]\nsays = "so"\nrun = "wild"\nquantity = "self_play"\nat_least = -9.0\n'
    order = MORE.partition("[reproductions.order]")
    own = order[1] + order[2].replace("order = 1.0, other = 2.0", "wild = 1.0, tame = 2.0") + runs + claim
    (tmp_path / "own.toml").write_text(own)
    done = reproduce("order", "--out", tmp_path / "out", "--registry", tmp_path / "own.toml")
    assert done.code == 0, done.err
    assert "wild is left out: seed 0 diverged" in re.sub(r"\s+", " ", done.out)
    told = summary(tmp_path, "order")
    assert list(told["runs"]) == ["tame"]
    assert [(place["run"], place["ours"] is None) for place in told["ranking"]["places"]] == [
        ("tame", False),
        ("wild", True),
    ]
    assert [claim["holds"] for claim in told["claims"]] == [None]


def test_pictures_of_earlier_runs_are_gone(more, reproduce):
    folder, _ = more
    stray = folder / "out" / "shape" / "figures" / "polytope_old.svg"
    stray.write_text("<svg/>")
    done = reproduce("shape", "--quick", "--out", folder / "out", "--registry", folder / "own.toml")
    assert done.code == 0, done.err
    assert not stray.exists()


def test_defaults_of_a_plugin_that_takes_no_part_change_no_run(fake_plugin, meva_command, monkeypatch, tmp_path):
    """A stranger's [defaults] are for its own games and learners, also where its reproductions are looked for."""
    site = fake_plugin("strange", "")
    (site / "strange.py").unlink()
    (site / "strange").mkdir()
    (site / "strange" / "__init__.py").write_text('MEVA_RECIPES = "strange:recipes.toml"\n')
    (site / "strange" / "recipes.toml").write_text('[defaults]\npolicy = "mlp"\nexplorer = "sign_flip"\n')
    planned = []
    monkeypatch.setattr("meva_core.studies.batch.make", lambda wanted, **_: planned.extend(wanted) or [])
    meva_command("reproduce", "lola-dice", "--quick", "--out", tmp_path)
    [(_, jobs)] = planned
    assert {job.experiment.policy.name for job in jobs.values()} == {"table"}
