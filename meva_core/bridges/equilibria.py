"""Nash equilibria, by nashpy: of a tournament, as a game of which learner to bring, and of the deterministic policies
of a game.

Shapes: N choices of the first player, M of the second.
"""

from __future__ import annotations

import itertools
import json
import os
import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from rich.table import Table
from rich.text import Text

from meva_core.contracts import GivesLogits, Playable, Sampled, kinds
from meva_core.errors import BadCombination, BadFolder, BadValue, optional
from meva_core.experiment import make
from meva_core.registry import attribution
from meva_core.report import tables
from meva_core.studies.scores import Scores

MOST = 6  # choices per player up to which every support is tried: their number is 4 to the power of it
PIVOTS = 500  # most steps of a path of Lemke and Howson: with up to 20 choices, those that arrived took at most 220
TOLERANCE = 1e-6  # of the range of payoffs: within it, payoffs are equal
MOST_POLICIES = 64  # deterministic policies of a game
SURE = 20.0  # a logit whose action is certain in single precision, as games have it


@attrs.frozen
class Equilibrium:
    """Two mixes of choices, each a best response to the other. mixes: probabilities f64[N] and f64[M]; payoffs: those
    of both players."""

    mixes: tuple[np.ndarray, np.ndarray]
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
    units = _in_unit(own), _in_unit(other)
    pairs: list[tuple[np.ndarray, np.ndarray]] = []
    for mixes in itertools.chain(_pure(*units), _mixed(*units)):
        if _gain(*units, *mixes) <= TOLERANCE and not any(_same(mixes, before) for before in pairs):
            pairs.append(mixes)
    checked = tuple(Equilibrium(mixes, _paid(own, other, mixes)) for mixes in pairs)
    return Equilibria(names, checked, (_size(own), _size(other)), _remark(*units, pairs))


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
    if game.num_players != 2 or isinstance(game, Sampled) or not _has_actions(game):
        raise BadCombination(
            "expected a game of two players with exact payoffs, whose policies choose actions, got "
            f"{kinds.describe(game)}"
        )
    actions = _deterministic(game)
    with jax.enable_x64(True):
        played: Any = jax.tree.map(lambda number: np.float64(number), game)
        payoffs = np.asarray(_payoffs(played, jnp.asarray(actions)))
    names = _names(game, actions)
    kept = [_distinct(payoffs, names[0]), _distinct(np.swapaxes(payoffs, 0, 1), names[1])]
    rows, columns = ([name[n] for n in own] for name, own in zip(names, kept, strict=True))
    first, second = np.moveaxis(payoffs[np.ix_(*kept)], 2, 0)
    return attrs.evolve(equilibria(first, second, rows, columns), codes=_codes(game, [*rows, *columns]))


@jax.jit
def _payoffs(game: Any, actions: Array) -> Array:
    """The payoffs f64[K, K, 2] of deterministic policies, whose actions in each state are i64[K, states]."""
    logits = jnp.where(jax.nn.one_hot(actions, game.to_logits(_zeros(game)).shape[2]) > 0, SURE, -SURE)
    policies = jax.vmap(lambda own: game.from_logits(jnp.stack([own, own])))(logits)
    against = jax.vmap(lambda a, b: game.payoff(jnp.stack([a[0], b[1]])), (None, 0))
    return jax.vmap(against, (0, None))(policies, policies)


def _has_actions(game: Any) -> bool:
    return isinstance(game, GivesLogits) and isinstance(game, Playable)


def _zeros(game: Any) -> Any:
    return jnp.zeros((game.num_players, game.policy_size))


def _deterministic(game: Any) -> np.ndarray:
    """The action of every deterministic policy in every state, i64[K, states]."""
    _, states, actions = jax.eval_shape(game.to_logits, _zeros(game)).shape
    if actions**states > MOST_POLICIES:
        raise BadCombination(
            f"expected a game with at most {MOST_POLICIES} deterministic policies, got {type(game).__name__} with "
            f"{actions}^{states}: {actions} actions in {states} states"
        )
    return np.array(list(itertools.product(range(actions), repeat=states)))


def _names(game: Any, actions: np.ndarray) -> list[list[str]]:
    """For each seat, the names of deterministic policies: that of a strategy that acts alike, or else its actions."""
    names = [["".join(map(str, row)) for row in actions] for _ in range(game.num_players)]
    for name in game.strategies:
        if callable(policy := game.strategies[name]):
            continue  # takes a number, and tosses coins
        logits = np.asarray(game.to_logits(jnp.broadcast_to(policy, (game.num_players, game.policy_size))))
        for seat, own in enumerate(logits):
            if np.all(np.ptp(own, axis=1) >= SURE):
                (like,) = np.flatnonzero(np.all(actions == own.argmax(axis=1), axis=1))
                names[seat][like] = name
    return names


def _codes(game: Any, names: Sequence[str]) -> str:
    """The line that explains digits for names; "" if every policy has a name."""
    if not (example := next((name for name in names if name.isdigit()), "")):
        return ""
    actions = ", ".join(f"{n} is {name}" for n, name in enumerate(game.rules().action_names))
    states = game.entry_names[:: max(1, len(game.entry_names) // len(example))]  # one number of each state
    return f"digits as in {example}: actions ({actions}) in the states of {', '.join(states)}"


def _distinct(payoffs: np.ndarray, names: Sequence[str]) -> list[int]:
    """Indices of the choices whose payoffs f64[N, M, 2] differ; of those that are alike, one with a name if any has."""
    range_of = np.ptp(payoffs)
    kept: list[int] = []
    for n in sorted(range(len(names)), key=lambda n: names[n].isdigit()):
        if not any(np.max(np.abs(payoffs[n] - payoffs[other])) <= TOLERANCE * range_of for other in kept):
            kept.append(n)
    return sorted(kept)


def _pure(own: np.ndarray, other: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
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


def _end_of_path(own: np.ndarray, other: np.ndarray, dropped: int) -> tuple[np.ndarray, np.ndarray] | None:
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


def _in_unit(table: np.ndarray) -> np.ndarray:
    """Payoffs from 0 to 1, which have the same equilibria."""
    return (table - table.min()) / (np.ptp(table) or 1)


def _gain(own: np.ndarray, other: np.ndarray, row: np.ndarray, column: np.ndarray) -> float:
    """The most that either player gains by another choice; infinity if the mixes are no probabilities."""
    if (row.shape, column.shape) != ((len(own),), (own.shape[1],)) or not np.all(np.isfinite([*row, *column])):
        return np.inf
    if min(row.min(), column.min()) < -TOLERANCE or max(abs(row.sum() - 1), abs(column.sum() - 1)) > TOLERANCE:
        return np.inf
    gains = np.max(own @ column) - row @ own @ column, np.max(row @ other) - row @ other @ column
    return float(max(gains))


def _same(mixes: tuple[np.ndarray, np.ndarray], others: tuple[np.ndarray, np.ndarray]) -> bool:
    return all(np.allclose(mix, other, rtol=0, atol=TOLERANCE) for mix, other in zip(mixes, others, strict=True))


def _paid(own: np.ndarray, other: np.ndarray, mixes: tuple[np.ndarray, np.ndarray]) -> tuple[float, float]:
    row, column = mixes
    return float(row @ own @ column), float(row @ other @ column)


def _remark(own: np.ndarray, other: np.ndarray, pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> str:
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
