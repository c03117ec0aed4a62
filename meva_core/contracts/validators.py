"""Checks of single hyper-parameters: a condition in words, for error messages, and as a predicate. Imports no jax."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import attrs
import numpy as np


@attrs.frozen
class Check:
    """A condition on a hyper-parameter, in words and as a predicate."""

    expected: str
    accepts: Callable[[Any], bool]


def _numbers(value: Any) -> list[float]:
    return [_number(v) for v in np.ravel(value)]


def _number(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:  # a whole number of hundreds of digits
        return math.inf


def _each(expected: str, holds: Callable[[float], bool]) -> Check:
    return Check(expected, lambda value: all(map(holds, _numbers(value))))


finite = _each("finite", math.isfinite)
positive = _each("> 0 and finite", lambda v: 0 < v < math.inf)
not_negative = _each(">= 0 and finite", lambda v: 0 <= v < math.inf)
below_one = _each(">= 0 and < 1", lambda v: 0 <= v < 1)


def at_least(least: float) -> Check:
    """A check for numbers >= least."""
    return _each(f">= {least}", lambda v: least <= v < math.inf)


def between(low: float, high: float) -> Check:
    """A check for numbers from low to high, both included."""
    return _each(f"between {low} and {high}", lambda v: low <= v <= high)


def one_of(*choices: str) -> Check:
    """A check for one of these words."""
    return Check("one of " + ", ".join(map(repr, choices)), lambda value: value in choices)
