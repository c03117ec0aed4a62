"""Entries of this plugin. Imports nothing heavy."""

from collections.abc import Iterable

from meva_core.contracts import Entry, hookimpl

MEVA_REFERENCES = "meva_policies:references.bib"


@hookimpl
def meva_policies() -> Iterable[Entry]:
    yield Entry(
        "table",
        "meva_policies.table:Table",
        "one logit for each state: the policies that exact games have",
        "Sutton & Barto (2018), Reinforcement Learning: An Introduction, MIT Press",
        cites=("sutton2018reinforcement",),
    )
    yield Entry(
        "preconditioned",
        "meva_policies.preconditioned:Preconditioned",
        "a table in other coordinates, which matter to learning rules",
        "Zhao et al. (2022), Proximal Learning with Opponent-Learning Awareness, NeurIPS",
        cites=("zhao2022proximal",),
    )
    yield Entry(
        "mlp",
        "meva_policies.mlp:MLP",
        "a network of dense layers, without memory",
        "Rumelhart, Hinton & Williams (1986), Learning Representations by Back-Propagating Errors, Nature",
        cites=("rumelhart1986learning",),
    )
    yield Entry(
        "conditioned",
        "meva_policies.conditioned:ConditionedMLP",
        "a network that also sees what a learner has written into its numbers",
        "Rumelhart, Hinton & Williams (1986), Learning Representations by Back-Propagating Errors, Nature",
        cites=("rumelhart1986learning",),
    )
    yield Entry(
        "conditioned_gru",
        "meva_policies.conditioned_gru:ConditionedGRU",
        "a recurrent network, multiplied by what a learner has written into its numbers",
        "Lu et al. (2022), Model-Free Opponent Shaping, ICML",
        cites=("lu2022model",),
    )
    yield Entry(
        "gru",
        "meva_policies.gru:GRU",
        "a recurrent network, which remembers the episode",
        "Cho et al. (2014), Learning Phrase Representations Using RNN Encoder-Decoder, EMNLP",
        cites=("cho2014learning",),
    )
