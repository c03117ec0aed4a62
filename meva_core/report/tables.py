"""Tables of a summary, for a screen of 80 columns and for a repr."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from typing import Any

import attrs
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

WIDTH = 80
HUGE = 1e6  # payoffs beyond it are on their way to infinity: no column is wide enough


def as_text(summary: dict[str, Any]) -> str:
    """The tables as plain text."""
    return plain(title(summary), tables(summary))


def plain(*parts: RenderableType) -> str:
    """As text of 80 columns, without colours."""
    console = Console(file=io.StringIO(), width=WIDTH, no_color=True)
    for part in parts:
        console.print(part)
    return console.file.getvalue().rstrip()  # type: ignore[attr-defined]


def title(summary: dict[str, Any]) -> str:
    """Who plays what, in one line."""
    opponents = f" against {', '.join(summary['opponents'])}" if summary["opponents"] else " in self-play"
    seeds = len(summary["seeds"])
    return (
        f"{summary['learner']}{opponents} on {summary['game']} "
        f"(recipe {summary['recipe']}, {seeds} seed{'s' if seeds > 1 else ''})"
    )


@attrs.frozen
class Grid:
    """A table before it is drawn: heads (lines split by a newline) and rows of text; `left`: columns of words;
    `settings`: whether row n is of the run's setting n."""

    caption: str
    heads: list[str]
    rows: list[list[str]]
    left: tuple[str, ...] = ()
    settings: bool = False


def grids(summary: dict[str, Any]) -> list[Grid]:
    """Payoffs, then what the game tells of outcomes or basins."""
    shown = [_payoffs(summary)]
    if any(row["basins"] for row in summary["rows"]):
        shown.append(_basins(summary))
    elif any(row["outcomes"] for row in summary["rows"]):
        shown.append(_outcomes(summary))
    return shown


def details(summary: dict[str, Any]) -> list[Grid]:
    """What a page has room for beyond `grids`."""
    rows = summary["rows"]
    shown = [_exploitability(summary)]
    shown.append(_convergence(summary))
    if rows[0]["errors"]:
        shown.append(_errors(summary))
    if len(rows[0]["regions"]) > 1:
        shown.append(_regions(summary))
    if len(summary["seeds"]) > 1:
        shown.append(_by_seed(summary))
    if any(row["extortion"] for row in rows):
        shown.append(_extortion(summary))
    if summary["cross_play"]:
        shown.append(_cross_play(summary["cross_play"], summary["setting"]))
    if any(row["unstable"] for row in rows):
        shown.append(_unstable(summary))
    if any(row["rests"] for row in rows):
        shown.append(_rests(summary))
    return shown


def tables(summary: dict[str, Any]) -> RenderableType:
    """All grids, then what the numbers are over."""
    parts: list[RenderableType] = []
    for grid in grids(summary):
        parts += [Text(grid.caption, style="bold"), drawn(grid), ""]
    return Group(*parts, Text(note(summary), style="dim"))


def drawn(grid: Grid) -> Table:
    """For a screen."""
    table = Table(box=None, padding=(0, 1), pad_edge=False)
    for head in grid.heads:
        table.add_column(head, justify="left" if head in grid.left else "right", no_wrap=head != "by seed")
    for row in grid.rows:
        table.add_row(*row)
    return table


def _payoffs(summary: dict[str, Any]) -> Grid:
    first = summary["rows"][0]
    together = first["self_play"] is not None
    names = [summary["learner"], *summary["opponents"]]
    heads = ["self-play"] if together else [f"seat {n + 1},\n{name}" for n, name in enumerate(names)]
    heads += ["ours vs best\nresponse", "best\nresponse's"]
    if first["against"]:
        rival = first["against"]["learner"]
        heads += [f"ours vs\n{rival}", f"{rival}'s"]

    def cells(row: dict[str, Any]) -> list[str]:
        found = [row["self_play"]] if together else list(row["payoffs"])
        found += [row["best_response"]["ours"], row["best_response"]["theirs"]]
        found += [row["against"]["ours"], row["against"]["theirs"]] if row["against"] else []
        return [statistic(cell) for cell in found]

    return _grid(summary, "payoffs", heads, cells)


def _outcomes(summary: dict[str, Any]) -> Grid:
    names = list(summary["rows"][0]["outcomes"])

    def cells(row: dict[str, Any]) -> list[str]:
        shares = [statistic(row["outcomes"][name], digits=3) for name in names]
        return [*shares, f"{100 * row['settled']:.0f} %"]

    caption = "shares of outcomes (player 1 first), and of matches that settled"
    return _grid(summary, caption, [*names, "settled"], cells)


