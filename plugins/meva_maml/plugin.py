"""Entries of this plugin. Imports nothing heavy."""

from collections.abc import Iterable

from meva_core.contracts import Entry, hookimpl

MEVA_RECIPES = "meva_maml:recipes.toml"
MEVA_REFERENCES = "meva_maml:references.bib"


@hookimpl
def meva_learners() -> Iterable[Entry]:
    yield Entry(
        "m_maml",
        "meva_maml.m_maml:MMAML",
        "learns where to start and how fast, then learns naively",
        "Finn et al. (2017), Model-Agnostic Meta-Learning, ICML; Lu et al. (2022), M-FOS, ICML",
        cites=("finn2017model", "lu2022model"),
    )
