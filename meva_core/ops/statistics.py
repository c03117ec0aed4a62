"""Means and how sure of them one is."""

import numpy as np


def mean_and_sem(samples: np.ndarray) -> tuple[float, float]:
    """Mean and standard error of the mean over a flat array; the error is NaN for a single sample.

    The error uses the sample standard deviation (n - 1).
    """
    samples = np.asarray(samples, dtype=np.float64).ravel()
    count = samples.size
    error = samples.std(ddof=1) / np.sqrt(count) if count > 1 else np.nan
    return float(samples.mean()) if count else float("nan"), float(error)
