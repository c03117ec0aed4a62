"""Exact games between policies of any kind, such as networks.

Shapes: P players, D numbers per policy, N observations, A actions, E entries.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer

from meva_core.contracts.components import component, part, static
from meva_core.contracts.playing import GivesLogits, Playable, Policy, Sampled, SampledGame
from meva_core.contracts.protocols import Game
from meva_core.errors import BadCombination


@component
class WithPolicies(Game):
    """An exact game, played between policies without memory: a policy is asked for its logits at every observation that
    the game distinguishes, and the game's own formula gives the payoffs. So they are exact, and so are all derivatives
    in the numbers of the policies.

    game: a game with the capability `Playable`. policies: one per seat; if their sizes differ, rows of shorter ones are
    padded at the end. Entries and outcomes are the game's. Numbers that play a strategy of the game cannot be listed.
    `meva_core.evaluate` looks for best responses among the game's own policies. Raises BadCombination if the parts do
    not fit together.

    References:
        Zhao et al. (2022), Proximal Learning with Opponent-Learning Awareness, NeurIPS (networks at the five states of
        the iterated prisoner's dilemma).
    """

    game: Game = part()
    policies: tuple[Policy, ...] = part()
    alike: bool | None = static(default=None, doc="all policies are of one kind; computed when unset")

    def __attrs_post_init__(self) -> None:
        name = type(self.game).__name__
        rules_of(self.game)
        if len(self.policies) != self.game.num_players:
            raise BadCombination(
                f"expected {self.game.num_players} policies, one per seat of {name}, got {len(self.policies)}"
            )
        for policy in self.policies:
            if policy.memory_size:
                raise BadCombination(
                    f"expected policies without memory for the exact payoffs of {name}, got {type(policy).__name__}: "
                    "it needs --sampled"
                )
        if self.alike is None:
            object.__setattr__(self, "alike", all(policy == self.policies[0] for policy in self.policies))

    @property
    def num_players(self) -> int:  # type: ignore[override]
        return self.game.num_players

    @property
    def policy_size(self) -> int:  # type: ignore[override]
        return max(policy.policy_size for policy in self.policies)

    @property
    def symmetric(self) -> bool:  # type: ignore[override]
        return bool(self.alike) and self.game.symmetric

    @property
    def notes(self) -> tuple[str, ...]:  # type: ignore[override]
        return self.game.notes

    @property
    def payoff_range(self) -> Array:
        return self.game.payoff_range

    @property
    def entry_names(self) -> tuple[str, ...]:
        return self.game.entry_names

    def init(self, key: Array) -> Array:
        return fresh(self.policies, key)

    def payoff(self, x: Array) -> Array:
        return self.game.payoff(self.tables(x))

    def entries(self, x: Array) -> Array:
        return self.game.entries(self.tables(x))

    def outcomes(self, x: Array) -> dict[str, Array]:
        return self.game.outcomes(self.tables(x))

    def tables(self, x: Array) -> Array:
        """The joint policy of the game itself that acts as x f32[P, D] does."""
        game: Any = self.game
        return game.from_logits(self._logits(x))

    def to_logits(self, x: Array) -> Array:
        """Logits of the actions f32[P, N, A] of x f32[P, D] at the game's observations."""
        # A game that gives logits itself knows which actions a player lacks.
        return self.game.to_logits(self.tables(x)) if isinstance(self.game, GivesLogits) else self._logits(x)

    def _logits(self, x: Array) -> Array:
        """The logits f32[P, N, A] that the policies give."""
        game: Any = self.game
        observations = jnp.asarray(game.rules().observations, x.dtype)

        def logits(policy: Policy, x: Array) -> Array:
            """The logits f32[N, A] of one player's numbers."""
            own = x[: policy.policy_size]
            return jax.vmap(lambda observation: policy.act(own, policy.begin(own), observation)[0])(observations)

        if self.alike:
            return jax.vmap(lambda x: logits(self.policies[0], x))(x)
        return jnp.stack([logits(policy, x[n]) for n, policy in enumerate(self.policies)])


def rules_of(game: Game) -> SampledGame:
    """The rules of an exact game. Raises BadCombination if it does not have the capability `Playable`."""
    if isinstance(game, Playable):
        return game.rules()
    raise BadCombination(
        f"expected a game that shows its players a state for policies of another kind, got {type(game).__name__}: "
        "leave --policy out"
    )


def rules_behind(game: Any) -> SampledGame | None:
    """The rules of a game that is played, or of an exact one that can be, between policies of any kind; None for other
    games."""
    if isinstance(game, Sampled):
        return game.rules
    tables = game.game if isinstance(game, WithPolicies) else game
    return tables.rules() if isinstance(tables, Playable) else None


def policy_arguments(rules: SampledGame) -> dict[str, Any]:
    """The arguments that composition supplies to policies in a game with these rules: `observation_size`,
    `num_actions` and `one_hot`."""
    return {
        "observation_size": rules.observation_size,
        "num_actions": rules.num_actions,
        "one_hot": states_of(rules) is not None,
    }


def states_of(rules: SampledGame) -> Array | None:
    """The observations f32[N, N] of a game that shows its players one of N states, a row of the identity matrix; None
    for other games."""
    with jax.ensure_compile_time_eval():  # they do not depend on what is traced
        seen = rules.observations
    if seen is None or isinstance(seen, Tracer) or not np.array_equal(seen, np.eye(len(seen))):
        return None
    return seen


def fresh(policies: Sequence[Policy], key: Array) -> Array:
    """A fresh joint policy f32[P, D] of these policies, one per seat; shorter rows are padded at the end."""
    rows = [policy.init(own) for policy, own in zip(policies, jax.random.split(key, len(policies)), strict=True)]
    longest = max(policy.policy_size for policy in policies)
    return jnp.stack([jnp.pad(row, (0, longest - len(row))) for row in rows])
