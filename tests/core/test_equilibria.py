"""Equilibria, against games that are solved by hand, and what does not fit."""

import json
import sys
from typing import Any

import attrs
import numpy as np
import pytest

import meva_core as meva
from meva_core.bridges.equilibria import equilibria, of_policies, of_tournament
from meva_core.errors import BadValue, MevaError, MissingLibrary
from meva_core.studies.scores import Scores

DILEMMA = [[-2.0, 0.0], [-3.0, -1.0]]  # defect, cooperate
PENNIES = [[1.0, -1.0], [-1.0, 1.0]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory, meva_command, no_figures):
    folder = tmp_path_factory.mktemp("equilibria") / "tournament"
    flags = ("--trials", 1, "--steps", 1, "--out", folder, "--quiet")
    assert meva_command("tournament", "--game", "ipd", "--learners", "tit_for_tat,always_defect", *flags).code == 0
    return folder


def mixes(found):
    return [[mix.round(6).tolist() for mix in one.mixes] for one in found.equilibria]


def test_games_that_are_solved_by_hand():
    assert mixes(equilibria(DILEMMA)) == [[[1, 0], [1, 0]]]
    pennies = equilibria(PENNIES, -np.array(PENNIES))
    assert mixes(pennies) == [[[0.5, 0.5], [0.5, 0.5]]]
    assert (pennies.pure, pennies.remark, pennies.equilibria[0].payoffs) == ((), "", (0.0, 0.0))
    # The battle of the sexes, in which each prefers its own two times out of three.
    battle = equilibria([[2.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 2.0]])
    assert mixes(battle)[2] == [[0.666667, 0.333333], [0.333333, 0.666667]]
    assert len(battle.pure) == 2
    assert repr(equilibria(np.zeros((1, 2)), np.zeros((1, 2)))).splitlines()[1].split() == [
        "0",
        "0,",
        "1",
        "0.000",
        "0.000",
    ]


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_the_unit_of_payoffs_has_no_effect(unit):
    told = equilibria(unit * (np.array(DILEMMA) - 7), rows=["D", "C"])
    assert mixes(told) == [[[1, 0], [1, 0]]]


def paid(found):
    """The texts of the payoffs, line by line."""
    return [line.split()[-2:] for line in repr(found).splitlines()[1:]]


def test_payoffs_have_the_digits_that_differ():
    assert paid(equilibria([[1e-3, 0.0], [0.0, 2e-3]])) == [["0.001000"] * 2, ["0.002000"] * 2, ["0.000667"] * 2]
    assert paid(equilibria([[1e-5, 0.0], [0.0, 2e-5]])) == [["1e-05"] * 2, ["2e-05"] * 2, ["6.667e-06"] * 2]
    assert paid(equilibria([[1e-5, 0.0], [0.0, 2e-5]], [[2.0, 0.0], [0.0, 1.0]]))[0] == ["1e-05", "2.000"]


def test_payoffs_that_differ_by_rounding_are_equal():
    tied = equilibria([[-2e-14, 0.0], [0.0, 0.0], [-1.0, -1.0]], [[0.0, -2e-14], [0.0, 0.0], [-1.0, -1.0]])
    assert repr(attrs.evolve(tied, equilibria=tied.pure, remark="")).splitlines()[1:] == [
        "0, 1      0, 1         0.000     0.000"
    ]


def test_what_may_be_missing_is_said():
    tied = equilibria(np.zeros((2, 2)))
    assert len(tied.pure) == 4
    assert tied.remark == "payoffs are tied, so that between these there may be further equilibria"
    many = equilibria(np.eye(7))
    assert [one.payoffs for one in many.equilibria] == [(1.0, 1.0)] * 7
    assert many.remark == "with more than 6 choices, equilibria with mixing may be missing"
    nothing = attrs.evolve(many, equilibria=(), codes="digits are actions")
    assert nothing.note == f"no equilibrium was found; {many.remark}\ndigits are actions"


