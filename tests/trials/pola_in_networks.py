"""Plays POLA's recipe `networks` in networks and in tables from the same starting policies, and says how far apart they
end.

    python tests/trials/pola_in_networks.py --seed 1000 --seeds 10 --pairs 2

By hand: a seed with two pairs takes about half a minute of one core. Ends with exit code 1 if, over all seeds, the mean
payoffs differ by more than 0.05.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

import attrs
import jax
import numpy as np

import meva_core as meva
from meva_core import runner
from meva_core.experiment import compose, resolve

CLOSE = 0.05
PLAIN = {"learner.natural": False, "learner.ascent_rate": 0.03, "learner.ascent_steps": 3000}


def main() -> int:
    """Play what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1000, help="first seed (default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=10, help="number of seeds (default: %(default)s)")
    parser.add_argument("--pairs", type=int, default=2, help="matches of each seed (default: %(default)s)")
    parser.add_argument(
        "--plain", action="store_true", help="ascents along gradients in the policies' own numbers, as in other recipes"
    )
    parser.add_argument("--double", action="store_true", help="in double precision, from the same starts")
    asked = parser.parse_args()
    overrides = PLAIN if asked.plain else {}
    known, files = runner.plugins()
    experiment = resolve.resolve(known, files, game="ipd", learner="pola", recipe="networks", overrides=overrides)
    composition = compose.compose(experiment)
    game: Any = composition.game
    in_networks = composition.rehearse()[0]
    in_tables = attrs.evolve(in_networks, game=game.game)
    play = jax.jit(jax.vmap(payoffs_along, in_axes=(None, 0, None)), static_argnums=2)
    gaps = []
    for seed in range(asked.seed, asked.seed + asked.seeds):
        starts = jax.vmap(game.init)(jax.random.split(jax.random.key(seed), asked.pairs))
        began = time.process_time()
        with jax.enable_x64(asked.double):
            starts = starts.astype(float)
            ends = [
                np.asarray(play(learner, start, experiment.evaluate.steps))[:, -1]
                for learner, start in ((in_networks, starts), (in_tables, jax.vmap(game.tables)(starts)))
            ]
        gaps.append(ends[0] - ends[1])
        told = " ".join(f"{a:.3f}/{b:.3f}" for a, b in zip(*ends, strict=True))
        print(f"seed {seed}: networks/tables {told}, {time.process_time() - began:.0f} s of a core", flush=True)
    mean, largest = np.mean(gaps), np.abs(gaps).max()
    print(f"networks minus tables: {mean:.4f} over all, at most {largest:.4f} in one match")
    return int(abs(mean) > CLOSE)


def payoffs_along(learner: Any, x: jax.Array, steps: int) -> jax.Array:
    """The mean payoff of both players after each step f32[steps] of a learner with itself from x f32[2, D]."""
    match = meva.self_play(learner.game, meva.Fitted(learner=learner))
    return meva.play(match, x, jax.random.key(0), steps).payoffs.mean(axis=-1)


sys.exit(main())
