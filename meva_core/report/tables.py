"""Tables of a summary, for a screen of 80 columns and for a repr."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import attrs
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.text import Text

from meva_core.contracts.evaluation import Evaluation
from meva_core.report.columns import side_by_side
from meva_core.report.tidy import in_seats

WIDTH = 80
BY_SEED = "by seed"  # head of a column whose cells list all seeds
HUGE = 1e6  # larger payoffs are diverging, and too long for a column
TINY = 1e-4  # payoffs with a smaller range are written with exponents


Evaluations = Mapping[str, Evaluation]  # evaluations of a run by name


def as_text(summary: dict[str, Any], evaluations: Evaluations) -> str:
    """The tables as plain text."""
    return plain(title(summary), tables(summary, evaluations))


def plain(*parts: RenderableType, width: int = WIDTH) -> str:
    """Tables as text of `width` characters per line, without colours."""
    # In a notebook, rich would show the text at once, in bold letters, instead of writing it.
    console = Console(file=io.StringIO(), width=width, force_terminal=False, force_jupyter=False)
    for part in parts:
        console.print(part)
    return console.file.getvalue().rstrip()  # type: ignore[attr-defined]


def title(summary: Mapping[str, Any]) -> str:
    """A line with the game and its players."""
    learner, *rivals = summary["players"]
    opponents = f" against {', '.join(rivals)}" if rivals else " in self-play"
    seeds = len(summary["seeds"])
    policies = f" between {summary['policy']} policies" if "policy" in summary else ""
    return (
        f"{learner}{opponents} on {summary['game']}{policies} "
        f"(recipe {summary['recipe']}, {seeds} seed{'s' if seeds > 1 else ''})"
    )


def seats(summary: Mapping[str, Any]) -> list[str]:
    """Labels of the players by seat; a single player takes all seats."""
    labels = in_seats(summary["players"], len(summary["rows"][0]["payoffs"]))
    return [f"seat {n + 1}: {label}" for n, label in enumerate(labels)]


@attrs.frozen
class Grid:
    """A table before it is drawn: heads (lines split by a newline) and rows of text.

    left: heads of left-aligned columns. stubs: number of leading columns that identify a row; every block of a table
    that is too wide repeats them. settings: per row, the index of its setting in the run; () without settings.
    """

    caption: str
    heads: list[str]
    rows: list[list[str]]
    left: tuple[str, ...] = ()
    stubs: int = 0
    settings: tuple[int, ...] = ()


def grids(summary: dict[str, Any], evaluations: Evaluations) -> list[Grid]:
    """The table of payoffs, then the first tables of evaluations, or else the shares of outcomes."""
    first = [grid for evaluation in evaluations.values() for grid in evaluation.first_tables(summary)]
    if not first and any(row["outcomes"] for row in summary["rows"]):
        first = [_outcomes(summary)]
    return [_payoffs(summary, evaluations), *first]


def further_grids(summary: dict[str, Any], evaluations: Evaluations) -> list[Grid]:
    """Intervals and interquartile means of the payoffs over seeds, then further tables of evaluations: what only the
    page shows."""
    further = [grid for evaluation in evaluations.values() for grid in evaluation.tables(summary)]
    return [*_intervals(summary, evaluations), *further]


def tables(summary: dict[str, Any], evaluations: Evaluations) -> RenderableType:
    """The tables of `grids` for a screen, then the note on means and errors."""
    parts: list[RenderableType] = []
    for grid in grids(summary, evaluations):
        parts += [Text(grid.caption, style="bold"), Drawn(grid), ""]
    return Group(*parts, Text(note(summary, evaluations), style="dim"))


@attrs.frozen
class Drawn:
    """A table on a screen, split into blocks that fit the width."""

    grid: Grid

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the blocks of the table to rich."""
        grid = self.grid
        yield from side_by_side(
            grid.heads, grid.rows, width=options.max_width, stubs=grid.stubs, left=grid.left, wrapped=(BY_SEED,)
        )


def _payoffs(summary: dict[str, Any], evaluations: Evaluations) -> Grid:
    return _of_payoffs(summary, evaluations, "payoffs", unit(summary).statistic)


