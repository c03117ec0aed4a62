"""Entries of this plugin. Imports nothing heavy."""

from collections.abc import Iterable

from meva_core.contracts import Entry, hookimpl

MEVA_REFERENCES = "meva_value_networks:references.bib"


@hookimpl
def meva_value_models() -> Iterable[Entry]:
    yield Entry(
        "paired_mlp",
        "meva_value_networks.paired_mlp:PairedMLP",
        "encodes policies, pairs own and others' codes; residual MLPs",
        "Cooijmans, Aghajohari & Courville (2023), Meta-Value Learning, arXiv 2307.08863, appendix D",
        cites=("cooijmans2023meta",),
    )
