"""Draws wide tables in blocks of columns that fit the width; no cell is cut."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

GAP = 2  # between columns
NARROW = 20  # smallest width of a wrapped column whose text is longer


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
    """Yield blocks of as many columns as the width holds, with empty lines between the blocks.

    stubs: the number of leading columns, which every block repeats. left: heads of left-aligned columns, None for all
    of them; stubs are always left-aligned. wrapped: heads of columns whose cells may be broken into lines. A cell wider
    than `widest`, or than the available width, is broken too.
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
    """Yield blocks of columns: as many as fit side by side, at least one each."""
    start = used = 0
    for n, width in enumerate(widths):
        if n > start and used + width > room:
            yield slice(start, n)
            start, used = n, 0
        used += width + GAP
    yield slice(start, len(widths))
