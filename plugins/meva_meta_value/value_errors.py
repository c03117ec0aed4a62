"""Errors of a learnt meta-value, and of its gradients' directions, along the trajectories of players who follow it.

Shapes: P players, D numbers per policy, T states of a trajectory.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from meva_core import match as matching
from meva_core.contracts import Answer, Asking, Evaluation, component
from meva_core.errors import BadCombination
from meva_core.evaluate import outcome_names
from meva_core.match import Match
from meva_core.ops import lambda_returns, over_batch, own_rows, simultaneous_gradient
from meva_core.report import tables
from meva_core.report.statistics import known, number, of_each_seed, statistic
from meva_core.report.tables import Grid
from meva_meta_value.capability import HasMetaValue

STEPS = 100  # steps of a trajectory whose states are evaluated
STRIDE = 10  # steps of the temporal difference, and the number of early and of late states
LATE = 500  # steps after which most trajectories have settled
HORIZON = 600  # least number of further steps in the true sum of payoffs; after them the last payoff stays constant
POINTED = (0, 3, 10, 30)  # steps after which gradients are compared: later, near rest, they are too small
SHORTER = 200  # least number of further steps in the true sum when it is differentiated
FEWEST = 16  # trajectories, since this is the most expensive part
ELSEWHERE = "elsewhere"  # the region in which no outcome has more than half of the play


class ValueErrors(NamedTuple):
    """Errors along one trajectory, each the mean over states and the learner's seats, f32[].

    The error of a state is |V(x_t) - the true discounted sum of payoffs from x_t on|, over at least 600 further steps.

    value: over the first 100 states; early: over the first 10; late: over 10 after 500 steps.
    td: |V(x_t) - (the discounted payoffs of 10 steps + g^10 V(x_{t+10}))| over the first 100.
    angle: degrees between each player's own gradients of V and of the true sum (over at least 200 further steps, and
        through all players' steps), in the states after 0, 3, 10 and 30 steps: 0 is the same direction, 90 orthogonal,
        180 opposite. NaN if a gradient is 0 or overflows.
    regions: name -> f32[2], the sum and the number of the errors in states where more than half of the play ends in the
        game's outcome of that name, or in no single outcome ("elsewhere"): over the first 110 states and the 10 late
        ones.

    Where players learn from episodes, their steps are drawn, and what is called true is one draw of them: then even the
    right value has errors, and angles say little.
    """

    value: Array
    early: Array
    late: Array
    td: Array
    angle: Array
    regions: dict[str, Array]


def value_errors(match: Match, x: Array, key: Array) -> ValueErrors | None:
    """Errors of the meta-value of the match's first player, from x, f32[P, D]; None if it has learnt none.

    V is the same for every formulation, V(x) = (1 - g) f(x) + g V(x + step), so errors are comparable. Pure; safe under
    jit and vmap.
    """
    if learnt(match, x) is None:
        return None
    xs = matching.trajectory(match, x, key, LATE + STRIDE + HORIZON)
    # Step by step: with many trajectories at once, there is no memory for all steps at the same time.
    payoffs = jax.lax.map(match.game.payoff, xs)
    asked = jnp.concatenate([jnp.arange(STEPS + STRIDE), jnp.arange(LATE, LATE + STRIDE)])
    values, discounts = jax.lax.map(lambda x: learnt(match, x), xs[asked])
    true = lambda_returns(payoffs[:-1], payoffs[1:], discounts[0], 1.0)
    errors = values - true[asked]
    td = errors[:STEPS] - discounts[0] ** STRIDE * errors[STRIDE : STEPS + STRIDE]

    def mean(errors: Array) -> Array:
        return jnp.mean(jnp.abs(errors), where=_own(match))

    return ValueErrors(
        value=mean(errors[:STEPS]),
        early=mean(errors[:STRIDE]),
        late=mean(errors[-STRIDE:]),
        td=mean(td),
        angle=jnp.nanmean(_angles(match, xs[: max(POINTED) + SHORTER + 1], key), where=_own(match)),
        regions=_regions(match, xs[asked], jnp.abs(errors)),
    )


def _angles(match: Match, xs: Array, key: Array) -> Array:
    """Angles in degrees, f32[states, P], along the beginning xs of a trajectory."""
    states = jnp.array(POINTED)
    true = jax.vmap(own_rows)(true_gradients(match, xs, key)[states])
    pointed = jax.vmap(simultaneous_gradient, in_axes=(None, 0))(lambda x: learnt(match, x)[0], xs[states])
    cosines = jnp.sum(_direction(pointed) * _direction(true), axis=-1)
    return jnp.degrees(jnp.arccos(jnp.clip(cosines, -1, 1)))


def _direction(gradients: Array) -> Array:
    """Gradients scaled to length 1, or NaN; first divided by their largest number, whose square may underflow."""
    gradients = gradients / jnp.max(jnp.abs(gradients), axis=-1, keepdims=True)
    return gradients / jnp.linalg.norm(gradients, axis=-1, keepdims=True)


def true_gradients(match: Match, xs: Array, key: Array) -> Array:
    """Gradients of the true discounted sums along the beginning xs, f32[T, P, D], of a trajectory, f32[T, P, P, D].

    Entry [t, i, j] is d (player i's discounted sum of payoffs from x_t on) / d x_j; after the last state of xs its
    payoff is assumed to stay constant. The discounts are those of the first player's meta-value. The chain rule goes
    backwards through all players' steps. A learner with a state takes its first step in each x_t, and a random learner
    uses the same key every time.
    """
    discounts = learnt(match, xs[0])[1][:, None, None]
    payoff_gradient = jax.jacrev(match.game.payoff)

    def backwards(after: Array, x: Array) -> tuple[Array, Array]:
        _, pull = jax.vjp(lambda x: matching.step(match, x, key), x)
        gradient = (1 - discounts) * payoff_gradient(x) + discounts * jax.vmap(lambda each: pull(each)[0])(after)
        return gradient, gradient

    last = payoff_gradient(xs[-1])
    _, gradients = jax.lax.scan(backwards, last, xs[:-1], reverse=True)
    return jnp.concatenate([gradients, last[None]])


def learnt(match: Match, x: Array) -> Any:
    """The first player's `meta_value` of x: values and discounts, f32[P] each; None if it has learnt none."""
    player = match.players[0]
    return player.learner.meta_value(player.params, x) if isinstance(player.learner, HasMetaValue) else None


def _own(match: Match) -> Array:
    """Mask of the first player's seats, bool[P]."""
    return jnp.array([n == 0 for n in match.seats])


def _regions(match: Match, xs: Array, errors: Array) -> dict[str, Array]:
    """Sums and numbers of the errors f32[T, P] of states f32[T, P, D], by region."""
    shares = jax.lax.map(match.game.outcomes, xs)
    inside = {name: share > 0.5 for name, share in shares.items()}
    inside[ELSEWHERE] = ~jnp.any(jnp.stack([jnp.zeros(len(xs), bool), *inside.values()]), axis=0)
    counted = {name: here[:, None] & _own(match) for name, here in inside.items()}
    return {
        name: jnp.stack([jnp.sum(errors, where=here), jnp.sum(here, dtype=errors.dtype)])
        for name, here in counted.items()
    }


@component
class MetaValueErrors(Evaluation):
    """Errors of the learnt meta-value along play, and of the way it points: `ValueErrors` of M trajectories
    for each seed and row, every array f32[S, V, M] and regions f32[S, V, M, 2].

    Asked of learners with a meta-value (`capability.HasMetaValue`).

    In a row of summary.json:
      errors            {value, early, late, td, angle}: statistics of absolute errors of V against the true discounted
                        sum, over 100 states, the first 10, and 10 after 500 steps; of the temporal difference of 10
                        steps; and degrees between V's own gradients and those of the true sum, through all players'
                        steps, where either is not 0
      regions           outcome (or elsewhere) -> {error, share}: absolute error of V where more than half of the play
                        ends in it, a statistic over the seeds that came there, and the share of the states
    """

    stream = 2**32 - 10  # its fixed number
    says = "measuring the meta-value's errors"

    def lacks(self, composition: Any, seeds: int) -> str:
        """Ask for a learner with a meta-value; the test is abstract, so nothing is computed.

        Raises BadCombination if the learner's `meta_value` returns anything but two arrays f32[P], or None.
        """
        learner, game = composition.rehearse()[0], composition.game
        training = learner.training
        if not isinstance(learner, HasMetaValue):
            return "a learner with a meta-value"

        def learnt(key: Array) -> Any:
            params = None if training is None else training.params(training.init(key))
            return learner.meta_value(params, game.init(key))

        returned = jax.eval_shape(learnt, jax.random.key(0))
        if returned is None:
            return "a learner with a meta-value"
        shapes = [getattr(each, "shape", None) for each in returned] if isinstance(returned, tuple) else returned
        if shapes != [(game.num_players,)] * 2:
            raise BadCombination(
                f"{type(learner).__name__}.meta_value(params, x): expected values and discounts of shape "
                f"({game.num_players},) each, got {shapes}"
            )
        return ""

    def quantities(self, composition: Any) -> tuple[str, ...]:
        regions = (*outcome_names(composition.game), ELSEWHERE)
        return (*(f"errors.{name}" for name in NAMES), *(f"regions.{name}.error" for name in regions))

    def ask(self, match: Any, key: Array, asking: Asking, *inputs: Array) -> ValueErrors:
        def one(key: Array) -> ValueErrors:
            start_key, play_key = jax.random.split(key)
            found = value_errors(match, matching.start(match, start_key), play_key)
            assert found is not None
            return found

        return over_batch(one, jax.random.split(key, min(asking.pairs, FEWEST)))

    def rows(self, answer: Answer, seen: Any) -> list[dict[str, Any]]:
        found, regions = answer.each, (*outcome_names(seen.game), ELSEWHERE)
        return [
            {
                "errors": {
                    name: (known if name == "angle" else statistic)(getattr(found, name)[:, v]) for name in NAMES
                },
                "regions": _by_region({name: found.regions[name][:, v] for name in regions}),
            }
            for v in range(len(seen.values))
        ]

    def tables(self, summary: Mapping[str, Any]) -> list[Grid]:
        several = len(summary["rows"][0]["regions"]) > 1
        return [_errors(summary), *([_regions_table(summary)] if several else [])]


NAMES = ("value", "early", "late", "td", "angle")


def _by_region(regions: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Statistics by region, from sums and numbers of errors, f32[S, N, 2] each."""
    total = sum(sums[..., 1].sum() for sums in regions.values())
    found = {}
    for name, sums in regions.items():
        errors, states = sums.sum(axis=1).T
        means = [np.array([error / count] if count else []) for error, count in zip(errors, states, strict=True)]
        found[name] = {"error": of_each_seed(means), "share": number(states.sum() / total)}
    return found


def _errors(summary: Mapping[str, Any]) -> Grid:
    unit = tables.unit(summary)
    heads = ["error, 100 steps", "the first 10", "10 after 500", "TD error, 10 steps", "gradient off by, in degrees"]

    def cells(row: Mapping[str, Any]) -> list[str]:
        errors = row["errors"]
        found = [unit.statistic(errors[name], more=1) for name in ("value", "early", "late", "td")]
        return [*found, "-" if errors["angle"]["mean"] is None else tables.statistic(errors["angle"], digits=1)]

    caption = "the learnt meta-value against the true discounted sum, along play"
    return tables.per_setting(summary, caption, heads, cells)


def _regions_table(summary: Mapping[str, Any]) -> Grid:
    unit, names = tables.unit(summary), list(summary["rows"][0]["regions"])

    def cells(row: Mapping[str, Any]) -> list[str]:
        found = [row["regions"][name] for name in names]
        return [
            f"{unit.statistic(f['error'], more=1)} ({100 * f['share']:.0f} %)" if f["share"] else "-" for f in found
        ]

    caption = "the learnt meta-value's error by what is mostly played (and the share of the states where it is)"
    return tables.per_setting(summary, caption, names, cells)
