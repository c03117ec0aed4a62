"""Statistics of samples, in the form that summary.json has.

A statistic is {mean, sem, ci_low, ci_high, iqm, over, per_seed}: with several seeds, over the seeds' means
(over = "seeds"); with one seed, over its samples (over = "pairs"), which says nothing about other seeds. A number that
is not finite is None.

    mean, sem           mean, and its standard error
    ci_low, ci_high     95 % confidence interval of the mean: a bootstrap with a fixed seed (`ops.bootstrap_interval`)
    iqm                 interquartile mean (`ops.interquartile_mean`)
    per_seed            the mean of each seed
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from meva_core.ops import bootstrap_interval, interquartile_mean, mean_and_sem


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
    return {
        **estimates(np.array([m for m in means if m is not None]) if several else samples[0]),
        "over": "seeds" if several else "pairs",
        "per_seed": [None if m is None else number(m) for m in means],
    }


def estimates(samples: np.ndarray) -> dict[str, float | None]:
    """Mean, its standard error and 95 % interval, and interquartile mean of all samples."""
    mean, sem = mean_and_sem(samples)
    low, high = bootstrap_interval(samples)
    found = {"mean": mean, "sem": sem, "ci_low": low, "ci_high": high, "iqm": interquartile_mean(samples)}
    return {name: number(value) for name, value in found.items()}


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
