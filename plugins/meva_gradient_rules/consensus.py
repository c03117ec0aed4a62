"""Consensus optimisation."""

from typing import Any

from jax import Array

from meva_core.contracts import Game, Learner, component, leaf, not_negative, part, positive
from meva_core.ops import simultaneous_gradient, transposed_product
from meva_gradient_rules.payoffs import independent_payoffs


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

    learns_from = "sample"

    def update(self, params: Any, state: Any, x: Array, key: Array) -> tuple[Array, Any]:
        first, second = independent_payoffs(self.game, key)
        gradient = simultaneous_gradient(first, x)
        return self.rate * (gradient - self.weight * transposed_product(second, x, gradient)), state
