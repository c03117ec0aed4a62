"""Labels of runs that stand in a chart. Imports no jax."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from meva_core.errors import BadValue

LABEL = re.compile(r"(?P<line>.+), (?P<setting>.+) (?P<value>[-+.\de]+)")


class Spot(NamedTuple):
    """The place of a run in a chart, as its label says: "plain, rate 25" is at 25 of the setting "rate" in the line
    "plain"."""

    line: str
    setting: str
    value: float


def spot(label: str) -> Spot:
    """The place of the run with this label. Raises BadValue if the label does not name one."""
    found = LABEL.fullmatch(label)
    try:
        return Spot(found["line"], found["setting"], float(found["value"]))  # type: ignore[index]
    except (TypeError, ValueError):
        raise BadValue(f"expected labels such as 'plain, rate 25' for lines and maps, got {label!r}") from None


def settings(labels: Iterable[str]) -> list[str]:
    """The names of the settings of all labels, in order and without duplicates. Raises BadValue if one has none."""
    return list(dict.fromkeys(spot(label).setting for label in labels))
