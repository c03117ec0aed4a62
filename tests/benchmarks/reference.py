"""A fit of a meta-value as research notebooks write it: Python loops around jitted steps, a backward pass per player.

The same algorithm as `meva_meta_value` and the same network, written plainly, for one seed and two players of a
symmetric game in self-play with the correction formulation. Shapes: B trajectories, P players, D numbers per policy,
S steps of a rollout, K quantiles.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from meva_meta_value import rollout
from meva_value_networks.paired_mlp import ACTIVATIONS, TRANSFORMS

from meva_core.ops import lambda_returns


class Notebook:
    """One outer loop after the other; `learner` gives the numbers and the network."""

    def __init__(self, learner: Any):
        self.learner, self.training = learner, learner.training
        self.start = jax.jit(jax.vmap(lambda key: rollout.start(learner, {}, key)))
        self.discounts = jax.jit(jax.vmap(lambda key: rollout.draw_discounts(learner, key)))
        self.explore = jax.jit(jax.vmap(self._explore, in_axes=(None, 0, 0, 0)))
        self.step = jax.jit(jax.vmap(self._step, in_axes=(None, 0, 0)))
        self.payoff = jax.jit(jax.vmap(learner.game.payoff))
        self.gradient = jax.jit(jax.grad(self._loss))
        self.descend = jax.jit(self.training.descend)

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
            rollouts = jnp.stack(xs, axis=1), jnp.stack(payoffs, axis=1), discounts
            state = self.descend(state, self.gradient(state.params, state.target_params, *rollouts))
        return state

    def values(self, params: Any, x: Array, discounts: Array, noise: Any = None) -> Array:
        """Quantiles at one joint policy, f32[P, K]."""
        model = self.learner.model
        codes = _mlp(params, "encoder", self._inputs(params, x, discounts), model.blocks, "gelu")
        pairs = jnp.concatenate([codes, codes[::-1]], axis=-1)
        features = _mlp(params, "joint", pairs, model.blocks, model.last_activation)
        if noise is not None:
            features = self.learner.explorer.perturb_features(noise, features)
        return features @ params["head"]["w"] + params["head"]["b"]

    def _inputs(self, params: Any, x: Array, discounts: Array) -> Array:
        model, condition = self.learner.model, discounts[:, None]
        if model.embed_condition:
            condition = _layer(params, "condition", condition, "gelu")
        return jnp.concatenate([TRANSFORMS[model.transform](model.input_scale * x), condition], axis=-1)

    def _gradients(self, params: Any, x: Array, discounts: Array, noise: Any = None) -> Array:
        def of_player(i: int) -> Array:
            return jax.grad(lambda own: jnp.mean(self.values(params, x.at[i].set(own), discounts, noise)[i]))(x[i])

        return jnp.stack([of_player(i) for i in range(x.shape[0])])

    def _explore(self, params: Any, x: Array, discounts: Array, noise: Any) -> Array:
        return x + self.learner.rate * self._gradients(params, x, discounts, noise)

    def _step(self, params: Any, x: Array, discounts: Array) -> Array:
        payoff = self.learner.game.payoff
        naive = jnp.stack([jax.grad(lambda own, i=i: payoff(x.at[i].set(own))[i])(x[i]) for i in range(x.shape[0])])
        weight = discounts[:, None]
        own = 1 - weight if self.learner.mixing == "convex" else 1.0
        return x + self.learner.rate * (own * naive + weight * self._gradients(params, x, discounts))

    def _loss(self, params: Any, target_params: Any, xs: Array, payoffs: Array, discounts: Array) -> Array:
        """Over trajectories and their steps."""
        at_steps = jax.vmap(jax.vmap(self.values, (None, 0, None)), (None, 0, 0))

        def targets(values: Array, payoffs: Array, discounts: Array) -> Array:
            return lambda_returns(payoffs[1:, :, None], values, discounts[:, None], self.learner.trace_decay)

        goals = jax.vmap(targets)(at_steps(target_params, xs[:, 1:], discounts), payoffs, discounts)
        return jnp.mean(_quantile_loss(at_steps(params, xs[:, :-1], discounts), goals))


def _layer(params: Any, name: str, h: Array, activation: str) -> Array:
    linear, norm = params[f"{name}/linear"], params[f"{name}/norm"]
    h = h @ linear["w"] + linear["b"]
    h = (h - jnp.mean(h, axis=-1, keepdims=True)) / jnp.sqrt(jnp.var(h, axis=-1, keepdims=True) + 1e-5)
    return ACTIVATIONS[activation](norm["scale"] * h + norm["offset"])


def _mlp(params: Any, name: str, h: Array, blocks: int, last: str) -> Array:
    h = _layer(params, f"{name}/first", h, "gelu")
    for b in range(blocks):
        linear = params[f"{name}/block{b}_linear"]
        inner = _layer(params, f"{name}/block{b}", h, "gelu") @ linear["w"] + linear["b"]
        gate = jax.nn.sigmoid(params[name][f"gate{b}"])
        h = gate * h + (1 - gate) * inner
    return _layer(params, f"{name}/last", h, last)


def _quantile_loss(values: Array, targets: Array) -> Array:
    """Quantile loss of predictions f32[..., K] and targets f32[..., K]: a sum over predictions, a mean over targets."""
    count = values.shape[-1]
    errors = targets[..., None, :] - values[..., :, None]
    sizes = jnp.abs(errors)
    huber = jnp.where(sizes < 1, 0.5 * errors**2, sizes - 0.5)
    midpoints = ((jnp.arange(count) + 0.5) / count)[:, None]
    return jnp.sum(jnp.mean(jnp.abs(midpoints - (errors < 0)) * huber, axis=-1), axis=-1)
