"""`meva claims`, end to end on a rule without a fit."""

import csv
import json
import tomllib

import pytest

pytestmark = pytest.mark.usefixtures("no_figures")

REGISTRY = """
[recipes.tandem.naive.mine]
source = "nobody"
learner = { rate = 0.25 }

[claims.halves]
says = "naive players earn at least -1 in tandem"
game = "tandem"
learner = "naive"
recipe = "mine"
set = { "evaluate.pairs" = 1, "evaluate.steps" = 2, "evaluate.basins.grid" = 2, "evaluate.basins.steps" = 2, \
"evaluate.best_response.steps" = 2, "evaluate.best_response.restarts" = 1 }

[[claims.halves.holds]]
quantity = "self_play"
at_least = -1
"""


@pytest.fixture(scope="module")
def counted(tmp_path_factory, meva_command):
    folder = tmp_path_factory.mktemp("claims")
    (folder / "own.toml").write_text(REGISTRY)

    def count(*arguments):
        return meva_command(
            "claims", "halves", "--jobs", 1, "--out", folder / "out", "--registry", folder / "own.toml", *arguments
        )

    done = count("--fits", 3, "--devices", 1, "--record", folder / "claims.toml")
    assert done.code == 0, done.err
    return folder, count, done


def summary(folder):
    return json.loads((folder / "out" / "halves" / "summary.json").read_text())


def test_fits_are_counted_that_do_what_is_claimed(counted):
    folder, _, done = counted
    (run,) = (folder / "out" / "1-devices" / "runs").iterdir()
    ((made,),) = (json.loads((run / "summary.json").read_text())["rows"],)
    earned = made["self_play"]["per_seed"]
    (result,) = summary(folder)["results"]
    assert result["holds"] == [payoff >= -1 for payoff in earned]
    assert result["quantities"][0]["per_seed"] == earned
    assert f"{sum(result['holds'])} of 3 fits on 1 device, at least {result['at_least']} %" in done.out
    assert max(map(len, (line for line in done.out.splitlines() if "written to" not in line))) <= 80
    lines = csv.DictReader((folder / "out" / "halves" / "claims.csv").read_text().splitlines())
    assert [(line["seed"], float(line["self_play"])) for line in lines] == list(
        zip(["2000", "2001", "2002"], earned, strict=True)
    )


def test_the_count_is_put_on_record_and_said_of_the_recipe(counted, meva_command, meva_run):
    folder, _, _ = counted
    (record,) = tomllib.loads((folder / "claims.toml").read_text())["records"]["halves"]
    (result,) = summary(folder)["results"]
    names = ("devices", "fits", "count", "at_least")
    assert {name: record[name] for name in names} == {name: result[name] for name in names}
    assert (record["seed"], set(record["versions"])) == (2000, {"meva", "jax"})
    said = f"naive players earn at least -1 in tandem: {result['count']} of 3 fits on 1 device"
    shown = meva_command("show", "learner", "naive", "--registry", folder / "own.toml").out
    assert said in " ".join(shown.split())
    assert f"{record['date']}, {record['machine']}" in " ".join(shown.split())


def test_records_of_other_machines_stay(counted):
    folder, count, _ = counted
    text = (folder / "claims.toml").read_text()
    (record,) = tomllib.loads(text)["records"]["halves"]
    (folder / "more.toml").write_text(text.replace(record["machine"], "a machine of theirs"))
    done = count("--fits", 3, "--devices", 1, "--record", folder / "more.toml")
    assert done.code == 0, done.err
    machines = [each["machine"] for each in tomllib.loads((folder / "more.toml").read_text())["records"]["halves"]]
    assert machines == ["a machine of theirs", record["machine"]]


