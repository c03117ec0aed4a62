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
        "shaper",
        "meva_shapers.shaper:Shaper",
        "plays a fixed policy that remembers all episodes in which others learn",
        "Khan et al. (2024), Scaling Opponent Shaping to High Dimensional Games, AAMAS",
        cites=("khan2024scaling",),
    )
