"""Entries of this plugin. Imports nothing heavy."""

from collections.abc import Iterable

from meva_core.contracts import Entry, hookimpl

MEVA_RECIPES = "meva_gradient_rules:recipes.toml"
MEVA_REFERENCES = "meva_gradient_rules:references.bib"


@hookimpl
def meva_learners() -> Iterable[Entry]:
    yield Entry(
        "naive",
        "meva_gradient_rules.naive:Naive",
        "simultaneous gradient ascent, each player on its own payoff",
        "Singh, Kearns & Mansour (2000), Nash Convergence of Gradient Dynamics, UAI",
        cites=("singh2000nash",),
    )
    yield Entry(
        "lola",
        "meva_gradient_rules.lola:LOLA",
        "differentiates through one or several naive steps of opponents",
        "Foerster et al. (2018), Learning with Opponent-Learning Awareness, AAMAS",
        cites=("foerster2018learning",),
    )
    yield Entry(
        "lookahead",
        "meva_gradient_rules.lookahead:LookAhead",
        "ascends the payoff after the others' naive step, held fixed",
        "Zhang & Lesser (2010), Multi-Agent Learning with Policy Prediction, AAAI",
        cites=("zhang2010multi",),
    )
    yield Entry(
        "hola",
        "meva_gradient_rules.hola:HOLA",
        "LOLA against opponents that use LOLA, to any order",
        "Foerster et al. (2018); Willi et al. (2022), COLA, ICML",
        cites=("foerster2018learning", "willi2022cola"),
    )
    yield Entry(
        "sos",
        "meva_gradient_rules.sos:SOS",
        "LookAhead with as much of LOLA as keeps stable points stable",
        "Letcher et al. (2019), Stable Opponent Shaping in Differentiable Games, ICLR",
        cites=("letcher2019stable",),
    )
    yield Entry(
        "consensus",
        "meva_gradient_rules.consensus:Consensus",
        "ascends the payoff, and descends on the norm of all gradients",
        "Mescheder, Nowozin & Geiger (2017), The Numerics of GANs, NeurIPS",
        cites=("mescheder2017numerics",),
    )
    yield Entry(
        "sga",
        "meva_gradient_rules.sga:SGA",
        "corrects the gradient for the game's rotation",
        "Balduzzi et al. (2018), The Mechanics of n-Player Differentiable Games, ICML",
        cites=("balduzzi2018mechanics",),
    )
    yield Entry(
        "cgd",
        "meva_gradient_rules.cgd:CGD",
        "steps to the bilinear game's equilibrium",
        "Schaefer & Anandkumar (2019), Competitive Gradient Descent, NeurIPS",
        cites=("schaefer2019competitive",),
    )
    yield Entry(
        "extragradient",
        "meva_gradient_rules.extragradient:Extragradient",
        "follows the gradient at the point after one joint step",
        "Korpelevich (1976), The Extragradient Method for Finding Saddle Points",
        cites=("korpelevich1976extragradient",),
    )
