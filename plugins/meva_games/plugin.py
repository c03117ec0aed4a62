"""What this plugin offers; imports nothing heavy."""

from collections.abc import Iterable

from meva_core.hookspecs import Entry, hookimpl


@hookimpl
def meva_games() -> Iterable[Entry]:
    yield Entry(
        name="logistic",
        factory="meva_games.logistic:Logistic",
        summary="two numbers, two stable points of which both players prefer B",
        reference="Letcher (2018), Stability and Exploitation in Differentiable Games, MSc thesis, Oxford",
    )
    yield Entry(
        name="ipd",
        factory="meva_games.iterated:PrisonersDilemma",
        summary="iterated prisoner's dilemma, memory-one policies, exact payoffs",
        reference="Foerster et al. (2018), Learning with Opponent-Learning Awareness, AAMAS",
    )
