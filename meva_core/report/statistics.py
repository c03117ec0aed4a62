"""Statistics of samples, as summary.json holds them.

A statistic is {mean, sem, over, per_seed}: with several seeds, mean and standard error over the seeds' means
(over = "seeds"); with one, over its samples (over = "pairs"). A number that is not finite is None.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from meva_core.ops import mean_and_sem


def statistic(samples: np.ndarray) -> dict[str, Any]:
    """The statistic of samples f32[S, N]: over seeds where there are several, else over the one seed's samples."""
    return of_each_seed(list(samples))


def known(samples: np.ndarray) -> dict[str, Any]:
    """The statistic of samples f32[S, N] that leaves out what is NaN, and seeds of which nothing is known."""
    return of_each_seed([row[~np.isnan(row)] for row in samples])


def of_each_seed(samples: Sequence[np.ndarray]) -> dict[str, Any]:
    """The statistic of samples per seed, of which there may be none."""
    means = [row.mean() if row.size else None for row in samples]
    several = len(means) > 1
    mean, sem = mean_and_sem(np.array([m for m in means if m is not None]) if several else samples[0])
    return {
        "mean": number(mean),
        "sem": number(sem),
        "over": "seeds" if several else "pairs",
        "per_seed": [None if m is None else number(m) for m in means],
    }


def number(value: Any) -> float | None:
    """A number as JSON holds it: None where it is not finite."""
    value = float(value)
    return value if math.isfinite(value) else None
