"""Meta-MAPG.

Shapes: P players, D numbers per policy, N seats whose policies are learnt, L steps of a chain, B chains.
"""

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
    not_negative,
    one_of,
    part,
    payoff_from,
    payoff_unit,
    positive,
    static,
)
from meva_core.match import in_all_seats, own_seats
from meva_core.ops import simultaneous_gradient, spread
from meva_shapers.personas import PERSONAS, check_persona, fresh_peers


class Params(NamedTuple):
    """The learnt start and rates, per seat: a policy f32[P, D], and the rate of each step of the chain, f32[P, L]."""

    policy: Array
    rates: Array


@component
class MetaMAPG(StepsLike, Learner):
    """Learns where to start and how fast to take each of its first L steps, where everybody learns by policy gradients.

    The fit ascends the mean of its payoffs after each step of a chain, x^{l+1} = x^l + rates^l * d_i f_i(x^l), against
    peers who start from a persona and learn at `rate`. The gradient in the first policy x_i^0 has three terms: by what
    the policy does now, by what its own steps make of it (own learning), and by what it makes the peers learn (peer
    learning). Without the last, `peer_learning = false`, it is Meta-PG. With no step, L = 0, it is the plain gradient
    of the payoff.

    On exact payoffs, the gradient is the derivative through the chain, and Meta-PG's holds the peers' policies
    constant. On a game that is played, every step and every payoff is estimated from episodes of its own by DiCE, so
    that a single derivative contains all terms; it has a bias of the order of 1 / episodes. Gradients of different
    steps are added up without the projection of the authors' code.

    In a match it starts from the learnt policy and takes naive steps, the first L at the learnt rates and later ones at
    `own_rate`. In a symmetric game all seats share one start.

    References:
        Kim et al. (2021), A Policy Gradient Algorithm for Learning to Learn in Multiagent Reinforcement Learning, ICML,
        theorem 1; Al-Shedivat et al. (2018), Continuous Adaptation via Meta-Learning in Nonstationary and Competitive
        Environments, ICLR (Meta-PG).
    """

    game: Game = part()
    rate: float = leaf(default=1.0, doc="learning rate of the peers in the fit", check=positive, per_payoff=True)
    own_rate: float = leaf(
        default=1.0,
        doc="own learning rate after the chain, and first value of the learnt rates; 0: no steps",
        check=not_negative,
        per_payoff=True,
    )
    steps: int = static(default=7, doc="L, steps of a chain", check=between(0, 10**4))
    peer_learning: bool = static(default=True, doc="the fit knows that it affects what peers learn; false: Meta-PG")
    personas: str = static(
        default="fresh",
        doc="first policies of the peers in the fit: the game's own, or policies that prefer one action",
        check=one_of(*PERSONAS),
    )
    loops: int = static(default=500, doc="outer loops of the fit", check=between(1, 10**9))
    batch_size: int = static(default=32, doc="B, chains per outer loop", check=between(1, 10**6))
    optimiser_rate: float = leaf(default=0.05, doc="learning rate of Adam, for policy and rates", check=positive)
    beta2: float = leaf(default=0.999, doc="Adam's decay of squared gradients", check=below_one)

    learns_from = "sample"
    steps_like = "naive"
    small: ClassVar = {"steps": 2, "loops": 2, "batch_size": 2}

    def __attrs_post_init__(self) -> None:
        check_persona(self.game, self.personas)

    @property
    def training(self) -> MetaMAPGTraining:
        return MetaMAPGTraining(learner=self)

    def start(self, params: Params, x: Array, key: Array) -> Array:
        return params.policy

    def init(self, params: Params, x: Array, key: Array) -> Array:
        return jnp.zeros((), jnp.int32)  # steps so far

    def update(self, params: Params, state: Array, x: Array, key: Array) -> tuple[Array, Array]:
        after = jnp.full_like(params.policy[:, :1], self.own_rate)
        rates = jnp.concatenate([params.rates, after], axis=1)[:, jnp.minimum(state, self.steps)]
        return rates[:, None] * simultaneous_gradient(payoff_from(self.game, key), x), state + 1


