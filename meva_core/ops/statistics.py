"""Means of samples, ordinary and interquartile, with standard errors and bootstrap intervals."""

import functools
import math
from statistics import NormalDist

import numpy as np

RESAMPLES = 4000
MANY = 1000  # samples whose mean is as good as normal
LEVEL = 0.95
EQUAL = 1e-12  # numbers with a smaller relative difference differ by rounding


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


def interquartile_mean(samples: np.ndarray) -> float:
    """Mean over the middle half of the numbers of an array: a quarter of them, rounded down, is left out at either end.

    One seed that fails or shines changes it little. With fewer than four samples it is the mean; NaN without samples,
    or if one is not finite.

    References: Agarwal et al. 2021, "Deep Reinforcement Learning at the Edge of the Statistical Precipice".

    >>> interquartile_mean([0.0, 1.0, 2.0, 100.0])
    1.5
    """
    samples = np.sort(np.asarray(samples, dtype=np.float64), axis=None)
    cut = samples.size // 4
    if not samples.size or not np.isfinite(samples).all():
        return math.nan
    return float(samples[cut : samples.size - cut].mean())


def bootstrap_interval(samples: np.ndarray) -> tuple[float, float]:
    """The 95 % confidence interval of the mean of all numbers of an array: ends of the BCa bootstrap.

    Resamples are drawn with a fixed seed, so equal samples have equal intervals. Samples that are all equal, but for
    rounding, have an interval of width 0. With more than 1000 samples it is the normal interval, which the bootstrap
    approaches. The ends are NaN for fewer than two samples, or if one is not finite. From few samples a bootstrap
    interval is too narrow: of normal numbers it holds the true mean in 83 % of cases with 5 samples, 89 % with 10, and
    93 % with 20.

    References: Efron 1987, "Better Bootstrap Confidence Intervals".

    >>> [round(end, 2) for end in bootstrap_interval([1.0, 2.0, 3.0, 4.0, 9.0])]
    [2.0, 7.0]
    """
    samples = np.asarray(samples, dtype=np.float64).ravel()
    if samples.size < 2 or not np.isfinite(samples).all():
        return math.nan, math.nan
    mean = float(samples.mean())
    away = samples - mean
    most = np.abs(away).max()
    if most <= EQUAL * abs(mean):
        return mean, mean
    normal, tail = NormalDist(), (1 - LEVEL) / 2
    if samples.size > MANY:
        half = normal.inv_cdf(1 - tail) * mean_and_sem(samples)[1]
        return mean - half, mean + half
    away /= most  # so that powers neither overflow nor vanish
    means = np.einsum("bn,n->b", _weights(samples.size), away)  # BLAS would round by its threads
    # Resamples whose mean is that of the samples count half, also where it rounds otherwise.
    below = np.mean(np.where(np.abs(means) < EQUAL, 0.5, means < 0))
    bias = normal.inv_cdf(float(np.clip(below, 0.5 / RESAMPLES, 1 - 0.5 / RESAMPLES)))  # 0 and 1 have no quantile
    acceleration = float(np.sum(away**3) / (6 * np.sum(away**2) ** 1.5))
    ends = (bias + normal.inv_cdf(end) for end in (tail, 1 - tail))
    shares = [normal.cdf(bias + end / (1 - acceleration * end)) for end in ends]
    low, high = mean + most * np.quantile(means, shares)
    return float(low), float(high)


@functools.lru_cache(maxsize=8)
def _weights(count: int) -> np.ndarray:
    """Weights f64[resamples, count] of samples in resamples: how often each was drawn, over their count."""
    drawn = np.random.default_rng(0).integers(count, size=(RESAMPLES, count))
    drawn += count * np.arange(RESAMPLES)[:, None]
    return np.bincount(drawn.ravel(), minlength=RESAMPLES * count).reshape(RESAMPLES, count) / count
