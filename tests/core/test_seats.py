"""Seats that differ stand apart: in the summary, on the screen, on the page and in the picture."""

import numpy as np
import pytest

import meva_core as meva
from meva_core import evaluate
from meva_core.cli.screen import Screen
from meva_core.experiment import compose
from meva_core.report import comparison, figures, tables
from meva_core.report.quantities import quantities
from meva_core.studies import reproductions
from meva_core.studies.reproductions import claims

TABLES = {"game.payoffs_1": [[1.0, 2.0], [0.0, 1.5]], "game.payoffs_2": [[10.0, 0.0], [30.0, 20.0]]}


@pytest.fixture(scope="module")
def result():
    """One seat earns ten times what the other does."""
    asked = {**TABLES, "evaluate.pairs": 4, "evaluate.steps": 2, "evaluate.values": [0.5, 1.0]}
    return meva.run("matrix", "lola", set=asked, seeds=2)


def test_numbers_of_each_seat(result):
    for v, row in enumerate(result.summary()["rows"]):
        assert list(row["seats"]) == ["1", "2"]
        response, payoffs = result.seen.answers["best_response"].each[0][:, v], result.payoffs[:, v]
        for seat, found in enumerate(row["seats"].values()):
            other = 1 - seat
            assert found["payoff"] == row["payoffs"][seat]
            ours, theirs = response[:, :, other, seat], response[:, :, other, other]
            for name, numbers in (("ours", ours), ("theirs", theirs)):
                assert found["best_response"][name]["mean"] == pytest.approx(numbers.mean(), rel=1e-6)
            changes = {"gain": theirs - payoffs[..., other], "loss": payoffs[..., seat] - ours}
            for name, numbers in changes.items():
                np.testing.assert_allclose(found["exploitability"][name]["mean"], numbers.mean(), rtol=1e-5, atol=1e-6)
        for name in ("ours", "theirs"):
            means = [found["best_response"][name]["mean"] for found in row["seats"].values()]
            assert row["best_response"][name]["mean"] == pytest.approx(np.mean(means), rel=1e-5)


def test_tables_have_a_line_for_each_seat(result):
    summary = result.summary()
    further = tables.further_grids(summary, result.evaluations)
    found = [tables.grids(summary, result.evaluations)[0], further[0]]
    found.append(next(grid for grid in further if grid.caption.startswith("our payoff")))
    for grid in found:
        assert [row[:2] for row in grid.rows] == [["0.5", "1"], ["", "2"], ["1", "1"], ["", "2"]]
        assert grid.settings == (0, 0, 1, 1)
    first, second = (float(row[2].partition(" ")[0]) for row in found[0].rows[:2])
    assert second > 5 * first
    assert found[0].rows[1][-2:] == ["", ""]  # the learner to be shaped is met from the first seat
    assert max(map(len, tables.as_text(summary, result.evaluations).splitlines())) <= tables.WIDTH


def test_the_picture_has_a_panel_for_each_seat(result):
    titles = [axis.get_title() for axis in figures.payoffs(result.summary(), result.evaluations).axes]
    apart = ["seat 1 against its best response", "seat 2 against its best response"]
    assert titles == ["self-play", *apart, "seat 1 against a naive learner"]


def test_they_can_be_asked_for(result):
    rows = reproductions.rows_of(result.summary())
    composition = compose.compose(result.experiment)
    plan = evaluate.plan(result.experiment, composition)
    assert sorted(quantities(composition, plan)) == sorted(rows.quantities)
    found = claims.quantity("seats.2.best_response.ours", result.summary(), 1.0)
    assert found.mean == result.summary()["rows"][1]["seats"]["2"]["best_response"]["ours"]["mean"]


def test_runs_are_compared_seat_by_seat(result):
    run = comparison.of("here", result.summary(), result.experiment.to_plain())
    names = [quantity.name for quantity in run.rows[1.0]]
    assert "self-play" not in names
    assert {"seat 1", "seat 2", "seat 1: ours vs best response", "seat 2: best response's"} <= set(names)


def test_seats_that_are_alike_do_not_stand_apart(tmp_path, capsys):
    screen = Screen(tmp_path / "run")
    symmetric = meva.run("matrix", "naive", set={"evaluate.pairs": 2, "evaluate.steps": 2}, progress=screen)
    first, told, *_ = capsys.readouterr().out.splitlines()
    assert first == "matrix: naive in all 2 seats (self-play)"
    assert told == "  payoffs: DD 1 and 1, DC 5 and 0, CD 0 and 5, CC 3 and 3 (player 1 first)"
    (row,) = symmetric.summary()["rows"]
    assert row["seats"] == {}
    assert tables.grids(symmetric.summary(), symmetric.evaluations)[0].heads[0] == "self-play"
