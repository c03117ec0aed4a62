"""Reproductions as data: what is read, what is refused, and when a claim holds."""

import math

import pytest

from meva_core import runner
from meva_core.errors import BadValue, UnknownName
from meva_core.registry import recipes
from meva_core.studies import reproduction_report, reproductions
from meva_core.studies.reproductions import Chart, Claim, Ranking, Reproduction, verdicts

RUN = {"game": "ipd", "learner": "lola"}
CUP = {"game": "ipd", "learners": ["naive", "lola"]}
CHART = {"quantities": ["self_play"]}
CLAIM = {"says": "so", "run": "lola", "quantity": "self_play", "published": -1.0}


def parsed(**changes):
    table = {"title": "t", "source": "s", "runs": {"lola": RUN}, "claims": [CLAIM], **changes}
    return reproductions.find([recipes.parse({"reproductions": {"mine": table}}, "here")], "mine")


def test_every_picture_without_an_evaluation_can_be_drawn():
    assert set(reproduction_report.DRAWN) == set(reproductions.PICTURES)


def row(value, mean, sem: float | None = 0.1, **more):
    return {"value": value, "self_play": {"mean": mean, "sem": sem}, **more}


def verdict(rows, other=(), **claim):
    asked = Claim(says="so", run="a", **{"quantity": "self_play", **claim})
    made = Reproduction(name="mine", title="", source="", picture="payoffs", runs=(), claims=(asked,))
    return verdicts(made, {"a": {"learner": "a", "rows": rows}, "b": {"learner": "b", "rows": list(other)}})[0]


@pytest.mark.parametrize("name", reproductions.names([recipes.shipped()]))
def test_those_that_ship_can_be_read(name):
    found = reproductions.find([recipes.shipped()], name)
    assert found.runs
    assert found.source
    assert found.claims or found.picture == "contours"


def test_a_users_file_comes_before_the_shipped_one():
    own = recipes.parse({"reproductions": {"figure-2b": {"title": "mine", "source": "me", "runs": {"a": RUN}}}}, "here")
    assert reproductions.find([recipes.shipped(), own], "figure-2b").title == "mine"


def test_the_runs_can_be_another_s():
    files = [recipes.shipped()]
    assert reproductions.find(files, "figure-2a").runs == reproductions.find(files, "figure-2b").runs


def test_what_every_run_has_stands_once():
    every = {"game": "ipd", "learner": "lola", "set": {"fit.seed": 1, "fit.seeds": 5}, "quick": {"fit.seeds": 2}}
    runs = {"plain": {}, "own": {"learner": "sos", "set": {"fit.seed": 3}}}
    plain, own = parsed(every=every, runs=runs, claims=[]).runs
    assert (plain.learner, plain.overrides, plain.quick) == ("lola", {"fit.seed": 1, "fit.seeds": 5}, {"fit.seeds": 2})
    assert (own.learner, own.overrides, own.quick) == ("sos", {"fit.seed": 3, "fit.seeds": 5}, {"fit.seeds": 2})


