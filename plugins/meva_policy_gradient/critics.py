"""Critics: networks of the kind of policies with one output, the value of what a player sees."""

from __future__ import annotations

from typing import Any

import attrs

from meva_core.contracts import Policy, Sampled, component, part
from meva_core.sampling import policy_arguments


@component
class LikePolicy:
    """A builder of critics that have the architecture of a policy."""

    policy: Policy = part()

    def __call__(self, observation_size: int, num_actions: int, one_hot: bool) -> Any:
        """The network with `num_actions` outputs."""
        return attrs.evolve(self.policy, num_actions=num_actions)  # type: ignore[type-var]


def critic_of(builder: Any, game: Sampled) -> Policy:
    """The critic of the players of a game. builder: (observation_size, num_actions, one_hot) -> Policy."""
    return builder(**{**policy_arguments(game.rules), "num_actions": 1})
