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
    yield Entry(
        "fingerprint",
        "meva_value_networks.fingerprint:Fingerprint",
        "asks policies learnt questions; the paired MLPs see the answers",
        "Harb et al. (2020), Policy Evaluation Networks, arXiv 2002.11833; Faccio et al. (2022), arXiv 2207.01566",
        cites=("harb2020policy", "faccio2022general"),
    )