def test_an_unknown_name_is_told_with_a_suggestion():
    with pytest.raises(UnknownName, match="figure-2b"):
        reproductions.find([recipes.shipped()], "figure-2bb")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"runs": {}, "claims": []}, "expected at least one run"),
        ({"pictures": "basins"}, "unknown key 'pictures'"),
        ({"runs": {"lola": {"game": "ipd"}}}, "learner"),
        ({"runs": {"lola": {**RUN, "seed": 1}}}, "unknown key 'seed'"),
        ({"claims": [{**CLAIM, "published": "low"}]}, "expected a number, got 'low'"),
        ({"claims": [{**CLAIM, "says": 1}]}, "expected text, got 1"),
        ({"runs": {"lola": {**RUN, "set": 3}}}, "expected a table, got 3"),
        ({"claims": [{**CLAIM, "run": "lolo"}]}, "unknown run 'lolo'"),
        (
            {"runs": {"lola": {**RUN, "learners": ["lola"]}}},
            "expected either a learner, or the learners of a tournament",
        ),
        (
            {"runs": {"lola": RUN, "all": CUP}},
            "expected runs that are all tournaments and picture heat-maps, or neither",
        ),
        ({"picture": "heat-maps"}, "expected runs that are all tournaments and picture heat-maps, or neither"),
        ({"runs": {"lola": {**CUP, "published": {"naive": {"meva": 1.0}}}}}, "cells of naive, lola, got naive.meva"),
        ({"runs": {"lola": {**CUP, "published": {"naive": 1.0}}}}, "cells of naive, lola"),
        ({"runs": {"lola": {**CUP, "published": {"naive": {"lola": "x"}}}}}, "expected a number, got 'x'"),
        (
            {"runs": {"lola": {**CUP, "recipe": "paper"}}},
            "expected no opponents, recipe or sampled beside learners",
        ),
        (
            {"claims": [{**{k: CLAIM[k] for k in ("says", "run", "quantity")}, "rising": False}]},
            "expected exactly one of",
        ),
        ({"ranking": {"quantity": "self_play", "published": {"lola": "x"}}}, "expected a number, got 'x'"),
        ({"picture": "ranking"}, "expected a table [reproductions.mine.ranking] for picture ranking"),
        ({"ranking": {"quantity": "self_play", "published": {"lolo": 1.0}}}, "unknown run 'lolo'"),
        ({"picture": "lines"}, "expected a table [reproductions.mine.chart] for picture lines"),
        (
            {"picture": "maps", "chart": CHART},
            "expected labels such as 'plain, rate 25'",
        ),
        (
            {"picture": "maps", "chart": {**CHART, "at": 1.0}, "runs": {"a, rate 1": RUN}, "claims": []},
            "expected no chart.at for maps, which show all rows, got 1",
        ),
        ({"chart": {"quantities": []}}, "expected quantities, and as many entries of says, or none"),
        ({"chart": {**CHART, "says": ["a", "b"]}}, "expected quantities, and as many entries of says, or none"),
        (
            {"picture": "maps", "chart": CHART, "runs": {"a, rate 1": RUN, "a, noise 1": RUN}, "claims": []},
            "expected runs over one setting for maps, got rate and noise",
        ),
        ({"ranking": {"quantity": "self_play", "highest": "yes"}}, "expected true or false, got 'yes'"),
        ({"notes": "one"}, "expected a list, got 'one'"),
        ({"claims": [{**CLAIM, "at_least": 0.0}]}, "expected exactly one of"),
        ({"claims": [{key: value for key, value in CLAIM.items() if key != "published"}]}, "expected exactly one of"),
    ],
)
def test_a_wrong_layout_is_told_with_its_place(changes, said):
    with pytest.raises(BadValue, match=r"reproductions\.mine") as told:
        parsed(**changes)
    assert said in str(told.value)


@pytest.mark.parametrize(
    ("claim", "holds"),
    [
        ({"published": -1.15}, True),  # 0.15 off, two standard errors are 0.2
        ({"published": -1.25}, False),
        ({"published": -1.25, "within": 0.3}, True),
        ({"published": -1.25, "published_sem": 0.08}, True),  # two of hypot(0.1, 0.08) are 0.256
        ({"published": -1.25, "published_sem": 0.07}, False),
        ({"published": -1.15, "within": 0.1}, False),
        ({"at_least": -1.0}, True),
        ({"at_least": -0.9}, False),
        ({"at_most": -1.0}, True),
        ({"at_most": -1.1}, False),
        ({"above": "b"}, True),
    ],
)
def test_a_claim_about_one_setting(claim, holds):
    rows = [row(0.0, -2.0), row(5.0, -1.0)]
    found = verdict(rows, [row(5.0, -1.5)], at=5.0, **claim)
    assert found.holds is holds
    assert found.ours == -1.0
    assert found.difference == (None if "published" not in claim else pytest.approx(-1.0 - claim["published"]))


def test_above_another_run_is_not_as_much_as_it():
    assert verdict([row(None, -1.0)], [row(None, -1.0)], above="b").holds is False


