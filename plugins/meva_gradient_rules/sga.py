"""Symplectic gradient adjustment."""

from typing import Any

import jax.numpy as jnp
from jax import Array

from meva_core.contracts import Game, Learner, component, leaf, not_negative, part, positive
from meva_core.ops import jacobian_product, simultaneous_gradient, transposed_product
from meva_gradient_rules.payoffs import independent_payoffs


@component
class SGA(Learner):
    """Corrects for the game's rotation. With g = [d_i f_i], H = dg/dx and its antisymmetric part A = (H - H')/2,

        g - w s A' g,   s the sign of  epsilon - <g, H' g> <A' g, H' g> / (P D):

    towards stable and away from unstable fixed points. The weight w depends on the payoffs' scale, and the product that
    epsilon is compared with on its seventh power: `payoff_scale` multiplies the payoffs there.

    References:
        Balduzzi et al. (2018), The Mechanics of n-Player Differentiable Games, ICML, equation 8 and section 3.5
        (in losses: s is the sign of <xi, H'xi> <A'xi, H'xi> / (P D) + epsilon there).
    """

    game: Game = part()
    rate: float = leaf(default=1.0, doc="learning rate", check=positive, per_payoff=True)
    weight: float = leaf(default=1.0, doc="weight of the adjustment", check=not_negative, per_payoff=True)
    epsilon: float = leaf(
        default=0.1, doc="threshold of the sign s: where the product is near 0, s is 1", check=not_negative
    )

    payoff_scale: float = leaf(
        default=1.0,
        doc="factor of the payoffs in the product that is compared with epsilon",
        check=positive,
        per_payoff=True,
    )

    learns_from = "sample"

    def update(self, params: Any, state: Any, x: Array, key: Array) -> tuple[Array, Any]:
        first, second = independent_payoffs(self.game, key)
        gradient = simultaneous_gradient(first, x)
        downhill = transposed_product(second, x, gradient)
        adjustment = (downhill - jacobian_product(second, x, gradient)) / 2
        # Numbers of the first, second and second order in the payoffs, each scaled separately: the seventh power of the
        # scale would overflow.
        unit = self.payoff_scale
        there, down, turn = unit * gradient, unit**2 * downhill, unit**2 * adjustment
        alignment = jnp.sum(there * down) * jnp.sum(turn * down) / x.size
        sign = jnp.where(self.epsilon - alignment >= 0, 1.0, -1.0)
        return self.rate * (gradient - self.weight * sign * adjustment), state
