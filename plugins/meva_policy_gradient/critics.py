"""Critics and other networks of the kind of policies, built for the sizes that a learner needs.

Shapes: I inputs, O outputs.
"""

from __future__ import annotations

from typing import Any

import attrs
from jax import Array

from meva_core.contracts import Policy, Sampled, component, part
from meva_core.errors import BadCombination
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


def network_between(builder: Any, inputs: int, outputs: int, one_hot: bool = False) -> Policy:
    """A network of I inputs and O outputs, whose outputs are the `used` ones of all that it has.

    builder: (observation_size, num_actions, one_hot) -> Policy. one_hot: its inputs are rows of the identity matrix.
    """
    # Two outputs are not used: policies of two actions have only one degree of freedom.
    sizes = {"observation_size": inputs, "num_actions": outputs + 2}
    try:
        return builder(**sizes, one_hot=one_hot)
    except BadCombination:  # a table, which is a linear map of what it sees
        return builder(**sizes, one_hot=True)


def used(outputs: Array) -> Array:
    """The outputs f32[..., O] of a network of `network_between`, of all that it has f32[..., O + 2]."""
    return outputs[..., 2:]
