"""The curves of a fit, for loggers: one for each seed, and their mean.

Shapes: S seeds, N loops.
"""

import numpy as np

from meva_core.contracts import Loops

MEAN = "mean"


def curves(loops: Loops, most: int) -> dict[str, dict[str, np.ndarray]]:
    """The values f32[N] of every metric, by the names of curves and metrics: "seed_0" and so on for the first `most`
    seeds, and "mean" over all seeds. A single seed has only its own curve, whatever `most` is. Seeds that diverged do
    not count in the mean."""
    several = len(loops.seeds) > 1
    found = {
        f"seed_{seed}": {name: values[n] for name, values in loops.metrics.items()}
        for n, seed in enumerate(loops.seeds[:most] if several else loops.seeds)
    }
    if several:
        found[MEAN] = {name: finite_mean(values) for name, values in loops.metrics.items()}
    return found


def finite_mean(values: np.ndarray) -> np.ndarray:
    """The mean f32[N] of f32[S, N] over the seeds whose value is finite; NaN where there is none."""
    finite = np.isfinite(values)
    count = finite.sum(axis=0)
    sums = np.where(finite, values, 0).sum(axis=0)
    return np.where(count > 0, sums / np.maximum(count, 1), np.nan)
