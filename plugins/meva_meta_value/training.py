"""The fit of a meta-value: explore, roll out, regress (Cooijmans et al., 2023, algorithm 1).

Shapes: B trajectories, P players, D numbers per policy, S steps of a rollout, K quantiles.
"""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array

from meva_core.contracts import Training, component, part
from meva_core.ops import cosine, lambda_returns, mean_over_batch, quantile_huber, spread
from meva_meta_value import rollout
from meva_meta_value.meta_value import MetaValue


class FitState(NamedTuple):
    """State of the fit."""

    params: Any
    target_params: Any
    optimiser: Any


@component
class MetaValueTraining(Training):
    """A training whose step is one outer loop.

    `rollout_from = explored`: B trajectories explore for T steps. After every k steps, each draws fresh discounts and
    takes k on-policy steps with the unperturbed model from its current state, and the model is updated on those.
    `rollout_from = start`: the data are one on-policy trajectory from the initial draw (section 3.3).
    """

    learner: Any = part()

    shown: ClassVar = {"loss": "loss", "td_error": "TD error", "payoff": "payoff on policy"}
    linear = ("payoff",)

    @property
    def num_steps(self) -> int:
        return self.learner.loops

    @property
    def extended_by(self) -> str | None:
        return "loops" if self.learner.schedule == "constant" else None

    def init(self, key: Array) -> FitState:
        params = self.learner.model.init(key)
        return FitState(params, params, self._optimiser().init(params))

    def params(self, state: FitState) -> Any:
        """Parameters of the target network: an average over updates, with less of the optimiser's noise."""
        return state.target_params

    def step(self, state: FitState, key: Array) -> tuple[FitState, dict[str, Array]]:
        learner: MetaValue = self.learner
        start_key, update_key = jax.random.split(key)
        keys = spread(jax.random.split(start_key, learner.batch_size))
        explorers = jax.vmap(lambda key: rollout.start(learner, state.params, key))(keys)

        def from_explored(carry: tuple, key: Array) -> tuple:
            state, explorers = carry
            keys = jax.random.split(key, (2, learner.batch_size))
            explorers = jax.vmap(lambda e, key: rollout.explore(learner, state.params, e, key))(explorers, keys[0])
            state, metrics = self._update(state, explorers, keys[1])
            return (state, explorers), metrics

        if learner.rollout_from == "start":
            return self._update(state, explorers, jax.random.split(update_key, learner.batch_size))
        updates = learner.trajectory // learner.stride
        (state, _), metrics = jax.lax.scan(from_explored, (state, explorers), jax.random.split(update_key, updates))
        return state, jax.tree.map(jnp.mean, metrics)

    def _update(self, state: FitState, explorers: rollout.Explored, keys: Array) -> tuple[FitState, dict[str, Array]]:
        """Take one step of the optimiser on on-policy rollouts that begin where the explorers are."""
        explorers = spread(explorers)
        data = jax.vmap(lambda e, key: rollout.on_policy(self.learner, state.params, e, key))(explorers, keys)
        return self.regress(state, data)

    def regress(self, state: FitState, data: rollout.OnPolicy) -> tuple[FitState, dict[str, Array]]:
        """Take one step of the optimiser on rollouts, every leaf [B, ...]."""
        gradient = jax.value_and_grad(self.loss, has_aux=True)
        (value, error), gradient = mean_over_batch(gradient, state.params, *self.examples(state.target_params, data))
        metrics = {
            "loss": value,
            "td_error": self.learner.unit * error,
            "payoff": jnp.mean(data.payoffs),
            "gradient_norm": optax.tree.norm(gradient),
        }
        return self.descend(state, gradient), metrics

    def examples(self, target_params: Any, data: rollout.OnPolicy) -> tuple[Array, Array, Array, Array | None]:
        """States, discounts, targets and incentives of rollouts in one flat batch, every leaf [B S, ...].

        In a flat batch, a layer of the network is one large matrix product.
        """
        targets = jax.vmap(lambda d: self.targets(target_params, d))(data)
        x, targets = (a.reshape(-1, *a.shape[2:]) for a in (data.x[:, :-1], targets))
        drawn = (data.discounts, data.incentives)
        discounts, incentives = jax.tree.map(lambda a: jnp.repeat(a, self.learner.stride, axis=0), drawn)
        return x, discounts, targets, incentives

    def loss(
        self, params: Any, x: Array, discounts: Array, targets: Array, incentives: Array | None
    ) -> tuple[Array, Array]:
        """Quantile regression loss and absolute error of the mean, in the network's unit, over a batch of states and
        the learner's seats."""
        losses, errors = jax.vmap(lambda *state: self.losses(params, *state))(x, discounts, targets, incentives)
        own = jnp.array(self.learner.own_seats)
        return jnp.mean(losses, where=own), jnp.mean(errors, where=own)

    def descend(self, state: FitState, gradient: Any) -> FitState:
        """Take one step of the optimiser, and update the target network after it."""
        updates, optimiser = self._optimiser().update(gradient, state.optimiser, state.params)
        params = optax.apply_updates(state.params, updates)
        target_params = optax.incremental_update(params, state.target_params, 1 - self.learner.target_inertia)
        return FitState(params, target_params, optimiser)

    def targets(self, target_params: Any, data: rollout.OnPolicy) -> Array:
        """Lambda-returns of one rollout, in the network's unit, f32[S, P, K]; constants of the loss."""
        learner: MetaValue = self.learner.drawn(data.incentives)
        values = jax.vmap(lambda x: learner.quantile_values(target_params, x, x, data.discounts))(data.x[1:])
        payoffs = data.payoffs[1:] if learner.formulation == "correction" else data.payoffs[:-1]
        targets = lambda_returns(
            payoffs[..., None] / learner.unit, values, data.discounts[:, None], learner.trace_decay
        )
        return jax.lax.stop_gradient(targets)

    def losses(
        self, params: Any, x: Array, discounts: Array, targets: Array, incentives: Array | None
    ) -> tuple[Array, Array]:
        """Quantile regression loss and absolute error of the mean at one state, f32[P] each."""
        values = self.learner.drawn(incentives).quantile_values(params, x, x, discounts)
        errors = jnp.mean(values, axis=-1) - jnp.mean(targets, axis=-1)
        return jax.vmap(quantile_huber)(values, targets), jnp.abs(errors)

    def _optimiser(self) -> optax.GradientTransformation:
        learner: MetaValue = self.learner
        rate: Any = learner.optimiser_rate
        if learner.schedule == "cosine":
            rate = cosine(rate, learner.final_rate, self._num_updates)
        if learner.optimiser == "adam":
            return optax.adam(rate, b2=learner.beta2)
        return optax.adamw(rate, b2=learner.beta2, weight_decay=learner.weight_decay)

    @property
    def _num_updates(self) -> int:
        learner: MetaValue = self.learner
        per_loop = 1 if learner.rollout_from == "start" else learner.trajectory // learner.stride
        return learner.loops * per_loop
