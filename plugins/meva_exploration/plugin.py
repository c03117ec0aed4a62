"""Entries of this plugin. Imports nothing heavy."""

from collections.abc import Iterable

from meva_core.contracts import Entry, hookimpl

MEVA_REFERENCES = "meva_exploration:references.bib"
PAPER = "Cooijmans, Aghajohari & Courville (2023), Meta-Value Learning, arXiv 2307.08863, section 4.3"


@hookimpl
def meva_explorers() -> Iterable[Entry]:
    yield Entry("none", "meva_exploration.none:NoExploration", "no noise: trajectories follow the learner itself")
    yield Entry(
        "sign_flip",
        "meva_exploration.sign_flip:SignFlip",
        "flips signs of random last hidden units, once per trajectory",
        PAPER,
        cites=("cooijmans2023meta",),
    )
    yield Entry(
        "noisy_network",
        "meva_exploration.noisy_network:NoisyNetwork",
        "Gaussian noise on the network's parameters, once per trajectory",
        "Fortunato et al. (2018), Noisy Networks for Exploration, ICLR",
        cites=("fortunato2018noisy",),
    )
    yield Entry(
        "gaussian_step",
        "meva_exploration.gaussian_step:GaussianStep",
        "Gaussian noise on every step, a baseline",
        "Heess et al. (2015), Learning Continuous Control Policies by Stochastic Value Gradients, NeurIPS",
        cites=("heess2015learning",),
    )
