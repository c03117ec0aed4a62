"""Entries of this plugin. Imports nothing heavy."""

from collections.abc import Iterable

from meva_core.contracts import Entry, hookimpl
from meva_gradient_rules import papers


@hookimpl
def meva_learners() -> Iterable[Entry]:
    yield Entry(
        "naive",
        "meva_gradient_rules.naive:Naive",
        "simultaneous gradient ascent, everybody on the own payoff",
        "Singh, Kearns & Mansour (2000), Nash Convergence of Gradient Dynamics, UAI",
        bibtex=papers.GRADIENT_DYNAMICS,
    )
    yield Entry(
        "lola",
        "meva_gradient_rules.lola:LOLA",
        "differentiates through the opponents' naive step, or several",
        "Foerster et al. (2018), Learning with Opponent-Learning Awareness, AAMAS",
        bibtex=papers.LOLA,
    )
    yield Entry(
        "lookahead",
        "meva_gradient_rules.lookahead:LookAhead",
        "ascends the payoff after the others' naive step, taken as given",
        "Zhang & Lesser (2010), Multi-Agent Learning with Policy Prediction, AAAI",
        bibtex=papers.POLICY_PREDICTION,
    )
    yield Entry(
        "hola",
        "meva_gradient_rules.hola:HOLA",
        "LOLA against opponents that use LOLA, to any order",
        "Foerster et al. (2018); Willi et al. (2022), COLA, ICML",
        bibtex=papers.LOLA + papers.COLA,
    )
    yield Entry(
        "sos",
        "meva_gradient_rules.sos:SOS",
        "LookAhead with as much of LOLA as keeps stable points stable",
        "Letcher et al. (2019), Stable Opponent Shaping in Differentiable Games, ICLR",
        bibtex=papers.SOS,
    )
    yield Entry(
        "consensus",
        "meva_gradient_rules.consensus:Consensus",
        "ascends, and descends on the norm of everybody's gradient",
        "Mescheder, Nowozin & Geiger (2017), The Numerics of GANs, NeurIPS",
        bibtex=papers.CONSENSUS,
    )
    yield Entry(
        "sga",
        "meva_gradient_rules.sga:SGA",
        "corrects the gradient for the game's rotation",
        "Balduzzi et al. (2018), The Mechanics of n-Player Differentiable Games, ICML",
        bibtex=papers.SGA,
    )
    yield Entry(
        "cgd",
        "meva_gradient_rules.cgd:CGD",
        "steps to the bilinear game's equilibrium",
        "Schaefer & Anandkumar (2019), Competitive Gradient Descent, NeurIPS",
        bibtex=papers.CGD,
    )
    yield Entry(
        "extragradient",
        "meva_gradient_rules.extragradient:Extragradient",
        "follows the gradient of where everybody's step would lead",
        "Korpelevich (1976), The Extragradient Method for Finding Saddle Points",
        bibtex=papers.EXTRAGRADIENT,
    )