def _exploitability(summary: dict[str, Any]) -> Grid:
    def cells(row: dict[str, Any]) -> list[str]:
        return [statistic(row["exploitability"][name]) for name in ("gain", "loss")]

    heads = ["the best response's gain", "our loss by it"]
    return _grid(summary, "exploitability: what a best response changes", heads, cells)


def _errors(summary: dict[str, Any]) -> Grid:
    heads = ["error, 100 steps", "the first 10", "10 after 500", "TD error, 10 steps", "gradient off by, in degrees"]

    def cells(row: dict[str, Any]) -> list[str]:
        errors = row["errors"]
        found = [statistic(errors[name], digits=4) for name in ("value", "early", "late", "td")]
        return [*found, "-" if errors["angle"]["mean"] is None else statistic(errors["angle"], digits=1)]

    return _grid(summary, "the learnt meta-value against the true discounted sum, along play", heads, cells)


def _regions(summary: dict[str, Any]) -> Grid:
    names = list(summary["rows"][0]["regions"])

    def cells(row: dict[str, Any]) -> list[str]:
        found = [row["regions"][name] for name in names]
        return [f"{statistic(f['error'], digits=4)} ({100 * f['share']:.0f} %)" if f["share"] else "-" for f in found]

    caption = "the learnt meta-value's error by what is mostly played (and the share of the states where it is)"
    return _grid(summary, caption, names, cells)


def _convergence(summary: dict[str, Any]) -> Grid:
    heads = [f"step {found['step']}" for found in summary["rows"][0]["convergence"]]

    def cells(row: dict[str, Any]) -> list[str]:
        lengths = [_tiny(found["length"]) for found in row["convergence"]]
        return [*lengths, f"{100 * row['settled']:.0f} %"]

    caption = "convergence: mean length of a player's step, and matches whose payoffs settled"
    return _grid(summary, caption, [*heads, "settled"], cells)


def _by_seed(summary: dict[str, Any]) -> Grid:
    def cells(row: dict[str, Any]) -> list[str]:
        return [_number(payoff, 3) for payoff in row["best_response"]["ours"]["per_seed"]]

    return _grid(
        summary, "our payoff against the best response, seed by seed", [f"seed {s}" for s in summary["seeds"]], cells
    )


def _cross_play(found: dict[str, Any], setting: dict[str, Any] | None) -> Grid:
    at = f" at {symbol(setting['label'])} = {found['value']:g}" if setting and found["value"] is not None else ""
    names = [f"seed {seed}" for seed in found["seeds"]]
    rows = [[name, *(_number(p, 3) for p in payoffs)] for name, payoffs in zip(names, found["payoffs"], strict=True)]
    return Grid(f"cross-play{at}: payoff of the row's fit, in seat 1, against the column's", ["", *names], rows, ("",))


def _extortion(summary: dict[str, Any]) -> Grid:
    def lines(row: dict[str, Any]) -> list[list[str]]:
        return [
            [f"{at['step']}", *(_number(n, 3) for n in (at["slope"], at["straightness"], *at["payoffs"]))]
            for at in row["extortion"]["over_training"]
        ]

    rival = summary["rows"][0]["against"]["learner"]
    heads = ["step", "their gain per ours", "straightness", "ours", f"{rival}'s"]
    caption = f"extortion along matches against {rival}: payoffs of our policy and random opponents, as a line"
    return _lines(summary, caption, heads, lines)


def _unstable(summary: dict[str, Any]) -> Grid:
    told = [row["unstable"] for row in summary["rows"]]

    def cells(row: dict[str, Any]) -> list[str]:
        starts = row["unstable"]["starts"]
        listed = "; ".join(f"{a:.3g}, {b:.3g}" for a, b in starts)
        return [statistic(row["unstable"]["cells"], digits=0), listed or "none"]

    caption = f"starts that end elsewhere when moved by {told[0]['by']:g}, of {told[0]['of']}"
    which = f"which, on seed {summary['seeds'][0]}"
    return _grid(summary, caption, ["number", which], cells, (which,))


def _rests(summary: dict[str, Any]) -> Grid:
    def lines(row: dict[str, Any]) -> list[list[str]]:
        return [
            [
                ", ".join(f"{number:.3f}" for number in rest["x"]),
                _number(rest["modulus"], 3),
                {True: "yes", False: "no", None: "neutral"}[rest["stable"]],
                f"{100 * rest['share']:.0f} %",
                _number(rest["away"], 3),
            ]
            for rest in row["rests"]
        ]

    heads = ["policies", "largest |eigenvalue|", "stable", "trajectories", "from the game's own equilibrium"]
    caption = f"fixed points near the ends of trajectories, on seed {summary['seeds'][0]}"
    return _lines(summary, caption, heads, lines)


