"""Sweep files: what they ask for, and how they may be wrong."""

import pytest

from meva_core.errors import BadFolder, BadValue
from meva_core.studies import sweeps

FILE = """
title = "rates and variants"
game = "ipd"
learner = "lola"
recipe = "authors"
set = { "evaluate.pairs" = 4 }
quick = { "evaluate.steps" = 2 }
notes = ["a note"]

[rank]
quantity = "self_play"
highest = true
beside = ["best_response.ours"]

[settings.as_it_is]
[settings.gentle]
"learner.rate" = 1.0
"evaluate.pairs" = 8

[grid]
"learner.variant" = ["exact", "taylor"]
"learner.look_ahead_rate" = [1.0, 25.0]
"""


def read(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    return sweeps.read(path)


def test_settings_are_runs_and_so_is_every_combination_of_the_grid(tmp_path):
    asked = read(tmp_path, FILE)
    assert (asked.name, asked.title, asked.notes) == ("mine", "rates and variants", ("a note",))
    assert asked.picture == "ranking"
    assert [run.label for run in asked.runs] == [
        "as_it_is",
        "gentle",
        "variant=exact look_ahead_rate=1",
        "variant=exact look_ahead_rate=25",
        "variant=taylor look_ahead_rate=1",
        "variant=taylor look_ahead_rate=25",
    ]
    assert {(run.game, run.learner, run.recipe) for run in asked.runs} == {("ipd", "lola", "authors")}
    assert [run.overrides for run in asked.runs[:3]] == [
        {"evaluate.pairs": 4},
        {"evaluate.pairs": 8, "learner.rate": 1.0},
        {"evaluate.pairs": 4, "learner.variant": "exact", "learner.look_ahead_rate": 1.0},
    ]
    assert all(run.quick == {"evaluate.steps": 2} for run in asked.runs)
    assert asked.ranking is not None
    assert (asked.ranking.quantity, asked.ranking.highest) == ("self_play", True)


def test_labels_say_the_whole_name_where_its_end_is_another_ones_too(tmp_path):
    text = 'game = "ipd"\nlearner = "meva"\n[rank]\nquantity = "self_play"\n[grid]\n'
    asked = read(tmp_path, text + '"learner.rate" = [1]\n"opponent.rate" = [2]\n"learner.nested" = [true]\n')
    assert [run.label for run in asked.runs] == ["learner.rate=1 opponent.rate=2 nested=true"]


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("[rank]", "[ranks]", r"unknown key 'ranks' - did you mean 'rank'\?"),
        ('game = "ipd"\n', "", "expected game in .*mine.toml, got none"),
        ('quantity = "self_play"', 'quantitee = "self_play"', "unknown key 'quantitee'"),
        ("highest = true", 'highest = "yes"', "expected true or false, got 'yes' @ .*mine.toml.ranking.highest"),
        ('["exact", "taylor"]', '"exact"', "expected a list of values, got 'exact' @ .*: grid.learner.variant"),
        ('["exact", "taylor"]', "[]", r"expected a list of values, got \[\]"),
        ('title = "rates and variants"', "title = 3", "expected text, got 3 @ .*title"),
        ("[settings.as_it_is]", 'settings.as_it_is = "x"', "expected a table, got 'x'"),
        ("[settings.as_it_is]", '[settings."variant=exact look_ahead_rate=1"]', "labels that differ, got"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_told_where(tmp_path, old, new, complaint):
    assert old in FILE
    text = FILE.replace(old, new)
    if new.startswith("settings."):
        text = new + "\n" + FILE.replace(old, "")
    with pytest.raises(BadValue, match=complaint):
        read(tmp_path, text)


def test_nothing_to_run_is_told(tmp_path):
    with pytest.raises(BadValue, match=r"expected \[settings.LABEL\] or \[grid\]"):
        read(tmp_path, FILE[: FILE.index("[settings.as_it_is]")])


def test_no_file_is_told(tmp_path):
    with pytest.raises(BadFolder, match="expected a readable TOML file at"):
        sweeps.read(tmp_path / "none.toml")
