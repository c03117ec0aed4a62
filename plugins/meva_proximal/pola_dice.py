"""Proximal LOLA from episodes. Shapes: P players, D numbers per policy, B episodes, T steps."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import optax
from jax import Array

from meva_core.contracts import (
    EpisodeLearner,
    Episodes,
    between,
    component,
    leaf,
    not_negative,
    one_of,
    part,
    positive,
    seats_or_all,
    static,
)
from meva_core.ops import stacked
from meva_core.sampling import divergence_along


@component
class POLADice(EpisodeLearner):
    """Player i moves towards the policy that pays best once the others have responded, near its present one, by
    ascent_steps steps of an optimiser on

        rate f_i(z, y(z)) - KL(x_i || z),

    where y_j(z), differentiated through, is where every other player j is after response_steps steps of gradient
    ascent, of rate response_rate, from x_j on

        h f_j(z, y) - KL(x_j || y), h the look-ahead rate.

    Every payoff f and every divergence KL is estimated from fresh episodes between z and y: payoffs by the estimator of
    the game, whose derivatives of all orders are estimates too (DiCE, Loaded DiCE), and KL as its mean over the steps
    of the episodes, after whatever happened until then. So it is `pola` for policies of any kind, networks with memory
    included. All players move from the same x, and the present policies in KL change only once all have moved.

    The papers' weights of KL are 1 / rate and 1 / h, and their rate of the others' steps is h response_rate. Unlike the
    authors' code, the optimiser keeps its moments from one step of the match to the next. With the optimiser `sgd`,
    ascent_steps = 1 and response_steps = 1 it is LOLA-DiCE, at the learning rate ascent_rate * rate and the look-ahead
    rate response_rate * h. Episodes of the match are not used: it needs those of the policies that it tries.

    References:
        Zhao et al. (2022), Proximal Learning with Opponent-Learning Awareness, NeurIPS, algorithm 2;
        Kingma & Ba (2015), Adam: A Method for Stochastic Optimization, ICLR.
    """

    game: Any = part()
    rate: float = leaf(
        default=1.0, doc="weight of the payoff against one unit of KL, 1 / beta_out", check=positive, per_payoff=True
    )
    look_ahead_rate: float = leaf(
        default=1.0,
        doc="h: the others' weight of the payoff against one unit of KL, 1 / beta_in",
        check=not_negative,
        per_payoff=True,
    )
    ascent_rate: float = leaf(default=0.1, doc="learning rate of the optimiser", check=positive)
    ascent_steps: int = static(default=20, doc="steps of the optimiser per step of a match", check=between(1, 10**6))
    response_rate: float = leaf(default=0.4, doc="learning rate of the others' steps", check=positive)
    response_steps: int = static(default=2, doc="steps of every other player", check=between(1, 1000))
    optimiser: str = static(default="adam", doc="optimiser of the own policy", check=one_of("adam", "sgd"))

    small: ClassVar = {"ascent_steps": 2, "response_steps": 1}

    def init(self, params: Any, x: Array, key: Array) -> Any:
        return jax.vmap(self._optimiser.init)(x)

    def learn(
        self, params: Any, state: Any, x: Array, episodes: Episodes, key: Array, seats: Collection[int] | None = None
    ) -> tuple[Array, Any]:
        found = []
        for i, own in enumerate(jax.random.split(key, len(x))):
            memory = jax.tree.map(lambda leaf, i=i: leaf[i], state)
            moves = i in seats_or_all(seats, x)
            found.append(self._improved(x, i, memory, own) if moves else (jnp.zeros_like(x[i]), memory))
        return stacked(found)

    def _improved(self, x: Array, i: int, memory: Any, key: Array) -> tuple[Array, Any]:
        """The step of player i, f32[D], and the memory of its optimiser."""

        def climb(carry: tuple[Array, Any], key: Array) -> tuple[tuple[Array, Any], None]:
            z, memory = carry
            moved, memory = self._optimiser.update(-jax.grad(self._worth)(z, x, i, key), memory)
            return (optax.apply_updates(z, moved), memory), None  # type: ignore[return-value]

        (z, memory), _ = jax.lax.scan(climb, (x[i], memory), jax.random.split(key, self.ascent_steps))
        return z - x[i], memory

    def _worth(self, z: Array, x: Array, i: int, key: Array) -> Array:
        """The objective of player i, f32[]: what it has if it plays z and the others respond."""
        own_key, *keys = jax.random.split(key, self.response_steps + 1)
        respond = lambda now, key: (self._responded(now, x, i, key), None)  # noqa: E731
        after, _ = jax.lax.scan(respond, x.at[i].set(z), jnp.stack(keys))
        return self._near(after, x, i, self.rate, own_key)

    def _responded(self, now: Array, x: Array, i: int, key: Array) -> Array:
        """The policies f32[P, D] after one step of all players but i, from `now` f32[P, D]."""
        after = now
        for j in (j for j in range(len(x)) if j != i):
            worth = lambda y, j=j: self._near(now.at[j].set(y), x, j, self.look_ahead_rate, key)  # noqa: E731
            after = after.at[j].add(self.response_rate * jax.grad(worth)(now[j]))
        return after

    def _near(self, now: Array, x: Array, i: int, rate: Any, key: Array) -> Array:
        """The payoff of player i between the policies `now`, times `rate`, minus its divergence from x_i, f32[]."""
        episodes = self.game.play(now, key)
        steps = self.game.shares(episodes)[:, None] * episodes.alive
        moved = divergence_along(self.game.policies[i], x[i], now[i], episodes.observations[:, :, i])
        return rate * self.game.estimate(episodes)[i] - jnp.sum(steps * moved) / jnp.sum(steps)

    @property
    def _optimiser(self) -> optax.GradientTransformation:
        return optax.sgd(self.ascent_rate) if self.optimiser == "sgd" else optax.adam(self.ascent_rate)
