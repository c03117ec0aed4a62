"""M-FOS by proximal policy optimisation. Shapes: P players, D numbers per policy, B lifetimes, T steps, N learnt seats,
V numbers that a seat sees, M samples of a minibatch."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array

from meva_core.contracts import Training, component, part
from meva_core.match import Match, match_in, self_play
from meva_core.ops import lambda_returns, spread, stacked
from meva_shapers.m_fos_lifetimes import (
    Lived,
    acting,
    for_all_seats,
    is_alone,
    live,
    lived_by,
    meet,
    naive_share,
    seats_of,
    traced,
)
from meva_shapers.meta_policy import Network, apply, choices, entropy, fresh, log_density


class Networks(NamedTuple):
    """The network that chooses, and the critic of what is seen."""

    actor: Network
    critic: Network


class Samples(NamedTuple):
    """Samples that PPO learns from: seen f32[M, V], and the policies f32[M, D] chosen then, with their log densities
    f32[M] at that time and their returns f32[M]."""

    seen: Array
    chosen: Array
    log_density: Array
    returns: Array


class FitState(NamedTuple):
    """State of the fit: networks and optimisers of the learnt seats, every leaf [N, ...], and the loops so far."""

    networks: Networks
    optimiser: Any
    loop: Array


@component
class ProximalFit(Training):
    """A training whose step plays lifetimes, and passes over them several times."""

    learner: Any = part()

    extended_by = "loops"
    shown: ClassVar = {"payoff": "payoff", "tracing": "share of naive learners λ", "deviation": "deviation of choices"}
    linear = ("payoff", "tracing")

    @property
    def num_steps(self) -> int:
        return self.learner.loops

    def init(self, key: Array) -> FitState:
        networks = stacked([self._fresh(jax.random.fold_in(key, seat)) for seat in seats_of(self.learner)])
        return FitState(networks, jax.vmap(self._optimiser().init)(networks), jnp.zeros((), jnp.int32))

    def params(self, state: FitState) -> Network:
        return for_all_seats(self.learner, state.networks.actor)

    def step(self, state: FitState, key: Array) -> tuple[FitState, dict[str, Array]]:
        meet_key, play_key, order_key = jax.random.split(key, 3)
        actors = self.params(state)
        lived = meet(self.learner, state.loop, meet_key, lambda rivals: self._lives(actors, rivals, play_key))
        keys = jnp.stack([jax.random.fold_in(order_key, seat) for seat in seats_of(self.learner)])
        each = (state.networks, state.optimiser, lived, keys)
        networks, optimiser = jax.lax.map(lambda one: self._improved(*one), each)
        _, variances = choices(*jax.tree.map(lambda leaf: leaf[0], (state.networks.actor, lived.seen)))
        metrics = {"payoff": jnp.mean(lived.earned), "deviation": jnp.mean(jnp.sqrt(variances))}
        if traced(self.learner):
            metrics["tracing"] = naive_share(self.learner, state.loop)
        return FitState(networks, optimiser, state.loop + 1), metrics

    def _lives(self, actors: Network, rivals: tuple, key: Array) -> Lived:
        """The lifetimes of the learnt seats, every leaf [N, B, ...]."""
        game, learner = self.learner.game, self.learner
        own = acting(learner, actors, "sample")

        def lives(match: Match, seat: int) -> tuple[Array, Array]:
            keys = jax.random.split(jax.random.fold_in(key, seat), learner.batch_size)
            return live(game, match, learner.steps, spread(keys))

        seats = seats_of(learner)
        if is_alone(rivals):  # all seats live through the same lifetimes
            together = lives(self_play(game, own), 0)
            return stacked([lived_by(game, seat, *together) for seat in seats])
        matches = [match_in(game, seat, own, own, rivals, learner.rate) for seat in seats]
        return stacked([lived_by(game, seat, *lives(match, seat)) for seat, match in zip(seats, matches, strict=True)])

    def _improved(self, networks: Networks, optimiser: Any, lived: Lived, key: Array) -> tuple[Networks, Any]:
        """The networks of one seat, and its optimiser, after all passes over its lifetimes."""

        def improve(carry: tuple[Networks, Any], some: Array) -> tuple[tuple[Networks, Any], None]:
            networks, optimiser = carry
            gradient = jax.grad(self._loss)(networks, jax.tree.map(lambda leaf: leaf[some], samples))
            updates, optimiser = self._optimiser().update(gradient, optimiser)
            return (jax.tree.map(jnp.add, networks, updates), optimiser), None

        samples = self._samples(networks, lived)
        (networks, optimiser), _ = jax.lax.scan(improve, (networks, optimiser), self._order(len(samples.returns), key))
        return networks, optimiser

    def _samples(self, networks: Networks, lived: Lived) -> Samples:
        densities = log_density(*choices(networks.actor, lived.seen), lived.chosen)
        returns = normalised_returns(lived.earned, self.learner.discount, self.learner.centred)
        return jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), Samples(*lived[:2], densities, returns))

    def _loss(self, networks: Networks, some: Samples) -> Array:
        """The clipped objective with the entropy and the error of the critic, f32[]: the authors' code, with their
        weight 1/2 of the mean squared error."""
        means, variances = choices(networks.actor, some.seen)
        values = apply(networks.critic, some.seen)[..., 0]
        advantages = some.returns - jax.lax.stop_gradient(values)
        ratio, clip = jnp.exp(log_density(means, variances, some.chosen) - some.log_density), self.learner.clip
        gain = jnp.minimum(ratio * advantages, jnp.clip(ratio, 1 - clip, 1 + clip) * advantages)
        error = 0.5 * (values - some.returns) ** 2
        return jnp.mean(error - gain - self.learner.entropy_weight * entropy(variances))

    def _order(self, samples: int, key: Array) -> Array:
        """Indices of the samples in each minibatch of every pass, i32[epochs * minibatches, M]; a remainder is left
        out, others in each pass."""
        learner = self.learner
        parts = min(learner.minibatches, samples)
        size = samples // parts
        orders = jax.vmap(lambda key: jax.random.permutation(key, samples))(jax.random.split(key, learner.epochs))
        return orders[:, : parts * size].reshape(-1, size)

    def _fresh(self, key: Array) -> Networks:
        game, width = self.learner.game, self.learner.width
        start_key, actor_key, critic_key = jax.random.split(key, 3)
        x = jax.eval_shape(game.init, start_key)
        seen = jax.eval_shape(game.entries, x).size
        return Networks(fresh(actor_key, seen, width, 2 * x.shape[1]), fresh(critic_key, seen, width, 1))

    def _optimiser(self) -> optax.GradientTransformation:
        return optax.adam(self.learner.optimiser_rate)


def normalised_returns(earned: Array, discount: float, centred: bool = False) -> Array:
    """Discounted sums of payoffs f32[B, T] from each step to the end, with mean 0 and variance 1 over all, f32[B, T].

    They do not depend on the unit of payoffs. centred: each step has mean 0 before. Source: the authors' code of Lu et
    al. (2022).

    >>> normalised_returns(jnp.array([[1.0], [3.0]]), discount=0.5).tolist()
    [[-1.0], [1.0]]
    """
    returns = lambda_returns(
        earned.T, jnp.zeros_like(earned.T), jnp.asarray(discount), trace=1.0
    ).T  # times 1 - discount
    around = returns - jnp.mean(returns, axis=0 if centred else None)
    deviation = jnp.std(around)
    return around / jnp.where(deviation > 0, deviation, 1)