def _basins(summary: dict[str, Any]) -> Grid:
    heads: list[str] = []
    for name, found in summary["rows"][0]["basins"].items():
        heads += [f"{name}, of {found['of']}", "share", "by seed"]

    def cells(row: dict[str, Any]) -> list[str]:
        shown: list[str] = []
        for found in row["basins"].values():
            mean, sem, of = found["cells"]["mean"], found["cells"]["sem"], found["of"]
            error = "" if sem is None else f" ±{sem:.0f}"
            seeds = " ".join(f"{count:.0f}" for count in found["cells"]["per_seed"])
            shown += [f"{mean:.0f}{error}", f"{100 * mean / of:.1f} %", seeds]
        return shown

    return _grid(summary, "starts of the grid that end in an outcome", heads, cells, ("by seed",))


def _grid(
    summary: dict[str, Any],
    caption: str,
    heads: list[str],
    cells: Callable[[dict[str, Any]], list[str]],
    left: tuple[str, ...] = (),
) -> Grid:
    """One row per setting, which stands in the first column where there are several."""
    if summary["setting"] is None:
        return Grid(caption, heads, [cells(row) for row in summary["rows"]], left)
    head = symbol(summary["setting"]["label"])
    rows = [[f"{row['value']:g}", *cells(row)] for row in summary["rows"]]
    return Grid(caption, [head, *heads], rows, (head, *left), settings=True)


def _lines(
    summary: dict[str, Any], caption: str, heads: list[str], lines: Callable[[dict[str, Any]], list[list[str]]]
) -> Grid:
    """Any number of lines per setting, which stands in the first column of the first."""
    found = [(row["value"], lines(row) or [["none", *[""] * (len(heads) - 1)]]) for row in summary["rows"]]
    if summary["setting"] is None:
        return Grid(caption, heads, [line for _, several in found for line in several])
    head = symbol(summary["setting"]["label"])
    rows = [[f"{value:g}" if n == 0 else "", *line] for value, several in found for n, line in enumerate(several)]
    return Grid(caption, [head, *heads], rows, (head,))


def symbol(label: str) -> str:
    """The last word: "meta-discount γ" is headed γ."""
    return label.rpartition(" ")[2]


def statistic(found: dict[str, Any], digits: int = 3) -> str:
    """Mean and error; large payoffs lose digits, not columns."""
    mean, sem = found["mean"], found["sem"]
    if mean is None:
        return "diverged"
    if abs(mean) >= HUGE or (sem or 0) >= HUGE:
        return f"{mean:.3g}" + ("" if sem is None else f" ±{sem:.1g}")
    if abs(mean) >= 10:
        digits = max(0, digits - int(math.log10(abs(mean))))
    error = "" if sem is None else f" ±{_short(sem, digits)}"
    return f"{mean:.{digits}f}{error}"


def _number(value: float | None, digits: int) -> str:
    if value is None:
        return "-"
    return f"{value:.3g}" if abs(value) >= HUGE else f"{value:.{digits}f}"


def _tiny(value: float | None) -> str:
    """Of lengths that fall by orders of magnitude."""
    return "-" if value is None else f"{value:.2g}"


def _short(value: float, digits: int) -> str:
    """0.012 as .012."""
    text = f"{value:.{digits}f}"
    return text[1:] if text.startswith("0.") else text


def note(summary: dict[str, Any]) -> str:
    """What the numbers are over, and what is not in them."""
    over = summary["rows"][0]["payoffs"][0]["over"]
    count = f"{len(summary['seeds'])} seeds" if over == "seeds" else "the pairs of one seed"
    lines = [f"mean ± standard error of the mean over {count}"]
    if summary["setting"]:
        lines[0] += f"; rows: {summary['setting']['label']}"
    for row in summary["rows"]:
        if row["diverged"]:
            at = f"at {row['value']:g}, " if summary["setting"] else ""
            lines.append(f"{at}{100 * row['diverged']:.3g} % of the matches diverged: payoffs that are not finite")
    for lost in summary["diverged"]:
        lines.append(f"left out: seed {lost['seed']}, diverged in loop {lost['loop']} ({lost['quantity']})")
    return "\n".join(lines)
