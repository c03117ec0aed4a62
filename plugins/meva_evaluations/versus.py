"""Matches of a fitted player against a rule without parameters; several evaluations play them."""

from __future__ import annotations

import attrs

from meva_core.contracts import Facing, Game, Learner
from meva_core.match import Fitted, Match


def against(game: Game, player: Fitted, rival: Learner) -> Match:
    """A match of the player in seat 1 against `rival` (a rule without parameters) in all other seats.

    Raises BadCombination if the player cannot meet the rival.
    """
    others = (rival,) * (game.num_players - 1)
    players = (attrs.evolve(player, learner=facing(player.learner, others)), Fitted(learner=rival))
    return Match(game=game, players=players, seats=(0, *(1,) * len(others)))


def facing(learner: Learner, others: tuple[Learner, ...]) -> Learner:
    """The learner as it plays in seat 1 against others. Raises BadCombination if it cannot meet them."""
    return learner.facing((None, *others)) if isinstance(learner, Facing) else learner
