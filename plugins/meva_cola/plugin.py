"""Entries of this plugin. Imports nothing heavy."""

from collections.abc import Iterable

from meva_core.contracts import Entry, hookimpl

MEVA_RECIPES = "meva_cola:recipes.toml"
MEVA_REFERENCES = "meva_cola:references.bib"


@hookimpl
def meva_learners() -> Iterable[Entry]:
    yield Entry(
        "cola",
        "meva_cola.cola:COLA",
        "learnt steps that are consistent with every player's look-ahead",
        "Willi et al. (2022), COLA: Consistent Learning with Opponent-Learning Awareness, ICML",
        cites=("willi2022cola",),
    )
