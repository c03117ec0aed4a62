"""Zero-determinant strategies: memory-one policies that hold both payoffs to a line, whatever the other does.

If a policy cooperates with p0 at the start and p after each outcome, then against any opponent the shares u of the
rounds fulfil u . (discount p - [own action C]) + (1 - discount) p0 = 0 (Akin's lemma, discounted). So a policy with

    discount p = [own action C] - (1 - discount) p0 - scale claim

holds u . claim = 0, where the claim is any number per outcome, such as (other's payoff - target).

`own`: payoffs per round f32[2, 2, 2] of player i, rows its own action D, C, columns the other's. Policies are logits
at [start, DD, DC, CD, CC]. The formulas are for games without noise: noise moves the line.

References:
    Press & Dyson (2012), Iterated Prisoner's Dilemma Contains Strategies That Dominate Any Evolutionary Opponent, PNAS;
    Hilbe, Traulsen & Sigmund (2015), Partners or Rivals?, Games and Economic Behavior, section 3 (discounted).
"""

import jax
import jax.numpy as jnp
from jax import Array
from jax.core import Tracer

from meva_core.errors import BadValue
from meva_games.memory_one import to_logits


def equaliser(own: Array, discount: float, target: float | None = None) -> Array:
    """The policy that holds the other's payoff to `target`, f32[2, 5].

    target: by default, the middle of the possible targets at discounts near 1. Raises BadValue if no policy holds the
    target (traced: NaN).

    Boerlijst, Nowak & Sigmund (1997), Equal Pay for All Prisoners, American Mathematical Monthly.
    """
    _, theirs = _by_outcome(own)
    held = _middle(theirs) if target is None else jnp.full(2, target, theirs.dtype)
    policy, feasible = _holding(theirs - held[:, None], discount)
    _refuse("equaliser", "a target that it can hold the other's payoff to", target, discount, feasible)
    return policy


def generous(own: Array, discount: float, factor: float) -> Array:
    """The policy whose shortfall from the reward of mutual cooperation is `factor` times the other's, f32[2, 5].

    It cooperates with itself, and if the other earns less than the reward, it earns even less: an opponent has an
    advantage over it only by cooperating. The factor's inverse is the slope of Hilbe et al. (2015). Raises BadValue if
    no policy has this factor (traced: NaN).

    Stewart & Plotkin (2013), From Extortion to Generosity, Evolution in the Iterated Prisoner's Dilemma, PNAS.
    """
    mine, theirs = _by_outcome(own)
    policy, feasible = _holding((mine - mine[:, -1:]) - factor * (theirs - theirs[:, -1:]), discount)
    _refuse("generous_zero_determinant", "a factor > 0 that is feasible", factor, discount, feasible & (factor > 0))
    return policy


def extortion(own: Array, discount: float, factor: float) -> Array:
    """The policy whose surplus over the payoff P of mutual defection is `factor` times the other's, f32[2, 5].

    It defects at the start. Raises BadValue if no policy has this factor (traced: NaN).
    """
    mine, theirs = _by_outcome(own)
    policy, feasible = _holding((mine - mine[:, :1]) - factor * (theirs - theirs[:, :1]), discount)
    _refuse("extortion", "a factor > 0 that is feasible", factor, discount, feasible & (factor > 0))
    return policy


def _by_outcome(own: Array) -> tuple[Array, Array]:
    """Own and other's payoffs at DD, DC, CD, CC, own action first, f32[2, 4] each."""
    return own.reshape(2, 4), jnp.swapaxes(own[::-1], 1, 2).reshape(2, 4)


def _middle(theirs: Array) -> Array:
    """Per seat, the middle between what the other gets at most after one own action and at least after the other."""
    by_action = theirs.reshape(2, 2, 2)  # [seat, own action, other's]
    least, most = by_action.min(axis=-1), by_action.max(axis=-1)
    rewards = least[:, 1] >= most[:, 0]  # the other prefers C
    return jnp.where(rewards, least[:, 1] + most[:, 0], least[:, 0] + most[:, 1]) / 2


@jax.jit
def _holding(claim: Array, discount: float) -> tuple[Array, Array]:
    """The policy f32[2, 5] that holds u . claim = 0 for a claim f32[2, 4], and per seat True if there is one.

    With b the scale and A = 1 - discount, probabilities ask for A (1 - p0) <= b claim <= 1 - A p0 after C and
    A p0 <= -b claim <= discount + A p0 after D. The room between the bounds on b is concave in p0, and so largest at an
    end or where two bounds cross. The scale is half the largest, or the smallest where that is larger.
    """
    kept = 1 - discount
    # For either sign of the scale: the least and largest numbers after C, and after D, which must be positive.
    signed = jnp.stack([claim, -claim])
    after_d, after_c = -signed[..., :2], signed[..., 2:]
    positive = (after_c >= 0).all(-1) & (after_d >= 0).all(-1)
    (c, c_most), (d, d_most) = ((some.min(-1), some.max(-1)) for some in (after_c, after_d))

    lower_cross = _over(d, c + d)
    upper_cross = _over(d_most - discount * c_most, kept * (c_most + d_most))
    first = jnp.clip(jnp.stack([jnp.zeros_like(c), jnp.ones_like(c), lower_cross, upper_cross]), 0.0, 1.0)
    smallest = jnp.maximum(_over(kept * (1 - first), c), _over(kept * first, d))
    largest = jnp.minimum(_over(1 - kept * first, c_most), _over(discount + kept * first, d_most))
    # A policy that is only just feasible must not be refused because of rounding.
    room = jnp.where(positive, largest * (1 + 1e-6) - smallest, -jnp.inf)

    best = jnp.argmax(room.transpose(2, 0, 1).reshape(2, -1), axis=1)  # [seat]: among starts and signs
    start, smallest, largest, room = (
        jnp.take_along_axis(each.transpose(2, 0, 1).reshape(2, -1), best[:, None], axis=1)
        for each in (first, smallest, largest, room)
    )
    sign = jnp.where(best % 2 == 0, 1.0, -1.0)[:, None]
    scale = jnp.where(room >= 0, sign * jnp.maximum(largest / 2, smallest), jnp.nan)
    after = (jnp.array([0.0, 0.0, 1.0, 1.0]) - kept * start - scale * claim) / discount
    return to_logits(jnp.concatenate([start, after], axis=1)), room[:, 0] >= 0


def _over(numerator: Array, denominator: Array) -> Array:
    """Quotient in which 0 / 0 is 0 and any other number over 0 is infinite: no demand is always met, others never."""
    safe = jnp.where(denominator == 0, 1.0, denominator)
    return jnp.where(denominator == 0, jnp.where(numerator == 0, 0.0, jnp.inf), numerator / safe)


def _refuse(name: str, expected: str, got: float | None, discount: float, feasible: Array) -> None:
    """Raise BadValue if a seat has no such policy; do nothing if the numbers are traced."""
    if not isinstance(feasible, Tracer) and not bool(jnp.all(feasible)):
        raise BadValue(
            f"{name}: expected {expected} in this game at discount {float(discount):g}, got "
            f"{'none' if got is None else f'{float(got):g}'}: a longer game (discount nearer 1) has more room"
        )
