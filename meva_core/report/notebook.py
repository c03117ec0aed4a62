"""Tables as HTML for notebooks, without colours of their own, so that they are readable in light and dark themes."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from meva_core.report.tables import Grid


def as_html(title: str, grids: Sequence[Grid], note: str) -> str:
    """A title, tables and a note as a fragment of HTML. All texts are escaped."""
    parts = [f"<p><strong>{escape(title)}</strong></p>" if title else "", *map(_table, grids)]
    quiet = "opacity: .75; font-size: .9em; white-space: pre-line"
    return f'<div>{"".join(parts)}<p style="{quiet}">{escape(note)}</p></div>'


def _table(grid: Grid) -> str:
    heads = "".join(f'<th scope="col"{_style(grid, n)}>{escape(head)}</th>' for n, head in enumerate(grid.heads))
    rows = ("".join(f"<td{_style(grid, n)}>{escape(cell)}</td>" for n, cell in enumerate(row)) for row in grid.rows)
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    caption = f'<caption style="caption-side: top; text-align: left; color: inherit">{escape(grid.caption)}</caption>'
    table = f"<table>{caption}<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div style="overflow-x: auto">{table}</div>'


def _style(grid: Grid, column: int) -> str:
    side = "left" if column < grid.stubs or grid.heads[column] in grid.left else "right"
    return f' style="text-align: {side}; white-space: pre"'
