"""Critics: networks of the kind of policies with one output, the value of what a player sees."""

from __future__ import annotations

from typing import Any

from meva_core.contracts import Policy, Sampled


def critic_of(builder: Any, game: Sampled) -> Policy:
    """The critic for a player of the game. builder: (observation_size, num_actions, one_hot) -> Policy."""
    return builder(game.rules.observation_size, 1, game.rules.observations is not None)
