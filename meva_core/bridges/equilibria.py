"""Nash equilibria, by nashpy: of a tournament, as a game of which learner to bring, and of the deterministic policies
of a game.

Shapes: N choices of the first player, M of the second.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from rich.table import Table
from rich.text import Text

from meva_core.bridges.deterministic_policies import choices
from meva_core.bridges.nash_search import TOLERANCE, Mixes, search
from meva_core.contracts import kinds
from meva_core.errors import BadFolder, BadValue
from meva_core.experiment import make
from meva_core.registry import attribution
from meva_core.report import tables
from meva_core.studies.scores import Scores


@attrs.frozen
class Equilibrium:
    """Two mixes of choices, each a best response to the other. mixes: probabilities f64[N] and f64[M]; payoffs: those
    of both players."""

    mixes: Mixes
    payoffs: tuple[float, float]


@attrs.frozen(repr=False)
class Equilibria:
    """The equilibria of a game in which each player makes one choice. names: the choices of each player.

    sizes: the range of each player's payoffs. remark: a line about what may be missing; "" if all equilibria are here.
    codes: a line that explains the names; "" if there is nothing to explain.
    """

    names: tuple[tuple[str, ...], tuple[str, ...]]
    equilibria: tuple[Equilibrium, ...]
    sizes: tuple[float, float]
    remark: str
    codes: str = ""

    @property
    def pure(self) -> tuple[Equilibrium, ...]:
        """The equilibria in which nobody mixes."""
        return tuple(one for one in self.equilibria if all(np.max(mix) == 1 for mix in one.mixes))

    def table(self) -> Table:
        """The table for a screen; choices with a comma between them can take each other's place in a line."""
        partners: dict[tuple[str, ...], list[str]] = {}
        for one in self.equilibria:
            row, column = self._choices(one)
            partners.setdefault((row, *map(_as_text, one.payoffs, self.sizes)), []).append(column)
        lines: dict[tuple[str, ...], list[str]] = {}
        for (row, *paid), columns in partners.items():
            lines.setdefault((", ".join(columns), *paid), []).append(row)
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
        for head in ("player 1", "player 2", "payoff 1", "payoff 2"):
            table.add_column(head, justify="right" if head.startswith("payoff") else "left", overflow="fold")
        for (columns, *paid), rows in lines.items():
            table.add_row(*map(Text, (", ".join(rows), columns, *paid)))
        return table

    @property
    def note(self) -> str:
        """The lines below the table: that no equilibrium was found, the remark, and the meaning of the names."""
        empty = "" if self.equilibria else "no equilibrium was found"
        return "\n".join(filter(None, ["; ".join(filter(None, [empty, self.remark])), self.codes]))

    def _choices(self, one: Equilibrium) -> list[str]:
        """The choices of each player with their probabilities, the most probable first."""
        return [
            " + ".join(names[n] if mix[n] == 1 else f"{mix[n]:.3f} {names[n]}" for n in np.argsort(-mix) if mix[n] > 0)
            for names, mix in zip(self.names, one.mixes, strict=True)
        ]

    def __repr__(self) -> str:
        return tables.plain(self.table(), Text(self.note))


def equilibria(
    first: Any, second: Any = None, rows: Iterable[str] | None = None, columns: Iterable[str] | None = None
) -> Equilibria:
    """The equilibria of two tables of payoffs f64[N, M], of the first and of the second player.

    second: by default the transposed first, the table of a symmetric game. rows, columns: names of the choices of the
    first and the second player, by default numbers. All equilibria without mixing are found. With at most 6 choices
    each, nashpy tries every support for the others. In larger games only some of the others are found: one by linear
    programming if each player gains what the other loses, or else those at the ends of the paths of Lemke and Howson
    from every choice. Every equilibrium is checked: nobody gains more than a millionth of the payoffs' range by another
    choice.
    Raises BadValue on tables that do not fit, or with numbers that are not finite, and MissingLibrary without nashpy.

    >>> from meva_core.bridges.equilibria import equilibria
    >>> chicken = equilibria([[-100.0, 1.0], [-1.0, 0.0]])  # straight, swerve
    >>> [one.payoffs for one in chicken.pure]
    [(1.0, -1.0), (-1.0, 1.0)]
    >>> chicken.equilibria[2].mixes[0].round(2).tolist()  # drives straight once in a hundred times
    [0.01, 0.99]

    References:
        Knight & Campbell (2018), Nashpy: A Python Library for the Computation of Nash Equilibria, Journal of Open
        Source Software.
        Lemke & Howson (1964), Equilibrium Points of Bimatrix Games, Journal of the SIAM.
    """
    own = _checked(first)
    if second is None and own.shape[0] != own.shape[1]:
        raise BadValue(f"expected a second table, or as many rows as columns, got one table of shape {own.shape}")
    other = own.T if second is None else _checked(second)
    if own.shape != other.shape:
        raise BadValue(f"expected two tables of one shape, got {own.shape} and {other.shape}")
    names = _labels(rows, own.shape[0]), _labels(columns, own.shape[1])
    pairs, remark = search(own, other)
    checked = tuple(Equilibrium(mixes, _paid(own, other, mixes)) for mixes in pairs)
    return Equilibria(names, checked, (_size(own), _size(other)), remark)


