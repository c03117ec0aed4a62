"""Zero-determinant strategies: memory-one policies that force the two payoffs onto a line, against any opponent.

A policy cooperates with probability p0 at the start and p after each outcome. Against any opponent, the discounted
shares u of the outcomes satisfy u . (discount p - [own action C]) + (1 - discount) p0 = 0 (Akin's lemma, discounted).
So a policy with

    discount p = [own action C] - (1 - discount) p0 - scale claim

holds u . claim = 0, where the claim is any number per outcome, such as (other's payoff - target).

own: payoffs per round, f32[2, 2, 2]; in table i, rows are player i's action D, C, columns the other's. Policies are
logits at [start, DD, DC, CD, CC]. The formulas assume actions without noise: noise in the game moves the line.

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
    """The policy that fixes the other's payoff at `target`, f32[2, 5].

    target: by default, the middle of the payoffs that a policy can fix at a discount near 1. Raises BadValue if no
    policy can fix this target; traced numbers give NaN instead.

    Boerlijst, Nowak & Sigmund (1997), Equal Pay for All Prisoners, American Mathematical Monthly.
    """
    _, theirs = _by_outcome(own)
    held = _middle(theirs) if target is None else jnp.full(2, target, theirs.dtype)
    policy, feasible = _holding(theirs - held[:, None], discount)
    _refuse("equaliser", "a target that it can hold the other's payoff to", target, discount, feasible)
    return policy


def generous(own: Array, discount: float, factor: float) -> Array:
    """The policy whose shortfall from the reward of mutual cooperation is `factor` times the other's, f32[2, 5].

    It cooperates with itself. With a factor above 1, if the other earns less than the reward, this policy earns even
    less. If no outcome has a larger total payoff than mutual cooperation, the other earns at most the reward, which
    takes cooperation. The slope of Hilbe et al. (2015) is 1 / factor. Raises BadValue if no policy has this factor;
    traced numbers give NaN instead.

    Stewart & Plotkin (2013), From Extortion to Generosity, Evolution in the Iterated Prisoner's Dilemma, PNAS.
    """
    mine, theirs = _by_outcome(own)
    policy, feasible = _holding((mine - mine[:, -1:]) - factor * (theirs - theirs[:, -1:]), discount)
    _refuse("generous_zero_determinant", "a factor > 0 that is feasible", factor, discount, feasible & (factor > 0))
    return policy


def extortion(own: Array, discount: float, factor: float) -> Array:
    """The policy whose surplus over the payoff P of mutual defection is `factor` times the other's, f32[2, 5].

    It defects at the start. Raises BadValue if no policy has this factor; traced numbers give NaN instead.
    """
    mine, theirs = _by_outcome(own)
    policy, feasible = _holding((mine - mine[:, :1]) - factor * (theirs - theirs[:, :1]), discount)
    _refuse("extortion", "a factor > 0 that is feasible", factor, discount, feasible & (factor > 0))
    return policy


def _by_outcome(own: Array) -> tuple[Array, Array]:
    """Each player's own and the other's payoffs at DD, DC, CD, CC, own action first, f32[2, 4] each."""
    return own.reshape(2, 4), jnp.swapaxes(own[::-1], 1, 2).reshape(2, 4)


def _middle(theirs: Array) -> Array:
    """Middle between the other's highest payoff after one own action and its lowest after the other action, f32[2]."""
    by_action = theirs.reshape(2, 2, 2)  # [seat, own action, other's]
    least, most = by_action.min(axis=-1), by_action.max(axis=-1)
    rewards = least[:, 1] >= most[:, 0]  # the other prefers C
    return jnp.where(rewards, least[:, 1] + most[:, 0], least[:, 0] + most[:, 1]) / 2


@jax.jit
def _holding(claim: Array, discount: float) -> tuple[Array, Array]:
    """For each seat, the policy f32[2, 5] that forces u . claim = 0 for a claim f32[2, 4], and True if there is one.

    With b the scale and A = 1 - discount, valid probabilities require A (1 - p0) <= b claim <= 1 - A p0 after C and
    A p0 <= -b claim <= discount + A p0 after D. The room between the bounds on b is concave in p0, so it is largest at
    an end or at a crossing of two bounds. The scale is the larger of half its largest and its smallest value.
    """
    kept = 1 - discount
    # For either sign of the scale: the least and largest numbers after C and after D, which must not be negative.
    signed = jnp.stack([claim, -claim])
    after_d, after_c = -signed[..., :2], signed[..., 2:]
    positive = (after_c >= 0).all(-1) & (after_d >= 0).all(-1)
    (c, c_most), (d, d_most) = ((some.min(-1), some.max(-1)) for some in (after_c, after_d))

    lower_cross = _over(d, c + d)
    upper_cross = _over(d_most - discount * c_most, kept * (c_most + d_most))
    first = jnp.clip(jnp.stack([jnp.zeros_like(c), jnp.ones_like(c), lower_cross, upper_cross]), 0.0, 1.0)
    smallest = jnp.maximum(_over(kept * (1 - first), c), _over(kept * first, d))
    largest = jnp.minimum(_over(1 - kept * first, c_most), _over(discount + kept * first, d_most))
    # The tolerance keeps policies that are feasible only exactly at the bound, despite rounding.
    room = jnp.where(positive, largest * (1 + 1e-6) - smallest, -jnp.inf)

    best = jnp.argmax(room.transpose(2, 0, 1).reshape(2, -1), axis=1)  # [seat]: best index over starts and signs
    start, smallest, largest, room = (
        jnp.take_along_axis(each.transpose(2, 0, 1).reshape(2, -1), best[:, None], axis=1)
        for each in (first, smallest, largest, room)
    )
    sign = jnp.where(best % 2 == 0, 1.0, -1.0)[:, None]
    scale = jnp.where(room >= 0, sign * jnp.maximum(largest / 2, smallest), jnp.nan)
    after = (jnp.array([0.0, 0.0, 1.0, 1.0]) - kept * start - scale * claim) / discount
    return to_logits(jnp.concatenate([start, after], axis=1)), room[:, 0] >= 0


def _over(numerator: Array, denominator: Array) -> Array:
    """Quotient with 0 / 0 = 0 and any other number / 0 = infinity: a bound of 0 always holds, any other never does."""
    safe = jnp.where(denominator == 0, 1.0, denominator)
    return jnp.where(denominator == 0, jnp.where(numerator == 0, 0.0, jnp.inf), numerator / safe)


def _refuse(name: str, expected: str, got: float | None, discount: float, feasible: Array) -> None:
    """Raise BadValue if a seat has no such policy; traced numbers are not checked."""
    if not isinstance(feasible, Tracer) and not bool(jnp.all(feasible)):
        raise BadValue(
            f"{name}: expected {expected} in this game at discount {float(discount):g}, got "
            f"{'none' if got is None else f'{float(got):g}'}: a longer game (discount nearer 1) allows more"
        )
