"""Compares gradients of MeVa's learnt values with those of the true discounted sums, and what steps along them earn.

    meva reproduce where-values-point --out there
    python tests/trials/where_values_point.py there/fits/*

Reads fits of MeVa in self-play, with the formulation `correction` and plain gradients, and prints a table with a column
for each rate and meta-discount. A number is a mean (of rises the median) over fresh starting policies and both players,
then a mean over the seeds of the fit, with its standard error. By hand: a seed at one meta-discount takes about 20
seconds of a core.

The true value of a state is the discounted sum of payoffs if all players go on from there as they were fitted. Smoothed
over a width w, it is the mean over joint policies around the state, every number drawn with standard deviation w. Its
gradient is estimated by least squares from differences between opposite draws: jumps do not spoil these. A rise is that
of a player's own true value if it alone moves.

Shapes: P players, D numbers per policy, K pairs of opposite draws.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from meva_meta_value.meta_value import MetaValue
from meva_meta_value.value_errors import learnt, true_gradients

import meva_core as meva
from meva_core import match as matching
from meva_core.errors import BadCombination, MevaError
from meva_core.match import Match
from meva_core.ops import lambda_returns, mean_and_sem, own_rows, simultaneous_gradient

FURTHER = 100  # steps in the true sum; after them the last payoff stays constant
DRAWS = 32  # pairs of opposite draws for a smoothed gradient
DRAWS_IN_PLAY = 16  # the same at every step of play along it
WIDTHS = (0.1, 0.3, 1.0)  # over which the true value is smoothed
WIDTH = 0.3  # of the smoothed gradient along which players move
MOVES = (0.01, 0.1)  # standard deviations of moves of a state
SMALL = 0.01  # length of a small step
PAIRS, STEPS = 12, 30  # of self-play
KEY = jax.random.key(0)  # of steps; nothing is drawn in them
LEAST = 1e-30  # length of a gradient that has a direction

# Numbers by the title of a section and a name in it. A pytree; unlike a dict, it keeps its order in jax.
Table = OrderedDict[str, OrderedDict[str, Array]]


def main() -> int:
    """Print the table; exit code 2 where a folder holds no such fit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("fits", nargs="+", help="folders of fits, such as there/fits/*")
    parser.add_argument("--discounts", type=float, nargs="+", default=[0.5, 0.95], help="(default: 0.5 0.95)")
    parser.add_argument("--seeds", type=count, help="seeds of each fit, the first ones (default: all)")
    parser.add_argument("--states", type=count, default=32, help="starting policies (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the starting policies (default: %(default)s)")
    asked = parser.parse_args()
    began, columns = time.process_time(), {}
    measure = jax.jit(measured, static_argnums=2)
    try:
        for folder in asked.fits:
            fits = fits_in(folder)[: asked.seeds]
            rate = float(rate_of(fits[0]))
            for discount in asked.discounts:
                matches = [matching.with_setting(match, 0, "discount", jnp.asarray(discount)) for match in fits]
                each = [measure(match, jax.random.key(asked.seed), asked.states) for match in matches]
                columns[rate, discount] = jax.tree.map(lambda *numbers: cell(np.array(numbers)), *each)
            print(f"{folder}: {time.process_time() - began:.0f} s of a core", file=sys.stderr, flush=True)
    except MevaError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    rows = [columns[setting] for setting in sorted(columns)]
    print(line("rate", [f"{rate:g}" for rate, _ in sorted(columns)]))
    print(line("meta-discount", [f"{discount:g}" for _, discount in sorted(columns)]))
    for title, section in rows[0].items():
        print(f"\n{title}")
        for name in section:
            print(line(f"  {name}", [row[title][name] for row in rows]))
    return 0


