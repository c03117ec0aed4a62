"""Tables on a screen: whatever their width, no cell is cut."""

import re

import pytest

from meva_core.contracts import Sweep, look_ahead_sweep
from meva_core.report import tables
from meva_core.report.tables import BY_SEED, Drawn, Grid, plain

CELL = "0.954 ±.012"


def shown(grid, width=80):
    text = plain(Drawn(grid), width=width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    return text


@pytest.mark.parametrize("columns", [1, 5, 6, 7, 12, 40])
def test_columns_that_do_not_fit_stand_in_blocks_with_their_stubs(columns):
    heads = ["η", *(f"{n} give" for n in range(columns))]
    rows = [["0.5", *[CELL] * columns], ["25", *[CELL] * columns]]
    text = shown(Grid("", heads, rows, ("η",), stubs=1))
    assert text.count(CELL) == 2 * columns
    assert re.findall(r"\d+ give", text) == heads[1:]
    blocks = text.split("\n\n")
    assert [block.split()[0] for block in blocks] == ["η"] * len(blocks)
    assert len(blocks) == -(-columns // 5)


def test_what_fits_is_one_block():
    text = shown(Grid("", ["seat 1,\nlola", "seat 2,\nnaive"], [[CELL, CELL]]))
    assert text.splitlines() == ["    seat 1,      seat 2,", "       lola        naive", f"{CELL}  {CELL}"]


def test_many_seeds_go_on_in_the_next_line():
    seeds = " ".join(["841"] * 40)
    grid = Grid("", ["B, of 841", "share", BY_SEED], [["841 ±0", "100.0 %", seeds]], (BY_SEED,))
    text = shown(grid)
    assert text.count("841") == 42
    assert "\n\n" not in text


@pytest.mark.parametrize("width", [20, 40, 80])
def test_cells_wider_than_the_screen_are_folded(width):
    word = "abcdefghij" * 12
    text = shown(Grid("", [word, "b"], [[word, word], ["", CELL]], stubs=1), width)
    letters = re.sub(r"\s", "", text)
    assert len(letters) >= 3 * len(word)
    assert re.sub(r"\s", "", CELL) in letters
    assert all(text.count(letter) >= 12 * 3 for letter in "aj")


def test_brackets_are_no_markup():
    text = shown(Grid("", ["fixed (policy=[bold])", "[/]"], [["[red]1", "2"]]))
    assert text.splitlines()[0] == "fixed (policy=[bold])  [/]"
    assert "[red]1" in text


@pytest.mark.parametrize(
    ("setting", "head"),
    [
        ({"label": "meta-discount γ", "symbol": "γ"}, "γ"),
        ({"label": "learning rate", "symbol": "α"}, "α"),
        ({"label": "meta-discount γ"}, "γ"),  # of a folder that was written before there were symbols
    ],
)
def test_rows_are_headed_by_the_symbol_of_their_setting(setting, head):
    summary = {"setting": setting, "rows": [{"value": 0.5}]}
    assert tables.lines(summary, "", ["number"], lambda row: [["1"]]).heads == [head, "number"]


def test_a_symbol_is_the_last_word_of_a_label_unless_said():
    assert Sweep("discount", (0.0,), "meta-discount γ").symbol == "γ"
    assert Sweep("discount", (0.0,), "discount").symbol == "discount"
    assert Sweep("rate", (0.0,), "learning rate", symbol="α").symbol == "α"
    assert Sweep.of_multiples("rate", 2.0, "rate α") == Sweep("rate", (0.0, 0.5, 1.0, 2.0, 4.0, 8.0), "rate α", "α")
    with pytest.warns(DeprecationWarning, match=r"use Sweep\.of_multiples"):
        assert look_ahead_sweep(1.0).symbol == "η"
