"""The Logistic Game."""

import jax
import jax.numpy as jnp
from jax import Array

from meva_core.contracts import Game, component, leaf, positive


@component
class Logistic(Game):
    """One number per player, a and b; sigma is the logistic function:

        f1 = -4 sigma(a) (1 - 2 sigma(b)) - (a^2 b^2 + (a - b)^2 (a + b)^2) / divisor,  f2 with a, b swapped.

    Two stable points near +-5.03: B, both positive, with payoffs 3.8584, and A, both negative, with -0.0897.
    Policies start from U(-8, 8).

    References:
        Letcher (2018), MSc thesis (prints the divisor 1000, which does not match its plots);
        Cooijmans et al. (2023), equation 8.

    Examples:
        >>> [round(float(payoff), 2) for payoff in Logistic().payoff(jnp.array([[5.03], [5.03]]))]  # B
        [3.86, 3.86]
    """

    divisor: float = leaf(default=10_000.0, doc="divisor of the confining term", check=positive)

    policy_size = 1
    symmetric = True
    plane = (-10.0, 10.0)

    @property
    def entry_names(self) -> tuple[str, ...]:
        return ("x",)

    @property
    def payoff_range(self) -> Array:
        return jnp.full(2, 4.0)  # from a little below 0 at A to 3.86 at B

    def init(self, key: Array) -> Array:
        return jax.random.uniform(key, (2, 1), minval=-8.0, maxval=8.0)

    def payoff(self, x: Array) -> Array:
        own, other = x[:, 0], x[::-1, 0]
        game = -4 * jax.nn.sigmoid(own) * (1 - 2 * jax.nn.sigmoid(other))
        confinement = own**2 * other**2 + (own - other) ** 2 * (own + other) ** 2
        return game - confinement / self.divisor

    def outcomes(self, x: Array) -> dict[str, Array]:
        """Share of matches that end at B: 1 if both numbers are positive, else 0 (also for NaN)."""
        return {"B": jnp.all(x > 0).astype(x.dtype)}
