"""What this plugin offers; imports nothing heavy."""

from collections.abc import Iterable

from meva_core.hookspecs import Entry, hookimpl


@hookimpl
def meva_learners() -> Iterable[Entry]:
    yield Entry(
        "naive",
        "meva_gradient_rules.naive:Naive",
        "simultaneous gradient ascent, everybody on the own payoff",
        "Singh, Kearns & Mansour (2000), Nash Convergence of Gradient Dynamics, UAI",
    )
    yield Entry(
        "lola",
        "meva_gradient_rules.lola:LOLA",
        "differentiates through one naive step of the opponents",
        "Foerster et al. (2018), Learning with Opponent-Learning Awareness, AAMAS",
    )
