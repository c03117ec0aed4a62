"""Entries of this plugin. Imports nothing heavy."""

from collections.abc import Iterable

from meva_cola import papers
from meva_core.contracts import Entry, hookimpl


@hookimpl
def meva_learners() -> Iterable[Entry]:
    yield Entry(
        "cola",
        "meva_cola.cola:COLA",
        "learnt steps, consistent with everybody's look-ahead",
        "Willi et al. (2022), COLA: Consistent Learning with Opponent-Learning Awareness, ICML",
        bibtex=papers.COLA,
    )
