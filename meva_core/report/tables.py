"""Tables of a summary, for a screen of 80 columns and for a repr."""

from __future__ import annotations

import io
import math
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

WIDTH = 80
HUGE = 1e6  # payoffs beyond it are on their way to infinity: no column is wide enough


def as_text(summary: dict[str, Any]) -> str:
    """The tables as plain text."""
    console = Console(file=io.StringIO(), width=WIDTH, no_color=True)
    console.print(title(summary))
    console.print(tables(summary))
    return console.file.getvalue().rstrip()  # type: ignore[attr-defined]


def title(summary: dict[str, Any]) -> str:
    """Who plays what, in one line."""
    opponents = f" against {', '.join(summary['opponents'])}" if summary["opponents"] else " in self-play"
    seeds = len(summary["seeds"])
    return (
        f"{summary['learner']}{opponents} on {summary['game']} "
        f"(recipe {summary['recipe']}, {seeds} seed{'s' if seeds > 1 else ''})"
    )


def tables(summary: dict[str, Any]) -> RenderableType:
    """Payoffs, then what the game tells of outcomes and basins, then what the numbers are over."""
    shown = [("payoffs", _payoffs(summary))]
    if any(row["basins"] for row in summary["rows"]):
        shown.append(("starts of the grid that end in an outcome", _basins(summary)))
    elif any(row["outcomes"] for row in summary["rows"]):
        shown.append(("shares of outcomes (player 1 first), and of matches that settled", _outcomes(summary)))
    parts: list[RenderableType] = []
    for caption, table in shown:
        parts += [Text(caption, style="bold"), table, ""]
    return Group(*parts, Text(_note(summary), style="dim"))


def _payoffs(summary: dict[str, Any]) -> Table:
    table = _table(summary)
    first = summary["rows"][0]
    together = first["self_play"] is not None
    names = [summary["learner"], *summary["opponents"]]
    heads = ["self-play"] if together else [f"seat {n + 1},\n{name}" for n, name in enumerate(names)]
    heads += ["ours vs best\nresponse", "best\nresponse's"]
    if first["against"]:
        rival = first["against"]["learner"]
        heads += [f"ours vs\n{rival}", f"{rival}'s"]
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    for row in summary["rows"]:
        cells = [row["self_play"]] if together else list(row["payoffs"])
        cells += [row["best_response"]["ours"], row["best_response"]["theirs"]]
        cells += [row["against"]["ours"], row["against"]["theirs"]] if row["against"] else []
        table.add_row(*_label(summary, row), *map(statistic, cells))
    return table


def _outcomes(summary: dict[str, Any]) -> Table:
    table = _table(summary)
    names = list(summary["rows"][0]["outcomes"])
    for name in (*names, "settled"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in summary["rows"]:
        shares = [statistic(row["outcomes"][name], digits=3) for name in names]
        table.add_row(*_label(summary, row), *shares, f"{100 * row['settled']:.0f} %")
    return table


def _basins(summary: dict[str, Any]) -> Table:
    table = _table(summary)
    for name, found in summary["rows"][0]["basins"].items():
        table.add_column(f"{name}, of {found['of']}", justify="right", no_wrap=True)
        table.add_column("share", justify="right", no_wrap=True)
        table.add_column("by seed", justify="left")
    for row in summary["rows"]:
        cells = []
        for found in row["basins"].values():
            mean, sem, of = found["cells"]["mean"], found["cells"]["sem"], found["of"]
            error = "" if sem is None else f" ±{sem:.0f}"
            seeds = " ".join(f"{count:.0f}" for count in found["cells"]["per_seed"])
            cells += [f"{mean:.0f}{error}", f"{100 * mean / of:.1f} %", seeds]
        table.add_row(*_label(summary, row), *cells)
    return table


def _table(summary: dict[str, Any]) -> Table:
    table = Table(box=None, padding=(0, 1), pad_edge=False)
    if summary["setting"]:
        table.add_column(_symbol(summary["setting"]["label"]), justify="left", no_wrap=True)
    return table


def _label(summary: dict[str, Any], row: dict[str, Any]) -> list[str]:
    return [f"{row['value']:g}"] if summary["setting"] else []


def _symbol(label: str) -> str:
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


def _short(value: float, digits: int) -> str:
    """0.012 as .012."""
    text = f"{value:.{digits}f}"
    return text[1:] if text.startswith("0.") else text


def _note(summary: dict[str, Any]) -> str:
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
