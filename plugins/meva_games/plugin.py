"""Entries of this plugin. Imports nothing heavy."""

from collections.abc import Iterable

from meva_core.contracts import Entry, hookimpl
from meva_games import papers


@hookimpl
def meva_games() -> Iterable[Entry]:
    yield Entry(
        name="logistic",
        factory="meva_games.logistic:Logistic",
        summary="two numbers, two stable points of which both players prefer B",
        reference="Letcher (2018), Stability and Exploitation in Differentiable Games, MSc thesis, Oxford",
        bibtex=papers.STABILITY_AND_EXPLOITATION,
    )
    yield Entry(
        name="ipd",
        factory="meva_games.two_by_two:PrisonersDilemma",
        summary="iterated prisoner's dilemma, memory-one, exact payoffs",
        reference="Foerster et al. (2018), Learning with Opponent-Learning Awareness, AAMAS",
        bibtex=papers.LOLA,
    )
    yield Entry(
        name="imp",
        factory="meva_games.two_by_two:MatchingPennies",
        summary="iterated matching pennies, zero-sum and asymmetric",
        reference="Foerster et al. (2018), Learning with Opponent-Learning Awareness, AAMAS",
        bibtex=papers.LOLA,
    )
    yield Entry(
        name="chicken",
        factory="meva_games.two_by_two:Chicken",
        summary="iterated chicken: a crash costs a hundred times the gain",
        reference="Cooijmans et al. (2023), Meta-Value Learning, arXiv 2307.08863",
        bibtex=papers.META_VALUE,
    )
    yield Entry(
        name="stag_hunt",
        factory="meva_games.two_by_two:StagHunt",
        summary="iterated stag hunt: one equilibrium pays, one is safe",
        reference="Skyrms (2004), The Stag Hunt and the Evolution of Social Structure",
        bibtex=papers.STAG_HUNT,
    )
    yield Entry(
        name="matrix",
        factory="meva_games.matrix:Matrix",
        summary="any iterated two-by-two game, from its payoff tables",
        reference="Axelrod (1984), The Evolution of Cooperation",
        bibtex=papers.EVOLUTION_OF_COOPERATION,
    )
    yield Entry(
        name="normal_form",
        factory="meva_games.normal_form:NormalForm",
        summary="any iterated game of two players, from its payoff tables",
        reference="Osborne & Rubinstein (1994), A Course in Game Theory",
        bibtex=papers.NORMAL_FORM,
    )
    yield Entry(
        name="tandem",
        factory="meva_games.quadratic:Tandem",
        summary="one number each; exposes rules that expect others to give way",
        reference="Letcher et al. (2019), Stable Opponent Shaping in Differentiable Games, ICLR",
        bibtex=papers.SOS,
    )
    yield Entry(
        name="hamiltonian",
        factory="meva_games.quadratic:Hamiltonian",
        summary="one number each, zero-sum, nothing but rotation",
        reference="Balduzzi et al. (2018), The Mechanics of n-Player Differentiable Games, ICML",
        bibtex=papers.SGA,
    )
    yield Entry(
        name="ultimatum",
        factory="meva_games.ultimatum:Ultimatum",
        summary="one-shot: a fair offer or not, accepted or not",
        reference="Willi et al. (2022), COLA, ICML",
        bibtex=papers.COLA,
    )
    yield Entry(
        name="public_goods",
        factory="meva_games.public_goods:PublicGoods",
        summary="iterated dilemma of any number of players",
        reference="Hilbe et al. (2014), Cooperation and Control in Multiplayer Social Dilemmas, PNAS",
        bibtex=papers.MULTIPLAYER_DILEMMAS,
    )
    yield Entry(
        name="social_dilemma",
        factory="meva_games.social_dilemma:SocialDilemma",
        summary="dilemmas of many players, paid by how many cooperate",
        reference="Hilbe et al. (2014), Cooperation and Control in Multiplayer Social Dilemmas, PNAS; "
        "Willi et al. (2023), Pax: Multi-Agent Learning in JAX",
        bibtex=papers.MULTIPLAYER_DILEMMAS + papers.PAX,
    )
