"""Entries of this plugin. Imports nothing heavy."""

from collections.abc import Iterable

from meva_core.contracts import Entry, hookimpl

MEVA_RECIPES = "meva_sampled_games:recipes.toml"
MEVA_REFERENCES = "meva_sampled_games:references.bib"


@hookimpl
def meva_games() -> Iterable[Entry]:
    yield Entry(
        name="coin_game",
        factory="meva_sampled_games.coin_game:CoinGame",
        summary="two players collect coins, their own or the other's",
        reference="Lerer & Peysakhovich (2017), Maintaining Cooperation in Complex Social Dilemmas using Deep "
        "Reinforcement Learning; Foerster et al. (2018), Learning with Opponent-Learning Awareness, AAMAS",
        cites=("lerer2017maintaining", "foerster2018learning"),
    )
    yield Entry(
        name="coin_choices",
        factory="meva_sampled_games.coin_choices:CoinChoices",
        summary="the Coin Game, whose players choose whether to leave the other's coins",
        reference="Lerer & Peysakhovich (2017), Maintaining Cooperation in Complex Social Dilemmas using Deep "
        "Reinforcement Learning",
        cites=("lerer2017maintaining",),
    )
    yield Entry(
        name="exchange",
        factory="meva_sampled_games.exchange:Exchange",
        summary="two players divide items that are worth more to one of them",
        reference="Duque et al. (2025), Advantage Alignment Algorithms, ICLR",
        cites=("duque2025advantage",),
    )
