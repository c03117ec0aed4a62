"""Entries of this plugin. Imports nothing heavy."""

from collections.abc import Iterable

from meva_core.contracts import Entry, hookimpl

MEVA_RECIPES = "meva_proximal:recipes.toml"
MEVA_REFERENCES = "meva_proximal:references.bib"


@hookimpl
def meva_learners() -> Iterable[Entry]:
    yield Entry(
        "pola",
        "meva_proximal.pola:POLA",
        "LOLA with steps in the space of policies, not of their numbers",
        "Zhao et al. (2022), Proximal Learning with Opponent-Learning Awareness, NeurIPS",
        cites=("zhao2022proximal",),
    )
    yield Entry(
        "pola_dice",
        "meva_proximal.pola_dice:POLADice",
        "POLA from episodes, for policies of any kind",
        "Zhao et al. (2022), Proximal Learning with Opponent-Learning Awareness, NeurIPS",
        cites=("zhao2022proximal",),
    )


@hookimpl
def meva_evaluations() -> Iterable[Entry]:
    yield Entry(
        "reciprocity",
        "meva_proximal.reciprocity:Reciprocity",
        "share of matches in which both become like tit-for-tat",
        "Zhao et al. (2022), Proximal Learning with Opponent-Learning Awareness, NeurIPS",
        cites=("zhao2022proximal",),
    )
