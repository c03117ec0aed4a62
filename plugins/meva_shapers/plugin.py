"""Entries of this plugin. Imports nothing heavy."""

from collections.abc import Iterable

from meva_core.contracts import Entry, hookimpl

MEVA_RECIPES = "meva_shapers:recipes.toml"
MEVA_REFERENCES = "meva_shapers:references.bib"


@hookimpl
def meva_learners() -> Iterable[Entry]:
    yield Entry(
        "coala_pg",
        "meva_shapers.coala_pg:COALAPG",
        "plays the policy that gradients through the learning of others find",
        "Meulemans et al. (2025), Learning-Aware Policy Gradients, ICLR",
        cites=("meulemans2025multi",),
    )
    yield Entry(
        "good_shepherd",
        "meva_shapers.good_shepherd:GoodShepherd",
        "plays the fixed policy that is best while others learn against it",
        "Balaguer et al. (2022), The Good Shepherd, arXiv; Salimans et al. (2017), Evolution Strategies, arXiv",
        cites=("balaguer2022good", "salimans2017evolution"),
    )
    yield Entry(
        "meta_mapg",
        "meva_shapers.meta_mapg:MetaMAPG",
        "learns where to start, knowing that it and its peers will learn",
        "Kim et al. (2021), Learning to Learn in Multiagent RL, ICML; Al-Shedivat et al. (2018), Meta-PG, ICLR",
        cites=("kim2021policy", "alshedivat2018continuous"),
    )
    yield Entry(
        "shaper",
        "meva_shapers.shaper:Shaper",
        "plays a fixed policy that remembers all episodes in which others learn",
        "Khan et al. (2024), Scaling Opponent Shaping to High Dimensional Games, AAMAS",
        cites=("khan2024scaling",),
    )
    yield Entry(
        "m_fos",
        "meva_shapers.m_fos:MFOS",
        "chooses its next policy by what came of such choices while others learnt",
        "Lu et al. (2022), Model-Free Opponent Shaping, ICML",
        cites=("lu2022model",),
    )