@pytest.mark.parametrize(
    ("means", "holds"),
    [
        ((-2.0, -1.5, -1.0), True),
        ((-2.0, -1.0, -1.28), True),  # a step back of 0.28, its two standard errors are 2 sqrt(0.02) = 0.283
        ((-2.0, -1.0, -1.29), False),
    ],
)
def test_rising_but_for_two_standard_errors(means, holds):
    found = verdict([row(v, mean) for v, mean in enumerate(means)], rising=True)
    assert (found.holds, found.ours) == (holds, means[-1])


def test_basins_count_as_a_share_of_the_starts():
    rows = [row(None, 0.0, basins={"B": {"cells": {"mean": 420.0, "sem": 21.0}, "of": 840}})]
    found = verdict(rows, quantity="basins.B", at_least=0.5)
    assert (found.ours, found.sem, found.holds) == (0.5, 0.025, True)


def test_what_diverged_is_neither_held_nor_refuted():
    assert verdict([row(None, None, None)], published=-1.0).holds is None
    assert verdict([row(0.0, -1.0), row(1.0, None, None)], rising=True).holds is None


@pytest.mark.parametrize(
    ("claim", "said"),
    [
        ({"at": 3.0, "at_least": 0.0}, "expected one of the settings 0, 5 of run a, got at = 3.0"),
        (
            {"at": 5.0, "at_least": 0.0, "quantity": "selfplay"},
            "unknown quantity 'selfplay' of run a - did you mean 'self_play'? (known: self_play)",
        ),
        ({"at": 5.0, "at_least": 0.0, "quantity": "value"}, "unknown quantity 'value' of run a"),
    ],
)
def test_what_a_run_does_not_have_is_told(claim, said):
    with pytest.raises(BadValue) as told:
        verdict([row(0.0, -2.0), row(5.0, -1.0)], **claim)
    assert said in str(told.value)


def test_a_run_s_only_setting_is_no_other():
    assert verdict([row(0.5, -1.0)], at_least=-2.0).holds is True
    with pytest.raises(BadValue, match=r"settings 0\.5 of run a, got at = 0\.95"):
        verdict([row(0.5, -1.0)], at=0.95, at_least=-2.0)


def rows_at(*settings):
    return reproductions.Rows(settings, ("self_play", "best_response.ours"))


def test_settings_are_checked_before_any_fit():
    asked = parsed(claims=[{**CLAIM, "at": 3.0}])
    reproductions.check(asked, {"lola": rows_at(0.0, 3.0)})
    reproductions.check(asked, {"lola": rows_at(None)})  # a run without settings stands for all
    with pytest.raises(BadValue, match=r"one of the settings 0, 5 of run lola, got at = 3\.0"):
        reproductions.check(asked, {"lola": rows_at(0.0, 5.0)})


@pytest.mark.parametrize(
    "asked",
    [
        {"claims": [{**CLAIM, "quantity": "self_pay"}]},
        {"claims": [{"says": "so", "run": "lola", "quantity": "self_pay", "rising": True}]},
        {"claims": [{"says": "so", "run": "lola", "quantity": "self_pay", "above": "lola"}]},
        {"claims": [], "ranking": {"quantity": "self_pay", "at": 3.0}},
        {"claims": [], "ranking": {"quantity": "self_play", "at": 3.0, "beside": ["self_pay"]}},
    ],
)
def test_quantities_are_checked_before_any_fit(asked):
    with pytest.raises(BadValue, match="unknown quantity 'self_pay' of run lola - did you mean 'self_play'"):
        reproductions.check(parsed(**asked), {"lola": rows_at(None)})


# ---------------------------------------------------------------- tournaments, rankings


