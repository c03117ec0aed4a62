"""Shows a comparison on a screen: the runs, their differences, their numbers, and notes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import attrs
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from meva_core.report.columns import GAP, side_by_side
from meva_core.report.comparison.compare import CLEAR, Comparison, Line
from meva_core.report.comparison.run import OUTCOME, SEAT, SELF_PLAY, Run, Statistic
from meva_core.report.tables import WIDTH, Unit, plain, statistic

NARROW = 12  # smallest width of a column of words
ERRORS = f"|b - a| exceeds {CLEAR} standard errors (the root of the sum of both squares)"


def as_text(found: Comparison) -> str:
    """The comparison as plain text."""
    return plain(drawn(found))


def drawn(found: Comparison, width: int = WIDTH) -> RenderableType:
    """The comparison for a screen, with tables split into blocks that fit the width."""
    lines = _shown(found)
    numbers = _numbers(found, lines, width) if lines else [Text(_nothing_shared(found))]
    notes = Text("\n".join(_notes(found, lines)), style="dim")
    return Group(*_legend(found), "", *_configuration(found, width), *_twins(found), "", *numbers, "", notes)


def _legend(found: Comparison) -> Iterator[RenderableType]:
    table = Table.grid(padding=(0, GAP, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for label, run in zip(found.labels, found.runs, strict=True):
        table.add_row(Text(label, style="bold"), Text(run.name))
        table.add_row("", Text(run.title, style="dim"))
    yield table
    games = dict.fromkeys(run.game for run in found.runs)
    if len(games) > 1:
        yield Text(f"the games differ ({', '.join(games)}): their payoffs may be on different scales")


def _configuration(found: Comparison, width: int) -> Iterator[RenderableType]:
    if not found.differing:
        yield Text("no differences in configuration")
        return
    rows = [[name, *map(_value, values)] for name, values in found.differing.items()]
    room = width - max(len(name) for name in found.differing)
    widest = max(NARROW, room // min(len(found.runs), 3) - GAP)
    yield Text("differences in configuration", style="bold")
    yield from side_by_side(["", *found.labels], rows, width=width, left=None, widest=widest)


def _twins(found: Comparison) -> Iterator[RenderableType]:
    """Lines about runs with equal hashes, whose numbers should be equal."""
    for runs, equal in found.twins:
        who = _listed([found.labels[n] for n in runs])
        said = "and their numbers are equal"
        if not equal:
            said = "but their numbers differ: were they made on different machines, or with different versions?"
        yield Text(f"{who} are the same experiment (hash {found.runs[runs[0]].hash}), {said}")


def _shown(found: Comparison) -> list[Line]:
    """Lines of the tables: seats separately, unless all are in self-play. Shares of outcomes are only in the CSV."""
    averaged = [line for line in found.lines if line.quantity.kind == SELF_PLAY]
    together = bool(averaged) and all(None not in line.found for line in averaged)
    hidden = (OUTCOME, SEAT if together else SELF_PLAY)
    return [line for line in found.lines if line.quantity.kind not in hidden]


def _numbers(found: Comparison, lines: Sequence[Line], width: int) -> Iterator[RenderableType]:
    pair = len(found.runs) == 2
    swept = [] if found.setting is None else [found.symbol]
    heads = ["", *swept, *found.labels, *(["b - a", ""] if pair else [])]
    several = len({line.setting for line in lines}) > 1
    told = Unit(max(run.payoff_range for run in found.runs))
    rows: list[list[str]] = []
    above = None
    for line in lines:
        if several and rows and line.quantity != above:
            rows.append([""] * len(heads))
        stubs = ["" if line.quantity == above else line.quantity.name, *([f"{line.setting:g}"] if swept else [])]
        difference = [_difference(line, told), "*" if line.clear else ""] if pair else []
        rows.append([*stubs, *(_number(line, each, told) for each in line.found), *difference])
        above = line.quantity
    yield Text("numbers", style="bold")
    yield from side_by_side(heads, rows, width=width, stubs=1 + len(swept))


def _number(line: Line, found: Statistic | None, told: Unit) -> str:
    if found is None:
        return "-"
    digits = line.quantity.digits
    return told.statistic(attrs.asdict(found)) if digits is None else statistic(attrs.asdict(found), digits)


def _difference(line: Line, told: Unit) -> str:
    found = line.difference
    if found is None or found.mean is None:
        return ""
    return ("+" if found.mean > 0 else "") + _number(line, found, told)


def _nothing_shared(found: Comparison) -> str:
    have = [f"{label} has {_settings(run, run.rows)}" for label, run in zip(found.labels, found.runs, strict=True)]
    return f"the runs share no setting: {'; '.join(have)}. Run them at the same settings, --set evaluate.values=[...]"


def _notes(found: Comparison, lines: Sequence[Line]) -> Iterator[str]:
    if lines:
        yield from _over(found)
    differences = [line.difference for line in lines]
    if any(difference is not None and difference.sem is not None for difference in differences):
        yield f"* {ERRORS}" if any(line.clear for line in lines) else f"no {ERRORS}"
    for label, run in zip(found.labels, found.runs, strict=True):
        if run.lost:
            yield f"left out of {label}: {run.lost} {'seed' if run.lost == 1 else 'seeds'} that diverged"
    if lines:
        yield from _settings_apart(found)


def _over(found: Comparison) -> Iterator[str]:
    yield f"mean ± standard error of the mean over {_who(found, [run.over for run in found.runs])}"
    if len({run.over_seeds for run in found.runs}) > 1:
        yield "errors over pairs and over seeds do not compare: only those over seeds include differences between fits"


def _settings_apart(found: Comparison) -> Iterator[str]:
    """Sentences about settings of single rows that no line shows, and about settings that are left out."""
    own = [_settings(run, run.rows) if run.setting != found.setting else "" for run in found.runs]
    if any(own):
        yield f"{'at' if found.setting is None else 'the same at each setting:'} {_who(found, own)}"
    lost = [_settings(run, left) if left else "" for run, left in zip(found.runs, found.left_out, strict=True)]
    if any(lost):
        yield f"left out, because not all runs have them: {_who(found, lost)}"


def _settings(run: Run, values: Iterable[float | None]) -> str:
    """The setting and its values in words, "look-ahead rate η = 0, 1"."""
    if run.setting is None:
        return "its one row"
    return f"{run.setting} = {', '.join(f'{value:g}' for value in values)}"


def _who(found: Comparison, said: Sequence[str]) -> str:
    """Each text once, with the labels of its runs unless it is about all runs; an empty text is left out."""
    who: dict[str, list[str]] = {}
    for label, text in zip(found.labels, said, strict=True):
        who.setdefault(text, []).append(label)
    return "; ".join(
        text if labels == found.labels else f"{text} ({', '.join(labels)})" for text, labels in who.items() if text
    )


def _value(value: Any) -> str:
    return "-" if value is None else value if isinstance(value, str) else json.dumps(value, default=str)


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"
