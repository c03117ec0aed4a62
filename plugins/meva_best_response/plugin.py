"""Entries of this plugin. Imports nothing heavy."""

from collections.abc import Iterable

from meva_core.contracts import Entry, hookimpl

MEVA_RECIPES = "meva_best_response:recipes.toml"
MEVA_REFERENCES = "meva_best_response:references.bib"


@hookimpl
def meva_learners() -> Iterable[Entry]:
    yield Entry(
        "best_response_shaping",
        "meva_best_response.best_response_shaping:BestResponseShaping",
        "ascends its payoff against a best response to itself",
        "Aghajohari et al. (2024), Best Response Shaping, RLJ",
        cites=("aghajohari2024best",),
    )
    yield Entry(
        "detective_shaping",
        "meva_best_response.detective_shaping:DetectiveShaping",
        "best response shaping against a network that learns to respond",
        "Aghajohari et al. (2024), Best Response Shaping, RLJ",
        cites=("aghajohari2024best",),
    )
