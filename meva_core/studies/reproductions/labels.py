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


def setting(labels: Iterable[str]) -> str:
    """The name of the setting that all labels share. Raises BadValue if they do not share one."""
    found = sorted({spot(label).setting for label in labels})
    if len(found) != 1:
        raise BadValue(f"expected runs over one setting for lines and maps, got {' and '.join(found)}")
    return found[0]
