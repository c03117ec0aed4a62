"""The Cournot duopoly."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer

from meva_core.contracts import Game, component, finite, leaf, positive
from meva_core.errors import BadCombination

MOST = 2 / 3  # of L: the highest quantity that policies start from


@component
class Cournot(Game):
    """Two firms choose at once how much to sell, q1 and q2, at the price a - b (q1 + q2); a unit costs c:

        f_i = (a - b (q1 + q2) - c) q_i.

    A policy is one number, the quantity q_i. With L = (a - c) / b, the largest quantity that can be sold at no loss,
    the best response to q_j is (L - q_j) / 2, and the Nash equilibrium is L / 3 each: at the default numbers 30 each,
    with profits of 900. Together they would earn most with L / 4 each: 22.5 each, with profits of 1012.5. Naive
    learning goes to the Nash equilibrium. Policies start from U(0, 2 L / 3), up to twice its quantity.

    Strategies: nash, joint_optimum, monopoly (L / 2, also what a leader sells whom the other follows). Outcomes: the
    share `collusive` of matches in which together they sell less than halfway from the joint optimum to the Nash
    equilibrium.

    References:
        Cournot (1838), Recherches sur les principes mathématiques de la théorie des richesses; the default numbers are
        those of Willi et al. (2023), Pax: Multi-Agent Learning in JAX.

    Examples:
        >>> game = Cournot()
        >>> x = jnp.stack([game.strategies["nash"], game.strategies["nash"]])
        >>> [round(float(payoff), 1) for payoff in game.payoff(x)]
        [900.0, 900.0]
    """

    intercept: float = leaf(default=100.0, doc="a, the price at which nothing is sold; above the cost", check=finite)
    slope: float = leaf(default=1.0, doc="b, fall of the price per unit sold", check=positive)
    cost: float = leaf(default=10.0, doc="c, cost per unit", check=finite)

    def __attrs_post_init__(self) -> None:
        numbers = (self.intercept, self.cost)
        if not any(isinstance(number, Tracer) for number in numbers) and np.any(np.less_equal(*numbers)):
            raise BadCombination(
                "expected game.intercept above game.cost, since else nothing pays, got "
                f"{self.intercept} and {self.cost}"
            )

    policy_size = 1
    symmetric = True
    family = "quadratic"

    @property
    def plane(self) -> tuple[float, float]:  # type: ignore[override]
        return 0.0, MOST * self._largest

    @property
    def entry_names(self) -> tuple[str, ...]:
        return ("quantity",)

    @property
    def strategies(self) -> Mapping[str, Array]:
        return {
            name: jnp.array([x * self._largest])
            for name, x in (("nash", 1 / 3), ("joint_optimum", 1 / 4), ("monopoly", 1 / 2))
        }

    @property
    def payoff_range(self) -> Array:
        """On the plane, from both at 2 L / 3, -2/9 (a - c) L, to a monopoly, 1/4 (a - c) L."""
        return jnp.full(2, 17 / 36 * (self.intercept - self.cost) * self._largest)

    def init(self, key: Array) -> Array:
        return jax.random.uniform(key, (2, 1)) * MOST * self._largest

    def payoff(self, x: Array) -> Array:
        return (self.intercept - self.cost - self.slope * jnp.sum(x)) * x[:, 0]

    def outcomes(self, x: Array) -> dict[str, Array]:
        halfway = (2 / 4 + 2 / 3) / 2
        return {"collusive": (jnp.sum(x) < halfway * self._largest).astype(x.dtype)}

    def best_response(self, x: Array, seat: int) -> Array:
        return (self._largest - x[1 - seat])[None] / 2

    @property
    def _largest(self) -> float:
        return (self.intercept - self.cost) / self.slope
