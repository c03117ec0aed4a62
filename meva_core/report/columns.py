"""A table in as many blocks as the width asks for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

GAP = 2  # between columns


def side_by_side(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    width: int,
    stubs: int = 1,
    justify: Any = "left",
    widest: int | None = None,
) -> Iterator[RenderableType]:
    """Blocks of as many columns as the width holds, the first `stubs` in each; wider than `widest` is wrapped."""
    longest = [
        max(len(line) for text in column for line in text.splitlines() or [""])
        for column in zip(heads, *rows, strict=True)
    ]
    taken = [length if widest is None else min(length, widest) for length in longest[stubs:]]
    room = width - sum(longest[:stubs]) - GAP * stubs
    for n, block in enumerate(_blocks(taken, room)):
        table = Table(box=None, padding=(0, 1), pad_edge=False)
        for head in heads[:stubs]:
            table.add_column(Text(head), no_wrap=True)
        for head in heads[stubs:][block]:
            table.add_column(Text(head), justify=justify, no_wrap=widest is None, max_width=widest, overflow="fold")
        for row in rows:
            table.add_row(*map(Text, (*row[:stubs], *row[stubs:][block])))
        if n:
            yield ""
        yield table


def _blocks(widths: Sequence[int], room: int) -> Iterator[slice]:
    """Of columns, as many as fit beside each other, and one at least."""
    start = used = 0
    for n, width in enumerate(widths):
        if n > start and used + width > room:
            yield slice(start, n)
            start, used = n, 0
        used += width + GAP
    yield slice(start, len(widths))
