"""COALA-PG on exact payoffs.

Shapes: P players, D numbers per policy, K members of the population, N seats whose policies are learnt, B lifetimes.
"""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array

from meva_core.contracts import (
    Game,
    Training,
    between,
    component,
    leaf,
    learns_from,
    not_negative,
    one_of,
    part,
    payoff_unit,
    positive,
    static,
)
from meva_core.errors import BadCombination
from meva_core.match import Fitted, Held, Settled, earned, in_all_seats, match_in, own_seats
from meva_core.ops import spread


@component
class COALAPG(Settled):
    """Plays one policy and never moves: the one that gradients find while others learn against it, differentiated
    through all of their learning.

    It is the analytic form of COALA-PG (appendix C). The fit ascends, by AdamW and with the own policy constant along a
    lifetime,

        naive_share * mean_m f_i(x_i, y_m) + (1 - naive_share) f_i(x_i, z),

    where y_0 to y_M are the others' policies before and after each of M naive steps, and z is the policy of another
    member of the population, which counts as a constant. So a shaper of naive learners, who would exploit them, also
    meets shapers who do not yield. Every member learns; in a match, seat i plays member i mod K. In a symmetric game
    all seats of a member share one policy.

    With objective `last` and starts `present`, the others are the other member's present policies and take their M
    steps from there, and the payoff after the last step counts. That is the gradient of LOLA-DiCE with M look-aheads,
    here followed to its end before a match. The rule that takes such a step at every step of a match, and needs no
    fit, is `lola` with `look_aheads`.

    Against other learners, these are met in the place of naive learners, from the starts of the match, and there is one
    member; the gradient goes through their steps too. Raises BadCombination if one learns from episodes. Among
    naive learners, the mean payoff of a lifetime is what `good_shepherd` increases without derivatives.

    References:
        Meulemans et al. (2025), Multi-agent Cooperation through Learning-Aware Policy Gradients, ICLR, appendix C;
        Foerster et al. (2018), DiCE: The Infinitely Differentiable Monte Carlo Estimator, ICML, algorithm 1.
    """

    game: Game = part()
    rivals: tuple = part(
        default=(), doc="for each seat a Fitted rival, or None for this learner; empty: naive learners"
    )
    rate: float = leaf(
        default=1.0, doc="learning rate of the naive learners in a fit for self-play", check=positive, per_payoff=True
    )
    steps: int = static(default=100, doc="M, steps of the others in a lifetime", check=between(1, 10**5))
    objective: str = static(
        default="mean", doc="payoff of a lifetime that counts: the mean, or the last", check=one_of("mean", "last")
    )
    starts: str = static(
        default="fresh",
        doc="first policies of naive learners: fresh ones, or the present ones of another member",
        check=one_of("fresh", "present"),
    )
    naive_share: float = leaf(
        default=1.0, doc="weight of naive learners; the rest is that of other members", check=between(0, 1)
    )
    population: int = static(default=1, doc="K, members in a fit for self-play", check=between(1, 10**4))
    loops: int = static(default=1000, doc="steps of the fit", check=between(1, 10**9))
    batch_size: int = static(default=16, doc="B, lifetimes per step of the fit", check=between(1, 10**6))
    optimiser_rate: float = leaf(default=0.05, doc="learning rate of AdamW", check=positive)
    weight_decay: float = leaf(default=1e-4, doc="AdamW's pull of the policy towards 0", check=not_negative)

    small: ClassVar = {"steps": 2, "loops": 2, "batch_size": 2}

    def __attrs_post_init__(self) -> None:
        for rival in filter(None, self.rivals):
            if learns_from(rival.learner) == "episodes":
                raise BadCombination(
                    "expected other learners whose steps have derivatives, got "
                    f"{type(rival.learner).__name__}, which learns from episodes: use good_shepherd against it"
                )

    @property
    def training(self) -> COALAPGTraining:
        return COALAPGTraining(learner=self)


