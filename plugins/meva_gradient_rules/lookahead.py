"""LookAhead: the gradient after the others' steps."""

from typing import Any

from jax import Array

from meva_core.contracts import Game, Learner, Sweep, component, leaf, not_negative, part, positive
from meva_core.ops import effects_after, own_rows, simultaneous_gradient
from meva_gradient_rules.payoffs import independent_payoffs
from meva_gradient_rules.sweeps import look_ahead_rates


@component
class LookAhead(Learner):
    """Player i ascends its payoff where the others will be after a naive step, which it does not try to change:

        d_i f_i(x_i, x_j + h stop(d_j f_j(x))),  h the look-ahead rate.

    With h = 0 it is naive learning.

    References:
        Zhang & Lesser (2010), Multi-Agent Learning with Policy Prediction, AAAI.
    """

    game: Game = part()
    rate: float = leaf(default=1.0, doc="learning rate", check=positive, per_payoff=True)
    look_ahead_rate: float = leaf(
        default=1.0, doc="rate of the opponents' imagined step", check=not_negative, per_payoff=True
    )

    learns_from = "sample"

    @property
    def sweep(self) -> Sweep:
        return look_ahead_rates(self.rate)

    def update(self, params: Any, state: Any, x: Array, key: Array) -> tuple[Array, Any]:
        # Computed outside the gradient, so it counts as constant there; not stopped, so that a step can be
        # differentiated.
        now, after = independent_payoffs(self.game, key)
        steps = self.look_ahead_rate * simultaneous_gradient(now, x)
        return self.rate * own_rows(effects_after(after, x, steps)), state
