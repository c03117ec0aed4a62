"""Memory-one strategies whose numbers depend on the payoffs. Policies are logits at [start, DD, DC, CD, CC].

`own`: payoffs per round f32[2, 2, 2] of player i, rows its own action D, C, columns the other's.
"""

import jax.numpy as jnp
from jax import Array
from jax.scipy.special import logit

SATURATED = 20.0  # a logit whose sigmoid is 0 or 1 to float32's precision


def to_logits(probabilities: Array) -> Array:
    """Logits of probabilities, saturated at 0 and 1.

    >>> to_logits(jnp.array([0.0, 0.5, 1.0])).tolist()
    [-20.0, 0.0, 20.0]
    """
    return jnp.clip(logit(jnp.clip(probabilities, 0.0, 1.0)), -SATURATED, SATURATED)


def of_both_actions(x: Array) -> Array:
    """Logits of the first and the second action, f32[..., 2], of logits x of the second, f32[...].

    >>> of_both_actions(jnp.array([3.0])).tolist()
    [[0.0, 3.0]]
    """
    return jnp.stack([jnp.zeros_like(x), x], axis=-1)


def generous_tit_for_tat(own: Array) -> Array:
    """Tit-for-tat that forgives a defection with probability min(1 - (T - R) / (R - S), (R - P) / (T - P)), f32[2, 5].

    Molander (1985), The Optimal Level of Generosity in a Selfish, Uncertain Environment, J. Conflict Resolution.
    """
    (p, t), (s, r) = own[:, 0].T, own[:, 1].T
    forgives = jnp.minimum(1 - (t - r) / (r - s), (r - p) / (t - p))
    forgives = jnp.where(jnp.isfinite(forgives), forgives, 0.0)
    one = jnp.ones_like(forgives)
    return to_logits(jnp.stack([one, forgives, one, forgives, one], axis=1))
