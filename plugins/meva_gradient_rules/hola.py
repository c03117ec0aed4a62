"""Higher-order LOLA."""

from collections.abc import Callable, Sequence
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
from meva_gradient_rules.payoffs import independent_payoffs
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

    learns_from = "sample"
    small: ClassVar = {"order": 1}

    @property
    def sweep(self) -> Sweep:
        return look_ahead_rates(self.rate)

    def update(self, params: Any, state: Any, x: Array, key: Array) -> tuple[Array, Any]:
        return self.rate * self._gradient(independent_payoffs(self.game, key, self.order + 1), x), state

    def _gradient(self, payoffs: Sequence[Callable[[Array], Array]], x: Array) -> Array:
        """Direction g^n, f32[P, D], from n + 1 payoffs: one for each order."""
        payoff, *below = payoffs
        if not below:
            return simultaneous_gradient(payoff, x)
        return look_ahead_gradient(payoff, lambda x: self.look_ahead_rate * self._gradient(below, x), x)
