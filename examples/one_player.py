"""A game of one player, which is an optimisation problem: far-sighted players find more than gradient ascent does.

Gradient ascent climbs the peak at whose foot it starts, and about half of the starts are at the foot of the lower one.
A player who follows the meta-value, the value of all further steps, crosses the valley (Cooijmans et al., 2023: the
method "readily applies to optimization problems with a single objective"). The numbers of the fit are those of the
Logistic Game.
"""

import jax
import jax.numpy as jnp

import meva_core as meva
from meva_core.contracts import Game, component


@component
class TwoPeaks(Game):
    """One number x, and two peaks: f = exp(-(x + 3)^2 / 4) + 2 exp(-(x - 3)^2 / 4). Starts are U(-6, 6)."""

    num_players = 1
    policy_size = 1
    symmetric = True

    @property
    def payoff_range(self):
        return jnp.full(1, 2.0)

    def init(self, key):
        return jax.random.uniform(key, (1, 1), minval=-6.0, maxval=6.0)

    def payoff(self, x):
        return jnp.exp(-((x[:, 0] + 3) ** 2) / 4) + 2 * jnp.exp(-((x[:, 0] - 3) ** 2) / 4)

    def outcomes(self, x):
        return {"higher peak": jnp.all(x > 0).astype(x.dtype)}


SETTINGS = {
    "learner.loops": 600,
    "learner.trajectory": 50,
    "learner.batch_size": 64,
    "learner.quantiles": 16,
    "learner.start_scale": 1.25,
    "learner.discount_concentration": 0.25,
    "learner.highest_discount": 0.995,
    "learner.trace_decay": 1.0,
    "learner.target_inertia": 0.0,
    "learner.optimiser": "adam",
    "learner.optimiser_rate": 3e-3,
    "learner.schedule": "cosine",
    "value_model.blocks": 0,
    "value_model.transform": "tanh",
    "value_model.input_scale": 0.2,
    "explorer.probability": 0.125,
    "evaluate.values": [0.0, 0.9, 0.95, 0.99],
    "evaluate.steps": 200,
}

result = meva.run(TwoPeaks, "meva", set=SETTINGS, seed=1000, seeds=3, evaluate=["convergence"])
for row in result.summary()["rows"]:
    share, paid = row["outcomes"]["higher peak"]["mean"], row["payoffs"][0]["mean"]
    print(f"meta-discount {row['value']:4}: payoff {paid:.2f}, at the higher peak {share:.0%}")
