"""Draws the payoffs of players as they were after a tenth of the fit, two tenths, ...: reads a run's folder.

python examples/over_training.py runs/ipd-meva-...

Prints the payoff after 300 steps of self-play, a column per seed, and draws it into over_training.png.
"""

import sys

import jax
import numpy as np
from matplotlib import pyplot as plt

import meva_core as meva

PAIRS, STEPS = 64, 300


@jax.jit
def payoffs(matches):
    def of_seed(match):
        played = meva.matches(match, jax.random.key(0), PAIRS, STEPS)
        return played.payoffs.mean()

    return jax.lax.map(of_seed, matches)


found = {loops: np.asarray(payoffs(matches)) for loops, matches in meva.snapshots(sys.argv[1])}
for loops, seeds in found.items():
    print(f"{loops:6}", *(f"{payoff:8.3f}" for payoff in seeds))

plt.figure(figsize=(4, 2.5), layout="constrained")
plt.plot(list(found), np.stack(list(found.values())))
plt.xlabel("outer loops")
plt.ylabel("payoff in self-play")
plt.savefig("over_training.png", dpi=150)
