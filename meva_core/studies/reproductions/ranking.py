"""Ranks runs by a quantity and compares their order with the published one. Imports no jax."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from meva_core.studies.reproductions.claims import SEMS, quantity
from meva_core.studies.reproductions.data import Ranking


@attrs.frozen(kw_only=True)
class Place:
    """The place of one run in the ranking.

    ours, sem: our number and its standard error, None if the run diverged; such a run is last. published: the published
    number. rank, published_rank: ranks by our and by the published number among the runs with a published number, None
    for other runs; if no run has a published number, `rank` is among all runs. seeds: the number of each seed. worst:
    the worst of these. beside: other quantities to show, each (mean, standard error).
    """

    run: str
    rank: int | None
    ours: float | None
    sem: float | None
    published: float | None
    published_rank: int | None
    seeds: tuple[float | None, ...] = ()
    worst: float | None = None
    beside: dict[str, tuple[float | None, float | None]]


def ranked(ranking: Ranking, summaries: Mapping[str, dict[str, Any] | None]) -> list[Place]:
    """Places of all runs, best first. summaries: the content of summary.json by run label, None if the run diverged."""
    sign = -1.0 if ranking.highest else 1.0
    estimates = {label: quantity(ranking.quantity, summary, ranking.at) for label, summary in summaries.items()}
    order = sorted(estimates, key=lambda label: math.inf if (mean := estimates[label].mean) is None else sign * mean)
    theirs = sorted(ranking.published, key=lambda label: sign * ranking.published[label])
    ours = [label for label in order if label in theirs] or order
    return [
        Place(
            run=label,
            rank=ours.index(label) + 1 if label in ours else None,
            ours=estimates[label].mean,
            sem=estimates[label].sem,
            published=ranking.published.get(label),
            published_rank=theirs.index(label) + 1 if label in theirs else None,
            seeds=estimates[label].seeds,
            worst=_worst(estimates[label].seeds, ranking.highest),
            beside={path: quantity(path, summaries[label], ranking.at)[:2] for path in ranking.beside},
        )
        for label in order
    ]


def _worst(seeds: Sequence[float | None], highest: bool) -> float | None:
    """The worst number of the seeds; None if there are fewer than two seeds or a seed has no number."""
    numbers = [number for number in seeds if number is not None]
    if len(numbers) < max(2, len(seeds)):
        return None
    return min(numbers) if highest else max(numbers)


def differences(places: Sequence[Place]) -> list[str]:
    """Sentences about the pairs of runs whose order differs from the published one.

    Pairs that differ by more than two standard errors have their own sentence. If nothing is published, the sentence
    names the runs within two standard errors of the first.
    """
    if all(place.published is None for place in places):
        return _ties(places)
    clear, unclear, compared = [], [], 0
    for better, worse in itertools.combinations(places, 2):
        if None in (better.published_rank, worse.published_rank, better.ours, worse.ours):
            continue
        compared += 1
        if better.published_rank > worse.published_rank:  # type: ignore[operator]
            (clear if _certain(better, worse) else unclear).append(f"{better.run} before {worse.run}")
    if not compared:
        return []
    lines = []
    if clear:
        lines.append(f"Against the published order, by more than two standard errors: {', '.join(clear)}.")
    if unclear:
        lines.append(f"Against the published order, but not certain: {', '.join(unclear)}.")
    return lines or ["The order is the published one."]


def _ties(places: Sequence[Place]) -> list[str]:
    first, *others = [place for place in places if place.ours is not None] or [None]
    with_errors = [place for place in others if place and first and None not in (place.sem, first.sem)]
    if first is None or not with_errors:
        return []
    close = [place.run for place in with_errors if not _certain(first, place)]
    return [f"Within two standard errors of {first.run}: {', '.join(close) or 'none'}."]


def _certain(better: Place, worse: Place) -> bool:
    """True if both have standard errors and the difference exceeds two standard errors."""
    if better.sem is None or worse.sem is None:
        return False
    return abs(better.ours - worse.ours) > SEMS * math.hypot(better.sem, worse.sem)  # type: ignore[operator]
