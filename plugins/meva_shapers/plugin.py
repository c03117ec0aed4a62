"""Entries of this plugin. Imports nothing heavy."""

from collections.abc import Iterable

from meva_core.contracts import Entry, hookimpl

MEVA_RECIPES = "meva_shapers:recipes.toml"
MEVA_REFERENCES = "meva_shapers:references.bib"


@hookimpl
def meva_learners() -> Iterable[Entry]:
    yield Entry(
        "good_shepherd",
        "meva_shapers.good_shepherd:GoodShepherd",
        "plays the fixed policy that is best while others learn against it",
        "Balaguer et al. (2022), The Good Shepherd, arXiv",
        cites=("balaguer2022good", "khan2024scaling"),
    )
    yield Entry(
        "m_fos",
        "meva_shapers.m_fos:MFOS",
        "chooses its next policy by what came of such choices while others learnt",
        "Lu et al. (2022), Model-Free Opponent Shaping, ICML",
        cites=("lu2022model",),
    )
