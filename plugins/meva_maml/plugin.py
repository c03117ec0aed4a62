"""Entries of this plugin. Imports nothing heavy."""

from collections.abc import Iterable

from meva_core.contracts import Entry, hookimpl
from meva_maml import papers


@hookimpl
def meva_learners() -> Iterable[Entry]:
    yield Entry(
        "m_maml",
        "meva_maml.m_maml:MMAML",
        "learns where to start and how fast, then learns naively",
        "Finn et al. (2017), Model-Agnostic Meta-Learning, ICML; Lu et al. (2022), M-FOS, ICML",
        bibtex=papers.MAML + papers.M_FOS,
    )
