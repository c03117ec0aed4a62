"""Entries of this plugin. Imports nothing heavy."""

from collections.abc import Iterable

from meva_core.contracts import Entry, hookimpl

MEVA_RECIPES = "meva_meta_value:recipes.toml"
MEVA_REFERENCES = "meva_meta_value:references.bib"


@hookimpl
def meva_learners() -> Iterable[Entry]:
    yield Entry(
        "meva",
        "meva_meta_value.learner:MeVa",
        "follows the gradient of a learnt value of all future learning",
        "Cooijmans, Aghajohari & Courville (2023), Meta-Value Learning, arXiv 2307.08863",
        cites=("cooijmans2023meta",),
    )


@hookimpl
def meva_evaluations() -> Iterable[Entry]:
    yield Entry(
        "value_errors",
        "meva_meta_value.value_errors:MetaValueErrors",
        "errors of a learnt meta-value during play",
        "Cooijmans, Aghajohari & Courville (2023), Meta-Value Learning, arXiv 2307.08863",
        cites=("cooijmans2023meta",),
    )