def _intervals(summary: dict[str, Any], evaluations: Evaluations) -> list[Grid]:
    """The table of payoffs with other statistics; none with one seed, or if an older version wrote the summary."""
    first = summary["rows"][0]["payoffs"][0]
    if first["over"] != "seeds" or "iqm" not in first:
        return []
    caption = f"payoffs: interquartile mean, and 95 % interval of the mean, over {len(summary['seeds'])} seeds"
    return [_of_payoffs(summary, evaluations, caption, unit(summary).interval)]


def _of_payoffs(
    summary: dict[str, Any], evaluations: Evaluations, caption: str, text: Callable[[Mapping[str, Any]], str]
) -> Grid:
    """A table of the payoffs and the columns of evaluations. text: writes a statistic."""
    first = summary["rows"][0]
    together = first["self_play"] is not None
    columns = [column for evaluation in evaluations.values() for column in evaluation.columns(summary)]
    heads = ["self-play"] if together else [_seat(n, label) for n, label in enumerate(summary["players"])]
    heads += [column.head for column in columns]

    def shown(cells: Iterable[Mapping[str, Any] | None]) -> list[str]:
        return ["" if cell is None else text(cell) for cell in cells]

    def cells(row: dict[str, Any]) -> list[str]:
        payoffs = [row["self_play"]] if together else row["payoffs"]
        return shown([*payoffs, *(column.cell(row) for column in columns)])

    def by_seat(row: dict[str, Any], seat: str) -> list[str]:
        return shown([row["seats"][seat]["payoff"], *(column.of_seat(row, seat) for column in columns)])

    if together and first["seats"]:
        return per_seat(summary, caption, heads, by_seat)
    return per_setting(summary, caption, heads, cells)


def _seat(n: int, label: str) -> str:
    """The head of a column, in two lines of similar length."""
    name, _, rest = label.partition(" (")
    return f"seat {n + 1}, {name}\n({rest}" if rest else f"seat {n + 1},\n{name}"


def _outcomes(summary: dict[str, Any]) -> Grid:
    names = list(summary["rows"][0]["outcomes"])

    def cells(row: dict[str, Any]) -> list[str]:
        shares = [statistic(row["outcomes"][name], digits=3) for name in names]
        return [*shares, f"{100 * row['settled']:.0f} %"]

    caption = "shares of outcomes (player 1 first), and of matches that settled"
    return per_setting(summary, caption, [*names, "settled"], cells)


def per_setting(
    summary: Mapping[str, Any],
    caption: str,
    heads: list[str],
    cells: Callable[[dict[str, Any]], list[str]],
    left: tuple[str, ...] = (),
) -> Grid:
    """One row per setting. If there are several settings, they are in the first column."""
    return lines(summary, caption, heads, lambda row: [cells(row)], left)


def per_seat(
    summary: Mapping[str, Any], caption: str, heads: list[str], cells: Callable[[dict[str, Any], str], list[str]]
) -> Grid:
    """One row for each seat with separate numbers, setting by setting.

    cells: a function of a setting's row and a key of its `seats`.
    """

    def found(row: dict[str, Any]) -> list[list[str]]:
        return [[seat, *cells(row, seat)] for seat in row["seats"]]

    return lines(summary, caption, ["seat", *heads], found, ("seat",), stubs=1)


def per_row_or_seat(
    summary: Mapping[str, Any], caption: str, heads: list[str], cells: Callable[[Mapping[str, Any]], list[str]]
) -> Grid:
    """One line per row, or one for each seat if seats are separate.

    cells: a function of the row, or of its part for a seat.
    """
    if summary["rows"][0]["seats"]:
        return per_seat(summary, caption, heads, lambda row, seat: cells(row["seats"][seat]))
    return per_setting(summary, caption, heads, cells)


def lines(
    summary: Mapping[str, Any],
    caption: str,
    heads: list[str],
    found: Callable[[dict[str, Any]], list[list[str]]],
    left: tuple[str, ...] = (),
    *,
    stubs: int = 0,
) -> Grid:
    """Any number of rows per setting, or one row "none". The first column of the first row shows the setting.

    Without several settings there is no such column. found: returns the rows of a setting.
    """
    several, rows, settings = summary["setting"] is not None, [], []
    for n, row in enumerate(summary["rows"]):
        of_setting = found(row) or [["none", *[""] * (len(heads) - 1)]]
        settings += [n] * len(of_setting)
        for k, line in enumerate(of_setting):
            rows.append([f"{row['value']:g}" if k == 0 else "", *line] if several else line)
    if not several:
        return Grid(caption, heads, rows, left, stubs)
    head = symbol(summary["setting"])
    return Grid(caption, [head, *heads], rows, (head, *left), stubs + 1, tuple(settings))


