"""Fixed points of learning and their stability.

Shapes: P players, D numbers per policy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from meva_core import match as matching
from meva_core.contracts import Answer, Asking, Evaluation, Game, component
from meva_core.match import Match
from meva_core.ops import simultaneous_gradient
from meva_core.report import tables
from meva_core.report.statistics import number
from meva_core.report.tables import Grid

AT_REST = 1e-3  # largest number of a step at a fixed point
APART = 0.05  # fixed points at a smaller distance count as one
NEUTRAL = 1e-3  # a modulus this close to 1 is neither stable nor unstable


class Rest(NamedTuple):
    """A candidate for a fixed point.

    x f32[P, D]; speed f32[]: the largest number of a step at x, tiny if x is a fixed point; jacobian f32[P D, P D]: of
    x -> x + step at x.
    """

    x: Array
    speed: Array
    jacobian: Array


def rest(match: Match, x: Array, key: Array, *, iterations: int = 50) -> Rest:
    """The fixed point of x -> x + step that Newton's method finds from x, f32[P, D], stable or not.

    If fixed points form a line or a plane, the result is one near x, since Newton's steps have the least length. For
    learners with a state, step means their first step. Pure; safe under jit and vmap.
    """

    def newton(n: Array, now: Rest) -> Rest:
        after, slope = _linearised(match, now.x, key)
        step = after - now.x
        inverse = jnp.linalg.pinv(slope - jnp.eye(x.size, dtype=x.dtype), rtol=1e-4)
        moved = now.x - jnp.matmul(inverse, step.ravel(), precision="highest").reshape(x.shape)
        return Rest(jnp.where(n < iterations, moved, now.x), jnp.max(jnp.abs(step)), slope)

    # The last iteration computes speed and Jacobian without a move: a second call of the step would compile it again.
    fresh = Rest(x, jnp.zeros((), x.dtype), jnp.zeros((x.size, x.size), x.dtype))
    return jax.lax.fori_loop(0, iterations + 1, newton, fresh)


def equilibrium(game: Game, x: Array, *, iterations: int = 50) -> Array:
    """The stationary point of the game's simultaneous gradient that Newton's method finds from x, f32[P, D].

    It is a fixed point of naive learning, stable or not. Pure; safe under jit and vmap.
    """

    def newton(_: int, x: Array) -> Array:
        gradient, slope = _with_jacobian(lambda x: simultaneous_gradient(game.payoff, x), x)
        inverse = jnp.linalg.pinv(slope, rtol=1e-4)
        return x - jnp.matmul(inverse, gradient.ravel(), precision="highest").reshape(x.shape)

    return jax.lax.fori_loop(0, iterations, newton, x)


def jacobian(match: Match, x: Array, key: Array) -> Array:
    """Jacobian of x -> x + step, f32[P D, P D]. Pure; safe under jit and vmap."""
    return _linearised(match, x, key)[1]


def eigenvalues(match: Match, x: Array, key: Array) -> np.ndarray:
    """Eigenvalues of the `jacobian`, complex[P D], largest modulus first; NaN if the Jacobian is not finite.

    A fixed point is stable if all moduli are below 1.
    """
    of = np.asarray(jax.jit(jacobian)(match, x, key))
    if not np.isfinite(of).all():
        return np.full(len(of), np.nan, complex)
    found = np.linalg.eigvals(of)
    return found[np.argsort(-np.abs(found), kind="stable")]


def _linearised(match: Match, x: Array, key: Array) -> tuple[Array, Array]:
    """x + step, f32[P, D], and its Jacobian."""
    return _with_jacobian(lambda x: matching.step(match, x, key), x)


def _with_jacobian(function: Callable[[Array], Array], x: Array) -> tuple[Array, Array]:
    """function(x), f32[P, D] like x, and its Jacobian f32[P D, P D]."""

    def flat(x_flat: Array) -> tuple[Array, Array]:
        found = function(x_flat.reshape(x.shape))
        return found.ravel(), found

    slope, found = jax.jacfwd(flat, has_aux=True)(x.ravel())
    return found, slope


@component
class FixedPoints(Evaluation):
    """Fixed points near the ends of trajectories, on the first seed, and their stability.

    For M ends the answer contains the fixed points, a `Rest` with x f32[1, V, M, P, D], speed f32[1, V, M] and jacobian
    f32[1, V, M, P D, P D]; own f32[1, V, M, P, D]: the game's own `equilibrium` near each; and the ends themselves.

    In a row of summary.json:
      rests             [{x, own, away, modulus, stable, share}]: fixed point, the game's own equilibrium nearby and
                        the distance to it, the largest modulus of the eigenvalues of the Jacobian of x -> x + step,
                        stable: true, false or null (a modulus of 1, as on a line of fixed points), and the share of the
                        trajectories that end there
    """

    builds_on = ("basins",)
    first_seed = True
    stream = 2**32 - 9  # on record
    says = "finding fixed points"

    def inputs(self, ended: Any, answers: Mapping[str, Answer]) -> tuple[Array, ...]:
        _, paths, _ = answers["basins"].each
        return (paths[..., -1, :, :],)

    def ask(self, match: Any, key: Array, asking: Asking, *inputs: Array) -> Any:
        (ends,) = inputs

        def one(x: Array) -> tuple[Rest, Array]:
            found = rest(match, x, key)
            return found, equilibrium(match.game, found.x)

        rests, own = jax.vmap(one)(ends)
        return rests, own, ends

    def rows(self, answer: Answer, seen: Any) -> list[dict[str, Any]]:
        rests, own, ends = answer.each
        return [
            {"rests": _distinct(Rest(*(array[0, v] for array in rests)), own[0, v], ends[0, v], seen.game.plane)}
            for v in range(len(seen.values))
        ]

    def tables(self, summary: Mapping[str, Any]) -> list[Grid]:
        if not any(row["rests"] for row in summary["rows"]):
            return []

        def found(row: Mapping[str, Any]) -> list[list[str]]:
            return [
                [
                    ", ".join(f"{number:.3f}" for number in rest["x"]),
                    tables.number(rest["modulus"], 3),
                    {True: "yes", False: "no", None: "neutral"}[rest["stable"]],
                    f"{100 * rest['share']:.0f} %",
                    tables.number(rest["away"], 3),
                ]
                for rest in row["rests"]
            ]

        heads = ["policies", "largest |eigenvalue|", "stable", "trajectories", "from the game's own equilibrium"]
        caption = f"fixed points near the ends of trajectories, on seed {summary['seeds'][0]}"
        return [tables.lines(summary, caption, heads, found)]

    def pictures(self) -> Mapping[str, Any]:
        from meva_evaluations import drift  # matplotlib

        return {"drift": drift.drift}


def _distinct(rests: Rest, own: np.ndarray, ends: np.ndarray, plane: tuple[float, float]) -> list[dict[str, Any]]:
    """Distinct fixed points in or near the plane, those with the largest share of trajectories first."""
    low, high = plane
    found: list[dict[str, Any]] = []
    for m, x in enumerate(np.asarray(rests.x)):
        near = np.isfinite(x).all() and low - 1 <= x.min() and x.max() <= high + 1
        still = rests.speed[m] <= AT_REST and np.isfinite(rests.jacobian[m]).all()
        if not near or not still or any(np.abs(x.ravel() - f["x"]).max() < APART for f in found):
            continue
        modulus = float(np.abs(np.linalg.eigvals(rests.jacobian[m])).max())
        found.append(
            {
                "x": [float(each) for each in x.ravel()],
                "own": [number(each) for each in own[m].ravel()],
                "away": number(np.abs(own[m].ravel() - x.ravel()).max()),
                "modulus": number(modulus),
                "stable": None if abs(modulus - 1) < NEUTRAL else modulus < 1,
                "share": float(np.mean(np.abs(ends[..., 0] - x.ravel()).max(axis=-1) < APART)),
            }
        )
    return sorted(found, key=lambda rest: -rest["share"])
