"""Policies that never move."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import Array

from meva_core.component import component, finite, leaf, part, static
from meva_core.errors import BadCombination, UnknownName, did_you_mean
from meva_core.protocols import Game, Learner


@component
class Fixed(Learner):
    """Plays one policy and never moves: a named strategy of the game, given numbers, or where it was put.

    `meva show game NAME` tells a game's strategies. Some take a number, `factor`: extortion its share of the surplus,
    an equaliser the payoff that it grants.

    References:
        Axelrod (1984), The Evolution of Cooperation; Press & Dyson (2012), PNAS; Hilbe, Traulsen & Sigmund (2015),
        Games and Economic Behavior.
    """

    game: Game = part()
    rate: float = leaf(default=0.0, doc="learning rate: it has none")
    strategy: str | None = static(default=None, doc="a strategy that the game names; unset: `policy`")
    policy: tuple[float, ...] | None = leaf(
        default=None, doc="its D numbers, as the game has them (logits); unset: it stays where it starts", check=finite
    )
    factor: float | None = leaf(
        default=None,
        doc="of a strategy that takes a number: extortion's share, an equaliser's target; unset: the game's choice",
        check=finite,
    )

    plays_strategies = "strategy"

    def __attrs_post_init__(self) -> None:
        if self.strategy is not None and self.policy is not None:
            raise BadCombination("expected one of learner.strategy and learner.policy, got both: drop one")
        if self.strategy is not None and self.strategy not in self.game.strategies:
            names = list(self.game.strategies)
            if not names:
                raise BadCombination(
                    f"expected learner.policy = [{self.game.policy_size} numbers]: {type(self.game).__name__} names "
                    f"no strategies, got learner.strategy = {self.strategy!r}"
                )
            raise UnknownName(f"unknown strategy {self.strategy!r}{did_you_mean(self.strategy, names)}")
        if self.policy is not None and len(self.policy) != self.game.policy_size:
            raise BadCombination(
                f"learner.policy: expected {self.game.policy_size} numbers ({', '.join(self.game.entry_names)}), "
                f"got {len(self.policy)}"
            )
        self.held()

    def held(self) -> Array | None:
        if self.strategy is None:
            policy: Any = None if self.policy is None else jnp.asarray(self.policy)
        else:
            policy = self.game.strategies[self.strategy]
            policy = self._with_number(policy) if callable(policy) else policy
        return None if policy is None else jnp.broadcast_to(policy, (self.game.num_players, self.game.policy_size))

    def _with_number(self, strategy: Callable[..., Any]) -> Any:
        """The policy of a strategy that takes a number."""
        if self.factor is not None:
            return strategy(self.factor)
        if any(parameter.default is parameter.empty for parameter in inspect.signature(strategy).parameters.values()):
            raise BadCombination(f"expected learner.factor, the number of strategy {self.strategy!r}, got none")
        return strategy()

    def start(self, params: Any, x: Array, key: Array) -> Array:
        held = self.held()
        return x if held is None else held.astype(x.dtype)

    def update(self, params: Any, state: Any, x: Array, key: Array) -> tuple[Array, Any]:
        return jnp.zeros_like(x), state
