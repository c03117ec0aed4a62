"""Memory-one strategies whose numbers depend on the payoffs. Policies are logits at [start, DD, DC, CD, CC].

`own`: payoffs per round f32[2, 2, 2] of player i, rows its own action D, C, columns the other's.
"""

import jax.numpy as jnp
from jax import Array
from jax.core import Tracer
from jax.scipy.special import logit

from meva_core.errors import BadValue

SATURATED = 20.0  # a logit whose sigmoid is 0 or 1 to float32's precision


def to_logits(probabilities: Array) -> Array:
    """Saturated where the probability is 0 or 1."""
    return jnp.clip(logit(jnp.clip(probabilities, 0.0, 1.0)), -SATURATED, SATURATED)


def generous_tit_for_tat(own: Array) -> Array:
    """Tit-for-tat that forgives a defection with probability min(1 - (T - R) / (R - S), (R - P) / (T - P)), f32[2, 5].

    Molander (1985), The Optimal Level of Generosity in a Selfish, Uncertain Environment, J. Conflict Resolution.
    """
    (p, t), (s, r) = own[:, 0].T, own[:, 1].T
    forgives = jnp.minimum(1 - (t - r) / (r - s), (r - p) / (t - p))
    forgives = jnp.where(jnp.isfinite(forgives), forgives, 0.0)
    one = jnp.ones_like(forgives)
    return to_logits(jnp.stack([one, forgives, one, forgives, one], axis=1))


def extortion(own: Array, discount: float, factor: float) -> Array:
    """The discounted zero-determinant strategy that claims `factor` times the other's surplus over P, f32[2, 5].

    Defects at the start, then cooperates with p = (phi [(own - P) - factor (other - P_other)] + [own last = C]) /
    discount, phi half its largest feasible value, or its smallest where that is larger. Its payoff's surplus over P
    is then `factor` times the other's, whatever that does. Raises BadValue where no phi is feasible (traced: NaN).

    Hilbe, Traulsen & Sigmund (2015), Partners or Rivals?, Games and Economic Behavior, section 3.
    """
    mine = own.reshape(2, 4)  # at DD, DC, CD, CC, own action first
    theirs = jnp.swapaxes(own[::-1], 1, 2).reshape(2, 4)
    claim = (mine - mine[:, :1]) - factor * (theirs - theirs[:, :1])
    stayed = jnp.array([0.0, 0.0, 1.0, 1.0])
    # 0 <= phi * claim + stayed <= discount, in every outcome.
    bounds = jnp.stack([-stayed / claim, (discount - stayed) / claim])
    free = (claim == 0) & (stayed == 0)
    smallest = jnp.max(jnp.where(free, 0.0, jnp.min(bounds, axis=0)), axis=1, keepdims=True)
    largest = jnp.min(jnp.where(free, jnp.inf, jnp.max(bounds, axis=0)), axis=1, keepdims=True)
    feasible = (smallest <= largest) & (largest > 0) & jnp.isfinite(largest)
    if not isinstance(feasible, Tracer) and not bool(jnp.all(feasible)):
        raise BadValue(
            f"extortion: expected a factor that is feasible in this game at discount {float(discount):g}, got "
            f"{float(factor):g}: a larger factor, or a longer game (discount nearer 1), has more room"
        )
    share = jnp.where(feasible, jnp.maximum(jnp.maximum(largest / 2, smallest), 0.0), jnp.nan)
    after = (share * claim + stayed) / discount
    return to_logits(jnp.concatenate([jnp.zeros((2, 1)), after], axis=1))
