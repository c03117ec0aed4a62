"""Meta-learning the start of naive learning. Shapes: B trajectories, P players, D numbers per policy, T steps."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array

from meva_core.contracts import (
    Game,
    Learner,
    StepsLike,
    Training,
    below_one,
    between,
    component,
    leaf,
    part,
    payoff_unit,
    positive,
    static,
)
from meva_core.ops import mean_over_batch, simultaneous_gradient, spread


class Params(NamedTuple):
    """The learnt start and rate: per seat a policy f32[P, D], and a learning rate f32[P]."""

    policy: Array
    rate: Array


@component
class MMAML(StepsLike, Learner):
    """Learns where to start and how fast to learn, then learns naively.

    Every seat's policy and rate ascend its mean payoff over T naive steps of all players, differentiated through all of
    the steps, against opponents who start from the game's initial policies and learn naively at `rate`. In a match, the
    learner starts from the learnt policy and takes naive steps at the learnt rate. In a symmetric game all seats share
    one start.

    References:
        Finn, Abbeel & Levine (2017), Model-Agnostic Meta-Learning, ICML; in games: Lu et al. (2022), Model-Free
        Opponent Shaping, ICML (as M-MAML).
    """

    game: Game = part()
    rate: float = leaf(
        default=1.0,
        doc="learning rate of the opponents in the fit, and first value of the learnt rate",
        check=positive,
        per_payoff=True,
    )
    payoff_range: float = leaf(
        default=3.0,
        doc="range of payoffs for which the fit's hyper-parameters are set; the fit scales payoffs to it",
        check=positive,
    )
    steps: int = static(default=300, doc="T, naive steps through which the fit differentiates", check=between(1, 10**5))
    loops: int = static(default=1000, doc="outer loops of the fit", check=between(1, 10**9))
    batch_size: int = static(default=64, doc="opponents per outer loop", check=between(1, 10**6))
    optimiser_rate: float = leaf(default=0.1, doc="learning rate of Adam, for policy and learning rate", check=positive)
    beta2: float = leaf(default=0.99, doc="Adam's decay of squared gradients", check=below_one)

    steps_like = "naive"
    small: ClassVar = {"steps": 3, "loops": 2, "batch_size": 4}

    @property
    def training(self) -> MMAMLTraining:
        return MMAMLTraining(learner=self)

    def start(self, params: Params, x: Array, key: Array) -> Array:
        return params.policy

    def update(self, params: Params, state: Any, x: Array, key: Array) -> tuple[Array, Any]:
        return params.rate[:, None] * simultaneous_gradient(self.game.payoff, x), state


class FitState(NamedTuple):
    """State of the fit: policy f32[N, D] and rate f32[N] of the N learnt seats; the rate is in the fit's own unit of
    payoffs."""

    policy: Array
    rate: Array
    optimiser: Any


@component
class MMAMLTraining(Training):
    """A training whose step is one step of Adam on a fresh batch of opponents."""

    learner: Any = part()

    extended_by = "loops"
    shown: ClassVar = {"loss": "loss", "payoff": "payoff at the end"}
    linear = ("payoff",)

    @property
    def num_steps(self) -> int:
        return self.learner.loops

    @property
    def _seats(self) -> Array:
        game = self.learner.game
        return jnp.arange(1 if game.symmetric else game.num_players)

    @property
    def _unit(self) -> Array:
        """Payoff that counts as 1 in the fit, f32[]."""
        return payoff_unit(self.learner.game, self.learner.payoff_range)

    def init(self, key: Array) -> FitState:
        policy = self.learner.game.init(key)[self._seats]
        rate = jnp.full(len(policy), self.learner.rate * self._unit, policy.dtype)
        return FitState(policy, rate, self._optimiser().init((policy, rate)))

    def params(self, state: FitState) -> Params:
        shape = (self.learner.game.num_players, state.policy.shape[1])
        return Params(jnp.broadcast_to(state.policy, shape), jnp.broadcast_to(state.rate / self._unit, shape[:1]))

    def step(self, state: FitState, key: Array) -> tuple[FitState, dict[str, Array]]:
        keys = jax.random.split(key, self.learner.batch_size)
        opponents = spread(jax.vmap(self.learner.game.init)(keys))

        def loss(learnt: tuple[Array, Array], opponents: Array) -> tuple[Array, Array]:
            def of_seat(seat: Array, policy: Array, rate: Array) -> Array:
                return jnp.mean(jax.vmap(lambda x: self.payoffs(seat, policy, rate / self._unit, x))(opponents), axis=0)

            payoffs = jax.vmap(of_seat)(self._seats, *learnt)  # f32[N, T]
            return -jnp.mean(payoffs) / self._unit, jnp.mean(payoffs[:, -1])

        learnt = (state.policy, state.rate)
        (value, final), gradient = mean_over_batch(jax.value_and_grad(loss, has_aux=True), learnt, opponents)
        updates, optimiser = self._optimiser().update(gradient, state.optimiser)
        policy, rate = jax.tree.map(jnp.add, learnt, updates)
        metrics = {
            "loss": value,
            "payoff": final,
            "rate": jnp.mean(rate) / self._unit,
            "gradient_norm": optax.tree.norm(gradient),
        }
        return FitState(policy, rate, optimiser), metrics

    def payoffs(self, seat: Array, policy: Array, rate: Array, x: Array) -> Array:
        """Payoffs of player `seat` after each of T naive steps from x, f32[T]; the player starts from `policy` with
        `rate`."""
        game, others = self.learner.game, self.learner.rate
        rates = jnp.full(game.num_players, others, x.dtype).at[seat].set(rate)[:, None]

        def step(x: Array, _: None) -> tuple[Array, Array]:
            x = x + rates * simultaneous_gradient(game.payoff, x)
            return x, game.payoff(x)[seat]

        return jax.lax.scan(step, x.at[seat].set(policy), None, length=self.learner.steps)[1]

    def _optimiser(self) -> optax.GradientTransformation:
        return optax.adam(self.learner.optimiser_rate, b2=self.learner.beta2)
