"""Frames: how a game that is played draws an episode, step by step.

Shapes: F frames, T steps per episode.
"""

from __future__ import annotations

from typing import Any, NamedTuple


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

    @staticmethod
    def complaint(found: Any, steps: int, players: int) -> str:
        """The error in what a game returns as the frames of an episode of `steps` steps; empty if there is none."""
        if not isinstance(found, Frames):
            return f"frames(episode): expected Frames or None, got {type(found).__name__}"
        rows, columns = len(found.rows), len(found.columns)
        if len(found.boards) not in (steps, steps + 1):
            return f"frames(episode).boards: expected {steps} or {steps + 1} for {steps} steps, got {len(found.boards)}"
        if len(found.players) != players:
            return f"frames(episode).players: expected {players} names, got {len(found.players)}"
        for mark in (mark for board in found.boards for mark in board):
            seated = mark.seat is None or 0 <= mark.seat < players
            inside = 0 <= mark.row < rows and 0 <= mark.column < columns
            if not (seated and inside and mark.form in FORMS and 0 <= mark.share <= 1):
                return (
                    f"frames(episode).boards: expected marks in {rows} rows and {columns} columns, in a form of "
                    f"{', '.join(FORMS)}, with a share from 0 to 1, and a seat below {players} or None, got {mark}"
                )
        return ""
