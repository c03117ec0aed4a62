"""Tables in other coordinates, in which learning is ill-conditioned."""

import jax
import jax.numpy as jnp
from jax import Array

from meva_core.contracts import Policy, at_least, between, component, finite, leaf, positive, static
from meva_core.errors import BadCombination
from meva_policies.actions import as_logits, output_units
from meva_policies.table import ACTIONS, OBSERVATION, ONE_HOT


@component
class Preconditioned(Policy):
    """A table whose numbers are no logits: those of one state, by default of mutual defection (the second state of the
    two-by-two games), are added, times `weight`, to the logits of all other states:

        logits(s) = x(s) + weight x(state) in every other state s, and logits(state) = x(state).

    So it can do all that a table can, but steps in its numbers are other steps of what it does: rules that depend on
    how numbers parameterise policies learn something else. Numbers start from N(0, spread^2).

    References:
        Zhao et al. (2022), Proximal Learning with Opponent-Learning Awareness, NeurIPS, section 5.1 and the authors'
        code (weight -2).

    Examples:
        >>> policy = Preconditioned(observation_size=3, num_actions=2, one_hot=True)
        >>> acts = jax.vmap(lambda seen: policy.act(jnp.array([1.0, 2.0, 3.0]), jnp.zeros(0), seen)[0])
        >>> acts(jnp.eye(3))[:, 1].tolist()
        [-3.0, 2.0, -1.0]
    """

    observation_size: int = static(doc=OBSERVATION, check=at_least(1))
    num_actions: int = static(doc=ACTIONS, check=at_least(1))
    one_hot: bool = static(doc=ONE_HOT)
    weight: float = leaf(default=-2.0, doc="factor of the one state's numbers in all other states", check=finite)
    state: int = static(default=1, doc="index of that state, the first is 0", check=between(0, 10**6))
    spread: float = leaf(default=0.1, doc="standard deviation of the numbers at the start", check=positive)

    def __attrs_post_init__(self) -> None:
        if not self.one_hot or self.state >= self.observation_size:
            shown = f"one of {self.observation_size} states" if self.one_hot else "observations that are no states"
            raise BadCombination(
                f"expected a game that shows its players one of more than {self.state} states for preconditioned "
                f"tables, got one with {shown}: set policy.state, or use a network, --policy mlp"
            )

    @property
    def policy_size(self) -> int:  # type: ignore[override]
        return self.observation_size * output_units(self.num_actions)

    def init(self, key: Array) -> Array:
        return self.spread * jax.random.normal(key, (self.policy_size,))

    def act(self, x: Array, memory: Array, observation: Array) -> tuple[Array, Array]:
        rows = x.reshape(self.observation_size, -1)
        others = jnp.arange(self.observation_size) != self.state
        logits = rows + self.weight * others[:, None] * rows[self.state]
        return as_logits(jnp.sum(observation[:, None] * logits, axis=0), self.num_actions), memory
