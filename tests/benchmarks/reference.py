"""A fit of a meta-value as research notebooks write it: Python loops around jitted steps, a backward pass per player.

The same algorithm and the same network as `meva_meta_value`, for one seed and self-play with the correction
formulation. Shapes: B trajectories, P players, D numbers per policy, S steps of a rollout.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from meva_meta_value import rollout
from meva_meta_value.rollout import OnPolicy


class Notebook:
    """One outer loop after the other; `learner` gives the numbers and the network."""

    def __init__(self, learner: Any):
        self.learner, self.training = learner, learner.training
        self.start = jax.jit(jax.vmap(lambda key: rollout.start(learner, {}, key)))
        self.discounts = jax.jit(jax.vmap(lambda key: rollout.draw_discounts(learner, key)))
        self.explore = jax.jit(jax.vmap(self._explore, in_axes=(None, 0, 0, 0)))
        self.step = jax.jit(jax.vmap(self._step, in_axes=(None, 0, 0)))
        self.payoff = jax.jit(jax.vmap(learner.game.payoff))
        self.update = jax.jit(self._update)

    def loop(self, state: Any, key: Array) -> Any:
        """One outer loop."""
        learner = self.learner
        key, start_key = jax.random.split(key)
        explorers = self.start(jax.random.split(start_key, learner.batch_size))
        x = explorers.x
        for _ in range(learner.trajectory // learner.stride):
            for _ in range(learner.stride):
                x = self.explore(state.params, x, explorers.discounts, explorers.noise)
            key, discount_key = jax.random.split(key)
            discounts = self.discounts(jax.random.split(discount_key, learner.batch_size))
            xs = [x]
            for _ in range(learner.stride):
                xs.append(self.step(state.params, xs[-1], discounts))
            payoffs = [self.payoff(x) for x in xs]
            state, _ = self.update(state, jnp.stack(xs, axis=1), jnp.stack(payoffs, axis=1), discounts)
        return state

    def _gradients(self, params: Any, x: Array, discounts: Array, noise: Any = None) -> Array:
        def of_player(i: int) -> Array:
            def value(own: Array) -> Array:
                moved = x.at[i].set(own)
                return jnp.mean(self.learner.quantile_values(params, moved, moved, discounts, noise)[i])

            return jax.grad(value)(x[i])

        return jnp.stack([of_player(i) for i in range(x.shape[0])])

    def _explore(self, params: Any, x: Array, discounts: Array, noise: Any) -> Array:
        return x + self.learner.rate * self._gradients(params, x, discounts, noise)

    def _step(self, params: Any, x: Array, discounts: Array) -> Array:
        payoff = self.learner.game.payoff
        naive = jnp.stack([jax.grad(lambda own, i=i: payoff(x.at[i].set(own))[i])(x[i]) for i in range(x.shape[0])])
        weight = discounts[:, None]
        own = 1 - weight if self.learner.mixing == "convex" else 1.0
        return x + self.learner.rate * (own * naive + weight * self._gradients(params, x, discounts))

    def _update(self, state: Any, xs: Array, payoffs: Array, discounts: Array) -> Any:
        return self.training.regress(state, OnPolicy(xs, payoffs, discounts))
