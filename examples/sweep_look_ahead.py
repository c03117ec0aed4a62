"""Basins of the Logistic Game under LOLA, over look-ahead rates: one program, compiled once.

Prints how many of 29 x 29 starts end in B, the point that both players prefer (Cooijmans et al., 2023, figure 2b).
"""

import attrs
import jax
import jax.numpy as jnp
from meva_evaluations.basins import basins, grid

import meva_core as meva

logistic = meva.make("game", "logistic")
lola = meva.make("learner", "lola", game=logistic, variant="exact", rate=1.0)
starts = grid(-10, 10, 29)


@jax.jit
@jax.vmap
def cells_in_b(look_ahead_rate):
    """The number of starts that end in B."""
    learner = attrs.evolve(lola, look_ahead_rate=look_ahead_rate)
    match = meva.self_play(logistic, meva.Fitted(learner=learner))
    return jnp.sum(basins(match, starts, jax.random.key(0), 200)["B"])


rates = jnp.array([0.0, 1.0, 2.0, 5.0, 10.0])
for rate, cells in zip(rates, cells_in_b(rates), strict=True):
    print(f"look-ahead rate {rate:4.0f}: {cells} of 841 cells in B")
