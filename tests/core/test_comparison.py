"""Runs side by side, on summaries made by hand."""

import csv
import io
import math
from typing import Any

import pytest

from meva_core.report import comparison

RATE = {"name": "rate", "label": "rate α"}
DISCOUNT = {"name": "discount", "label": "meta-discount γ"}


def statistic(mean: float | None, sem: float | None = 0.1, over="pairs") -> dict[str, Any]:
    return {"mean": mean, "sem": sem, "over": over, "per_seed": [mean]}


def row(value: float | None = None, payoff: float | dict[str, Any] = 1.0, **given: Any) -> dict[str, Any]:
    """All of a row's payoffs are the same statistic."""
    found = payoff if isinstance(payoff, dict) else statistic(payoff)
    return {
        "value": value,
        "payoffs": [found, found],
        "self_play": found,
        "best_response": {"ours": found, "theirs": found},
        "seats": {},
        "outcomes": {},
        **given,
    }


def run(name, *rows, setting=None, hash="0" * 12, seeds=(0,), diverged=(), game="tandem", opponents=(), **tables):
    summary = {
        "hash": hash,
        "game": game,
        "learner": "naive",
        "opponents": [opponent["name"] for opponent in opponents],
        "players": ["naive", *(opponent["name"] for opponent in opponents)],
        "recipe": "default",
        "seeds": list(seeds),
        "payoff_range": 3.0,
        "diverged": list(diverged),
        "setting": setting,
        "rows": list(rows) or [row()],
    }
    parts = {"best_response": "best_response", "against": "shaping", "basins": "basins"}
    summary["evaluations"] = [name for key, name in parts.items() if key in summary["rows"][0]]
    plain = {"schema": 1, "recipe": "default", "source": name, "opponents": list(opponents), **tables}
    return comparison.of(name, summary, plain)


def lines(*runs):
    """(quantity, setting) -> the line."""
    return {(line.quantity.name, line.setting): line for line in comparison.compare(runs).lines}


def text(*runs):
    """Its lines, spaces at their ends left out."""
    return [line.rstrip() for line in comparison.as_text(comparison.compare(runs)).splitlines()]


def test_a_difference_and_its_error_by_hand():
    found = lines(run("a", row(payoff=statistic(1.0, 0.3))), run("b", row(payoff=statistic(2.5, 0.4))))
    difference = found["self-play", None].difference
    assert difference is not None
    assert difference.mean == pytest.approx(1.5)
    assert difference.sem == pytest.approx(0.5)  # 3, 4, 5


@pytest.mark.parametrize(("second", "clear"), [(2.0, False), (1.9, False), (2.1, True), (-2.1, True), (-1.9, False)])
def test_clear_is_beyond_two_standard_errors_on_either_side(second, clear):
    first, other = row(payoff=statistic(0.0, 0.6)), row(payoff=statistic(second, 0.8))
    line = lines(run("a", first), run("b", other))["self-play", None]
    assert line.clear == clear
    shown = text(run("a", first), run("b", other))
    assert any(each.endswith(" *") for each in shown) == clear
    prefix = "*" if clear else "no"
    assert f"{prefix} |b - a| exceeds 2 standard errors (the root of the sum of both squares)" in shown


def test_no_error_where_one_has_none():
    runs = run("a", row(payoff=statistic(1.0, 0.3))), run("b", row(payoff=statistic(9.0, None)))
    line = lines(*runs)["self-play", None]
    assert line.difference is not None
    assert (line.difference.mean, line.difference.sem, line.clear) == (8.0, None, False)
    assert "self-play              1.000 ±.300  9.000  +8.000" in text(*runs)
    assert not any("exceeds" in each for each in text(*runs))


def test_no_difference_with_what_diverged():
    runs = run("a", row(payoff=statistic(None, None))), run("b", row(payoff=1.0))
    assert lines(*runs)["self-play", None].difference is None
    assert "self-play              diverged  1.000 ±.100" in text(*runs)


def test_three_runs_have_no_difference():
    runs = [run(name, row(payoff=n)) for n, name in enumerate("abc")]
    line = lines(*runs)["self-play", None]
    assert line.difference is None
    assert [found.mean for found in line.found if found] == [0, 1, 2]
    assert not any("b - a" in each for each in text(*runs))


def test_settings_that_are_shared():
    first = run("a", *(row(value, value) for value in (0.0, 0.5, 1.0)), setting=RATE)
    second = run("b", *(row(value, 10 * value) for value in (1.0, 2.0, 0.5)), setting=RATE)
    found = comparison.compare([first, second])
    shared = [line for line in found.lines if line.quantity.kind == "self-play"]
    assert [line.setting for line in shared] == [0.5, 1.0]
    assert [[each.mean for each in line.found if each] for line in shared] == [[0.5, 5.0], [1.0, 10.0]]
    assert found.left_out == ((0.0,), (2.0,))
    assert text(first, second)[-1] == "left out, because not all runs have them: rate α = 0 (a); rate α = 2 (b)"


