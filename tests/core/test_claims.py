"""Claims of recipes: their layout, what is counted of them, and what is said of what was."""

import csv
import datetime
import re

import attrs
import pytest

from meva_core.errors import BadFolder, BadValue, UnknownName
from meva_core.experiment import resolve
from meva_core.experiment.cookbook import as_played
from meva_core.registry import claims, discovery, recipes
from meva_core.registry.recipes import Played
from meva_core.studies import claims_report as report

TABLE = {
    "says": "half of the grid ends in B",
    "game": "logistic",
    "learner": "naive",
    "set": {"evaluate.pairs": 4},
    "holds": [{"quantity": "basins.B", "at_least": 0.5}, {"quantity": "self_play", "at": 0.9, "at_most": 2}],
}
RECIPES = {"logistic": {"naive": {"default": {"source": "nobody", "learner": {"rate": 2.0}}}}}
COUNTS = [
    {"devices": 1, "fits": 60, "count": 58, "at_least": 89},
    {"devices": 2, "fits": 60, "count": 60, "at_least": 94},
]
SENTENCE = (
    "half of the grid ends in B: 58 of 60 fits on 1 device, at least 89 % (2026-11-26, x86_64 CPU, 2 cores); "
    "60 of 60 fits on 2 devices, at least 94 % (2026-11-26, x86_64 CPU, 2 cores)"
)


LOGISTIC = Played("logistic")


def a_file(*, records=None, **content):
    file = recipes.parse({"recipes": RECIPES, "claims": {"half": TABLE}, **content}, "here")
    return attrs.evolve(file, records=records or {})


def a_record(file, **changes):
    of = claims.find([file], "half").of([file], LOGISTIC)
    day, machine = datetime.date(2026, 11, 26), "x86_64 CPU, 2 cores"
    made = {"of": of, "date": day, "machine": machine, "seed": 1000, "versions": {"jax": "1"}}
    return {"half": [made | count | changes for count in COUNTS]}


def measured(file, **changes):
    asked = {"game": LOGISTIC, "learner": "naive", "recipe": "default"}
    return claims.measured([file], **{**asked, **changes})


@pytest.mark.parametrize(
    ("count", "fits", "percent"),
    # By hand: (c/n + z^2/2n - z sqrt(c/n (1 - c/n)/n + z^2/4n^2)) / (1 + z^2/n) with z = 1.96, so n / (n + z^2) of all.
    [(58, 60, 89), (60, 60, round(100 * 60 / (60 + 1.96**2))), (0, 60, 0), (30, 60, 38)],
)
def test_a_count_is_evidence_of_so_much(count, fits, percent):
    found = report.count(2, [True] * count + [False] * (fits - count))
    assert found == claims.Count(devices=2, fits=fits, count=count, at_least=percent)


def row(value, cells, play):
    per_seed = {"mean": sum(cells) / len(cells), "sem": None, "per_seed": cells}
    return {
        "value": value,
        "basins": {"B": {"cells": per_seed, "of": 10}},
        "self_play": {"mean": sum(play) / len(play), "sem": None, "per_seed": play},
    }


def a_summary():
    """Six fits in two runs, the second of which lost a seed, and a third run that was lost."""
    claim = claims.parse("half", TABLE, "here")
    runs = [
        {"learner": "naive", "seeds": [5, 6, 7], "rows": [row(0.9, [10.0, 5.0, 4.0], [1.0, 2.0, 1.5])]},
        {"learner": "naive", "seeds": [8], "rows": [row(0.9, [7.0], [2.5])]},
        None,
    ]
    return report.summary(claim, range(5, 11), {1: runs})


def test_a_fit_holds_where_every_number_is_on_the_right_side():
    (result,) = a_summary()["results"]
    assert result["holds"] == [True, True, False, False, False, False]
    assert (result["devices"], result["fits"], result["count"]) == (1, 6, 2)
    basins, play = result["quantities"]
    assert basins["per_seed"] == [1.0, 0.5, 0.4, 0.7, None, None]
    assert (basins["count"], basins["worst"], basins["mean"]) == (3, 0.4, pytest.approx(0.65))
    assert basins["quartiles"] == pytest.approx([0.475, 0.6, 0.775])
    assert (play["count"], play["worst"]) == (3, 2.5)


