"""Search for the Nash equilibria of two tables of payoffs, by nashpy.

Shapes: N choices of the first player, M of the second. own, other f64[N, M]: payoffs of the first and the second.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from meva_core.errors import optional

MOST = 6  # choices per player up to which every support is tried: their number is 4 to the power of it
PIVOTS = 500  # most steps of a path of Lemke and Howson: with up to 20 choices, those that arrived took at most 220
TOLERANCE = 1e-6  # of the range of payoffs: within it, payoffs are equal

Mixes = tuple[np.ndarray, np.ndarray]  # probabilities f64[N] and f64[M] of the choices of both players


def search(own: np.ndarray, other: np.ndarray) -> tuple[list[Mixes], str]:
    """The equilibria of two tables, each checked, and a line about those that may be missing, or ""."""
    own, other = _in_unit(own), _in_unit(other)
    pairs: list[Mixes] = []
    for mixes in itertools.chain(_pure(own, other), _mixed(own, other)):
        if _gain(own, other, *mixes) <= TOLERANCE and not any(_same(mixes, before) for before in pairs):
            pairs.append(mixes)
    return pairs, _remark(own, other, pairs)


def _in_unit(table: np.ndarray) -> np.ndarray:
    """Payoffs from 0 to 1, which have the same equilibria."""
    return (table - table.min()) / (np.ptp(table) or 1)


def _pure(own: np.ndarray, other: np.ndarray) -> Iterator[Mixes]:
    """All pairs of choices that are best responses to each other, as mixes."""
    best = (own >= own.max(axis=0) - TOLERANCE) & (other >= other.max(axis=1, keepdims=True) - TOLERANCE)
    for n, m in np.argwhere(best):
        yield np.eye(len(own))[n], np.eye(own.shape[1])[m]


def _mixed(own: np.ndarray, other: np.ndarray) -> Iterator[Any]:
    """Mixes that nashpy takes for equilibria, to be checked: of larger games, only some."""
    nashpy = optional("nashpy")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # about degenerate games, which the remark tells
        if max(own.shape) <= MOST:
            yield from nashpy.Game(own, other).support_enumeration()
        elif np.allclose(own + other, 1, rtol=0, atol=TOLERANCE):
            yield nashpy.Game(own).linear_program()
        else:
            yield from filter(None, (_end_of_path(own, other, n) for n in range(sum(own.shape))))


def _end_of_path(own: np.ndarray, other: np.ndarray, dropped: int) -> Mixes | None:
    """The mixes at which the path of Lemke and Howson ends that drops this label first; None if it gets lost.

    `nashpy.Game.lemke_howson` has no limit, and numbers that overflow: among many choices it may not return.
    """
    from nashpy.linalg import create_col_tableau, create_row_tableau

    columns, rows = create_col_tableau(own, lexicographic=True), create_row_tableau(other, lexicographic=True)
    order = (rows, columns) if dropped in rows.non_basic_variables else (columns, rows)
    try:
        for tableau in itertools.islice(itertools.cycle(order), PIVOTS):
            dropped = tableau.pivot_and_drop_label(dropped)
            matrix = tableau._tableau  # whose numbers grow with every step, until they overflow
            matrix /= np.abs(matrix).max(axis=1, keepdims=True)
            if columns.non_basic_variables | rows.non_basic_variables == columns.labels:
                mixes = rows.to_strategy(columns.non_basic_variables), columns.to_strategy(rows.non_basic_variables)
                return _without_dust(mixes[0]), _without_dust(mixes[1])
    except (KeyError, ValueError):  # no label to drop
        pass
    return None


def _without_dust(mix: np.ndarray) -> np.ndarray:
    """The mix without probabilities that are rounding errors."""
    kept = np.where(mix > TOLERANCE, mix, 0.0)
    return kept / kept.sum()


def _gain(own: np.ndarray, other: np.ndarray, row: np.ndarray, column: np.ndarray) -> float:
    """The most that either player gains by another choice; infinity if the mixes are no probabilities."""
    if (row.shape, column.shape) != ((len(own),), (own.shape[1],)) or not np.all(np.isfinite([*row, *column])):
        return np.inf
    if min(row.min(), column.min()) < -TOLERANCE or max(abs(row.sum() - 1), abs(column.sum() - 1)) > TOLERANCE:
        return np.inf
    gains = np.max(own @ column) - row @ own @ column, np.max(row @ other) - row @ other @ column
    return float(max(gains))


def _same(mixes: Mixes, others: Mixes) -> bool:
    return all(np.allclose(mix, other, rtol=0, atol=TOLERANCE) for mix, other in zip(mixes, others, strict=True))


def _remark(own: np.ndarray, other: np.ndarray, pairs: Sequence[Mixes]) -> str:
    """A line about what may be missing. A game is degenerate if more choices are best responses to a mix than the mix
    has; one that is not has an odd number of equilibria."""

    def ties(paid: np.ndarray, mix: np.ndarray) -> bool:
        return int(np.sum(paid >= paid.max() - TOLERANCE)) > int(np.sum(mix > TOLERANCE))

    tied = any(ties(own @ column, column) or ties(row @ other, row) for row, column in pairs)
    if max(own.shape) > MOST:
        return f"with more than {MOST} choices, equilibria with mixing may be missing"
    if tied or len(pairs) % 2 == 0:
        return "payoffs are tied, so that between these there may be further equilibria"
    return ""