def test_asked_again_it_only_reads_and_for_more_makes_the_rest(counted):
    folder, count, _ = counted
    before = {path: path.stat().st_mtime_ns for path in (folder / "out" / "1-devices").rglob("*")}
    again = count("--fits", 3, "--devices", 1)
    assert "1 of 1 runs finished before" in again.out
    assert {path: path.stat().st_mtime_ns for path in (folder / "out" / "1-devices").rglob("*")} == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("halfs",), "unknown claim 'halfs' - did you mean 'halves'?"),
        (("--devices", "1,x"), "expected numbers of devices for --devices, as in 1,2, got '1,x'"),
        (("--devices", "0"), "expected numbers of devices for --devices"),
        (("--devices", "4000"), "for --devices, the number of devices of this machine, got 4000"),
        (("--fits", "0"), "0 is not in the range"),
    ],
)
def test_bad_input_is_told_in_one_line(arguments, said, tmp_path, meva_command):
    (tmp_path / "own.toml").write_text(REGISTRY)
    done = meva_command("claims", *arguments, "--registry", tmp_path / "own.toml", "--out", tmp_path / "out")
    assert done.code == 2
    (line,) = done.err.splitlines()
    assert said in line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('quantity = "self_play"', 'quantity = "selfplay"', "unknown quantity 'selfplay'"),
        ('learner = "naive"', 'learner = "naif"', "unknown learner 'naif'"),
        ('recipe = "mine"', 'recipe = "main"', "unknown recipe 'main'"),
        ("evaluate.pairs", "evaluate.pair", "unknown hyper-parameter evaluate.pair"),
        ('learner = "naive"\nrecipe = "mine"', 'learner = "lola"', "expected one of the settings"),
    ],
)
def test_what_is_wrong_with_a_claim_is_told_before_any_fit(old, new, said, tmp_path, meva_command):
    assert old in REGISTRY
    (tmp_path / "own.toml").write_text(REGISTRY.replace(old, new))
    done = meva_command("claims", "halves", "--registry", tmp_path / "own.toml", "--out", tmp_path / "out")
    assert done.code == 2
    (line,) = done.err.splitlines()
    assert said in line
    assert not (tmp_path / "out").exists()


def test_where_records_cannot_be_written_is_told_before_any_fit(tmp_path, meva_command):
    (tmp_path / "own.toml").write_text(REGISTRY)
    done = meva_command(
        "claims", "halves", "--registry", tmp_path / "own.toml", "--record", tmp_path / "no" / "claims.toml",
        "--out", tmp_path / "out",
    )  # fmt: skip
    assert (done.code, len(done.err.splitlines())) == (2, 1)
    assert "expected a file that can be written for --record" in done.err
    assert not (tmp_path / "out").exists()


def test_a_damaged_file_of_records_is_told_before_any_fit(tmp_path, meva_command):
    (tmp_path / "own.toml").write_text(REGISTRY)
    (tmp_path / "kept.toml").write_text("records = 3\n")
    done = meva_command(
        "claims", "--registry", tmp_path / "own.toml", "--record", tmp_path / "kept.toml", "--out", tmp_path / "out"
    )
    assert (done.code, len(done.err.splitlines())) == (2, 1)
    assert "kept.toml: records" in done.err
    assert "expected a table, got 3" in done.err
    assert (tmp_path / "kept.toml").read_text() == "records = 3\n"
    assert not (tmp_path / "out").exists()


WILD = """
[recipes.toy_hills.toy.wild]
source = "nobody"
learner = { loops = 2, scale = 1e30 }

[recipes.toy_hills.toy.calm]
source = "nobody"
learner = { loops = 2 }
"""
OF_TOYS = """
[claims.{name}]
says = "some learn"
game = "toy_hills"
learner = "toy"
recipe = "{name}"
set = {{ "evaluate.asked" = [], "evaluate.pairs" = 1, "evaluate.steps" = 2, "evaluate.values" = [0.9] }}
[[claims.{name}.holds]]
quantity = "self_play"
at_least = -100
"""


def test_a_claim_that_is_lost_costs_no_records_of_others(toy, tmp_path, meva_command):
    own, kept = tmp_path / "own.toml", tmp_path / "kept.toml"
    own.write_text(WILD + "".join(OF_TOYS.format(name=name) for name in ("wild", "calm")))
    arguments = ("--fits", 1, "--devices", 1, "--jobs", 1, "--registry", own, "--record", kept)
    done = meva_command("claims", "wild", "calm", *arguments, "--out", tmp_path / "out")
    assert done.code == 2
    (line,) = done.err.splitlines()
    assert line == "error: expected a fit that did not diverge, to record wild on 1 device, got none"
    assert set(tomllib.loads(kept.read_text())["records"]) == {"calm"}
    assert (tmp_path / "out" / "calm" / "summary.json").is_file()


def test_a_file_of_records_of_the_layout_before_is_told_in_one_line(tmp_path, meva_command):
    (tmp_path / "own.toml").write_text(REGISTRY)
    (tmp_path / "kept.toml").write_text("[records.halves]\nfits = 60\n")
    done = meva_command(
        "claims", "--registry", tmp_path / "own.toml", "--record", tmp_path / "kept.toml", "--out", tmp_path / "out"
    )
    (line,) = done.err.splitlines()
    assert done.code == 2
    assert line == (
        "error: expected a list of tables [[records.NAME]], got a single table: count again with meva claims --record, "
        f"into a new file @ {tmp_path / 'kept.toml'}: records.halves"
    )