def test_every_published_cell_is_a_claim():
    cup = {**CUP, "published": {"naive": {"naive": -1.9, "lola": -1.3}}, "published_sem": {"naive": 0.1}}
    found = parsed(runs={"cup": cup}, picture="heat-maps", claims=[])
    assert [claim.quantity for claim in found.claims] == ["naive.naive", "naive.lola"]
    cells = [{"row": "naive", "column": "lola", "payoff": -1.5, "sem": 0.02}]
    cells.append({"row": "naive", "column": "naive", "payoff": -2.5, "sem": 0.02})
    held = verdicts(found, {"cup": {"games": {"ipd": {"cells": cells}}}})
    assert [(verdict.ours, verdict.holds) for verdict in held] == [(-2.5, False), (-1.5, True)]
    with pytest.raises(BadValue, match=r"unknown quantity 'naive\.lola' of run the tournament"):
        verdicts(found, {"cup": {"games": {"ipd": {"cells": cells[1:]}}}})


def test_cells_go_by_labels_of_entrants():
    label = "lola:look_ahead_rate=0.5"
    cup = {"game": "ipd", "learners": ["slow=naive:rate=5.0", label], "published": {label: {"slow": -1.5}}}
    found = parsed(runs={"cup": cup}, picture="heat-maps", claims=[])
    cells = [{"row": label, "column": "slow", "payoff": -1.5, "sem": 0.02}]
    assert [verdict.holds for verdict in verdicts(found, {"cup": {"games": {"ipd": {"cells": cells}}}})] == [True]
    with pytest.raises(BadValue, match=r"expected cells of slow, lola:look_ahead_rate=0\.5, got naive\.slow"):
        parsed(runs={"cup": {**cup, "published": {"naive": {"slow": -1.5}}}}, picture="heat-maps", claims=[])


def places(numbers, published, **more):
    runs = {label: {"learner": label, "rows": [row(0.5, *number)]} for label, number in numbers.items()}
    return reproductions.ranked(Ranking(quantity="self_play", at=0.5, published=published, **more), runs)


NUMBERS = {"a": (0.3, 0.01), "b": (0.1, 0.01), "c": (0.11, 0.01), "d": (None, None)}


@pytest.mark.parametrize(("highest", "order"), [(False, "bcad"), (True, "acbd")])
def test_the_best_stands_first_and_what_diverged_last(highest, order):
    found = places(NUMBERS, {}, highest=highest, beside=("self_play",))
    assert "".join(place.run for place in found) == order
    assert [place.rank for place in found] == [1, 2, 3, 4]  # among all, where nothing is published
    assert found[0].beside == {"self_play": NUMBERS[order[0]]}


def test_another_order_than_published_is_said_and_how_sure_it_is():
    found = places(NUMBERS, {"a": 1.0, "b": 3.0, "c": 2.0, "d": 4.0})
    assert [place.published_rank for place in found] == [3, 2, 1, 4]
    assert reproductions.differences(found) == [
        "Against the published order, by more than two standard errors: b before a, c before a.",
        "Against the published order, but not certain: b before c.",
    ]


def test_ranks_are_among_those_that_are_published():
    found = places(NUMBERS, {"a": 1.0, "c": 2.0})
    assert [(place.run, place.rank, place.published_rank) for place in found] == [
        ("b", None, None),
        ("c", 1, 2),
        ("a", 2, 1),
        ("d", None, None),
    ]


def test_without_errors_nothing_is_certain_and_without_numbers_nothing_is_said():
    bare = {label: (mean, None) for label, (mean, _) in NUMBERS.items()}
    assert reproductions.differences(places(bare, {"a": 1.0, "b": 2.0})) == [
        "Against the published order, but not certain: b before a."
    ]
    assert reproductions.differences(places(bare, {})) == []


def test_where_nothing_is_published_it_is_said_who_may_be_as_good_as_the_best():
    assert reproductions.differences(places(NUMBERS, {})) == ["Within two standard errors of b: c."]
    far = {"a": (0.3, 0.01), "b": (0.1, 0.01)}
    assert reproductions.differences(places(far, {})) == ["Within two standard errors of b: none."]


