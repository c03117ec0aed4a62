"""Policies that never move."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer

from meva_core.contracts import Check, Game, Learner, PlaysStrategies, component, finite, leaf, part, static
from meva_core.errors import BadCombination, Remark, UnknownName, did_you_mean

Rows = tuple[float, ...] | tuple[tuple[float, ...], ...]


def _each(expected: str, low: float, high: float) -> Check:
    return Check(expected, lambda rows: all(low <= number <= high for number in jax.tree.leaves(rows)))


@component
class Fixed(PlaysStrategies, Learner):
    """Plays one policy and never moves: a named strategy of the game, given numbers or probabilities, or where it was
    put.

    `meva show game NAME` lists a game's strategies. Some take a number, `factor`: for extortion its share of the
    surplus, for an equaliser the payoff of the other player. Numbers and probabilities are one row for all seats, or
    one row for each seat. Tit-for-tat that forgives a third of all defections:

        meva-run --game ipd --learner fixed --set "learner.probabilities=[1, 0.33, 1, 0.33, 1]"

    References:
        Axelrod (1984), The Evolution of Cooperation; Press & Dyson (2012), PNAS; Hilbe, Traulsen & Sigmund (2015),
        Games and Economic Behavior.
    """

    game: Game = part()
    strategy: str | None = static(default=None, doc="name of a strategy of the game")
    policy: Rows | None = leaf(
        default=None,
        doc="D numbers of the policy as the game has them: logits, not probabilities",
        check=_each("finite", -3e38, 3e38),
    )
    probabilities: Rows | None = leaf(
        default=None,
        doc="D probabilities of the policy, if the game has such; with none of the three it stays at its start",
        check=_each("between 0 and 1", 0.0, 1.0),
    )
    factor: float | None = leaf(
        default=None,
        doc="number of a strategy that takes one: extortion's share, an equaliser's target; unset: the game's choice",
        check=finite,
    )

    plays_strategies = "strategy"
    learns_from = "nothing"

    def __attrs_post_init__(self) -> None:
        names = [name for name in ("strategy", "policy", "probabilities") if getattr(self, name) is not None]
        if len(names) > 1:
            both = " and ".join(f"learner.{name}" for name in names)
            raise BadCombination(
                f"expected one of learner.strategy, learner.policy and learner.probabilities, got {both}"
            )
        if self.strategy is not None:
            self._check_strategy(self.strategy)
        if self.policy is not None:
            self._check_rows("policy", self.policy, of="logits of " if self._from_probabilities else "")
            self._remark(self.policy)
        if self.probabilities is not None:
            if not self._from_probabilities:
                self._refuse_networks("learner.probabilities")
                raise BadCombination(
                    f"expected learner.policy = [{self.game.policy_size} numbers], got learner.probabilities: policies "
                    f"of {type(self.game).__name__} are not probabilities"
                )
            self._check_rows("probabilities", self.probabilities)
        self.held()

    def held(self) -> Array | None:
        shape = (self.game.num_players, self.game.policy_size)
        if self.probabilities is not None:
            entries = (self.game.num_players, len(self.game.entry_names))
            return self.game.from_entries(jnp.broadcast_to(jnp.asarray(self.probabilities), entries))
        if self.policy is not None:
            return jnp.broadcast_to(jnp.asarray(self.policy), shape)
        if self.strategy is None:
            return None
        named = self.game.strategies[self.strategy]
        policy: Any = self._with_number(named) if callable(named) else named
        return jnp.broadcast_to(policy, shape)

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

    @property
    def _from_probabilities(self) -> bool:
        """True if the game's policies have probabilities as entries."""
        halves = jnp.full((self.game.num_players, len(self.game.entry_names)), 0.5)
        return jax.eval_shape(self.game.from_entries, halves) is not None

    def _check_strategy(self, strategy: str) -> None:
        names = list(self.game.strategies)
        if not names:
            self._refuse_networks(f"learner.strategy = {strategy!r}")
            raise BadCombination(
                f"expected learner.policy = [{self.game.policy_size} numbers]: {type(self.game).__name__} names no "
                f"strategies, got learner.strategy = {strategy!r}"
            )
        if strategy not in names:
            raise UnknownName(f"unknown strategy {strategy!r}{did_you_mean(strategy, names)}")

    def _refuse_networks(self, given: str) -> None:
        """Raise BadCombination if the game's policies are networks, whose numbers no formula gives."""
        if policies := getattr(self.game, "policies", ()):
            raise BadCombination(
                f"expected --policy table with {given}, got {type(policies[0]).__name__}: the numbers of a network "
                "cannot be set to what it should do"
            )

    def _check_rows(self, name: str, given: Any, *, of: str = "") -> None:
        """Raise BadCombination unless there is one row of D numbers, or one for each seat."""
        names, players, nested = self.game.entry_names, self.game.num_players, _nested(given)
        size = len(names) if name == "probabilities" else self.game.policy_size
        lengths = [len(row) for row in given] if nested else [len(given)]
        if lengths != [size] * (players if nested else 1):
            got = ", ".join(map(str, lengths)) + (" in rows" if nested else "")
            told = f" ({of}{', '.join(names)})" if len(names) == size else ""
            raise BadCombination(
                f"learner.{name}: expected {size} numbers{told}, or such a row for each of {players} seats, got {got}"
            )

    def _remark(self, policy: Any) -> None:
        """Warn if the numbers of a policy look like probabilities."""
        if any(isinstance(number, Tracer) for number in jax.tree.leaves(policy)) or not self._from_probabilities:
            return
        numbers = np.asarray(policy)
        if np.all((numbers >= 0) & (numbers <= 1)):
            own: Any = self.held()
            shown = zip(self.game.entry_names, self.game.entries(own)[0].tolist(), strict=True)
            played = ", ".join(f"{name} = {number:.2g}" for name, number in shown)
            text = (
                f"learner.policy is read as logits, which mean {played}: for probabilities, use learner.probabilities"
            )
            warnings.warn(text, Remark, stacklevel=2)


def _nested(given: Any) -> bool:
    """True if the numbers come in rows."""
    return len(given) > 0 and (isinstance(given[0], (list, tuple)) or getattr(given[0], "ndim", 0) > 0)
