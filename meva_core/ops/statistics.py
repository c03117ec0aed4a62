"""Means and their standard errors."""

import numpy as np


def mean_and_sem(samples: np.ndarray) -> tuple[float, float]:
    """Mean and standard error of the mean over all numbers of an array; the error is NaN for a single sample.

    The error uses the sample standard deviation (n - 1).

    >>> mean, sem = mean_and_sem([1.0, 2.0, 3.0])
    >>> (round(mean, 3), round(sem, 3))
    (2.0, 0.577)
    """
    samples = np.asarray(samples, dtype=np.float64).ravel()
    count = samples.size
    with np.errstate(invalid="ignore"):  # infinite samples have no deviation
        error = samples.std(ddof=1) / np.sqrt(count) if count > 1 else np.nan
    return float(samples.mean()) if count else float("nan"), float(error)