def symbol(setting: Mapping[str, Any]) -> str:
    """The head of the column of settings (`Sweep.symbol`).

    Summaries of older versions have no symbol: then it is the last word of the label.
    """
    return setting.get("symbol", setting["label"].rpartition(" ")[2])


@attrs.frozen
class Unit:
    """The number format of payoffs, with enough digits to show differences between large payoffs.

    size: the range of the payoffs; 0 if it is not known.
    """

    size: float

    @property
    def digits(self) -> int:
        """Decimal places: 3 if payoffs range over 1 or more, else more."""
        return 3 + max(0, math.ceil(-math.log10(self.size))) if self.size else 3

    def statistic(self, found: Mapping[str, Any], more: int = 0) -> str:
        """A mean and its error. more: the number of additional digits."""
        if found["mean"] is not None and 0 < self.size < TINY:
            return f"{found['mean']:.4g}" + ("" if found["sem"] is None else f" ±{found['sem']:.1g}")
        return statistic(found, self.digits + more, self.size or math.inf)

    def interval(self, found: Mapping[str, Any]) -> str:
        """The interquartile mean and, in brackets, the 95 % interval of the mean; a dash for what is not known."""
        iqm, low, high = (self.number(found.get(name)) for name in ("iqm", "ci_low", "ci_high"))
        return iqm if low == "-" else f"{iqm} [{low},\N{NO-BREAK SPACE}{high}]"

    def number(self, value: float | None) -> str:
        """The value as text; a dash for None."""
        return "-" if value is None else self.statistic({"mean": value, "sem": None})


def unit(summary: Mapping[str, Any]) -> Unit:
    """The unit of a run's payoffs."""
    return unit_of(summary["payoff_range"], (cell["mean"] for row in summary["rows"] for cell in row["payoffs"]))


def unit_of(payoff_range: float | None, means: Iterable[float | None]) -> Unit:
    """The unit for payoffs with these means in a game with this payoff range, None if it is not known."""
    found = [mean for mean in means if mean is not None]
    return Unit(max(payoff_range or 0.0, max(found, default=0.0) - min(found, default=0.0)))


def statistic(found: Mapping[str, Any], digits: int = 3, size: float = math.inf) -> str:
    """Mean and error as text. Large numbers have fewer digits, unless `size`, the range of the payoffs, is small."""
    mean, sem = found["mean"], found["sem"]
    if mean is None:
        return "diverged"
    if abs(mean) >= HUGE or (sem or 0) >= HUGE:
        return f"{mean:.3g}" + ("" if sem is None else f" ±{sem:.1g}")
    if (large := min(abs(mean), size)) >= 10:
        digits = max(0, digits - int(math.log10(large)))
    error = "" if sem is None else f" ±{_short(sem, digits)}"
    return f"{mean:z.{digits}f}{error}"  # z: no minus before a zero


def number(value: float | None, digits: int) -> str:
    """The value as text; a dash for None."""
    if value is None:
        return "-"
    return f"{value:.3g}" if abs(value) >= HUGE else f"{value:.{digits}f}"


def _short(value: float, digits: int) -> str:
    """Write 0.012 as .012."""
    text = f"{value:.{digits}f}"
    return text[1:] if text.startswith("0.") else text


def note(summary: dict[str, Any], evaluations: Evaluations) -> str:
    """Lines that say over what means and errors are taken, and what is left out."""
    over = summary["rows"][0]["payoffs"][0]["over"]
    count = f"{len(summary['seeds'])} seeds" if over == "seeds" else "the pairs of one seed"
    lines = [f"mean ± standard error of the mean over {count}"]
    if summary["setting"]:
        lines[0] += f"; rows: {summary['setting']['label']}"
    for evaluation in evaluations.values():
        lines += evaluation.notes(summary)
    for row in summary["rows"]:
        if row["diverged"]:
            at = f"at {row['value']:g}, " if summary["setting"] else ""
            lines.append(f"{at}{100 * row['diverged']:.3g} % of the matches diverged: payoffs that are not finite")
    for lost in summary["diverged"]:
        lines.append(f"left out: seed {lost['seed']}, diverged in loop {lost['loop']} ({lost['quantity']})")
    return "\n".join(lines)