def count(text: str) -> int:
    """A number of 1 or more."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected 1 or more, got {text}")
    return int(text)


def line(name: str, cells: Iterable[str]) -> str:
    """A line of the table."""
    return f"{name:32}" + "".join(f"{cell:>12}" for cell in cells)


def cell(numbers: np.ndarray) -> str:
    """A mean over seeds and its standard error, to the first digit of the latter."""
    mean, error = mean_and_sem(numbers)
    if not error > 0:
        return f"{mean:.3g}"
    digits = max(0, -math.floor(math.log10(error)))
    return f"{mean:.{digits}f} ±{error:.{digits}f}"


def fits_in(folder: str) -> list[Match]:
    """Self-play of every seed of a fit. Raises BadFolder or BadCombination if the folder holds no such fit."""
    *_, (_, match) = meva.snapshots(folder)
    learner = match.players[0].learner
    if not isinstance(learner, MetaValue) or learner.formulation != "correction" or learner.gradient != "plain":
        raise BadCombination(f"expected a fit of meva with formulation = correction and gradient = plain @ {folder}")
    return [jax.tree.map(lambda leaf, seed=seed: leaf[seed], match) for seed in range(len(rate_of(match)))]


def rate_of(match: Match) -> Any:
    """The rate of players, f32[], or [S] over seeds."""
    return cast(Any, match.players[0].learner).rate


def measured(match: Match, key: Array, states: int) -> Table:
    """All numbers of one fit, f32[] each."""
    start_key, state_key, play_key = jax.random.split(key, 3)
    xs = jax.vmap(match.game.init)(jax.random.split(start_key, states))
    of_states = jax.lax.map(lambda each: of_state(match, *each), (xs, jax.random.split(state_key, states)))
    table = Table()
    for title, section in of_states.items():
        over_states = jnp.nanmedian if title.startswith("median") else jnp.nanmean
        table[title] = OrderedDict((name, over_states(numbers)) for name, numbers in section.items())
    table["payoff of self-play along"] = of_play(match, play_key)
    return table


def of_state(match: Match, x: Array, key: Array) -> Table:
    """Numbers of one state x f32[P, D], f32[P] each."""
    *keys, again_key, move_key, random_key = jax.random.split(key, len(WIDTHS) + 3)
    value, true = learnt_gradient(match, x), true_gradient(match, x)
    smooth = {width: smoothed_gradient(match, x, width, DRAWS, k) for width, k in zip(WIDTHS, keys, strict=True)}
    again = smoothed_gradient(match, x, WIDTH, DRAWS, again_key)
    table, noise = Table(), jax.random.normal(move_key, x.shape)
    table["degrees between the learnt gradient and"] = OrderedDict(
        [("the true one", degrees(value, true))]
        + [(f"smoothed over {width:g}", degrees(value, smooth[width])) for width in WIDTHS]
    )
    table["degrees by which a gradient turns"] = OrderedDict(
        [(f"true, state moved by {move:g}", degrees(true_gradient(match, x + move * noise), true)) for move in MOVES]
        + [
            (f"learnt, state moved by {move:g}", degrees(learnt_gradient(match, x + move * noise), value))
            for move in MOVES
        ]
        + [(f"smoothed over {WIDTH:g}, drawn again", degrees(again, smooth[WIDTH]))]
    )
    step = matching.step(match, x, KEY) - x
    directions = OrderedDict(
        [
            ("true gradient", true),
            (f"smoothed over {WIDTH:g}", smooth[WIDTH]),
            ("learnt gradient", value),
            ("players' steps", step),
            ("random direction", jax.random.normal(random_key, x.shape)),
        ]
    )
    for size, far in ((f"a step of {SMALL:g}", jnp.full(len(x), SMALL)), ("a step of players' length", length(step))):
        rises = OrderedDict((name, rise(match, x, direction, far)) for name, direction in directions.items())
        table[f"% of states where {size} pays"] = OrderedDict((name, 100.0 * (r > 0)) for name, r in rises.items())
        table[f"median rise of the true value by {size}, in thousandths"] = OrderedDict(
            (name, 1000.0 * r) for name, r in rises.items()
        )
    return table


def of_play(match: Match, key: Array) -> OrderedDict[str, Array]:
    """Payoffs of self-play, f32[] each, if another gradient takes the place of the learnt one in players' steps."""
    rate, starts = rate_of(match), jax.vmap(match.game.init)(jax.random.split(key, PAIRS))

    def as_long(x: Array, key: Array) -> Array:
        return direction_of(true_gradient(match, x)) * length(learnt_gradient(match, x))[:, None]

    fields: list[tuple[str, Callable[[Array, Array], Array]]] = [
        ("learnt gradients", lambda x, key: learnt_gradient(match, x)),
        ("true gradients", lambda x, key: true_gradient(match, x)),
        ("true, as long as learnt", as_long),
        (f"smoothed over {WIDTH:g}", lambda x, key: smoothed_gradient(match, x, WIDTH, DRAWS_IN_PLAY, key)),
    ]

    def end(field: Callable[[Array, Array], Array], x: Array) -> Array:
        def moved(x: Array, key: Array) -> tuple[Array, None]:
            return matching.step(match, x, key) + rate * (field(x, key) - learnt_gradient(match, x)), None

        return match.game.payoff(jax.lax.scan(moved, x, jax.random.split(KEY, STEPS))[0]).mean()

    return OrderedDict(
        (name, jax.lax.map(lambda x, field=field: end(field, x), starts).mean()) for name, field in fields
    )