def test_one_row_stands_beside_each_setting():
    one = run("a", row(payoff=7.0))
    swept = run("b", row(0.0, 1.0), row(0.5, 2.0), setting=RATE)
    found = [line for line in comparison.compare([one, swept]).lines if line.quantity.kind == "self-play"]
    assert [(line.setting, [each.mean for each in line.found if each]) for line in found] == [
        (0.0, [7.0, 1.0]),
        (0.5, [7.0, 2.0]),
    ]
    assert text(one, swept)[-1] == "the same at each setting: its one row (a)"


def test_one_row_each_is_compared_at_whatever_setting():
    runs = run("a", row(0.0, 7.0), setting=RATE), run("b", row(0.95, 8.0), setting=DISCOUNT), run("c", row(payoff=9.0))
    found = lines(*runs)["self-play", None].found
    assert [each.mean for each in found if each] == [7.0, 8.0, 9.0]
    assert text(*runs)[-1] == "at rate α = 0 (a); meta-discount γ = 0.95 (b)"
    assert comparison.compare(runs).left_out == ((), (), ())


@pytest.mark.parametrize("other", [(RATE, 3.0, 4.0), (DISCOUNT, 0.0, 1.0)], ids=["values", "names"])
def test_nothing_shared_is_said(other):
    setting, *values = other
    first = run("a", row(0.0), row(1.0), setting=RATE)
    shown = text(first, run("b", *map(row, values), setting=setting))
    assert not comparison.compare([first, run("b", *map(row, values), setting=setting)]).lines
    said = " ".join(shown)
    assert f"the runs share no setting: a has rate α = 0, 1; b has {setting['label']} = {values[0]:g}" in said
    assert "numbers" not in shown


def test_seats_are_told_apart_unless_all_are_in_self_play():
    alone = run("a", row())
    rivals = run("b", row(self_play=None), opponents=[{"name": "lola"}])
    names = [each.partition("  ")[0] for each in text(alone, run("c", row()))]
    assert ("self-play" in names, "seat 1" in names) == (True, False)
    names = [each.partition("  ")[0] for each in text(alone, rivals)]
    assert ("self-play" in names, "seat 1" in names, "seat 2" in names) == (False, True, True)


def test_quantities_that_only_one_run_has():
    against = {"learner": "lola", "ours": statistic(3.0), "theirs": statistic(4.0)}
    basins = {"B": {"cells": statistic(412.0, None), "of": 841}}
    runs = run("a", row()), run("b", row(against=against, basins=basins))
    found = lines(*runs)
    assert found["ours vs lola", None].found[0] is None
    assert found["lola's", None].difference is None
    assert "starts to B, of 841              -          412" in text(*runs)


def test_quantities_come_in_the_order_of_the_runs_own_tables():
    against = {"learner": "lola", "ours": statistic(3.0), "theirs": statistic(4.0)}
    first = run("a", row(basins={"B": {"cells": statistic(1.0), "of": 9}}))
    kinds = [line.quantity.kind for line in comparison.compare([first, run("b", row(against=against))]).lines]
    assert list(dict.fromkeys(kinds)) == ["self-play", "seat", "evaluation"]


def test_shares_of_outcomes_are_for_the_csv():
    runs = [run(name, row(outcomes={"CC": statistic(0.5)})) for name in "ab"]
    assert ("share of CC", None) in lines(*runs)
    assert not any("CC" in each for each in text(*runs))


def test_several_settings_are_set_apart():
    def blanks(*values):
        runs = [run(name, *map(row, values), setting=RATE) for name in "abc"]
        shown = text(*runs)
        return shown[
            shown.index("numbers") : shown.index("mean ± standard error of the mean over the pairs of one seed")
        ]

    assert blanks(0.0).count("") == 1
    assert blanks(0.0, 1.0).count("") == 3  # between self-play, ours and theirs; and at the end


def from_(version, plugin="rules", **numbers):
    return {"name": "lola", **numbers, "from": {"plugin": plugin, "distribution": "meva", "version": version}}


def test_origins_differ_where_one_name_is_two_plugins_or_versions():
    def differing(first, second):
        runs = [run(name, learner=learner) for name, learner in (("a", first), ("b", second))]
        return comparison.compare(runs).differing

    assert differing(from_("1.0"), from_("1.1")) == {"learner.from.version": ("1.0", "1.1")}
    assert differing(from_("1.0"), from_("1.0", "others")) == {"learner.from.plugin": ("rules", "others")}
    assert set(differing(from_("1.0"), {**from_("1.1", "others"), "name": "meva"})) == {"learner.name"}
    assert not differing(from_("1.0"), {"name": "lola"})  # of the version before, which kept no record of it


def test_what_differs_in_configuration():
    first = run("a", game="tandem", learner={"name": "lola", "rate": 0.1}, value_model={"width": 8}, fit={"seed": 0})
    second = run("b", learner={"name": "lola", "rate": 0.2}, fit={"seed": 0})
    assert comparison.compare([first, second]).differing == {"learner.rate": (0.1, 0.2), "value_model.width": (8, None)}


