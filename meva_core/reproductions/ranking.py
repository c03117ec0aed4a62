"""Runs ranked by a quantity, beside the order that was published. Imports no jax."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from meva_core.reproductions.claims import SEMS, quantity
from meva_core.reproductions.data import Ranking


@attrs.frozen(kw_only=True)
class Place:
    """A run's: ours with its standard error (None where it diverged, and then last), the published number and its rank
    (None where none is published), and the other quantities to show, each (mean, standard error)."""

    run: str
    rank: int
    ours: float | None
    sem: float | None
    published: float | None
    published_rank: int | None
    beside: dict[str, tuple[float | None, float | None]]


def ranked(asked: Ranking, summaries: Mapping[str, dict[str, Any]]) -> list[Place]:
    """The best first, given the content of each run's summary.json by the run's label."""
    sign = -1.0 if asked.highest else 1.0
    found = {label: quantity(asked.quantity, summary, asked.at) for label, summary in summaries.items()}
    order = sorted(found, key=lambda label: math.inf if (mean := found[label][0]) is None else sign * mean)
    theirs = sorted(asked.published, key=lambda label: sign * asked.published[label])
    return [
        Place(
            run=label,
            rank=n + 1,
            ours=found[label][0],
            sem=found[label][1],
            published=asked.published.get(label),
            published_rank=theirs.index(label) + 1 if label in theirs else None,
            beside={path: quantity(path, summaries[label], asked.at) for path in asked.beside},
        )
        for n, label in enumerate(order)
    ]


def differences(places: Sequence[Place]) -> list[str]:
    """In sentences: pairs in another order than published, those that differ by more than two standard errors first."""
    clear, unclear = [], []
    for n, better in enumerate(places):
        for worse in places[n + 1 :]:
            if better.published_rank is None or worse.published_rank is None or None in (better.ours, worse.ours):
                continue
            if better.published_rank > worse.published_rank:
                apart = abs(better.ours - worse.ours)  # type: ignore[operator]
                certain = apart > SEMS * math.hypot(better.sem or 0.0, worse.sem or 0.0)
                (clear if certain else unclear).append(f"{better.run} before {worse.run}")
    if not clear and not unclear:
        return ["The order is the published one."]
    said = []
    if clear:
        said.append(f"Against the published order, by more than two standard errors: {', '.join(clear)}.")
    if unclear:
        said.append(f"Against the published order, within two standard errors: {', '.join(unclear)}.")
    return said
