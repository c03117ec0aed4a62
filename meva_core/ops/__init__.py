"""Pure mathematics, unbatched, each with its source. Imports jax only."""

from meva_core.ops.gradients import own_gradient, player_gradients, simultaneous_gradient
from meva_core.ops.linear import solve_diagonally_dominant
from meva_core.ops.quantiles import huber, quantile_huber
from meva_core.ops.returns import lambda_returns
from meva_core.ops.statistics import mean_and_sem
from meva_core.ops.trees import stacked

__all__ = [
    "huber",
    "lambda_returns",
    "mean_and_sem",
    "own_gradient",
    "player_gradients",
    "quantile_huber",
    "simultaneous_gradient",
    "solve_diagonally_dominant",
    "stacked",
]
