"""Policies that can also play by a rule.

Shapes: D numbers per policy, H numbers of memory, O numbers per observation.
"""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from meva_core.contracts import Policy, SampledGame, component, part, static
from meva_core.errors import BadValue


@component
class Scripted(Policy):
    """A policy with one number more, the last, which chooses a script of the game: 0 stands for the policy itself, 1
    for the first script, and so on. So rule-based players sit in any seat, whatever the other numbers mean.

    size: D, at least one more than the policy needs; numbers between have no meaning.
    """

    policy: Policy = part()
    rules: SampledGame = part()
    seat: int = static(doc="the player's seat")
    size: int = static(doc="D")

    @property
    def policy_size(self) -> int:  # type: ignore[override]
        return self.size

    @property
    def memory_size(self) -> int:  # type: ignore[override]
        return self.policy.memory_size

    def init(self, key: Array) -> Array:
        own = self.policy.init(key)
        return jnp.pad(own, (0, self.size - len(own)))

    def begin(self, x: Array) -> Array:
        return self.policy.begin(self._own(x))

    def act(self, x: Array, memory: Array, observation: Array) -> tuple[Array, Array]:
        logits, memory = self.policy.act(self._own(x), memory, observation)
        scripts = self.rules.scripts
        for number, name in enumerate(scripts, start=1):
            try:
                script = scripts[name]
            except BadValue:  # a strategy with a factor that this game does not allow; nobody can choose it by name
                continue
            logits = jnp.where(x[-1] == number, script(observation, self.seat), logits)
        return logits, memory

    def _own(self, x: Array) -> Array:
        return x[: self.policy.policy_size]
