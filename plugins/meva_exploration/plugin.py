"""What this plugin offers; imports nothing heavy."""

from collections.abc import Iterable

from meva_core.hookspecs import Entry, hookimpl

PAPER = "Cooijmans, Aghajohari & Courville (2023), Meta-Value Learning, arXiv 2307.08863, section 4.3"


@hookimpl
def meva_explorers() -> Iterable[Entry]:
    yield Entry("none", "meva_exploration.none:NoExploration", "trajectories follow the learner itself")
    yield Entry(
        "sign_flip",
        "meva_exploration.sign_flip:SignFlip",
        "flips signs of last hidden units, once per trajectory",
        PAPER,
    )