def learnt_gradient(match: Match, x: Array) -> Array:
    """Own gradients f32[P, D] of the learnt value."""
    return simultaneous_gradient(lambda x: learnt(match, x)[0], x)


def true_gradient(match: Match, x: Array) -> Array:
    """Own gradients f32[P, D] of the true value, through all players' steps."""
    return own_rows(true_gradients(match, matching.trajectory(match, x, KEY, FURTHER), KEY)[0])


def true_value(match: Match, x: Array) -> Array:
    """The true values f32[P] of x f32[P, D]."""
    payoffs = jax.vmap(match.game.payoff)(matching.trajectory(match, x, KEY, FURTHER))
    return lambda_returns(payoffs[:-1], payoffs[1:], learnt(match, x)[1], 1.0)[0]


def smoothed_gradient(match: Match, x: Array, width: float, draws: int, key: Array) -> Array:
    """Own gradients f32[P, D] of the true value smoothed over `width`, from K = `draws` pairs of opposite draws."""
    noise = jax.random.normal(key, (draws, *x.shape))
    both = jax.vmap(lambda away: true_value(match, x + away))(width * jnp.concatenate([noise, -noise]))
    slopes = jnp.linalg.lstsq(noise.reshape(draws, -1), (both[:draws] - both[draws:]) / (2 * width))[0]
    return own_rows(slopes.T.reshape(-1, *x.shape))


def rise(match: Match, x: Array, gradient: Array, far: Array) -> Array:
    """Rise f32[P] of each player's true value after its own move of length `far`, f32[P], along the gradient."""
    moves = direction_of(gradient) * far[:, None]
    before = true_value(match, x)
    return jnp.stack([true_value(match, x.at[i].add(moves[i]))[i] - before[i] for i in range(len(x))])


def length(gradients: Array) -> Array:
    """Lengths f32[P] of rows."""
    return jnp.linalg.norm(gradients, axis=-1)


def direction_of(gradients: Array) -> Array:
    """Rows scaled to length 1; 0 stays 0."""
    return gradients / jnp.maximum(length(gradients), LEAST)[:, None]


def degrees(one: Array, other: Array) -> Array:
    """Angles f32[P] between rows, NaN if one is 0."""
    cosines = jnp.sum(one * other, axis=-1) / (length(one) * length(other))
    return jnp.degrees(jnp.arccos(jnp.clip(cosines, -1, 1)))


if __name__ == "__main__":
    sys.exit(main())