@pytest.mark.parametrize(("choices", "others"), [(7, 0.0), (7, 1.0), (21, 1.0)])
def test_mixing_is_found_among_many_choices(choices, others):
    """Each choice beats half of the others and loses to half: the one equilibrium is uniform (Fisher & Ryan, 1992). To
    pay for what the other chooses changes no best response; but then, payoffs are no longer opposite."""
    apart = np.subtract.outer(np.arange(choices), np.arange(choices)) % choices
    wins = np.select([apart == 0, apart <= choices // 2], [0.0, 1.0], -1.0)
    found = equilibria(wins + others * np.arange(choices))
    assert mixes(found) == [[[round(1 / choices, 6)] * choices] * 2]
    mean = others * (choices - 1) / 2
    assert found.equilibria[0].payoffs == pytest.approx((mean, mean))


def test_memory_one_strategies_of_the_prisoners_dilemma():
    """Grim is an equilibrium exactly if the future counts enough (Friedman, 1971)."""
    defects = ("always_defect", "always_defect")

    def pairs(discount):
        found = of_policies(meva.make("game", "ipd", discount=discount))
        assert all(len(names) == 26 for names in found.names)  # 32, of which 4 never cooperate and 4 never defect
        assert found.note.splitlines()[1] == (
            "digits as in 00100: actions (0 is D, 1 is C) in the states of P(C|start), P(C|DD), P(C|DC), P(C|CD), "
            "P(C|CC)"
        )
        first, second = found.names
        return {(first[one.mixes[0].argmax()], second[one.mixes[1].argmax()]): one.payoffs for one in found.pure}

    patient, hasty = pairs(0.96), pairs(0.3)
    # To defect once against grim gains 1 now, and loses 1 in every later round: worth it below a discount of 1/2.
    assert patient["grim", "grim"] == pytest.approx((-1, -1))
    assert ("grim", "grim") not in hasty
    assert patient[defects] == pytest.approx((-2, -2))
    assert hasty[defects] == pytest.approx((-2, -2))
    assert ("always_cooperate", "always_cooperate") not in patient


def test_which_strategy_to_bring_to_a_tournament(folder):
    scores = Scores(json.loads((folder / "summary.json").read_text()))
    for found in (of_tournament(scores), of_tournament(folder, "ipd")):
        assert found.names == (scores.labels, scores.labels)
        assert [one.payoffs for one in found.pure] == [pytest.approx((-1, -1)), pytest.approx((-2, -2))]


def test_the_command(meva_command, folder):
    done = meva_command("equilibria", folder)
    assert (done.code, done.err) == (0, "")
    assert [line.split() for line in done.lines[:3]] == [
        ["player", "1", "player", "2", "payoff", "1", "payoff", "2"],
        ["tit_for_tat", "tit_for_tat", "-1.000", "-1.000"],
        ["always_defect", "always_defect", "-2.000", "-2.000"],
    ]
    # Between the two: p with -1 p - 2.04 (1 - p) = -1.92 p - 2 (1 - p).
    assert done.lines[3].startswith(f"{1 - 0.04 / 0.96:.3f} always_defect + {0.04 / 0.96:.3f} ")
    assert max(map(len, done.lines)) <= 80


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "expected the folder of a tournament, or --game NAME"),
        (("nowhere",), "expected the folder of a finished tournament, got nowhere"),
        (("--game", "ipdd"), "unknown game 'ipdd'"),
        (("--game", "ipd", "--set", "game.discount=2"), "discount"),
        (("--game", "ipd", "--set", "learner.rate=2"), "expected --set game.NAME=VALUE"),
        (("--game", "normal_form"), "at most 64 deterministic policies, got NormalForm with 3^10"),
        (("--game", "public_goods"), "expected a game of two players"),
        (("--game", "coin_game"), "expected an exact game, got a sampled game (CoinGame)"),
        (("--game", "logistic"), "whose policies choose actions, got a game (Logistic)"),
    ],
)
def test_one_line_for_what_does_not_fit(meva_command, arguments, said):
    done = meva_command("equilibria", *arguments)
    assert done.code == 2
    assert said in done.err
    assert len(done.err.splitlines()) == 1


def test_a_game_that_was_not_played(meva_command, folder):
    assert "expected one of the games ipd, got 'imp'" in meva_command("equilibria", folder, "--game", "imp").err


@pytest.mark.parametrize(
    "tables", [([[1.0, np.nan]],), ([],), ([1.0, 2.0],), ([[1.0]], [[1.0, 2.0]]), ("text",), ([[1.0], [1.0, 2.0]],)]
)
def test_tables_that_do_not_fit(tables):
    with pytest.raises(MevaError, match=r"^expected (a table|two tables) "):
        equilibria(*tables)


def test_one_table_is_square():
    said = r"^expected a second table, or as many rows as columns, got one table of shape \(2, 3\)$"
    with pytest.raises(BadValue, match=said):
        equilibria(np.ones((2, 3)))


def test_choices_have_names_of_any_kind_of_sequence():
    assert equilibria(DILEMMA, rows=np.array(["D", "C"])).names == (("D", "C"), ("0", "1"))
    wrong: tuple[Any, ...] = ("DC", ["D"], [], 2)
    for names in wrong:
        with pytest.raises(BadValue, match=r"^expected a name for each of 2 choices, got "):
            equilibria(DILEMMA, rows=names)


def test_what_is_no_tournament():
    with pytest.raises(BadValue, match=r"^expected a result of meva.tournament, or the folder of one, got None"):
        of_tournament(None)  # type: ignore[arg-type]


def test_one_line_without_nashpy(monkeypatch):
    monkeypatch.setitem(sys.modules, "nashpy", None)
    with pytest.raises(MissingLibrary, match=r'the library nashpy, got none: pip install "meva\[nashpy\]"$'):
        equilibria(DILEMMA)
