"""Frames: how a game that is played draws an episode, step by step.

Shapes: F frames, T steps per episode.
"""

from __future__ import annotations

from typing import NamedTuple


class Mark(NamedTuple):
    """A mark in a cell of a board.

    row, column: the cell, counted from 0. text: a letter, or a few words. form: "disc" for a player, "ring" for a
    thing, "bar" for a share of the cell's width, "text" for words alone. seat: the player in whose colour it is drawn,
    counted from 0; None for the colour of text. share: the length of a bar, from 0 to 1.
    """

    row: int
    column: int
    text: str
    form: str = "text"
    seat: int | None = None
    share: float = 1.0


FORMS = ("disc", "ring", "bar", "text")


class Frames(NamedTuple):
    """An episode of T steps as boards of cells, all of one size.

    boards: the marks of each of F frames. F is T + 1 if the first frame shows the start, and T if it shows what the
    first step did. rows, columns: headings of the board's rows and columns, empty texts for none. players: their names
    in this game. caption: a sentence that says what the marks mean.
    """

    boards: tuple[tuple[Mark, ...], ...]
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    players: tuple[str, ...]
    caption: str
