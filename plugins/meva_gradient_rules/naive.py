"""Naive learning."""

from typing import Any

from jax import Array

from meva_core.contracts import Game, Learner, Myopic, component, leaf, part, payoff_from, positive
from meva_core.ops import simultaneous_gradient


@component
class Naive(Myopic, Learner):
    """Simultaneous gradient ascent: player i steps by rate * d_i f_i(x).

    References:
        Singh, Kearns & Mansour (2000), Nash Convergence of Gradient Dynamics in General-Sum Games, UAI.
    """

    game: Game = part()
    rate: float = leaf(default=1.0, doc="learning rate", check=positive, per_payoff=True)

    learns_from = "sample"

    def update(self, params: Any, state: Any, x: Array, key: Array) -> tuple[Array, Any]:
        return self.rate * simultaneous_gradient(payoff_from(self.game, key), x), state
