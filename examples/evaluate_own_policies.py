"""Measures how exploitable your own policies are in the iterated prisoner's dilemma.

python examples/evaluate_own_policies.py policies.npy

The file holds an array f32[N, 2, 5] of joint policies, logits of P(cooperate) at [start, DD, DC, CD, CC]. Without a
file, the script evaluates three well-known ones.
"""

import sys

import jax
import jax.numpy as jnp
import numpy as np

import meva_core as meva
from meva_core import evaluate

ipd = meva.make("game", "ipd")
if len(sys.argv) > 1:
    policies = np.load(sys.argv[1]).reshape(-1, 2, 5)
    names = [f"policy {n}" for n in range(len(policies))]
else:
    names = ["always_cooperate", "tit_for_tat", "win_stay_lose_shift"]
    policies = np.stack([[ipd.strategies[name]] * 2 for name in names])

asked = jax.jit(jax.vmap(lambda x: evaluate.exploitability(ipd, x, jax.random.key(0))))
found = asked(jnp.asarray(policies))
payoffs = jax.vmap(ipd.payoff)(jnp.asarray(policies))
gain, loss = (np.round(np.asarray(numbers), 2) + 0.0 for numbers in (found.gain[:, 1], found.loss[:, 1, 0]))
print(f"{'':>20}  payoff  gain of the best response  loss by it")
for name, payoff, *changes in zip(names, payoffs[:, 0], gain, loss, strict=True):
    print(f"{name:>20}  {payoff:6.2f}  {changes[0]:25.2f}  {changes[1]:10.2f}")
