"""Quadratic games of one number per player, whose dynamics can be worked out by hand."""

import jax
import jax.numpy as jnp
from jax import Array

from meva_core.contracts import Game, component


class Quadratic(Game):
    """Base of the quadratic games: two players with one number each, which starts from N(0, 1)."""

    policy_size = 1
    plane = (-2.0, 2.0)
    family = "quadratic"

    @property
    def entry_names(self) -> tuple[str, ...]:
        return ("x",)

    def init(self, key: Array) -> Array:
        return jax.random.normal(key, (2, 1))


@component
class Tandem(Quadratic):
    """f1 = -((a + b)^2 - 2 a), f2 = -((a + b)^2 - 2 b): on a tandem, each would like the other to pedal.

    Naive learning converges to the line a + b = 1, where the payoffs sum to 0; rules that shape expect the other to
    give way, and converge further out, where both are worse off: arrogance. Policies start from N(0, 1).

    References:
        Letcher et al. (2019), Stable Opponent Shaping in Differentiable Games, ICLR, section 5.

    Examples:
        >>> Tandem().payoff(jnp.array([[0.5], [0.5]])).tolist()
        [0.0, 0.0]
    """

    symmetric = True

    @property
    def payoff_range(self) -> Array:
        return jnp.full(2, 24.0)  # on the plane

    def payoff(self, x: Array) -> Array:
        return 2 * x[:, 0] - jnp.sum(x) ** 2


@component
class Hamiltonian(Quadratic):
    """f1 = -a b, f2 = a b: zero-sum, all rotation. Naive learning circles the origin outwards; not symmetric.
    Policies start from N(0, 1).

    References:
        Balduzzi et al. (2018), The Mechanics of n-Player Differentiable Games, ICML, section 2.

    Examples:
        >>> Hamiltonian().payoff(jnp.array([[1.0], [2.0]])).tolist()
        [-2.0, 2.0]
    """

    symmetric = False

    @property
    def payoff_range(self) -> Array:
        return jnp.full(2, 8.0)  # on the plane

    def payoff(self, x: Array) -> Array:
        product = x[0, 0] * x[1, 0]
        return jnp.stack([-product, product])
