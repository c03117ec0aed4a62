"""Learning with Opponent-Learning Awareness, in the three variants that the literature calls by one name."""

from typing import Any

import jax
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
    one_of,
    part,
    payoff_from,
    positive,
    static,
)
from meva_core.errors import BadCombination
from meva_core.ops import (
    effects_after,
    effects_at,
    off_diagonal_product,
    own_rows,
    shaping_gradient,
    simultaneous_gradient,
)
from meva_gradient_rules.payoffs import independent_payoffs
from meva_gradient_rules.sweeps import look_ahead_rates


@component
class LOLA(Learner):
    """Player i ascends its payoff as it would be after a naive step of the others, h their look-ahead rate:

    - `exact`: d_i [ f_i(x_i, x_j + h d_j f_j(x)) ], differentiating through the step;
    - `foerster`: d_i [ f_i + h stop(d_j f_i) . d_j f_j ], first order, first factor stopped;
    - `taylor`: d_i [ f_i + h d_j f_i . d_j f_j ], first order, both factors differentiated;

    summed over the others j. They are different algorithms: with h = 0 all are naive learning, and `exact` and
    `taylor` differ by O(h^2).

    With look_aheads K above 1, which only `exact` allows, the others take K naive steps of rate h one after the other
    while x_i stays constant, and the gradient goes through all of them.

    On a game whose payoffs are estimated from episodes, `exact` is LOLA-DiCE: every step of the others, and the payoff
    after them, is estimated from episodes of its own, played where it is evaluated.

    References:
        Foerster et al. (2018), Learning with Opponent-Learning Awareness, AAMAS (`foerster`, equation 4);
        Foerster et al. (2018), DiCE: The Infinitely Differentiable Monte Carlo Estimator, ICML, algorithm 1 (K steps);
        Letcher et al. (2019), Stable Opponent Shaping in Differentiable Games, ICLR (`taylor`);
        Cooijmans et al. (2023), appendix B (`exact`).
    """

    game: Game = part()
    rate: float = leaf(default=1.0, doc="learning rate", check=positive, per_payoff=True)
    look_ahead_rate: float = leaf(
        default=1.0, doc="rate of the opponents' imagined step", check=not_negative, per_payoff=True
    )
    variant: str = static(default="exact", doc="variant of LOLA", check=one_of("exact", "foerster", "taylor"))
    look_aheads: int = static(default=1, doc="K, number of imagined steps of the opponents", check=between(1, 100))

    learns_from = "sample"

    def __attrs_post_init__(self) -> None:
        if self.look_aheads > 1 and self.variant != "exact":
            raise BadCombination(
                f"expected look_aheads = 1 for variant {self.variant!r}, which expands one step to first order, got "
                f"{self.look_aheads}: set variant = 'exact' for more"
            )

    @property
    def sweep(self) -> Sweep:
        return look_ahead_rates(self.rate)

    def update(self, params: Any, state: Any, x: Array, key: Array) -> tuple[Array, Any]:
        h = self.look_ahead_rate
        if self.look_aheads > 1:
            rows = [jax.grad(self._looked_ahead)(x[i], x, i, key) for i in range(len(x))]
            return self.rate * jnp.stack(rows), state
        first, second = independent_payoffs(self.game, key)
        gradient = simultaneous_gradient(first, x)
        if self.variant == "exact":
            # The chain rule by hand: the effect of x_i on its payoff, and on the others' steps.
            after = effects_after(second, x, h * gradient)
            return self.rate * (own_rows(after) + h * shaping_gradient(first, x, after)), state
        shaping = h * shaping_gradient(second, x, effects_at(first, x))
        if self.variant == "taylor":
            gradient += h * off_diagonal_product(second, x, gradient)
        return self.rate * (gradient + shaping), state

    def _looked_ahead(self, own: Array, x: Array, i: int, key: Array) -> Array:
        """Payoff of player i, f32[], if it plays `own` and the others have taken their K steps."""

        def after_a_step(x: Array, key: Array) -> tuple[Array, None]:
            steps = self.look_ahead_rate * simultaneous_gradient(payoff_from(self.game, key), x)
            return x + steps.at[i].set(0.0), None

        keys = jax.random.split(key, self.look_aheads + 1)
        ahead, _ = jax.lax.scan(after_a_step, x.at[i].set(own), keys[1:])
        return payoff_from(self.game, keys[0])(ahead)[i]