def test_the_worst_seed_is_the_least_where_more_is_better_and_none_where_one_has_no_number():
    def run(*seeds):
        return {"learner": "a", "rows": [{"value": None, "self_play": {"mean": 0.0, "sem": 0.1, "per_seed": seeds}}]}

    summaries = {"some": run(1.0, 3.0, 2.0), "lost": run(1.0, None), "alone": run(1.0)}
    for highest, worst in ((True, 1.0), (False, 3.0)):
        found = {p.run: p for p in reproductions.ranked(Ranking(quantity="self_play", highest=highest), summaries)}
        assert found["some"].seeds == (1.0, 3.0, 2.0)
        assert (found["some"].worst, found["lost"].worst, found["alone"].worst) == (worst, None, None)


def test_a_run_that_diverged_has_no_numbers():
    asked = Ranking(quantity="self_play", published={"a": 1.0, "b": 2.0})
    found = reproductions.ranked(asked, {"b": None, "a": {"learner": "a", "rows": [row(None, 1.0)]}})
    assert [(place.run, place.ours) for place in found] == [("a", 1.0), ("b", None)]
    claim = Claim(says="so", run="gone", quantity="self_play", at_least=0.0)
    made = Reproduction(name="mine", title="", source="", picture="payoffs", runs=(), claims=(claim,))
    assert verdicts(made, {})[0].holds is None


@pytest.mark.parametrize("quick", [pytest.param(False, marks=pytest.mark.long), True])
@pytest.mark.parametrize("name", reproductions.names([recipes.shipped()]))
def test_those_that_ship_can_be_made(name, quick):
    from meva_core.studies.jobs import planned

    known, files = runner.plugins()
    assert planned(known, files, reproductions.find(files, name), quick, None)


def test_the_published_order_is_said_too():
    assert reproductions.differences(places(NUMBERS, {"a": 3.0, "b": 1.0})) == ["The order is the published one."]


def test_the_setting_of_a_ranking_is_checked_before_any_fit():
    asked = parsed(ranking={"quantity": "self_play", "at": 3.0}, claims=[])
    reproductions.check(asked, {"lola": rows_at(0.0, 3.0)})
    with pytest.raises(BadValue, match=r"got at = 3\.0"):
        reproductions.check(asked, {"lola": rows_at(0.0, 5.0)})


@pytest.mark.parametrize("others", [1, 6])
def test_on_a_screen_other_quantities_stand_beside_the_ranking_in_as_many_blocks_as_they_need(others):
    paths = tuple(f"other.quantity{n}" for n in range(others))
    cells = {f"quantity{n}": {"mean": 0.25, "sem": 0.01} for n in range(others)}
    summaries = {
        label: {"learner": label, "rows": [{**row(None, n / 7), "other": cells}]} for n, label in enumerate("ab")
    }
    asked = Ranking(quantity="self_play", beside=paths)
    of = Reproduction(name="mine", title="", source="", picture="ranking", runs=(), claims=(), ranking=asked)
    found = reproduction_report.summary(of, False, {}, [], reproductions.ranked(asked, summaries))
    lines = reproduction_report.lines(found)
    assert all(any(f"quantity{n}" in line for line in lines) for n in range(others))
    assert max(map(len, lines)) <= 80
    assert len(reproduction_report.ranking(found).heads) == 3 + others


def test_runs_that_diverged_leave_gaps_in_charts():
    runs = {"a, rate 1": {"learner": "a", "rows": [row(0.0, -2.0), row(0.5, -1.0)]}, "a, rate 2": None}
    chart = Chart(quantities=("self_play",))
    found = reproductions.numbers(chart, "self_play", runs, all_rows=True)
    assert [(number.spot.value, number.row) for number in found] == [(1.0, 0.0), (1.0, 0.5), (2.0, 0.0), (2.0, 0.5)]
    assert [number.mean for number in found[:2]] == [-2.0, -1.0]
    assert all(math.isnan(number.mean) and math.isnan(number.sem) for number in found[2:])


def test_maps_need_runs_with_a_setting():
    asked = parsed(picture="maps", chart=CHART, runs={"a, rate 1": RUN}, claims=[])
    reproductions.check(asked, {"a, rate 1": rows_at(0.0, 3.0)})
    with pytest.raises(BadValue, match="expected runs with a setting for maps, got a, rate 1"):
        reproductions.check(asked, {"a, rate 1": rows_at(None)})
