"""Extragradient."""

from typing import Any

from jax import Array

from meva_core.contracts import Game, Learner, Sweep, component, leaf, not_negative, part, positive
from meva_core.ops import simultaneous_gradient
from meva_gradient_rules.payoffs import independent_payoffs
from meva_gradient_rules.sweeps import look_ahead_rates


@component
class Extragradient(Learner):
    """The gradient of where everybody's naive step would lead: g(x + h g(x)), g = [d_i f_i], h the look-ahead rate.

    References:
        Korpelevich (1976), The Extragradient Method for Finding Saddle Points and Other Problems.
    """

    game: Game = part()
    rate: float = leaf(default=1.0, doc="learning rate", check=positive, per_payoff=True)
    look_ahead_rate: float = leaf(
        default=1.0, doc="rate of every player's imagined step", check=not_negative, per_payoff=True
    )

    learns_from = "sample"

    @property
    def sweep(self) -> Sweep:
        return look_ahead_rates(self.rate)

    def update(self, params: Any, state: Any, x: Array, key: Array) -> tuple[Array, Any]:
        now, after = independent_payoffs(self.game, key)
        ahead = x + self.look_ahead_rate * simultaneous_gradient(now, x)
        return self.rate * simultaneous_gradient(after, ahead), state