def test_every_seed_is_in_the_table():
    lines = list(csv.DictReader(report.as_csv(a_summary()).splitlines()))
    assert [(line["devices"], line["seed"]) for line in lines] == [("1", str(seed)) for seed in range(5, 11)]
    assert [line["basins.B"] for line in lines] == ["1.0", "0.5", "0.4", "0.7", "", ""]
    assert [line["self_play at 0.9"] for line in lines] == ["1.0", "2.0", "1.5", "2.5", "", ""]
    assert [line["holds"] for line in lines] == ["True", "True", "False", "False", "False", "False"]


def test_a_screen_shows_the_count_and_how_the_numbers_spread():
    lines = report.lines(a_summary())
    assert lines[0] == "2 of 6 fits on 1 device, at least 10 %"
    assert max(map(len, lines)) <= 78
    (basins,) = (line.split() for line in lines if line.startswith("basins.B"))
    assert basins == ["basins.B", ">=", "0.5", "3", "0.650", "0.400", "0.475", "0.600", "0.775"]


def test_where_all_is_lost_nothing_holds():
    claim = claims.parse("half", TABLE, "here")
    (result,) = (told := report.summary(claim, range(2), {1: [None]}))["results"]
    assert (result["count"], result["at_least"], result["quantities"][0]["mean"]) == (0, 0, None)
    assert report.lines(told)[0] == "0 of 2 fits on 1 device, at least 0 %"


def test_a_recipe_says_what_was_measured_of_it():
    file = a_file(records=a_record(a_file()))
    assert measured(file) == [SENTENCE]
    assert measured(file, recipe="other") == measured(file, learner="lola") == measured(file, opponents=["lola"]) == []
    assert measured(a_file()) == []


@pytest.mark.parametrize(
    "changed",
    [
        {"recipes": {"logistic": {"naive": {"default": {"learner": {"rate": 2.5}}}}}},
        {"claims": {"half": {**TABLE, "holds": [{"quantity": "basins.B", "at_least": 0.4}]}}},
        {"claims": {"half": {**TABLE, "set": {"evaluate.pairs": 5}}}},
    ],
)
def test_a_record_of_other_numbers_says_nothing(changed):
    assert measured(a_file(records=a_record(a_file()), **changed)) == []


def test_other_words_need_no_other_record():
    assert measured(a_file(records=a_record(a_file()), claims={"half": {**TABLE, "says": "much"}}))[0].startswith(
        "much:"
    )


def test_a_record_of_a_learner_with_opponents_is_of_their_recipes_too():
    def file(rate, records=None):
        other = {"lola": {"default": {"learner": {"rate": rate}}}}
        return a_file(
            records=records,
            recipes={"logistic": {**RECIPES["logistic"], **other}},
            claims={"half": {**TABLE, "opponents": ["lola"]}},
        )

    assert measured(file(1.0, a_record(file(1.0))), opponents=["lola"]) == [SENTENCE]
    assert measured(file(2.0, a_record(file(1.0))), opponents=["lola"]) == []


def test_a_record_is_of_the_family_s_numbers_in_the_game_s_unit_where_the_recipe_is_of_them():
    claim = claims.find([a_file()], "half")
    family = recipes.parse({"recipes": {"flat": RECIPES["logistic"]}}, "here")
    one, other = (claim.of([family], Played("logistic", "flat", scale)) for scale in (1.0, 2.0))
    own = [claim.of([a_file()], Played("logistic", "flat", scale)) for scale in (1.0, 2.0)]
    assert one != other
    assert own[0] == own[1]


@pytest.mark.parametrize(
    ("overrides", "said"),
    [({}, True), ({"fit.seeds": 3, "evaluate.pairs": 2}, True), ({"learner.rate": 3.0}, False)],
)
def test_an_experiment_says_it_where_it_is_the_recipe_that_is_fitted(overrides, said):
    found = resolve.resolve(
        discovery.installed(),
        [recipes.shipped(), a_file(records=a_record(a_file()))],
        game="logistic",
        learner="naive",
        overrides=overrides,
    )
    assert found.source == f"nobody; {SENTENCE}" if said else found.source == "nobody"