def test_opponents_are_called_as_in_set():
    rivals = [{"name": "lola", "value_model": {"width": 8}}, {"name": "sos"}]
    one, two = run("a", opponents=rivals[:1]), run("b", opponents=rivals)
    assert dict(comparison.compare([one, run("c")]).differing) == {
        "opponent.name": ("lola", None),
        "opponent.value_model.width": (8, None),
    }
    assert set(comparison.compare([two, run("c")]).differing) == {
        "opponent.1.name",
        "opponent.1.value_model.width",
        "opponent.2.name",
    }


def test_sections_come_in_the_order_of_the_file():
    second = run("b", fit={"seed": 1}, value_model={"width": 8}, learner={"rate": 1.0}, run={"python": "3"})
    names = list(comparison.compare([run("a"), second]).differing)
    assert names == ["learner.rate", "value_model.width", "fit.seed", "run.python"]


def test_one_experiment_and_its_numbers():
    runs = [run("x", hash="e" * 12), run("y", hash="f" * 12), run("z", hash="e" * 12)]
    assert comparison.compare(runs).twins == (((0, 2), True),)
    assert "no differences in configuration" in text(*runs)
    assert f"a and c are the same experiment (hash {'e' * 12}), and their numbers are equal" in text(*runs)
    runs[2] = run("z", row(payoff=1.0 + 1e-12), hash="e" * 12)
    assert comparison.compare(runs).twins == (((0, 2), False),)
    assert f"a and c are the same experiment (hash {'e' * 12}), but their numbers differ" in " ".join(text(*runs))


def test_what_the_errors_are_over():
    def over(kind, count):
        return run("x", row(payoff=statistic(1.0, 0.1, kind)), seeds=range(count))

    assert "mean ± standard error of the mean over 3 seeds" in text(over("seeds", 3), over("seeds", 3))
    shown = text(over("seeds", 3), over("seeds", 5))
    assert "mean ± standard error of the mean over 3 seeds (a); 5 seeds (b)" in shown
    assert not any("do not compare" in each for each in shown)
    shown = text(over("pairs", 1), over("seeds", 5))
    assert "mean ± standard error of the mean over the pairs of one seed (a); 5 seeds (b)" in shown
    assert any("errors over pairs and over seeds do not compare" in each for each in shown)


def test_seeds_that_were_lost():
    lost = [{"seed": 1, "loop": 3, "quantity": "loss"}]
    assert "left out of b: 1 seed that diverged" in text(run("a"), run("b", diverged=lost))


def test_games_that_differ_are_told_on_top():
    shown = text(run("a"), run("b", game="ipd"))
    told = shown.index("the games differ (tandem, ipd): their payoffs may be on different scales")
    assert told < shown.index("no differences in configuration")
    assert not any("the games differ" in each for each in text(run("a"), run("b")))


def test_many_runs_with_long_values_hold_at_80_columns():
    values = [n / 7 for n in range(20)]
    runs = [run("runs/" + f"{n}" * 100, learner={"look_ahead_rate": n, "of": values[n:]}) for n in range(30)]
    shown = text(*runs)
    assert max(map(len, shown)) <= 80
    assert not any("…" in each for each in shown)  # nothing is cut to fit
    heads = [each.split() for each in shown if each.startswith("    ")]
    columns = [head for line in heads for head in line if head in comparison.compare(runs).labels]
    assert set(columns) == set(comparison.compare(runs).labels)
    assert comparison.compare(runs).labels[25:28] == ["z", "aa", "ab"]


def test_a_long_value_is_wrapped():
    shown = text(run("a", learner={"of": list(range(30))}), run("b", learner={"of": [0.5]}))
    [first] = [n for n, each in enumerate(shown) if each.startswith("learner.of ")]
    assert "[0.5]" in shown[first]
    words = " ".join(shown[first : shown.index("numbers")]).replace("[0.5]", "").split()
    assert " ".join(words[1:]).startswith(str(list(range(30))))


def test_square_brackets_are_no_markup():
    shown = text(run("[red]x", learner={"strategy": "[bold]"}), run("y", learner={"strategy": "tit"}))
    assert shown[0] == "a  [red]x"
    assert any(each.split() == ["learner.strategy", "[bold]", "tit"] for each in shown)


def test_the_csv_holds_every_number_once():
    first = run("a", row(0.0, 1.0, outcomes={"CC": statistic(0.25)}), row(1.0, 2.0), setting=RATE)
    second = run("b, too", row(payoff=statistic(1 / 3, None, "seeds")))
    found = list(csv.DictReader(io.StringIO(comparison.as_csv([first, second]))))
    by_name = {(each["run"], each["setting"], each["quantity"]): each for each in found}
    assert len(found) == len(by_name) == 6 + 5 + 5
    assert by_name["a", "0.0", "share of CC"]["mean"] == "0.25"
    assert by_name["a", "1.0", "self-play"]["mean"] == "2.0"
    only = by_name["b, too", "", "seat 2"]
    assert (float(only["mean"]), only["sem"], only["over"]) == (1 / 3, "", "seeds")
    assert math.isclose(float(by_name["a", "0.0", "best response's"]["sem"]), 0.1)
