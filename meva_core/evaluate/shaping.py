"""How does a learner fare against another one that learns by its own rule?"""

from __future__ import annotations

import attrs

from meva_core.contracts.protocols import Game, Learner
from meva_core.match import Fitted, Match


def against(game: Game, player: Fitted, rival: Learner) -> Match:
    """The player in seat 1, as it plays where everybody else follows `rival` (a rule without parameters)."""
    others = game.num_players - 1
    facing = player.learner.facing((None, *(rival,) * others))
    players = (attrs.evolve(player, learner=facing), Fitted(learner=rival))
    return Match(game=game, players=players, seats=(0, *(1,) * others))
