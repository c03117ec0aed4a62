"""A game and a learner for MeVa, in one module. Install it with pip, and they are there: `meva list`."""

import jax
import jax.numpy as jnp

from meva_core.contracts import Entry, Game, Learner, below_one, component, hookimpl, leaf, part, positive
from meva_core.ops import simultaneous_gradient

RICHESSES = r"""
@book{cournot1838recherches,
  author = {Cournot, Augustin},
  title = {Recherches sur les principes math{\'e}matiques de la th{\'e}orie des richesses},
  publisher = {Hachette},
  address = {Paris},
  year = {1838},
}
"""

HEAVY_BALL = """
@article{polyak1964some,
  author = {Polyak, Boris T.},
  title = {Some Methods of Speeding up the Convergence of Iteration Methods},
  journal = {USSR Computational Mathematics and Mathematical Physics},
  volume = {4},
  number = {5},
  pages = {1--17},
  year = {1964},
}
"""


@hookimpl
def meva_games():
    yield Entry(
        "duopoly", "meva_cournot:Duopoly", "two firms choose how much to sell", "Cournot (1838)", bibtex=RICHESSES
    )


@hookimpl
def meva_learners():
    yield Entry(
        "momentum",
        "meva_cournot:Momentum",
        "naive learning with heavy-ball momentum",
        "Polyak (1964)",
        bibtex=HEAVY_BALL,
    )


@component
class Duopoly(Game):
    """Firm i sells q_i = sigma(x_i) at the price 1 - q1 - q2: payoff q_i (demand - q1 - q2).

    Selling 1/3 each is the Nash equilibrium, payoff 1/9; 1/4 each would be collusion, payoff 1/8.
    """

    demand: float = leaf(default=1.0, doc="the price at which nothing is sold", check=positive)

    policy_size = 1
    symmetric = True
    plane = (-4.0, 4.0)  # surveyed for basins

    def init(self, key):
        return jax.random.normal(key, (2, 1))

    def payoff(self, x):
        sold = jax.nn.sigmoid(x[:, 0])
        return sold * (self.demand - jnp.sum(sold))

    def outcomes(self, x):
        """Collusive: together they sell less than in the Nash equilibrium."""
        return {"collusive": (jnp.sum(jax.nn.sigmoid(x)) < 2 / 3 * self.demand).astype(x.dtype)}


@component
class Momentum(Learner):
    """velocity' = decay * velocity + rate * own gradient; x' = x + velocity' (Polyak, 1964)."""

    game: Game = part()
    rate: float = leaf(default=1.0, doc="learning rate", check=positive, per_payoff=True)
    decay: float = leaf(default=0.9, doc="share of the velocity that is kept", check=below_one)

    def init(self, params, x, key):
        return jnp.zeros_like(x)

    def update(self, params, velocity, x, key):
        velocity = self.decay * velocity + self.rate * simultaneous_gradient(self.game.payoff, x)
        return velocity, velocity