def test_records_lie_beside_their_recipe_file(tmp_path):
    (tmp_path / "mine.toml").write_text("[recipes.ipd.naive.mine]\nsource = 'me'\n")
    assert recipes.read(tmp_path / "mine.toml").records == {}
    (tmp_path / "claims.toml").write_text("[[records.half]]\nseed = 3\n")
    assert recipes.read(tmp_path / "mine.toml").records == {"half": [{"seed": 3}]}
    (tmp_path / "claims.toml").write_text("[recipes.ipd.naive.mine]\n")
    with pytest.raises(BadValue, match=r"unknown key 'recipes' .*claims\.toml"):
        recipes.read(tmp_path / "mine.toml")
    (tmp_path / "claims.toml").write_text("[records")
    with pytest.raises(BadFolder, match=r"expected TOML in .*claims\.toml"):
        recipes.read(tmp_path / "mine.toml")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"count": 61}, "expected a count of fits and a percentage, got 61 of 60, 89 % @ claims.toml: records.half[0]"),
        ({"fits": "60"}, "expected a whole number, got '60'"),
        ({"date": "yesterday"}, "expected a date, got 'yesterday'"),
        ({"extra": 1}, "unknown key 'extra'"),
    ],
)
def test_a_damaged_record_is_one_line(changes, said):
    with pytest.raises(BadValue, match=re.escape(said)):
        measured(a_file(records=a_record(a_file(), **changes)))


def test_records_are_lists_of_tables():
    for wrong, said in [({"half": {"fits": 3}}, "[[records.NAME]], got a single table"), ({"half": [{}]}, "missing 9")]:
        with pytest.raises(BadValue, match=re.escape(said)):
            measured(a_file(records=wrong))


def test_a_record_replaces_older_ones_and_those_of_its_machine_and_devices():
    (first, second) = claims.parse_records(a_record(a_file()), "here")["half"]
    assert first.replaces(first)
    assert not first.replaces(second)
    assert not first.replaces(attrs.evolve(first, machine="NVIDIA H200"))
    assert first.replaces(attrs.evolve(second, of="0"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"holds": []}, r"expected a list of tables \[\[claims.half.holds\]\]"),
        (
            {"holds": [{"quantity": "basins.B"}]},
            r"expected either at_least or at_most @ claims.half.holds\[0\]",
        ),
        ({"holds": [{"quantity": "basins.B", "at_least": 1, "at_most": 1}]}, "either at_least or at_most"),
        ({"holds": [{"quantity": "basins.B", "at_least": "all"}]}, "expected a number, got 'all'"),
        ({"set": {"learner.rate": 1.0}}, "expected evaluate.NAME, .*, got 'learner.rate'"),
        ({"says": 3}, "expected text, got 3"),
        ({"gam": "ipd"}, "unknown key 'gam'"),
    ],
)
def test_a_wrong_layout_says_where(changes, said):
    with pytest.raises(BadValue, match=said):
        claims.find([a_file(claims={"half": TABLE | changes})], "half")


def test_a_claim_is_called_like_a_folder():
    with pytest.raises(BadValue, match="expected a name that can be a folder's"):
        claims.find([a_file(claims={"../half": TABLE})], "../half")


def test_unknown_names():
    with pytest.raises(UnknownName, match="unknown claim 'hal' - did you mean 'half'"):
        claims.find([a_file()], "hal")
    with pytest.raises(UnknownName, match="unknown recipe 'other'"):
        claims.find([a_file(claims={"half": {**TABLE, "recipe": "other"}})], "half").of([a_file()], LOGISTIC)


SHIPPED = discovery.recipe_files(discovery.installed())
RECORDS = {name: record for file in SHIPPED for name, record in file.records.items()}


def played(claim):
    return as_played(discovery.installed().find("game", claim.game))


@pytest.mark.parametrize("name", claims.names(SHIPPED))
def test_a_shipped_claim_is_of_a_recipe_there_is(name):
    claim = claims.find(SHIPPED, name)
    assert claim.recipe in recipes.names(SHIPPED, played(claim), claim.learner)
    assert "\n" not in claim.says


@pytest.mark.parametrize("name", RECORDS)
def test_a_shipped_record_is_of_the_claim_and_the_recipe_as_they_stand(name):
    claim = claims.find(SHIPPED, name)
    for record in claims.parse_records(RECORDS, "claims.toml")[name]:
        assert record.of == claim.of(SHIPPED, played(claim))  # else count again: meva claims NAME --record claims.toml
        count = report.count(record.devices, [n < record.count for n in range(record.fits)])
        assert (record.count, record.at_least) == (count.count, count.at_least)
    (said,) = claims.measured(SHIPPED, played(claim), claim.learner, claim.recipe, claim.opponents)
    assert said.startswith(claim.says)
