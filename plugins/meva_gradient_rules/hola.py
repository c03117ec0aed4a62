"""Higher-order LOLA."""

from typing import Any, ClassVar

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
    static,
)
from meva_core.ops import look_ahead_gradient, simultaneous_gradient
from meva_gradient_rules.sweeps import look_ahead_rates


@component
class HOLA(Learner):
    """Player i ascends its payoff as it would be after the others' steps, which are those of the order below:

        g^0 = [d_i f_i],   g^n_i = d_i [ f_i(x_i, x_j + h g^(n-1)_j(x)) ],

    h the look-ahead rate, differentiating through g^(n-1). Order 1 is exact LOLA. Each order differentiates the one
    below, so compilation slows several times with each: orders 1 to 4 are practical.

    References:
        Foerster et al. (2018), section 3, there as a first-order Taylor expansion;
        Willi et al. (2022), COLA: Consistent Learning with Opponent-Learning Awareness, ICML, definition 1.
    """

    game: Game = part()
    rate: float = leaf(default=1.0, doc="learning rate", check=positive, per_payoff=True)
    look_ahead_rate: float = leaf(
        default=1.0, doc="rate of the opponents' imagined step", check=not_negative, per_payoff=True
    )
    order: int = static(default=2, doc="number of levels of look-ahead", check=between(1, 8))

    small: ClassVar = {"order": 1}

    @property
    def sweep(self) -> Sweep:
        return look_ahead_rates(self.rate)

    def update(self, params: Any, state: Any, x: Array, key: Array) -> tuple[Array, Any]:
        return self.rate * self._gradient(self.order, x), state

    def _gradient(self, order: int, x: Array) -> Array:
        """Direction g^order, f32[P, D]."""
        if order == 0:
            return simultaneous_gradient(self.game.payoff, x)
        return look_ahead_gradient(self.game.payoff, lambda x: self.look_ahead_rate * self._gradient(order - 1, x), x)
