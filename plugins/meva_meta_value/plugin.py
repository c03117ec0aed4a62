"""Entries of this plugin. Imports nothing heavy."""

from collections.abc import Iterable

from meva_core.contracts import Entry, hookimpl
from meva_meta_value import papers


@hookimpl
def meva_learners() -> Iterable[Entry]:
    yield Entry(
        "meva",
        "meva_meta_value.learner:MeVa",
        "follows the gradient of a learnt value of all future learning",
        "Cooijmans, Aghajohari & Courville (2023), Meta-Value Learning, arXiv 2307.08863",
        bibtex=papers.META_VALUE,
    )
