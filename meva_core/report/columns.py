"""A table in as many blocks as the width asks for; no cell is cut."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

GAP = 2  # between columns
NARROW = 20  # what a wrapped column is given at least, where it has so much to say


def side_by_side(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    width: int,
    stubs: int = 1,
    left: Collection[str] | None = (),
    wrapped: Collection[str] = (),
    widest: int | None = None,
) -> Iterator[RenderableType]:
    """Blocks of as many columns as the width holds, the first `stubs` in each, and lines between them.

    left: heads of the columns that stand at the left, None for all of them; the stubs do anyway. wrapped: heads of
    those that may be broken into lines; so is a cell that is wider than `widest`, or than there is room.
    """
    room_of_stub = max(1, (width // 2) // max(stubs, 1) - GAP)
    lengths = [max(map(_length, column)) for column in zip(heads, *rows, strict=True)]
    above = [min(length, room_of_stub) for length in lengths[:stubs]]
    room = max(1, width - sum(above) - GAP * stubs)
    most = min(room, widest or room)
    taken = [
        min(length, most, NARROW) if head in wrapped else min(length, most)
        for head, length in zip(heads[stubs:], lengths[stubs:], strict=True)
    ]
    for n, block in enumerate(_blocks(taken, room)):
        table = Table(box=None, padding=(0, 1), pad_edge=False)
        for head in heads[:stubs]:
            table.add_column(Text(head), max_width=room_of_stub, overflow="fold")
        for head, length in zip(heads[stubs:][block], lengths[stubs:][block], strict=True):
            table.add_column(
                Text(head),
                justify="left" if left is None or head in left else "right",
                no_wrap=head not in wrapped and length <= most,
                max_width=None if head in wrapped else most,
                overflow="fold",
            )
        for row in rows:
            table.add_row(*map(Text, (*row[:stubs], *row[stubs:][block])))
        if n:
            yield ""
        yield table


def _length(cell: str) -> int:
    return max(map(len, cell.split("\n")))


def _blocks(widths: Sequence[int], room: int) -> Iterator[slice]:
    """Blocks of columns, each as many as fit side by side, and at least one."""
    start = used = 0
    for n, width in enumerate(widths):
        if n > start and used + width > room:
            yield slice(start, n)
            start, used = n, 0
        used += width + GAP
    yield slice(start, len(widths))
