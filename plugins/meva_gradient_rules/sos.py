"""Stable Opponent Shaping."""

from typing import Any

import jax.numpy as jnp
from jax import Array

from meva_core.contracts import (
    Game,
    Learner,
    Sweep,
    between,
    component,
    leaf,
    not_negative,
    part,
    positive,
)
from meva_core.ops import effects_at, off_diagonal_product, shaping_gradient, simultaneous_gradient
from meva_gradient_rules.payoffs import independent_payoffs
from meva_gradient_rules.sweeps import look_ahead_rates


@component
class SOS(Learner):
    """LookAhead with as much of LOLA's shaping as leaves its convergence to stable fixed points alone. With
    g = [d_i f_i], h the look-ahead rate, H_o the off-diagonal blocks of dg/dx and chi the shaping gradient,

        g_0 = g + h H_o g,   direction = g_0 + p h chi,   p = min(p_1, p_2),
        p_1 = 1 if <h chi, g_0> >= 0, else min(1, -a |g_0|^2 / <h chi, g_0>),
        p_2 = |g|^2 if |g| < b, else 1.

    p_2 depends on the payoffs' scale: `payoff_scale` multiplies g there. p depends on the whole joint policy, so player
    i computes it from the payoffs of all players. Where payoffs are estimated, so is p, and not without bias.

    References:
        Letcher et al. (2019), Stable Opponent Shaping in Differentiable Games, ICLR, algorithm 1 (in losses).
    """

    game: Game = part()
    rate: float = leaf(default=1.0, doc="learning rate", check=positive, per_payoff=True)
    look_ahead_rate: float = leaf(
        default=1.0, doc="rate of the opponents' imagined step", check=not_negative, per_payoff=True
    )
    a: float = leaf(
        default=0.5, doc="limit on how far shaping turns the direction away from LookAhead's", check=between(0, 1)
    )
    b: float = leaf(default=0.1, doc="norm of the gradient below which shaping fades", check=between(0, 1))
    payoff_scale: float = leaf(
        default=1.0, doc="factor of the gradient whose norm is compared with b", check=positive, per_payoff=True
    )

    learns_from = "sample"

    @property
    def sweep(self) -> Sweep:
        return look_ahead_rates(self.rate)

    def update(self, params: Any, state: Any, x: Array, key: Array) -> tuple[Array, Any]:
        first, second = independent_payoffs(self.game, key)
        gradient = simultaneous_gradient(first, x)
        ahead = gradient + self.look_ahead_rate * off_diagonal_product(second, x, gradient)
        shaping = self.look_ahead_rate * shaping_gradient(second, x, effects_at(first, x))
        return self.rate * (ahead + self._share(gradient, ahead, shaping) * shaping), state

    def _share(self, gradient: Array, ahead: Array, shaping: Array) -> Array:
        """The share p of shaping, f32[]."""
        alignment = jnp.sum(shaping * ahead)
        opposed = jnp.where(alignment < 0, alignment, -1.0)  # no division by zero in the other branch
        p1 = jnp.where(alignment < 0, jnp.minimum(1.0, -self.a * jnp.sum(ahead**2) / opposed), 1.0)
        squared_norm = jnp.sum((self.payoff_scale * gradient) ** 2)
        p2 = jnp.where(squared_norm < self.b**2, squared_norm, 1.0)
        return jnp.minimum(p1, p2)
