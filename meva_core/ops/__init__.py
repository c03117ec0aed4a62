"""Pure mathematics for games and learners, each function unbatched and with its source. Imports jax only.

Most functions have an example that runs as a test, with `jax` and `jax.numpy as jnp` imported.
"""

from meva_core.ops.advantages import generalised_advantages, step_discounts
from meva_core.ops.batching import everywhere, mean_over_batch, over_batch, spread
from meva_core.ops.dice import box, dice, loaded_dice, score_function
from meva_core.ops.divergences import kl_divergence
from meva_core.ops.evolution import antithetic_noise, centred_ranks, evolution_gradient
from meva_core.ops.gradients import (
    each_player,
    effects_after,
    effects_at,
    jacobian_product,
    look_ahead_gradient,
    off_diagonal_product,
    own_gradient,
    own_rows,
    shaping_gradient,
    simultaneous_gradient,
    transposed_product,
)
from meva_core.ops.markov import discounted_shares
from meva_core.ops.meta_returns import meta_returns
from meva_core.ops.natural import natural_directions, natural_gradient
from meva_core.ops.quantiles import huber, quantile_huber
from meva_core.ops.returns import lambda_returns, mean_of_others, returns_to_go
from meva_core.ops.schedules import cosine
from meva_core.ops.statistics import bootstrap_interval, interquartile_mean, mean_and_sem
from meva_core.ops.trees import stacked
from meva_core.ops.values import with_value

__all__ = [
    "antithetic_noise",
    "bootstrap_interval",
    "box",
    "centred_ranks",
    "cosine",
    "dice",
    "discounted_shares",
    "each_player",
    "effects_after",
    "effects_at",
    "everywhere",
    "evolution_gradient",
    "generalised_advantages",
    "huber",
    "interquartile_mean",
    "jacobian_product",
    "kl_divergence",
    "lambda_returns",
    "loaded_dice",
    "look_ahead_gradient",
    "mean_and_sem",
    "mean_of_others",
    "mean_over_batch",
    "meta_returns",
    "natural_directions",
    "natural_gradient",
    "off_diagonal_product",
    "over_batch",
    "own_gradient",
    "own_rows",
    "quantile_huber",
    "returns_to_go",
    "score_function",
    "shaping_gradient",
    "simultaneous_gradient",
    "spread",
    "stacked",
    "step_discounts",
    "transposed_product",
    "with_value",
]
