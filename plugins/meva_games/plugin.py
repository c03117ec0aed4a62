"""Entries of this plugin. Imports nothing heavy."""

from collections.abc import Iterable

from meva_core.contracts import Entry, hookimpl

MEVA_REFERENCES = "meva_games:references.bib"


@hookimpl
def meva_games() -> Iterable[Entry]:
    yield Entry(
        name="logistic",
        factory="meva_games.logistic:Logistic",
        summary="one number each; two stable points, both players prefer B",
        reference="Letcher (2018), Stability and Exploitation in Differentiable Games, MSc thesis, Oxford",
        cites=("letcher2018stability",),
    )
    yield Entry(
        name="ipd",
        factory="meva_games.two_by_two:PrisonersDilemma",
        summary="iterated prisoner's dilemma, memory-one, exact payoffs",
        reference="Foerster et al. (2018), Learning with Opponent-Learning Awareness, AAMAS",
        cites=("foerster2018learning",),
    )
    yield Entry(
        name="imp",
        factory="meva_games.two_by_two:MatchingPennies",
        summary="iterated matching pennies, zero-sum and asymmetric",
        reference="Foerster et al. (2018), Learning with Opponent-Learning Awareness, AAMAS",
        cites=("foerster2018learning",),
    )
    yield Entry(
        name="chicken",
        factory="meva_games.two_by_two:Chicken",
        summary="iterated chicken: a crash costs a hundred times the gain",
        reference="Cooijmans et al. (2023), Meta-Value Learning, arXiv 2307.08863",
        cites=("cooijmans2023meta",),
    )
    yield Entry(
        name="stag_hunt",
        factory="meva_games.two_by_two:StagHunt",
        summary="iterated stag hunt: one equilibrium pays, one is safe",
        reference="Skyrms (2004), The Stag Hunt and the Evolution of Social Structure",
        cites=("skyrms2004stag",),
    )
    yield Entry(
        name="contribution",
        factory="meva_games.contribution:Contribution",
        summary="iterated dilemma of two who share what they put into a pool",
        reference="Zhao et al. (2022), Proximal Learning with Opponent-Learning Awareness, NeurIPS",
        cites=("zhao2022proximal",),
    )
    yield Entry(
        name="matrix",
        factory="meva_games.matrix:Matrix",
        summary="any iterated two-by-two game, from its payoff tables",
        reference="Axelrod (1984), The Evolution of Cooperation",
        cites=("axelrod1984evolution",),
    )
    yield Entry(
        name="normal_form",
        factory="meva_games.normal_form:NormalForm",
        summary="any iterated game of two players, from its payoff tables",
        reference="Osborne & Rubinstein (1994), A Course in Game Theory",
        cites=("osborne1994course",),
    )
    yield Entry(
        name="tandem",
        factory="meva_games.quadratic:Tandem",
        summary="one number each; exposes rules that expect others to yield",
        reference="Letcher et al. (2019), Stable Opponent Shaping in Differentiable Games, ICLR",
        cites=("letcher2019stable",),
    )
    yield Entry(
        name="hamiltonian",
        factory="meva_games.quadratic:Hamiltonian",
        summary="one number each, zero-sum, pure rotation",
        reference="Balduzzi et al. (2018), The Mechanics of n-Player Differentiable Games, ICML",
        cites=("balduzzi2018mechanics",),
    )
    yield Entry(
        name="ultimatum",
        factory="meva_games.ultimatum:Ultimatum",
        summary="one-shot: a fair offer or not, accepted or not",
        reference="Willi et al. (2022), COLA, ICML",
        cites=("willi2022cola",),
    )
    yield Entry(
        name="public_goods",
        factory="meva_games.public_goods:PublicGoods",
        summary="iterated dilemma for any number of players",
        reference="Hilbe et al. (2014), Cooperation and Control in Multiplayer Social Dilemmas, PNAS",
        cites=("hilbe2014cooperation",),
    )
    yield Entry(
        name="social_dilemma",
        factory="meva_games.social_dilemma:SocialDilemma",
        summary="dilemma whose payoffs depend on how many players cooperate",
        reference="Hilbe et al. (2014), Cooperation and Control in Multiplayer Social Dilemmas, PNAS; "
        "Willi et al. (2023), Pax: Multi-Agent Learning in JAX",
        cites=("hilbe2014cooperation", "willi2023pax"),
    )
    yield Entry(
        name="cournot",
        factory="meva_games.cournot:Cournot",
        summary="one number each: two firms choose how much to sell",
        reference="Cournot (1838), Recherches sur les principes mathématiques de la théorie des richesses; "
        "Willi et al. (2023), Pax: Multi-Agent Learning in JAX",
        cites=("cournot1838recherches", "willi2023pax"),
    )
