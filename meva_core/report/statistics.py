"""Statistics of samples, in the form that summary.json has.

A statistic is {mean, sem, over, per_seed}: with several seeds, mean and standard error over the seeds' means
(over = "seeds"); with one seed, over its samples (over = "pairs"). A number that is not finite is None.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from meva_core.ops import mean_and_sem


def statistic(samples: np.ndarray) -> dict[str, Any]:
    """The statistic of samples f32[S, N]: over seeds if there are several, else over the samples of the one seed."""
    return of_each_seed(list(samples))


def known(samples: np.ndarray) -> dict[str, Any]:
    """The statistic of samples f32[S, N] without NaN samples, and without seeds that have only such samples."""
    return of_each_seed([row[~np.isnan(row)] for row in samples])


def of_each_seed(samples: Sequence[np.ndarray]) -> dict[str, Any]:
    """The statistic of a list of samples per seed; a list may be empty."""
    means = [row.mean() if row.size else None for row in samples]
    several = len(means) > 1
    mean, sem = mean_and_sem(np.array([m for m in means if m is not None]) if several else samples[0])
    return {
        "mean": number(mean),
        "sem": number(sem),
        "over": "seeds" if several else "pairs",
        "per_seed": [None if m is None else number(m) for m in means],
    }


def spreads(entries: np.ndarray, names: Sequence[str]) -> list[dict[str, dict[str, float | None]]]:
    """Mean and quartiles, {mean, low, high}, of policy entries f32[S, N, P, E], per seat and entry name."""
    flat = entries.reshape(-1, *entries.shape[-2:]).astype(float)
    quartiles = np.quantile(flat, [0.25, 0.75], axis=0)
    return [
        {
            name: {
                "mean": number(flat[:, seat, d].mean()),
                "low": number(quartiles[0, seat, d]),
                "high": number(quartiles[1, seat, d]),
            }
            for d, name in enumerate(names)
        }
        for seat in range(flat.shape[1])
    ]


def number(value: Any) -> float | None:
    """Convert a number for JSON: None if it is not finite."""
    value = float(value)
    return value if math.isfinite(value) else None