@attribution.named()
def of_tournament(result: Scores | str | Path, game: str | None = None) -> Equilibria:
    """The equilibria of which learner to bring to a tournament: the payoffs are those of its table, without their
    errors.

    result: what `meva.tournament` returns, or the folder of a finished tournament. game: its name, if there are
    several. The row's payoff is its mean over both seats, so the game is symmetric. Raises BadFolder for another
    folder, and BadValue for anything else, for an unknown game or if a match has no payoff.
    """
    if not isinstance(result, (Scores, str, os.PathLike)):
        raise BadValue(f"expected a result of meva.tournament, or the folder of one, got {kinds.describe(result)}")
    scores = result if isinstance(result, Scores) else Scores(_summary(Path(result)))
    games = list(scores.summary["games"])
    if game is None and len(games) > 1:
        raise BadValue(f"expected one of several games, {', '.join(games)}, got none")
    if game is not None and game not in games:
        raise BadValue(f"expected one of the games {', '.join(games)}, got {game!r}")
    one = Scores({**scores.summary, "games": {game: scores.summary["games"][game]}}) if game else scores
    if not np.all(np.isfinite(one.payoffs)):
        raise BadValue("expected a payoff of every match, got matches that diverged: leave those learners out")
    return equilibria(one.payoffs, rows=one.labels, columns=one.labels)


@attribution.named()
def of_policies(game: Any) -> Equilibria:
    """The equilibria between the deterministic policies of a game of two players: in an iterated game, its memory-one
    strategies that never toss a coin. There the best response to one of these is another one, so they are equilibria
    of the whole iterated game.

    game: a name, a class or an object. Payoffs are the game's own, exact, in double precision. Policies that always
    earn the same, and let the other earn the same, count once. A policy has its name in the game, or else its action in
    each state, "01101", in the order of the policy's numbers; `codes` says what these digits are. Raises
    BadCombination if the game has no exact payoffs, or too many such policies.
    """
    game = make.make("game", game) if isinstance(game, (str, type)) else game
    kinds.check("game", game, "game")
    own = choices(game)
    return attrs.evolve(equilibria(own.first, own.second, own.rows, own.columns), codes=own.codes)


def _checked(table: Any) -> np.ndarray:
    try:
        numbers = np.asarray(table, float)
    except (TypeError, ValueError) as error:
        raise BadValue(f"expected a table of payoffs, got {table!r:.120}") from error
    if numbers.ndim != 2 or not numbers.size or not np.all(np.isfinite(numbers)):
        raise BadValue(f"expected a table of finite payoffs, rows and columns, got {table!r:.120}")
    return numbers


def _labels(names: Iterable[str] | None, count: int) -> tuple[str, ...]:
    """The names of a player's choices, by default numbers."""
    if names is None:
        return tuple(map(str, range(count)))
    if isinstance(names, str) or not isinstance(names, Iterable) or len(labels := tuple(map(str, names))) != count:
        raise BadValue(f"expected a name for each of {count} choices, got {names!r:.120}")
    return labels


def _size(table: np.ndarray) -> float:
    """The range of payoffs, or the payoff if all are equal: what decides how many digits are worth showing."""
    return float(np.ptp(table) or np.abs(table).max())


def _as_text(payoff: float, size: float) -> str:
    """A payoff as text; those that are equal within the tolerance look equal."""
    step = TOLERANCE * size or 1
    return tables.Unit(size).number(round(payoff / step) * step)


def _paid(own: np.ndarray, other: np.ndarray, mixes: Mixes) -> tuple[float, float]:
    row, column = mixes
    return float(row @ own @ column), float(row @ other @ column)


def _summary(folder: Path) -> dict[str, Any]:
    """The content of a tournament's summary.json."""
    try:
        summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        cells = [cell for game in summary["games"].values() for cell in game["cells"]]
        if cells and all("payoff" in cell for cell in cells):
            return summary
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        pass
    raise BadFolder(f"expected the folder of a finished tournament, got {folder}")
