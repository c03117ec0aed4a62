"""Tables: one number for each state, or one for each state and action."""

import jax
import jax.numpy as jnp
from jax import Array

from meva_core.contracts import Policy, at_least, component, static
from meva_core.errors import BadCombination
from meva_policies.actions import as_logits, output_units

OBSERVATION = "O, numbers per observation (set by the game)"
ACTIONS = "A, number of actions; 1 in a critic, whose one output is a value (set by the game)"
ONE_HOT = "an observation is one of O states, a row of the identity matrix (set by the game)"


@component
class Table(Policy):
    """The logits of the actions at each of the O states that a game shows: with two actions the logit of the second
    one, D = O numbers, else D = O A numbers, state by state. They start from N(0, 1).

    These are the policies that the exact iterated games have by themselves, so `--policy table` changes nothing there.

    References:
        Sutton & Barto (2018), Reinforcement Learning: An Introduction, section 13.1 (preferences for actions).

    Examples:
        >>> policy = Table(observation_size=2, num_actions=2, one_hot=True)
        >>> logits, _ = policy.act(jnp.array([3.0, -1.0]), jnp.zeros(0), jnp.array([0.0, 1.0]))
        >>> logits.tolist()
        [0.0, -1.0]
    """

    observation_size: int = static(doc=OBSERVATION, check=at_least(1))
    num_actions: int = static(doc=ACTIONS, check=at_least(1))
    one_hot: bool = static(doc=ONE_HOT)

    tabular = True

    def __attrs_post_init__(self) -> None:
        if not self.one_hot:
            raise BadCombination(
                "expected a game that shows its players one of a few states for policies that are tables, got one "
                f"with observations of {self.observation_size} numbers: use a network, --policy mlp"
            )

    @property
    def policy_size(self) -> int:  # type: ignore[override]
        return self.observation_size * output_units(self.num_actions)

    def init(self, key: Array) -> Array:
        return jax.random.normal(key, (self.policy_size,))

    def act(self, x: Array, memory: Array, observation: Array) -> tuple[Array, Array]:
        # A sum of products, not a matrix product, which an accelerator would round.
        rows = x.reshape(self.observation_size, -1)
        return as_logits(jnp.sum(observation[:, None] * rows, axis=0), self.num_actions), memory
