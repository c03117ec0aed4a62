"""Learning with Opponent-Learning Awareness, in the three variants that the literature calls by one name."""

from typing import Any

from jax import Array

from meva_core.component import component, leaf, not_negative, one_of, part, positive, static
from meva_core.ops import effects_after, off_diagonal_product, own_rows, shaping_gradient, simultaneous_gradient
from meva_core.protocols import Game, Learner, Sweep, look_ahead_sweep


@component
class LOLA(Learner):
    """Player i ascends its payoff as it would be after a naive step of the others, h their look-ahead rate:

    - `exact`: d_i [ f_i(x_i, x_j + h d_j f_j(x)) ], differentiating through the step;
    - `foerster`: d_i [ f_i + h stop(d_j f_i) . d_j f_j ], first order, first factor stopped;
    - `taylor`: d_i [ f_i + h d_j f_i . d_j f_j ], first order, both factors differentiated;

    summed over the others j. They are different algorithms: with h = 0 all are naive learning, and `exact` and
    `taylor` differ by O(h^2).

    References:
        Foerster et al. (2018), Learning with Opponent-Learning Awareness, AAMAS (`foerster`, equation 4);
        Letcher et al. (2019), Stable Opponent Shaping in Differentiable Games, ICLR (`taylor`);
        Cooijmans et al. (2023), appendix B (`exact`).
    """

    game: Game = part()
    rate: float = leaf(default=1.0, doc="learning rate", check=positive, per_payoff=True)
    look_ahead_rate: float = leaf(
        default=1.0, doc="rate of the opponents' imagined step", check=not_negative, per_payoff=True
    )
    variant: str = static(default="exact", doc="which LOLA", check=one_of("exact", "foerster", "taylor"))

    @property
    def sweep(self) -> Sweep:
        return look_ahead_sweep(self.rate)

    def update(self, params: Any, state: Any, x: Array, key: Array) -> tuple[Array, Any]:
        payoff, h = self.game.payoff, self.look_ahead_rate
        gradient = simultaneous_gradient(payoff, x)
        if self.variant == "exact":
            # The chain rule by hand: what x_i does to its payoff, and to the others' steps.
            effects = effects_after(payoff, x, h * gradient)
            return self.rate * (own_rows(effects) + h * shaping_gradient(payoff, x, effects)), state
        if self.variant == "taylor":
            gradient += h * off_diagonal_product(payoff, x, gradient)
        return self.rate * (gradient + h * shaping_gradient(payoff, x)), state
