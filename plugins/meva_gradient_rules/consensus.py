"""Consensus optimisation."""

from typing import Any

from jax import Array

from meva_core.contracts import Game, Learner, component, leaf, not_negative, part, positive
from meva_core.ops import simultaneous_gradient, transposed_product


@component
class Consensus(Learner):
    """Everybody ascends, and prefers places where nobody has a gradient: with g = [d_i f_i] and H = dg/dx,

        g - w H' g = g - w d(|g|^2 / 2)/dx.

    The weight w depends on the payoffs' scale.

    References:
        Mescheder, Nowozin & Geiger (2017), The Numerics of GANs, NeurIPS, equation 9 (in losses).
    """

    game: Game = part()
    rate: float = leaf(default=1.0, doc="learning rate", check=positive, per_payoff=True)
    weight: float = leaf(
        default=1.0, doc="weight of the descent on the gradient's norm", check=not_negative, per_payoff=True
    )

    def update(self, params: Any, state: Any, x: Array, key: Array) -> tuple[Array, Any]:
        gradient = simultaneous_gradient(self.game.payoff, x)
        return self.rate * (gradient - self.weight * transposed_product(self.game.payoff, x, gradient)), state
