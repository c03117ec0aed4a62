"""The numbers of a run as long tables, which pandas.read_csv and R's read.csv read as they are.

seeds.csv has one line per quantity, row of the run, seat and seed:

    quantity    name of a statistic in a row of summary.json, dotted, as in claims and rankings: self_play,
                best_response.ours, outcomes.CC. A count of cells is a share of all, and payoff is a seat's payoff
    setting     name of the setting in which the rows differ, discount; empty if there is one row
    at          its value
    seat        seat that the number is about, from 1; empty if it is about the match
    player      label of the player in that seat
    seed        seed of the fit
    value       the number, a mean over the seed's matches; empty if it is not finite

statistics.csv has one line per quantity, row and seat, with mean, sem, ci_low, ci_high, iqm, over (`report.statistics`
documents them) and seeds, how many have a number, in place of seed and value.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from meva_core.storage.summaries import OF_COUNTS, as_share, has_each_seed, is_statistic, named

PAYOFF = "payoff"
_PLACE = ("quantity", "setting", "at", "seat", "player")
PER_SEED = (*_PLACE, "seed", "value")
PER_QUANTITY = (*_PLACE, *OF_COUNTS, "over", "seeds")

Records = list[dict[str, Any]]


def per_seed(summary: Mapping[str, Any]) -> Records:
    """The lines of seeds.csv, each with the names of `PER_SEED`. summary: the content of summary.json."""
    return [line for lines in per_row(summary) for line in lines]


def per_row(summary: Mapping[str, Any]) -> list[Records]:
    """The lines of seeds.csv for each row of the run."""
    return [
        [line for place, found in _statistics(summary, row) for line in by_seed(place, found, summary["seeds"])]
        for row in summary["rows"]
    ]


def per_quantity(summary: Mapping[str, Any]) -> Records:
    """The lines of statistics.csv, each with the names of `PER_QUANTITY`. summary: the content of summary.json."""
    return [of_all_seeds(place, found) for row in summary["rows"] for place, found in _statistics(summary, row)]


def by_seed(place: Mapping[str, Any], statistic: Mapping[str, Any], seeds: Sequence[int | None]) -> Records:
    """A line for each seed of a statistic that has a number for each, or none. place: the entries that all lines
    share."""
    values = statistic.get("per_seed")
    return (
        [{**place, "seed": seed, "value": value} for seed, value in zip(seeds, values, strict=True)] if values else []
    )


def of_all_seeds(place: Mapping[str, Any], statistic: Mapping[str, Any]) -> dict[str, Any]:
    """The line of a statistic. place: the entries that come first."""
    seeds = sum(value is not None for value in statistic.get("per_seed") or ())
    return {**place, **{name: statistic.get(name) for name in OF_COUNTS}, "over": statistic["over"], "seeds": seeds}


def _statistics(
    summary: Mapping[str, Any], row: Mapping[str, Any]
) -> Iterator[tuple[dict[str, Any], Mapping[str, Any]]]:
    """Every statistic of a row, with the entries of `_PLACE`; those of third parties that lack numbers are left out."""
    setting = None if summary["setting"] is None else summary["setting"]["name"]
    players = in_seats(summary["players"], len(row["payoffs"]))
    payoffs = {f"seats.{seat + 1}.{PAYOFF}": payoff for seat, payoff in enumerate(row["payoffs"])}
    for name, statistic in {**payoffs, **named(row)}.items():
        quantity, seat = _of_seat(name)
        player = None if seat is None else players[seat - 1]
        place = {"quantity": quantity, "setting": setting, "at": row["value"], "seat": seat, "player": player}
        if whole(statistic, len(summary["seeds"])):
            yield place, as_share(statistic)


def whole(found: Mapping[str, Any], seeds: int) -> bool:
    """True for a statistic, or a count of cells, that has all of its numbers. seeds: how many it is about."""
    return is_statistic(found.get("cells", found)) and bool(found.get("of", 1)) and has_each_seed(found, seeds)


def _of_seat(name: str) -> tuple[str, int | None]:
    """The name of a quantity without its seat, and the seat; None for a number of the match."""
    first, _, rest = name.partition(".")
    if first != "seats":
        return name, None
    seat, _, quantity = rest.partition(".")
    return quantity, int(seat)


def in_seats(players: Sequence[str], count: int) -> list[str]:
    """A label for each seat; a single player takes all seats."""
    return list(players) if len(players) > 1 else list(players) * count


def as_csv(columns: Sequence[str], records: Iterable[Mapping[str, Any]]) -> str:
    """The text of a CSV file. None is an empty cell."""
    text = io.StringIO()
    writer: Any = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue()
