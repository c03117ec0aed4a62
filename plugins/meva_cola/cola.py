"""Consistent LOLA. Shapes: B joint policies, P players, D numbers per policy."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array

from meva_core.contracts import (
    Game,
    Learner,
    Sweep,
    Training,
    ValueModel,
    below_one,
    between,
    component,
    derived,
    leaf,
    not_negative,
    one_of,
    part,
    payoff_unit,
    positive,
    static,
)
from meva_core.errors import BadCombination
from meva_core.ops import cosine, huber, look_ahead_gradient, mean_over_batch, simultaneous_gradient, spread

SMALLEST = 1e-2  # look-ahead rate, as a share of the highest, below which the weight of corrections decreases


@component
class COLA(Learner):
    """Everybody looks ahead, and knows that everybody does. A network g(x; h) is trained so that

        g_i(x; h) = d_i [ f_i(x_i, x_j + h g_j(x; h)) ]

    holds over the policies of `domain` and look-ahead rates h up to `highest_rate`; gradients flow through both
    sides, and through the effect of x_i on g_j. Players step by rate * g_i. If the orders of HOLA converge, their limit
    is such a g; COLA learns g without these orders, even if they diverge.

    - formulation `direction`: the network is g, as in the papers.
    - formulation `correction`: g = simultaneous gradient + h * network. Exact at h = 0; ours.

    The network works in its own unit of payoffs, in which payoffs range over `payoff_range`.

    At the edge of the domain, g is constrained from one side only: choose a domain wider than the policies you use.

    References:
        Willi et al. (2022), COLA: Consistent Learning with Opponent-Learning Awareness, ICML, equation 7;
        with h as an input: Cooijmans et al. (2023), section 5.1.
    """

    game: Game = part()
    value_model: Any = part(doc="builder of the network: (outputs, conditions, equivariant) -> ValueModel")
    formulation: str = static(
        default="direction",
        doc="output of the network: g, or (g - simultaneous gradient) / h",
        check=one_of("direction", "correction"),
    )
    rate: float = leaf(default=1.0, doc="learning rate", check=positive, per_payoff=True)
    look_ahead_rate: float = leaf(
        default=1.0, doc="h, rate of every player's imagined step", check=not_negative, per_payoff=True
    )
    highest_rate: float = leaf(
        default=1.0,
        doc="upper end of the interval from 0 of which the fit draws look-ahead rates",
        check=positive,
        per_payoff=True,
    )
    payoff_range: float = leaf(
        default=3.0,
        doc="range of payoffs for which the fit's hyper-parameters are set; the fit scales payoffs to it",
        check=positive,
    )
    domain: tuple[float, float] | None = static(
        default=None, doc="interval from which the fit draws every number of a policy; unset: the game's own starts"
    )
    loops: int = static(default=2000, doc="optimiser steps", check=between(1, 10**9))
    batch_size: int = static(default=256, doc="joint policies per optimiser step", check=between(1, 10**6))
    optimiser_rate: float = leaf(default=1e-3, doc="learning rate of Adam", check=positive)
    beta2: float = leaf(default=0.999, doc="Adam's decay of squared gradients", check=below_one)
    schedule: str = static(
        default="cosine", doc="schedule of Adam's rate over the fit", check=one_of("constant", "cosine")
    )
    final_rate: float = leaf(
        default=0.0, doc="end of the cosine schedule, as a share of its start", check=between(0, 1)
    )

    small: ClassVar = {"batch_size": 4, "loops": 2}

    model: ValueModel = derived(
        lambda self: self.value_model(self.game.policy_size, 1, self.game.symmetric),
        doc="the network: D outputs per player; equivariant if the game is symmetric",
    )

    def __attrs_post_init__(self) -> None:
        if self.domain is not None and not self.domain[0] < self.domain[1]:
            raise BadCombination(f"expected learner.domain = [low, high] with low < high, got {list(self.domain)}")

    @property
    def unit(self) -> Array:
        """Payoff that counts as 1 in the network, f32[]."""
        return payoff_unit(self.game, self.payoff_range)

    @property
    def training(self) -> COLATraining:
        return COLATraining(learner=self)

    @property
    def sweep(self) -> Sweep:
        shares = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)
        return Sweep("look_ahead_rate", tuple(s * float(self.highest_rate) for s in shares), "look-ahead rate η")

    def update(self, params: Any, state: Any, x: Array, key: Array) -> tuple[Array, Any]:
        return self.rate * self.direction(params, x, jnp.asarray(self.look_ahead_rate)), state

    def direction(self, params: Any, x: Array, look_ahead_rate: Array) -> Array:
        """Steps g(x; h) before the learning rate, f32[P, D]."""
        share = jnp.full((x.shape[0], 1), look_ahead_rate / self.highest_rate, x.dtype)
        output = self.unit * self.model.head(params, self.model.features(params, x, x, share))
        if self.formulation == "direction":
            return output
        return simultaneous_gradient(self.game.payoff, x) + self.unit * look_ahead_rate * output

    def residual(self, params: Any, x: Array, look_ahead_rate: Array) -> Array:
        """Inconsistency of g, f32[P, D]: left side minus right side of its equation."""

        def direction(x: Array) -> Array:
            return self.direction(params, x, look_ahead_rate)

        return direction(x) - look_ahead_gradient(self.game.payoff, lambda x: look_ahead_rate * direction(x), x)


class FitState(NamedTuple):
    """State of the fit."""

    params: Any
    optimiser: Any


@component
class COLATraining(Training):
    """A training whose step is one step of Adam on a fresh batch of joint policies and look-ahead rates."""

    learner: Any = part()

    shown: ClassVar = {"loss": "loss", "inconsistency": "inconsistency"}

    @property
    def num_steps(self) -> int:
        return self.learner.loops

    @property
    def extended_by(self) -> str | None:
        return "loops" if self.learner.schedule == "constant" else None

    def init(self, key: Array) -> FitState:
        params = self.learner.model.init(key)
        return FitState(params, self._optimiser().init(params))

    def params(self, state: FitState) -> Any:
        return state.params

    def step(self, state: FitState, key: Array) -> tuple[FitState, dict[str, Array]]:
        policy_key, rate_key = jax.random.split(key)
        x = spread(self.policies(policy_key))
        rates = jax.random.uniform(rate_key, (len(x),), maxval=self.learner.highest_rate)

        def loss(params: Any, x: Array, rates: Array) -> tuple[Array, Array]:
            residuals = jax.vmap(lambda x, rate: self.learner.residual(params, x, rate))(x, rates)
            return jnp.mean(huber(residuals / self._size(rates))), jnp.mean(residuals**2)

        (value, error), gradient = mean_over_batch(jax.value_and_grad(loss, has_aux=True), state.params, x, rates)
        updates, optimiser = self._optimiser().update(gradient, state.optimiser)
        metrics = {"loss": value, "inconsistency": jnp.sqrt(error), "gradient_norm": optax.tree.norm(gradient)}
        return FitState(optax.apply_updates(state.params, updates), optimiser), metrics

    def policies(self, key: Array) -> Array:
        """A batch of joint policies, f32[B, P, D]."""
        learner: COLA = self.learner
        if learner.domain is None:
            return jax.vmap(learner.game.init)(jax.random.split(key, learner.batch_size))
        shape = (learner.batch_size, learner.game.num_players, learner.game.policy_size)
        low, high = learner.domain
        return jax.random.uniform(key, shape, minval=low, maxval=high)

    def _size(self, rates: Array) -> Array:
        """Weight of the network's output in g, f32[B, 1, 1].

        Residuals are divided by it: otherwise the network would learn little at small look-ahead rates, where a
        correction has little effect on g.
        """
        unit = self.learner.unit
        if self.learner.formulation == "direction":
            return jnp.full((len(rates), 1, 1), unit)
        return unit**2 * jnp.maximum(rates, SMALLEST * self.learner.highest_rate)[:, None, None]

    def _optimiser(self) -> optax.GradientTransformation:
        learner: COLA = self.learner
        rate: Any = learner.optimiser_rate
        if learner.schedule == "cosine":
            rate = cosine(rate, learner.final_rate, learner.loops)
        return optax.adam(rate, b2=learner.beta2)