class Learnt(NamedTuple):
    """The numbers that the fit changes: policies f32[N, D], and logarithms of the rates in units of `own_rate`,
    f32[N, L]."""

    policy: Array
    log_rates: Array


class FitState(NamedTuple):
    """State of the fit: what it has learnt, and the optimiser's."""

    learnt: Learnt
    optimiser: Any


@component
class MetaMAPGTraining(Training):
    """A training whose step is one step of Adam on a fresh batch of chains."""

    learner: Any = part()

    extended_by = "loops"
    shown: ClassVar = {"payoff": "payoff at the end"}
    linear = ("payoff",)

    @property
    def num_steps(self) -> int:
        return self.learner.loops

    def init(self, key: Array) -> FitState:
        policy = self.learner.game.init(key)[jnp.array(self._seats)]
        learnt = Learnt(policy, jnp.zeros((len(policy), self.learner.steps), policy.dtype))
        return FitState(learnt, self._optimiser().init(learnt))

    def params(self, state: FitState) -> Params:
        rates = self.learner.own_rate * jnp.exp(state.learnt.log_rates)
        return Params(*(in_all_seats(self.learner.game, (), rows) for rows in (state.learnt.policy, rates)))

    def step(self, state: FitState, key: Array) -> tuple[FitState, dict[str, Array]]:
        learner: MetaMAPG = self.learner
        keys = spread(jax.random.split(key, learner.batch_size))
        unit = payoff_unit(learner.game, 1.0)

        def loss(learnt: Learnt) -> tuple[Array, Array]:
            def of_one(key: Array) -> Array:
                peers_key, key = jax.random.split(key)
                peers = fresh_peers(learner.game, learner.personas, peers_key).astype(learnt.policy.dtype)
                rates = learner.own_rate * jnp.exp(learnt.log_rates)
                return jnp.stack(
                    [
                        self.payoffs(seat, learnt.policy[n], rates[n], peers, jax.random.fold_in(key, n))
                        for n, seat in enumerate(self._seats)
                    ]
                )

            payoffs = jnp.mean(jax.vmap(of_one)(keys), axis=0)  # f32[N, max(L, 1)]
            return -jnp.mean(payoffs) / unit, jnp.mean(payoffs[:, -1])

        (_, final), gradient = jax.value_and_grad(loss, has_aux=True)(state.learnt)
        updates, optimiser = self._optimiser().update(gradient, state.optimiser)
        metrics = {"payoff": final, "gradient_norm": optax.tree.norm(gradient)}
        return FitState(jax.tree.map(jnp.add, state.learnt, updates), optimiser), metrics

    def payoffs(self, seat: int, policy: Array, rates: Array, peers: Array, key: Array) -> Array:
        """Payoffs f32[max(L, 1)] of player `seat` after each step of a chain, or before any if it has none.

        policy f32[D]: its first one. rates f32[L]: of its steps. peers f32[P, D]: the others' first policies.
        """
        learner: MetaMAPG = self.learner

        def step(x: Array, now: tuple[Array, Array]) -> tuple[Array, Array]:
            rate, (step_key, paid_key) = now
            gradient = simultaneous_gradient(payoff_from(learner.game, step_key), x)
            others = x + learner.rate * gradient
            others = others if learner.peer_learning else jax.lax.stop_gradient(others)
            x = others.at[seat].set(x[seat] + rate * gradient[seat])
            return x, payoff_from(learner.game, paid_key)(x)[seat]

        x = peers.at[seat].set(policy)
        if learner.steps == 0:
            return payoff_from(learner.game, key)(x)[seat][None]
        return jax.lax.scan(step, x, (rates, jax.random.split(key, (learner.steps, 2))))[1]

    @property
    def _seats(self) -> tuple[int, ...]:
        return own_seats(self.learner.game, ())

    def _optimiser(self) -> optax.GradientTransformation:
        return optax.adam(self.learner.optimiser_rate, b2=self.learner.beta2)