class FitState(NamedTuple):
    """State of the fit: the policies f32[K, N, D] of all members, and the optimiser's."""

    policies: Array
    optimiser: Any


@component
class COALAPGTraining(Training):
    """A training whose step is one step of AdamW for every member, on a fresh batch of lifetimes."""

    learner: Any = part()

    extended_by = "loops"
    shown: ClassVar = {"payoff": "payoff"}
    linear = ("payoff",)

    @property
    def num_steps(self) -> int:
        return self.learner.loops

    def init(self, key: Array) -> FitState:
        learner: COALAPG = self.learner
        count = 1 if learner.rivals else learner.population
        policies = jax.vmap(learner.game.init)(jax.random.split(key, count))[:, jnp.array(self._seats)]
        return FitState(policies, self._optimiser().init(policies))

    def params(self, state: FitState) -> Array:
        each = jnp.arange(self.learner.game.num_players)
        return self._by_seat(state.policies)[each % len(state.policies), each]

    def step(self, state: FitState, key: Array) -> tuple[FitState, dict[str, Array]]:
        learner: COALAPG = self.learner
        count, present = len(state.policies), self._by_seat(state.policies)
        life_key, mate_key = jax.random.split(key)
        mates = jax.random.randint(mate_key, (learner.batch_size,), 1, max(count, 2))  # places further in the circle
        lives = spread((jax.random.split(life_key, learner.batch_size), mates))
        unit = payoff_unit(learner.game, 1.0)

        def loss(policies: Array) -> tuple[Array, Array]:
            def of_one(key: Array, places: Array) -> Array:
                others = present[(jnp.arange(count) + places) % count]
                return jax.vmap(lambda own, mate: self._of_member(own, mate, key))(policies, others)

            payoffs = jax.vmap(of_one)(*lives)  # f32[B, K, N]
            return -jnp.sum(jnp.mean(payoffs, axis=0)) / unit, jnp.mean(payoffs)

        (_, payoff), gradient = jax.value_and_grad(loss, has_aux=True)(state.policies)
        updates, optimiser = self._optimiser().update(gradient, state.optimiser, state.policies)
        moved: Any = updates
        metrics = {"payoff": payoff, "gradient_norm": optax.tree.norm(gradient)}
        return FitState(state.policies + moved, optimiser), metrics

    def objective(self, seat: int, policy: Array, mate: Array, key: Array) -> Array:
        """The payoff f32[] that a policy f32[D] in `seat` increases, in one lifetime and against a mate f32[P, D]."""
        learner: COALAPG = self.learner
        x = mate.at[seat].set(policy)
        own, mates = Fitted(learner=Held(policies=x)), Fitted(learner=Held(policies=mate))
        match = match_in(learner.game, seat, own, mates, learner.rivals, learner.rate)
        first = x if learner.starts == "present" and not learner.rivals else None
        payoffs = earned(match, seat, learner.steps + 1, key, first)
        shaped = payoffs[-1] if learner.objective == "last" else jnp.mean(payoffs)
        if learner.rivals:
            return shaped
        return learner.naive_share * shaped + (1 - learner.naive_share) * learner.game.payoff(x)[seat]

    def _of_member(self, own: Array, mate: Array, key: Array) -> Array:
        """Payoffs f32[N] of a member's policies f32[N, D] with a mate f32[P, D]."""
        return jnp.stack(
            [self.objective(seat, own[n], mate, jax.random.fold_in(key, n)) for n, seat in enumerate(self._seats)]
        )

    def _by_seat(self, policies: Array) -> Array:
        """Policies f32[K, N, D] by seat, f32[K, P, D]."""
        return jax.vmap(lambda rows: in_all_seats(self.learner.game, self.learner.rivals, rows))(policies)

    @property
    def _seats(self) -> tuple[int, ...]:
        return own_seats(self.learner.game, self.learner.rivals)

    def _optimiser(self) -> optax.GradientTransformation:
        return optax.adamw(self.learner.optimiser_rate, weight_decay=self.learner.weight_decay)
