"""Competitive gradient descent."""

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jax import Array

from meva_core.contracts import Game, Learner, Sweep, component, leaf, not_negative, part, positive
from meva_core.ops import off_diagonal_product, simultaneous_gradient
from meva_gradient_rules.payoffs import independent_payoffs
from meva_gradient_rules.sweeps import look_ahead_rates


@component
class CGD(Learner):
    """The Nash equilibrium of the game's bilinear approximation around x, as a step. With g = [d_i f_i], H_o the
    off-diagonal blocks of dg/dx and h the look-ahead rate,

        (I - h H_o)^-1 g:

    This is the limit of LookAhead repeated infinitely often: every player expects every other to look ahead.

    References:
        Schaefer & Anandkumar (2019), Competitive Gradient Descent, NeurIPS, equation 3 (in losses).
    """

    game: Game = part()
    rate: float = leaf(default=1.0, doc="learning rate", check=positive, per_payoff=True)
    look_ahead_rate: float = leaf(default=1.0, doc="rate of the imagined steps", check=not_negative, per_payoff=True)

    learns_from = "sample"

    small: ClassVar = {"look_ahead_rate": 0.5}  # at 1 there is no solution in the Cournot game: I - h H_o is singular

    @property
    def sweep(self) -> Sweep:
        return look_ahead_rates(self.rate)

    def update(self, params: Any, state: Any, x: Array, key: Array) -> tuple[Array, Any]:
        first, second = independent_payoffs(self.game, key)

        def left_side(flat: Array) -> Array:
            v = flat.reshape(x.shape)
            return (v - self.look_ahead_rate * off_diagonal_product(second, x, v)).ravel()

        # The full PD x PD matrix: a direct solve is exact, and cheaper at the size of these policies.
        matrix = jax.vmap(left_side, out_axes=1)(jnp.eye(x.size, dtype=x.dtype))
        gradient = simultaneous_gradient(first, x)
        return self.rate * jnp.linalg.solve(matrix, gradient.ravel()).reshape(x.shape), state
